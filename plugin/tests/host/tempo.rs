//! While the tempo moves, the clip is stretched, and every moment of it sounds where the host has it.

use crate::fixture::{PIP, Score, Timbre};
use crate::instance::Audio;
use crate::playback::playing;
use crate::transport::{Head, Song};

/// A tempo that goes through corners, in a line between them: seconds and quarter notes per minute.
struct Curve {
    rate: u32,
    corners: Vec<(f64, f64)>,
}

impl Curve {
    /// Tempo and position at `frame`.
    fn at(&self, frame: i64) -> (f64, f64) {
        let seconds = frame as f64 / f64::from(self.rate);
        let mut beats = 0.0;
        for pair in self.corners.windows(2) {
            let [(from, low), (to, high)] = [pair[0], pair[1]];
            let inside = (seconds - from).min(to - from);
            let tempo = if to > from { low + (high - low) * inside / (to - from) } else { high };
            beats += (low + tempo) / 2.0 * inside / 60.0;
            if seconds < to {
                return (tempo, beats);
            }
        }
        let (from, last) = self.corners[self.corners.len() - 1];
        (last, beats + last * (seconds - from) / 60.0)
    }

    fn play(&self, audio: &mut Audio, frames: usize, size: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(frames);
        while out.len() < frames {
            let frame = out.len() as i64;
            let (tempo, beats) = self.at(frame);
            let head = Head {
                playing: true,
                frame: Some(frame),
                beats: Some(beats),
                tempo: Some(tempo),
                meter: Some((4, 4)),
                cycle: None,
            };
            out.extend(audio.block(size.min(frames - out.len()), Some(&head), &[]).iter().map(|heard| heard[0]));
        }
        out
    }

    /// Frames at which the song passes a multiple of `every` quarter notes.
    fn passes(&self, every: f64, frames: usize) -> Vec<f64> {
        let mut passes = Vec::new();
        let mut before = self.at(0).1;
        for frame in 1..frames as i64 {
            let beats = self.at(frame).1;
            let target = (before / every).floor() * every + every;
            if beats >= target {
                passes.push((frame - 1) as f64 + (target - before) / (beats - before));
            }
            before = beats;
        }
        passes
    }
}

/// Where the energy around `expected` is highest, in frames, and how loud it is there. Looks as far as half-way to the
/// neighbours.
fn loudest(out: &[f32], expected: f64, reach: f64, rate: u32) -> (f64, f64) {
    let half = (PIP * f64::from(rate)) as i64;
    let window: Vec<f64> =
        (-half..=half).map(|at| 0.5 + 0.5 * (std::f64::consts::PI * at as f64 / half as f64).cos()).collect();
    let energy = |centre: i64| -> f64 {
        let sample = |at: i64| usize::try_from(at).ok().and_then(|at| out.get(at)).map_or(0.0, |x| f64::from(x * x));
        (-half..=half).zip(&window).map(|(offset, weight)| weight * sample(centre + offset)).sum()
    };
    let (from, to) = ((expected - reach) as i64, (expected + reach) as i64);
    let (energy, at) = (from..=to).map(|at| (energy(at), at)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (at as f64, energy)
}

/// Distances between where pips sound and where the beat is, in milliseconds.
fn errors(curve: &Curve, bpm: f64, every: f64, seconds: f64, size: usize) -> Vec<(f64, f64)> {
    let rate = curve.rate;
    let score = Score { bars: 2, sound: Timbre::Pips(every), ..Score::noise(rate, bpm, 0) };
    let (_instance, mut audio, _) = playing(&[score]);
    let frames = (seconds * f64::from(rate)) as usize;
    let out = curve.play(&mut audio, frames, size);
    let whole = loudest(
        &score.frames().iter().map(|frame| frame[0]).collect::<Vec<_>>(),
        score.exact_frames() / 2.0,
        2.0,
        rate,
    );
    let passes = curve.passes(every, frames - rate as usize / 4);
    passes
        .into_iter()
        .map(|expected| {
            let tempo = curve.at(expected as i64).0;
            let reach = every * 60.0 / tempo * f64::from(rate) * 0.45;
            let (at, energy) = loudest(&out, expected, reach, rate);
            assert!(energy > 0.02 * whole.1, "nothing sounds at frame {expected}: {energy} of {}", whole.1);
            (expected / f64::from(rate), (at - expected) / f64::from(rate) * 1000.0)
        })
        .collect()
}

#[track_caller]
fn assert_in_time(curve: &Curve, bpm: f64, seconds: f64, size: usize) {
    let errors = errors(curve, bpm, 0.5, seconds, size);
    let worst = errors.iter().copied().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap();
    assert!(errors.len() > 10, "the curve passes only {} pips", errors.len());
    assert!(worst.1.abs() <= 1.0, "at {:.3} s the clip is {:.2} ms off, blocks of {size}", worst.0, worst.1);
}

#[test]
fn up_and_down_a_ramp_every_pip_is_within_a_millisecond() {
    for size in [64, 512, 2048] {
        for rate in [44_100, 48_000, 96_000] {
            let up = Curve { rate, corners: vec![(0.0, 90.0), (1.0, 90.0), (9.0, 150.0), (10.0, 150.0)] };
            assert_in_time(&up, 90.0, 11.0, size);
            let down = Curve { rate, corners: vec![(0.0, 120.0), (8.0, 70.0)] };
            assert_in_time(&down, 120.0, 9.0, size);
        }
    }
}

#[test]
fn jumps_of_tempo_leave_the_clip_in_time() {
    let corners = vec![(0.0, 120.0), (2.0, 120.0), (2.0, 84.0), (5.0, 84.0), (5.0, 160.0), (8.0, 160.0), (8.0, 120.0)];
    for size in [100, 512] {
        assert_in_time(&Curve { rate: 48_000, corners: corners.clone() }, 120.0, 11.0, size);
    }
}

#[test]
fn a_steady_other_tempo_does_not_drift() {
    for tempo in [76.0, 100.0, 127.5, 180.0] {
        assert_in_time(&Curve { rate: 48_000, corners: vec![(0.0, tempo)] }, 110.0, 12.0, 512);
    }
}

#[test]
fn tempo_told_within_a_block_is_followed() {
    use crate::instance::Change;
    let rate = 48_000;
    let curve = Curve { rate, corners: vec![(0.0, 100.0), (8.0, 140.0)] };
    let score = Score { bars: 2, sound: Timbre::Pips(0.5), ..Score::noise(rate, 100.0, 0) };
    let (_instance, mut audio, _) = playing(&[score]);
    let head = |frame: i64| {
        let (tempo, beats) = curve.at(frame);
        Head { beats: Some(beats), tempo: Some(tempo), ..Song::new(rate, tempo).at(frame) }
    };
    let mut out: Vec<f32> = Vec::new();
    while out.len() < 9 * rate as usize {
        let frame = out.len() as i64;
        let changes = [256, 512, 768].map(|offset| (offset, Change::Head(head(frame + i64::from(offset)))));
        out.extend(audio.block(1024, Some(&head(frame)), &changes).iter().map(|heard| heard[0]));
    }
    for expected in curve.passes(0.5, 8 * rate as usize) {
        let (at, _) = loudest(&out, expected, 6_000.0, rate);
        let error = (at - expected) / f64::from(rate) * 1000.0;
        assert!(error.abs() <= 1.0, "at frame {expected} the clip is {error:.2} ms off");
    }
}
