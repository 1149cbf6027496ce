//! Where in its band a sound lies: a small network that has seen the spectra behind many bands.

use super::GridConfig;
use crate::ops::{Linear, silu};
use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Brings ln magnitudes to about unit size.
const SCALE: f64 = 0.3;
const SHIFT: f64 = 1.5;
/// Largest gain that is believed either way, ln.
const MOST_GAIN: f64 = 12.;
/// Frames that are seen: one before and one after.
const SEEN: usize = 3;
/// Frames that go through the network at once; bounds the memory of long loops.
const CHUNK: usize = 1024;

/// Sizes of a [`FineStructure`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineStructureConfig {
    /// Width of the hidden layers.
    pub hidden: usize,
}

/// Tells how the bins of a band share its magnitude.
///
/// A band above 1 kHz is several semitones wide, but the bands below and beside it tell which note is playing, and the
/// music that a bundle makes is in one tuning and one home key. Two linear layers know it: three neighbouring frames of
/// bands in, and out, for each bin, the log of how much more or less it has than its share of an even spread. The
/// inversion starts there, and its updates keep the bands as they were.
#[derive(Debug, Clone)]
pub struct FineStructure {
    input: Linear,
    hidden: Linear,
    output: Linear,
    bands: usize,
}

impl FineStructure {
    /// Reads `input`, `hidden` and `output`, each `{weight, bias}`.
    ///
    /// # Errors
    ///
    /// A missing tensor, or one of the wrong shape.
    pub fn new(config: &GridConfig, sizes: &FineStructureConfig, vb: VarBuilder) -> Result<Self> {
        let linear = |inputs: usize, outputs: usize, name: &str| {
            let vb = vb.pp(name);
            Linear::new(vb.get((outputs, inputs), "weight")?, Some(vb.get(outputs, "bias")?))
        };
        Ok(Self {
            input: linear(SEEN * config.bands, sizes.hidden, "input")?,
            hidden: linear(sizes.hidden, sizes.hidden, "hidden")?,
            output: linear(sizes.hidden, config.n_fft / 2 + 1, "output")?,
            bands: config.bands,
        })
    }

    /// `mel (frames, bands)` flat, natural log, of a loop → ln gains `(frames, bins)` flat.
    ///
    /// # Errors
    ///
    /// The device's own.
    pub fn gains(&self, mel: &[f32]) -> Result<Vec<f32>> {
        let frames = mel.len() / self.bands;
        let mut gains = Vec::new();
        for first in (0..frames).step_by(CHUNK) {
            let some = CHUNK.min(frames - first);
            let seen = Tensor::from_vec(self.seen(mel, first, some), (some, SEEN * self.bands), self.input.device())?;
            let some = self.forward(&seen.to_dtype(self.input.dtype())?)?.to_dtype(DType::F32)?;
            gains.extend(some.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(gains)
    }

    /// `count` frames from `first` on, each between its neighbours around the loop: `(count, 3 * bands)` flat.
    fn seen(&self, mel: &[f32], first: usize, count: usize) -> Vec<f32> {
        let frames = mel.len() / self.bands;
        let mut seen = Vec::with_capacity(count * SEEN * self.bands);
        for frame in first..first + count {
            for neighbour in [frame + frames - 1, frame, frame + 1] {
                seen.extend_from_slice(&mel[neighbour % frames * self.bands..][..self.bands]);
            }
        }
        seen
    }

    fn forward(&self, seen: &Tensor) -> Result<Tensor> {
        let first = silu(&self.input.forward(&seen.affine(SCALE, SHIFT)?)?)?;
        let second = silu(&self.hidden.forward(&first)?)?;
        self.output.forward(&(first + second)?)?.clamp(-MOST_GAIN, MOST_GAIN)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use candle_core::Device;
    use std::collections::HashMap;

    fn net() -> FineStructure {
        let config = GridConfig { bands: 4, rows: 4, patch_bands: 1, n_fft: 16, ..Default::default() };
        let random = |shape: &[usize]| Tensor::randn(0f32, 0.5, shape, &Device::Cpu).unwrap();
        let tensors = [
            ("input.weight", random(&[8, 12])),
            ("input.bias", random(&[8])),
            ("hidden.weight", random(&[8, 8])),
            ("hidden.bias", random(&[8])),
            ("output.weight", random(&[9, 8])),
            ("output.bias", random(&[9])),
        ];
        let tensors: HashMap<_, _> = tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)).collect();
        let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        FineStructure::new(&config, &FineStructureConfig { hidden: 8 }, vb).unwrap()
    }

    #[test]
    fn a_loop_may_begin_anywhere_and_be_of_any_length() {
        let net = net();
        for frames in [1, 2, 7, CHUNK - 1, CHUNK + 3] {
            let mel: Vec<f32> = (0..frames * 4).map(|i| (i as f32 * 0.7).sin() * 3. - 4.).collect();
            let gains = net.gains(&mel).unwrap();
            assert_eq!(gains.len(), frames * 9);
            let turn = frames / 3;
            let (mut turned, mut expected) = (mel.clone(), gains.clone());
            turned.rotate_left(turn * 4);
            expected.rotate_left(turn * 9);
            assert_eq!(net.gains(&turned).unwrap(), expected, "{frames} frames");
        }
    }

    #[test]
    fn only_neighbours_matter() {
        let net = net();
        let mel: Vec<f32> = (0..10 * 4).map(|i| (i as f32 * 0.3).cos() - 3.).collect();
        let mut other = mel.clone();
        other[5 * 4] += 1.;
        let (before, after) = (net.gains(&mel).unwrap(), net.gains(&other).unwrap());
        for frame in 0..10 {
            let same = before[frame * 9..][..9] == after[frame * 9..][..9];
            assert_eq!(same, !(4..=6).contains(&frame), "frame {frame}");
        }
    }
}
