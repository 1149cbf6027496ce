//! A finished clip as the audio thread sees it: frames at the host's rate, immutable.

use std::sync::Arc;

/// Stereo music fitted to one tempo and one sample rate. Made by the worker, read by the audio thread.
#[derive(Debug, Clone)]
pub struct Clip {
    take: u64,
    frames: Arc<[[f32; 2]]>,
    rate: u32,
    bpm: f64,
    quarters: f64,
    /// It falls silent by itself: played once, it needs no fade.
    ends: bool,
}

impl Clip {
    /// `frames` at `rate` Hz hold `quarters` quarter notes at `bpm`; the last leads into the first. `take` names the
    /// [take](crate::project::Take) or the [bed](crate::project::Bed) it belongs to.
    pub fn new(take: u64, frames: Arc<[[f32; 2]]>, rate: u32, bpm: f64, quarters: f64) -> Self {
        Self { take, frames, rate, bpm, quarters, ends: false }
    }

    /// The same, with an end of its own: its last frame leads into silence.
    pub fn ending(self) -> Self {
        Self { ends: true, ..self }
    }

    /// Whether its last frame leads into silence; else into its first.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn ends(&self) -> bool {
        self.ends
    }

    /// The take or the bed it belongs to.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn take(&self) -> u64 {
        self.take
    }

    /// Left and right, in -1..=1.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn frames(&self) -> &[[f32; 2]] {
        &self.frames
    }

    /// In Hz.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Quarter notes per minute at which `frames` are in time.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn bpm(&self) -> f64 {
        self.bpm
    }

    /// Musical length in quarter notes.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn quarters(&self) -> f64 {
        self.quarters
    }

    /// Whether it is the same music at another tempo.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn is_refit_of(&self, other: &Self) -> bool {
        (self.take, self.rate) == (other.take, other.rate) && self.bpm != other.bpm
    }

    /// Whether it is the same sound in the same time.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn sounds_like(&self, other: &Self) -> bool {
        let same_time = (self.rate, self.bpm, self.quarters) == (other.rate, other.bpm, other.quarters);
        same_time && self.ends == other.ends && Arc::ptr_eq(&self.frames, &other.frames)
    }
}
