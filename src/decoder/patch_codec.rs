//! Latent cells to mel patches and back: a linear map per row, and small convolutional nets that add what it misses.

use super::{Correction, CorrectionSizes, GridConfig};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Sizes of the net that moves latents to where they are decoded with less of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// Channels of its convolutions.
    pub width: usize,
    /// Its residual blocks.
    pub blocks: usize,
    /// How often it moves them.
    pub rounds: usize,
}

/// Decodes latents to the log mel, and encodes it, 8 frames by 8 bands per cell in the mini bundle.
///
/// The linear part is a principal component analysis per row: neighbouring rows share no scale, but within a row
/// every column is treated alike, so that time stays shift-invariant. Fields are the checkpoint's keys.
#[derive(Debug, Clone)]
pub struct PatchCodec {
    /// Scale folded in and transposed: `(rows, channels, patch)`.
    basis: Tensor,
    /// `(rows, 1, patch)`.
    mean: Tensor,
    /// Of the mel.
    correction: Correction,
    /// Of the latents, and for how many rounds.
    encoder: Option<(Correction, usize)>,
    patch: (usize, usize),
}

impl PatchCodec {
    /// Reads `basis (rows, patch, channels)`, `mean (rows, patch)`, `scale (rows, channels)`, and what
    /// [`Correction::new`] names; the same once more under `encoder`, if the configuration has one.
    pub fn new(config: &GridConfig, vb: VarBuilder) -> Result<Self> {
        let (rows, channels, patch) = (config.rows, config.channels, config.patch());
        let basis = vb.get((rows, patch, channels), "basis")?;
        let scale = vb.get((rows, channels), "scale")?;
        let basis = basis.broadcast_mul(&scale.unsqueeze(1)?)?.transpose(1, 2)?.contiguous()?;
        let mean = vb.get((rows, patch), "mean")?.unsqueeze(1)?;
        let GridConfig { width, blocks, .. } = *config;
        let sizes = CorrectionSizes { inputs: channels, outputs: patch, width, blocks };
        let correction = Correction::new(config, &sizes, vb.clone())?;
        let encoder = |&EncoderConfig { width, blocks, rounds }: &EncoderConfig| -> Result<_> {
            let sizes = CorrectionSizes { inputs: patch, outputs: channels, width, blocks };
            Ok((Correction::new(config, &sizes, vb.pp("encoder"))?, rounds))
        };
        let encoder = config.encoder.as_ref().map(encoder).transpose()?;
        Ok(Self { basis, mean, correction, encoder, patch: (config.patch_frames, config.patch_bands) })
    }

    /// `latents (1, c, t, rows)` → `(t * patch_frames, bands)`, natural log, not yet clamped.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let latents = latents.to_dtype(self.basis.dtype())?;
        let (b, _, t, rows) = latents.dims4()?;
        if b != 1 || t == 0 {
            bail!("latents are one clip of at least one column, not {:?}", latents.shape());
        }
        let (frames, bands) = self.patch;
        let cells = latents.squeeze(0)?.permute((2, 1, 0))?.contiguous()?; // (rows, t, c)
        let linear = cells.matmul(&self.basis)?.broadcast_add(&self.mean)?; // (rows, t, patch)
        let missed = self.correction.forward(&latents)?.squeeze(0)?.permute((2, 1, 0))?; // (rows, t, patch)
        let mel = (linear + missed)?.reshape((rows, t, frames, bands))?;
        mel.permute((1, 2, 0, 3))?.reshape((t * frames, rows * bands))
    }

    /// `mel (t * patch_frames, bands)`, natural log → latents `(1, c, t, rows)`, f32: the linear part backwards, whose
    /// directions are at right angles, moved some rounds by what the encoder's net makes of the error that they are
    /// decoded with.
    ///
    /// # Errors
    ///
    /// A wrong shape, or the device's own.
    pub fn encode(&self, mel: &Tensor) -> Result<Tensor> {
        let mel = mel.to_dtype(self.basis.dtype())?;
        let mut latents = self.encode_linear(&mel)?;
        let Some((encoder, rounds)) = &self.encoder else { return Ok(latents) };
        for _ in 0..*rounds {
            let error = self.cells(&(&mel - self.decode(&latents)?)?)?;
            latents = (latents + encoder.forward(&error.permute((2, 1, 0))?.contiguous()?.unsqueeze(0)?)?)?;
        }
        Ok(latents)
    }

    fn encode_linear(&self, mel: &Tensor) -> Result<Tensor> {
        let cells = self.cells(mel)?.broadcast_sub(&self.mean)?;
        let lengths = self.basis.sqr()?.sum(2)?.unsqueeze(1)?; // (rows, 1, c), squared
        let latents = cells.matmul(&self.basis.transpose(1, 2)?.contiguous()?)?.broadcast_div(&lengths)?; // (rows, t, c)
        latents.permute((2, 1, 0))?.contiguous()?.unsqueeze(0)
    }

    /// `(t * patch_frames, bands)` → `(rows, t, patch)`.
    fn cells(&self, mel: &Tensor) -> Result<Tensor> {
        let (frames, bands) = self.patch;
        let (rows, _, patch) = self.basis.dims3()?;
        let t = mel.dim(0)? / frames;
        mel.reshape((t, frames, rows, bands))?.permute((2, 0, 1, 3))?.reshape((rows, t, patch))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn encoding_undoes_decoding_where_nothing_is_missed() {
        let device = Device::Cpu;
        let (rows, patch, width) = (2, 4, 8);
        let config = GridConfig {
            bands: 4,
            rows,
            patch_frames: 2,
            patch_bands: 2,
            channels: patch,
            width,
            blocks: 0,
            ..Default::default()
        };
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &device).unwrap();
        let random = |shape: &[usize]| Tensor::randn(0f32, 1., shape, &device).unwrap();
        let turned = Tensor::eye(patch, DType::F32, &device).unwrap().flip(&[0]).unwrap();
        let tensors = HashMap::from([
            ("basis", turned.broadcast_as((rows, patch, patch)).unwrap()),
            ("mean", random(&[rows, patch])),
            ("scale", (random(&[rows, patch]).abs().unwrap() + 0.1).unwrap()),
            ("row_embedding", zeros(&[1, width, 1, rows])),
            ("conv_in.weight", random(&[width, patch, 3, 3])),
            ("conv_in.bias", zeros(&[width])),
            ("conv_out.weight", zeros(&[patch, width, 3, 3])),
            ("conv_out.bias", zeros(&[patch])),
        ]);
        let tensors = tensors.into_iter().map(|(name, tensor)| (name.to_string(), tensor)).collect();
        let codec = PatchCodec::new(&config, VarBuilder::from_tensors(tensors, DType::F32, &device)).unwrap();
        let latents = random(&[1, patch, 5, rows]);
        let again = codec.encode(&codec.decode(&latents).unwrap()).unwrap();
        let error = (again - latents).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(error < 1e-5, "{error}");
    }
}
