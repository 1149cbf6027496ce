//! Sound in memory and on disk. Knows no model.

mod frames;
mod loop_resample;
pub mod loudness;
pub mod mel;
pub mod wav;

pub use self::loop_resample::loop_resample;
pub use self::loudness::Loudness;

/// Stereo sound: two planes of the same length, nominally −1..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    channels: [Vec<f32>; 2],
    sample_rate: u32,
}

impl Audio {
    /// Left and right at `sample_rate` Hz.
    ///
    /// # Panics
    ///
    /// If the two differ in length.
    pub fn new(left: Vec<f32>, right: Vec<f32>, sample_rate: u32) -> Self {
        assert_eq!(left.len(), right.len(), "left and right are one length");
        Self { channels: [left, right], sample_rate }
    }

    /// The same sound on both sides.
    pub fn mono(samples: Vec<f32>, sample_rate: u32) -> Self {
        Self { channels: [samples.clone(), samples], sample_rate }
    }

    /// Length in frames.
    pub fn frames(&self) -> usize {
        self.channels[0].len()
    }

    /// Frames per second, in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Left, right.
    pub fn channels(&self) -> [&[f32]; 2] {
        [&self.channels[0], &self.channels[1]]
    }

    /// Left, right, to write to. Their length stays.
    pub fn channels_mut(&mut self) -> [&mut [f32]; 2] {
        let [left, right] = &mut self.channels;
        [left, right]
    }

    /// Left and right to keep.
    pub fn into_channels(self) -> [Vec<f32>; 2] {
        self.channels
    }

    /// Whether no sample is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.channels.iter().flatten().all(|sample| sample.is_finite())
    }

    /// Largest absolute sample of both sides; 0 without frames.
    pub fn peak(&self) -> f32 {
        self.channels.iter().flatten().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }
}
