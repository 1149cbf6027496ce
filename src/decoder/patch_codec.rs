//! Latent cells to mel patches: a linear map per row, and a small convolutional net that adds what it misses.

use super::GridConfig;
use crate::ops::{Conv2d, Conv2dConfig, GroupNorm, TimePadding, silu};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Decodes latents to the log mel, 8 frames by 8 bands per cell in the mini bundle.
///
/// The linear part is a principal component analysis per row: neighbouring rows share no scale, but within a row
/// every column is treated alike, so that time stays shift-invariant. Fields are the checkpoint's keys.
#[derive(Debug, Clone)]
pub struct PatchCodec {
    /// Scale folded in and transposed: `(rows, channels, patch)`.
    basis: Tensor,
    /// `(rows, 1, patch)`.
    mean: Tensor,
    residual: Residual,
    patch: (usize, usize),
}

impl PatchCodec {
    /// Reads `basis (rows, patch, channels)`, `mean (rows, patch)`, `scale (rows, channels)`,
    /// `row_embedding (1, width, 1, rows)`, `conv_in`, `blocks.{i}.{norm1, conv1, norm2, conv2}` and `conv_out`.
    pub fn new(config: &GridConfig, vb: VarBuilder) -> Result<Self> {
        let (rows, channels, patch) = (config.rows, config.channels, config.patch());
        let basis = vb.get((rows, patch, channels), "basis")?;
        let scale = vb.get((rows, channels), "scale")?;
        let basis = basis.broadcast_mul(&scale.unsqueeze(1)?)?.transpose(1, 2)?.contiguous()?;
        let mean = vb.get((rows, patch), "mean")?.unsqueeze(1)?;
        let residual = Residual::new(config, vb)?;
        Ok(Self { basis, mean, residual, patch: (config.patch_frames, config.patch_bands) })
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
        let residual = self.residual.forward(&latents)?.squeeze(0)?.permute((2, 1, 0))?; // (rows, t, patch)
        let mel = (linear + residual)?.reshape((rows, t, frames, bands))?;
        mel.permute((1, 2, 0, 3))?.reshape((t * frames, rows * bands))
    }

    /// `mel (t * patch_frames, bands)`, natural log → latents `(1, c, t, rows)`, f32: the linear part backwards, whose
    /// directions are at right angles.
    ///
    /// # Errors
    ///
    /// A wrong shape, or the device's own.
    pub fn encode(&self, mel: &Tensor) -> Result<Tensor> {
        let (frames, bands) = self.patch;
        let (rows, _, patch) = self.basis.dims3()?;
        let t = mel.dim(0)? / frames;
        let cells = mel.to_dtype(self.basis.dtype())?.reshape((t, frames, rows, bands))?;
        let cells = cells.permute((2, 0, 1, 3))?.reshape((rows, t, patch))?.broadcast_sub(&self.mean)?;
        let lengths = self.basis.sqr()?.sum(2)?.unsqueeze(1)?; // (rows, 1, c), squared
        let latents = cells.matmul(&self.basis.transpose(1, 2)?.contiguous()?)?.broadcast_div(&lengths)?; // (rows, t, c)
        latents.permute((2, 1, 0))?.contiguous()?.unsqueeze(0)
    }
}

/// What the linear map misses: onsets and partials that cross the border of a cell.
#[derive(Debug, Clone)]
struct Residual {
    conv_in: Conv2d,
    /// `(1, width, 1, rows)`: a convolution cannot know how high it stands.
    row_embedding: Tensor,
    blocks: Vec<Block>,
    conv_out: Conv2d,
}

impl Residual {
    fn new(config: &GridConfig, vb: VarBuilder) -> Result<Self> {
        let width = config.width;
        let blocks = (0..config.blocks).map(|i| Block::new(width, config.groups, vb.pp("blocks").pp(i)));
        Ok(Self {
            conv_in: conv3x3(config.channels, width, vb.pp("conv_in"))?,
            row_embedding: vb.get((1, width, 1, config.rows), "row_embedding")?,
            blocks: blocks.collect::<Result<_>>()?,
            conv_out: conv3x3(width, config.patch(), vb.pp("conv_out"))?,
        })
    }

    /// `(1, c, t, rows)` → `(1, patch, t, rows)`.
    fn forward(&self, latents: &Tensor) -> Result<Tensor> {
        let mut xs = self.conv_in.forward(latents)?.broadcast_add(&self.row_embedding)?;
        for block in &self.blocks {
            xs = block.forward(&xs)?;
        }
        self.conv_out.forward(&silu(&xs)?)
    }
}

/// Two normalised convolutions beside a skip.
#[derive(Debug, Clone)]
struct Block {
    norm1: GroupNorm,
    conv1: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
}

impl Block {
    fn new(width: usize, groups: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            norm1: GroupNorm::new(groups, width, 1e-5, vb.pp("norm1"))?,
            conv1: conv3x3(width, width, vb.pp("conv1"))?,
            norm2: GroupNorm::new(groups, width, 1e-5, vb.pp("norm2"))?,
            conv2: conv3x3(width, width, vb.pp("conv2"))?,
        })
    }

    /// `(1, width, t, rows)`, same shape out.
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let ys = self.conv1.forward(&self.norm1.forward_silu(xs)?)?;
        self.conv2.forward_add(&self.norm2.forward_silu(&ys)?, xs)
    }
}

fn conv3x3(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Conv2d> {
    Conv2d::new(inputs, outputs, Conv2dConfig::same(3, TimePadding::Circular), vb)
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
