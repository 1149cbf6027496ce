//! Which cue the notes have chosen, from bar line to bar line.

use super::clock::Now;
use super::shelf::Clips;
use crate::clip::Clip;
use crate::link::cue_slot;

/// A note this much later than a bar line still counts for it: hosts round the places of notes.
const LATE_SECONDS: f64 = 0.005;
/// Tempo where the host says none.
const USUAL_TEMPO: f64 = 120.0;

/// A cue and the bar on which it begins, counted from the song's first, which is 0. A cue that is no whole number of the
/// host's bars long may begin between bar lines after a jump.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chosen {
    pub cue: usize,
    pub bar: f64,
}

/// Follows the notes.
#[derive(Debug, Default)]
pub(super) struct Chooser {
    /// What sounds.
    chosen: Option<Chosen>,
    /// What sounds from its bar on.
    next: Option<Chosen>,
    /// What was chosen while the host stood still: sounds as soon as it starts.
    armed: Option<usize>,
    /// Whether the host ran at the last look.
    is_running: bool,
}

/// The host's bar lines in frames.
struct Lines {
    origin: f64,
    bar: f64,
}

impl Chooser {
    /// Forgets all choices.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What sounds, if notes have chosen anything.
    pub fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    /// A note chooses `cue` at `now`; `None` while the host stands still.
    pub fn hear(&mut self, cue: usize, now: Option<&Now>, rate: f64) {
        match now {
            Some(now) => {
                let late = (rate * LATE_SECONDS) as i64;
                self.next = Some(Chosen { cue, bar: Lines::of(now, rate).after(now.frame.saturating_sub(late)) });
            }
            None => self.armed = Some(cue),
        }
    }

    /// Makes the choice that is due at `now`; answers in how many frames the next one is.
    pub fn settle(&mut self, now: Option<&Now>, clips: &Clips, rate: f64) -> usize {
        let Some(now) = now else {
            (self.chosen, self.next, self.is_running) = (None, None, false);
            return usize::MAX;
        };
        let lines = Lines::of(now, rate);
        if !std::mem::replace(&mut self.is_running, true)
            && let Some(cue) = self.armed.take()
        {
            self.next = Some(Chosen { cue, bar: lines.before(now.frame) });
        }
        let mut left = usize::MAX;
        if let Some(Chosen { cue, bar }) = self.next {
            // The host may have jumped back: then an earlier bar line comes next.
            let next = Chosen { cue, bar: bar.min(lines.after(now.frame)) };
            let line = lines.at(next.bar);
            if line > now.frame {
                left = usize::try_from(line.saturating_sub(now.frame)).unwrap_or(usize::MAX);
            } else {
                self.next = None;
                self.chosen = clip(cue, clips).map_or(self.chosen, |_| Some(next));
            }
        }
        self.chosen = self.chosen.and_then(|chosen| lines.reach(chosen, now, clips));
        left
    }
}

impl Lines {
    fn of(now: &Now, rate: f64) -> Self {
        Self { origin: now.origin, bar: now.bar * rate * 60.0 / now.tempo.unwrap_or(USUAL_TEMPO) }
    }

    /// The frame on which a bar begins.
    fn at(&self, bar: f64) -> i64 {
        (self.origin + bar * self.bar + 1e-6).round() as i64
    }

    /// The first bar that begins on `frame` or after.
    fn after(&self, frame: i64) -> f64 {
        let bar = ((frame as f64 - self.origin) / self.bar).round();
        if self.at(bar) >= frame && self.at(bar - 1.0) < frame { bar } else { bar + 1.0 }
    }

    /// The last bar that begins on `frame` or before.
    fn before(&self, frame: i64) -> f64 {
        let after = self.after(frame);
        if self.at(after) == frame { after } else { after - 1.0 }
    }

    /// The same choice, begun whole rounds earlier if the host has jumped back before its beginning.
    fn reach(&self, chosen: Chosen, now: &Now, clips: &Clips) -> Option<Chosen> {
        let Some(clip) = clip(chosen.cue, clips) else { return Some(chosen) };
        let ahead = self.at(chosen.bar).saturating_sub(now.frame);
        let bars = clip.quarters() / now.bar;
        if ahead <= 0 || bars.is_nan() || bars <= 0.0 {
            return Some(chosen);
        }
        let rounds = (ahead as f64 / (bars * self.bar)).ceil();
        Some(Chosen { bar: chosen.bar - rounds * bars, ..chosen })
    }
}

fn clip(cue: usize, clips: &Clips) -> Option<&Clip> {
    clips.get(cue_slot(cue))?.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_lines_are_found_from_both_sides() {
        for bar in [96_000.0, 88_200.0 / 1.37, 7.5] {
            let lines = Lines { origin: 12.34, bar };
            for n in -40..400 {
                let (n, line) = (f64::from(n), lines.at(f64::from(n)));
                assert_eq!((lines.after(line), lines.before(line)), (n, n));
                assert_eq!((lines.after(line + 1), lines.before(line - 1)), (n + 1.0, n - 1.0));
            }
        }
    }
}
