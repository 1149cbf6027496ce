//! Mel to sound: interpolation, inversion, phases.

use super::griffin_lim::GriffinLim;
use super::inversion::Inversion;
use super::separation::separate;
use super::{FineStructure, GridConfig, MelBank, loop_resample};
use candle_core::Result;

/// Renders a beat mel as a mono loop of any length and key.
///
/// It has no random numbers, is circular throughout, and tunes tones to a few cents, which neural vocoders of this size
/// do not. Weights are only in the [`FineStructure`] that it may be given.
#[derive(Debug, Clone)]
pub struct LoopVocoder {
    fine_structure: Option<FineStructure>,
    inversion: Inversion,
    griffin_lim: GriffinLim,
    hop: usize,
    bands: usize,
    /// Range of a believable log magnitude.
    range: (f32, f32),
}

impl LoopVocoder {
    /// The vocoder that `config` describes; without a fine structure the bins of a band share it evenly.
    pub fn new(config: &GridConfig, fine_structure: Option<FineStructure>) -> Self {
        Self {
            fine_structure,
            inversion: Inversion::new(MelBank::new(config), config.inversion_steps),
            griffin_lim: GriffinLim::new(config.n_fft, config.iterations, config.momentum),
            hop: config.hop,
            bands: config.bands,
            range: (config.floor.ln() as f32, config.ceiling as f32),
        }
    }

    /// The network that its inversion starts from, if there is one.
    pub fn fine_structure(&self) -> Option<&FineStructure> {
        self.fine_structure.as_ref()
    }

    /// `mel (frames, bands)` flat, natural log → mono loop of `samples` samples, at least 1.
    ///
    /// A transposition by `semitones` moves what is pitched; what is struck stays as it is, since a drum has no key.
    ///
    /// # Errors
    ///
    /// The device's own, on which the fine structure is computed.
    pub fn render(&self, mel: &[f32], samples: usize, semitones: f64) -> Result<Vec<f32>> {
        if semitones == 0. {
            return self.transposed(mel, samples, 0.);
        }
        let parts = separate(mel, self.bands, self.range.0);
        let mut sound = self.transposed(&parts.pitched, samples, semitones)?;
        let struck = self.transposed(&parts.struck, samples, 0.)?;
        sound.iter_mut().zip(struck).for_each(|(sum, hit)| *sum += hit);
        Ok(sound)
    }

    /// All of a mel that much higher or lower: rendered that much slower or faster, and resampled to `samples`. Magnitudes
    /// stay where the inversion is best, and the rhythm stays where it was.
    fn transposed(&self, mel: &[f32], samples: usize, semitones: f64) -> Result<Vec<f32>> {
        let length = (samples as f64 * (semitones / 12.).exp2()).round().max(1.) as usize;
        let frames = (length as f64 / self.hop as f64).round().max(1.) as usize;
        let mel = stretch(mel, self.bands, frames, self.range);
        let gains = self.fine_structure.as_ref().map(|net| net.gains(&mel)).transpose()?;
        let magnitudes = self.inversion.magnitudes(&mel, gains.as_deref());
        drop(gains);
        Ok(loop_resample(&self.griffin_lim.render(magnitudes, length), samples))
    }
}

/// `mel (n, bands)` flat → `(frames, bands)` flat: Catmull-Rom around the loop, clamped to `range`.
fn stretch(mel: &[f32], bands: usize, frames: usize, range: (f32, f32)) -> Vec<f32> {
    let n = mel.len() / bands;
    let mut out = Vec::with_capacity(frames * bands);
    for j in 0..frames {
        let position = j as f64 * n as f64 / frames as f64;
        let (i, t) = (position as usize, position.fract() as f32);
        let row = |offset: usize| &mel[(i + n - 1 + offset) % n * bands..][..bands];
        let (before, from, to, after) = (row(0), row(1), row(2), row(3));
        for k in 0..bands {
            let (a, b, c, d) = (before[k], from[k], to[k], after[k]);
            let x = b + 0.5 * t * (c - a + t * (2. * a - 5. * b + 4. * c - d + t * (3. * (b - c) + d - a)));
            out.push(x.clamp(range.0, range.1));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretching_to_the_same_length_changes_nothing_and_wraps_otherwise() {
        let mel = [0., 1., 0.5, -1.];
        assert_eq!(stretch(&mel, 1, 4, (-9., 1.5)), mel);
        let rolled = [-1., 0., 1., 0.5];
        let (a, b) = (stretch(&mel, 1, 8, (-9., 1.5)), stretch(&rolled, 1, 8, (-9., 1.5)));
        assert_eq!(a[..6], b[2..]);
        assert_eq!(a[6..], b[..2]);
    }

    #[test]
    fn stretching_holds_one_frame() {
        assert_eq!(stretch(&[0.25, -3.], 2, 3, (-9., 1.5)), [0.25, -3., 0.25, -3., 0.25, -3.]);
    }
}
