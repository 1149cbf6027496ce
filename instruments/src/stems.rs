//! The rendered parts of a score, and their mix.

use score::{Instrument, Part};

use crate::mix;
use crate::rendering::Ending;
use crate::stereo::Stereo;

/// One part's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Stem {
    /// Whose.
    pub part: Part,
    /// With its place, dynamics and room.
    pub sound: Stereo,
}

/// An instrument that the bank lacks, and what played in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Substitution {
    /// Whose.
    pub part: Part,
    /// What the score asks for.
    pub asked: Instrument,
    /// What was heard.
    pub played: Instrument,
}

/// The rendered parts of a score, all of one length, in the order of [`Part::ALL`].
#[derive(Debug, Clone, PartialEq)]
pub struct Stems {
    /// In Hz.
    pub rate: u32,
    /// The parts.
    pub stems: Vec<Stem>,
    /// What the bank lacks.
    pub substitutions: Vec<Substitution>,
    pub(crate) frames: usize,
    pub(crate) compression: f32,
    pub(crate) ending: Ending,
}

/// A gain for each part. Moving one needs no new rendering.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faders([f32; Part::ALL.len()]);

impl Default for Faders {
    fn default() -> Self {
        Self([1.0; Part::ALL.len()])
    }
}

impl Faders {
    /// With one part at a linear gain; 0 mutes it.
    #[must_use]
    pub fn with(mut self, part: Part, gain: f32) -> Self {
        self.0[part.index()] = gain;
        self
    }

    /// The linear gain of a part.
    pub fn gain(&self, part: Part) -> f32 {
        self.0[part.index()]
    }
}

impl Stems {
    /// Length in frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// These, ended at `frames`: what rings on fades out over the last `fade` of them.
    #[must_use]
    pub fn ended(mut self, frames: usize, fade: usize) -> Self {
        let fade = fade.min(frames);
        for channel in self.stems.iter_mut().flat_map(|stem| stem.sound.channels()) {
            channel.resize(frames, 0.0);
            for (i, x) in channel[frames - fade..].iter_mut().enumerate() {
                let angle = (i as f32 + 0.5) / fade as f32 * std::f32::consts::FRAC_PI_2;
                *x *= libm::cosf(angle);
            }
        }
        Self { frames, ..self }
    }

    /// The parts added, before the bus.
    pub fn sum(&self, faders: &Faders) -> Stereo {
        let mut sum = Stereo::silence(self.frames());
        self.stems.iter().for_each(|stem| sum.add(&stem.sound, faders.gain(stem.part)));
        sum
    }

    /// The parts added and gently compressed. Its loudness is the sum's own; what a listener expects is set afterwards.
    pub fn mix(&self, faders: &Faders) -> Stereo {
        let mut mix = self.sum(faders);
        mix::compress(&mut mix, self.compression, self.rate, self.ending == Ending::Loop);
        mix
    }
}
