//! What the influence parameter was when the song last passed the first bars of the storyboard's cues.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::link::CUES;

/// A first bar that no cue has.
const NOWHERE: i32 = i32::MIN;
/// Some hosts round their position, so that blocks overlap, or leave bar lines out, by this much.
const SAME_BARS: f64 = 0.001;
/// Stands for a cue that has not been passed.
const NOT_PASSED: u32 = f32::NAN.to_bits();

/// The audio thread writes down what it passes; anyone reads. Counts only once the parameter was seen to move while the
/// song played: one that stands still is not automated, and its present value is meant.
#[derive(Debug)]
pub struct Passages {
    /// First bars of cues, counted from the storyboard's own.
    bars: [AtomicI32; CUES],
    influences: [AtomicU32; CUES],
    /// The parameter at the last block of a song that plays; not a number while it stands.
    last: AtomicU32,
    is_automated: AtomicBool,
    /// Where the last block ended, in bars.
    end: AtomicU64,
    /// Ids and first bars of the cues. Never locked by the audio thread.
    cues: Mutex<Vec<(u64, i32)>>,
}

impl Default for Passages {
    fn default() -> Self {
        Self {
            bars: [const { AtomicI32::new(NOWHERE) }; CUES],
            influences: [const { AtomicU32::new(NOT_PASSED) }; CUES],
            last: AtomicU32::new(NOT_PASSED),
            is_automated: AtomicBool::new(false),
            end: AtomicU64::new(f64::NAN.to_bits()),
            cues: Mutex::default(),
        }
    }
}

impl Passages {
    /// Says where the cues begin: their ids and first bars, counted from the storyboard's own, in order. What is known of
    /// cues that stay where they are is kept.
    pub fn place(&self, cues: Vec<(u64, i32)>) {
        let mut current = self.cues.lock();
        if *current == cues {
            return;
        }
        let known: Vec<_> =
            current.iter().zip(&self.influences).map(|(cue, known)| (*cue, known.load(Relaxed))).collect();
        for index in 0..CUES {
            let cue = cues.get(index);
            let kept = known.iter().find(|(other, _)| Some(other) == cue).map_or(NOT_PASSED, |(_, known)| *known);
            self.bars[index].store(cue.map_or(NOWHERE, |(_, bar)| *bar), Relaxed);
            self.influences[index].store(kept, Relaxed);
        }
        *current = cues;
    }

    /// The song plays over `bars`, counted from the storyboard's own, with the parameter at `influence`.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn pass(&self, bars: Range<f64>, influence: f32) {
        let last = f32::from_bits(self.last.swap(influence.to_bits(), Relaxed));
        if !last.is_nan() && last != influence {
            self.is_automated.store(true, Relaxed);
        }
        let end = f64::from_bits(self.end.swap(bars.end.to_bits(), Relaxed));
        let goes_on = (bars.start - end).abs() < SAME_BARS;
        let bars = if goes_on { end..bars.end } else { bars };
        for (bar, passed) in self.bars.iter().zip(&self.influences) {
            let bar = bar.load(Relaxed);
            if bar != NOWHERE && bars.contains(&f64::from(bar)) {
                passed.store(influence.to_bits(), Relaxed);
            }
        }
    }

    /// The song stands still.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn rest(&self) {
        self.last.store(NOT_PASSED, Relaxed);
    }

    /// The user has turned the knob: that is what is meant from now on.
    pub fn forget(&self) {
        self.is_automated.store(false, Relaxed);
        self.influences.iter().for_each(|passed| passed.store(NOT_PASSED, Relaxed));
    }

    /// The parameter where the cue at `index` begins, 0..=1; `None` if it is not known to be automated.
    pub fn influence(&self, index: usize) -> Option<f64> {
        let passed = f32::from_bits(self.influences.get(index)?.load(Relaxed));
        // The number that the user sees: 0.3, not 0.300000011920929.
        let passed = (f64::from(passed) * 1e4).round() / 1e4;
        (self.is_automated.load(Relaxed) && !passed.is_nan()).then_some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages() -> Passages {
        let passages = Passages::default();
        passages.place(vec![(1, 0), (2, 4), (3, 6)]);
        passages
    }

    /// Plays bars 0 to 8 in blocks of `step` bars, with the parameter rising by a tenth a bar.
    fn play(passages: &Passages, step: f64) {
        for block in 0..(8.0 / step) as i32 {
            let bar = f64::from(block) * step;
            passages.pass(bar..bar + step, (bar.floor() * 0.1) as f32);
        }
    }

    #[test]
    fn each_cue_has_the_value_of_its_first_bar_whatever_the_blocks() {
        for step in [1.0, 0.5, 0.125, 1.0 / 1024.0] {
            let passages = passages();
            play(&passages, step);
            let heard: Vec<_> = (0..4).map(|index| passages.influence(index)).collect();
            assert_eq!(heard, [Some(0.0), Some(0.4), Some(0.6), None], "blocks of {step}");
        }
    }

    #[test]
    fn a_position_that_is_rounded_passes_every_bar_once() {
        let passages = passages();
        let rounded = |bar: f64| (bar * 4.0 * 1920.0).ceil() / (4.0 * 1920.0);
        for block in 0..8_000 {
            let bar = f64::from(block) / 1_000.0;
            // The parameter moves just after every bar line.
            let influence = ((bar - 0.0005).floor() * 0.1) as f32;
            passages.pass(rounded(bar - 0.00001)..rounded(bar - 0.00001) + 0.001, influence.max(0.0));
        }
        assert_eq!((passages.influence(1), passages.influence(2)), (Some(0.3), Some(0.5)));
    }

    #[test]
    fn what_stands_still_is_not_automated() {
        let passages = passages();
        (0..8).for_each(|bar| passages.pass(f64::from(bar)..f64::from(bar) + 1.0, 0.5));
        assert_eq!(passages.influence(1), None);
        // Changed while the song stands: that is no automation either.
        passages.rest();
        passages.pass(0.0..1.0, 0.7);
        assert_eq!(passages.influence(0), None);
    }

    #[test]
    fn cues_that_stay_keep_theirs_and_the_knob_overrules_all() {
        let passages = passages();
        play(&passages, 1.0);
        // The first is deleted and the second as long as both were; the third has moved.
        passages.place(vec![(2, 4), (3, 7)]);
        assert_eq!((passages.influence(0), passages.influence(1)), (Some(0.4), None));
        passages.forget();
        assert_eq!(passages.influence(0), None);
    }
}
