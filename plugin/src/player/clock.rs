//! Makes one steady time line of what hosts tell about their transport.
//!
//! What hosts were seen to do: report beats rounded to 1/1920, tempi such as 95.000000056 for 95, negative frames before
//! the start, a tempo without a position, nothing at all. Frames are exact wherever they are given, so the clock counts in
//! frames, and uses beats only to find where beat 0 lies.

use super::Moment;

/// Ticks per quarter note in which some hosts count.
const TICKS: f64 = 1920.0;
/// Beats that differ by no more, in quarter notes, are the same.
const SAME_BEATS: f64 = 1e-4;
/// Tempi that differ by no more, relatively, are the same.
const SAME_TEMPO: f64 = 1e-7;
/// A tempo this close, relatively, to whole thousandths was meant to be those.
const SNAP_TEMPO: f64 = 1e-8;
/// Quarter notes per minute that are believed.
const TEMPI: std::ops::RangeInclusive<f64> = 0.1..=10_000.0;
/// Frames and beats beyond are taken for noise: 2^48 frames are 46 years at 192 kHz.
const FARTHEST: f64 = (1_i64 << 48) as f64;

/// Where the host is at the start of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Now {
    /// Frames since the start of the song.
    pub frame: i64,
    /// It has started here, or come here by a jump.
    pub is_entry: bool,
    /// Quarter notes per minute; `None` if the host has none.
    pub tempo: Option<f64>,
    /// The frame on which beat 0 would lie if the tempo had always been the present one.
    pub origin: f64,
    /// Quarter notes in a bar.
    pub bar: f64,
    /// Frames since the tempo was another one.
    pub steady: u64,
    /// Change of the tempo per frame, as long as it keeps changing about as fast.
    pub bend: f64,
}

/// Follows a host's transport.
#[derive(Debug)]
pub(super) struct Clock {
    /// Frames per minute.
    per_minute: f64,
    /// What was true at the last block.
    last: Option<Now>,
    /// The frame on which the next block begins if the host goes on.
    next: i64,
    /// Length of the last block in frames.
    frames: usize,
    /// Change of the tempo per frame from the last block but one to the last.
    slope: f64,
}

impl Clock {
    /// At a sample rate in Hz.
    pub fn new(rate: f64) -> Self {
        Self { per_minute: rate * 60.0, last: None, next: 0, frames: 0, slope: 0.0 }
    }

    /// Forgets where the host was.
    pub fn clear(&mut self) {
        self.last = None;
    }

    /// Reads the transport. `None` if it stands still or does not say where it is.
    pub fn read(&mut self, moment: &Moment) -> Option<Now> {
        let mut now = self.find(moment);
        let slope = now.map_or(0.0, |now| self.slope(&now));
        if let Some(now) = &mut now
            && slope * self.slope > 0.0
            && (0.5..=2.0).contains(&(slope / self.slope))
        {
            now.bend = slope;
        }
        self.slope = slope;
        self.last = now;
        now
    }

    /// Says where the host will be at the next block if it goes on.
    pub fn expect(&mut self, frame: i64, frames: usize) {
        (self.next, self.frames) = (frame, frames);
        if let Some(last) = &mut self.last {
            last.steady = last.steady.saturating_add(frames as u64);
        }
    }

    fn find(&self, moment: &Moment) -> Option<Now> {
        if !moment.playing {
            return None;
        }
        let tempo = tempo(moment);
        let beats = beats(moment);
        let frame = match moment.frame.filter(|frame| (*frame as f64).abs() < FARTHEST) {
            Some(frame) => frame,
            None => self.frame_by_beats(beats?, tempo?)?,
        };
        let last = self.last.filter(|_| frame == self.next);
        // A tempo that only trembles keeps its first value.
        let held = last.filter(|last| last.tempo.zip(tempo).is_some_and(|(a, b)| (a - b).abs() <= SAME_TEMPO * a));
        let tempo = held.map_or(tempo, |held| held.tempo);
        let origin = match (beats, tempo) {
            (Some(beats), Some(tempo)) => self.origin(frame, beats, tempo, last, held.is_some()),
            _ => 0.0,
        };
        let steady = held.map_or(0, |held| held.steady);
        Some(Now { frame, is_entry: last.is_none(), tempo, origin, bar: bar(moment), steady, bend: 0.0 })
    }

    /// Change of the tempo per frame since the last block.
    fn slope(&self, now: &Now) -> f64 {
        let last = self.last.filter(|_| now.frame == self.next && self.frames > 0);
        let tempi = last.and_then(|last| last.tempo.zip(now.tempo));
        tempi.map_or(0.0, |(before, tempo)| (tempo - before) / self.frames as f64)
    }

    /// A frame for hosts that only count beats: the next one as long as the beats agree.
    fn frame_by_beats(&self, beats: f64, tempo: f64) -> Option<i64> {
        let goes_on = self.last.filter(|last| {
            let expected = self.beats_at(self.next, last.origin, last.tempo.unwrap_or(tempo));
            (expected - beats).abs() <= 0.01
        });
        let frame = goes_on.map_or(beats * self.per_minute / tempo, |_| self.next as f64);
        (frame.abs() < FARTHEST).then_some(frame.round() as i64)
    }

    fn origin(&self, frame: i64, beats: f64, tempo: f64, last: Option<Now>, same_tempo: bool) -> f64 {
        let on_grid = (beats * TICKS - (beats * TICKS).round()).abs() < 1e-5;
        let tolerance = if on_grid { 1.1 / TICKS } else { SAME_BEATS };
        if (self.beats_at(frame, 0.0, tempo) - beats).abs() <= tolerance {
            return 0.0;
        }
        let from = |beats: f64| frame as f64 - beats * self.per_minute / tempo;
        let Some(last) = last else { return from(beats) };
        let counted = self.beats_at(frame, last.origin, last.tempo.unwrap_or(tempo));
        match (counted - beats).abs() <= tolerance {
            true if same_tempo => last.origin,
            // Under way through a tempo map, ticks would make the position tremble.
            true if on_grid => from(counted + (beats - counted) * 0.25),
            _ => from(beats),
        }
    }

    fn beats_at(&self, frame: i64, origin: f64, tempo: f64) -> f64 {
        (frame as f64 - origin) * tempo / self.per_minute
    }
}

/// The host's tempo, if it makes sense.
pub(super) fn tempo(moment: &Moment) -> Option<f64> {
    let tempo = moment.tempo.filter(|tempo| TEMPI.contains(tempo))?;
    let meant = (tempo * 1000.0).round() / 1000.0;
    Some(if (tempo - meant).abs() <= SNAP_TEMPO * tempo { meant } else { tempo })
}

/// The host's position in quarter notes, if it makes sense.
pub(super) fn beats(moment: &Moment) -> Option<f64> {
    moment.beats.filter(|beats| beats.abs() < FARTHEST)
}

/// The host's time signature, if it makes sense.
pub(super) fn meter(moment: &Moment) -> Option<(u32, u32)> {
    moment.meter.filter(|(numerator, denominator)| (1..=1024).contains(numerator) && (1..=1024).contains(denominator))
}

/// Quarter notes in a bar; 4 when the host does not say.
fn bar(moment: &Moment) -> f64 {
    meter(moment).map_or(4.0, |(numerator, denominator)| f64::from(numerator) * 4.0 / f64::from(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(frame: i64, beats: f64, tempo: f64) -> Moment {
        Moment { playing: true, frame: Some(frame), beats: Some(beats), tempo: Some(tempo), ..Moment::default() }
    }

    #[test]
    fn quantised_beats_and_a_trembling_tempo_leave_the_origin_at_zero() {
        let mut clock = Clock::new(48_000.0);
        for block in -3..200_000_i64 {
            let frame = block * 771;
            let exact = frame as f64 * 95.0 / 2_880_000.0;
            let now = clock.read(&moment(frame, (exact * 1920.0).floor() / 1920.0, 95.000_000_056)).expect("plays");
            assert_eq!((now.origin, now.tempo), (0.0, Some(95.0)));
            clock.expect(frame + 771, 771);
        }
    }

    #[test]
    fn after_a_tempo_change_the_origin_is_held_though_beats_are_quantised() {
        // 8 beats at 120, then 90.
        let mut clock = Clock::new(48_000.0);
        let mut origins = Vec::new();
        for block in 0..5_000_i64 {
            let frame = 192_000 + block * 64;
            let exact = 8.0 + (block * 64) as f64 * 90.0 / 2_880_000.0;
            let now = clock.read(&moment(frame, (exact * 1920.0).round() / 1920.0, 90.0)).expect("plays");
            clock.expect(frame + 64, 64);
            origins.push(now.origin);
        }
        let exact = 192_000.0 - 8.0 * 2_880_000.0 / 90.0;
        assert!(origins.iter().all(|origin| *origin == origins[0]));
        assert!((origins[0] - exact).abs() < 1e-6);
    }

    #[test]
    fn beats_alone_count_frames_on() {
        let mut clock = Clock::new(44_100.0);
        for block in 0..1_000_i64 {
            let beats = 2.0 + (block * 100) as f64 * 97.0 / (44_100.0 * 60.0);
            let now = clock.read(&Moment { frame: None, ..moment(0, beats, 97.0) }).expect("plays");
            assert_eq!(now.frame, (2.0_f64 * 44_100.0 * 60.0 / 97.0).round() as i64 + block * 100);
            clock.expect(now.frame + 100, 100);
        }
    }

    #[test]
    fn nonsense_is_no_position() {
        let mut clock = Clock::new(44_100.0);
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
            let now = clock.read(&moment(100, wrong, wrong));
            assert!(now.is_some_and(|now| now.origin.is_finite() && now.tempo.is_none()));
            assert_eq!(clock.read(&Moment { frame: None, ..moment(0, 1.0, wrong) }), None);
        }
        assert_eq!(clock.read(&Moment::default()), None);
        let far = Moment { frame: Some(i64::MIN), beats: None, ..moment(0, 0.0, 120.0) };
        assert_eq!(clock.read(&far), None);
    }
}
