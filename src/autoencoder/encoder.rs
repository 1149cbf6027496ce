//! Pixels to latents.

use super::AutoencoderConfig;
use super::mid_block::MidBlock;
use super::res_block::ResBlock;
use super::resample::Downsample;
use crate::ops::{Conv2d, GroupNorm};
use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;

/// Turns pixels into latents, without sampling: the same pixels always give the same latents.
///
/// Source: diffusers 0.42.1, `models/autoencoders/vae.py`, class `Encoder`.
#[derive(Debug, Clone)]
pub struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    quant_conv: Conv2d,
    latent_channels: usize,
    scaling_factor: f64,
    dtype: DType,
}

impl Encoder {
    /// Reads `encoder.*` and `quant_conv.*` under `vb`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the configuration has no level or unfit groups.
    pub fn new(config: &AutoencoderConfig, vb: VarBuilder) -> Result<Self> {
        let moments = 2 * config.latent_channels;
        let (finest, coarsest) = (config.finest()?, config.coarsest()?);
        let quant_conv = config.conv(moments, moments, 1, vb.pp("quant_conv"))?;
        let dtype = vb.dtype();
        let vb = vb.pp("encoder");
        let levels = 0..config.block_out_channels.len();
        Ok(Self {
            conv_in: config.conv(config.in_channels, finest, 3, vb.pp("conv_in"))?,
            down_blocks: levels
                .map(|i| DownBlock::new(config, i, vb.pp("down_blocks").pp(i)))
                .collect::<Result<_>>()?,
            mid_block: MidBlock::new(config, vb.pp("mid_block"))?,
            conv_norm_out: config.norm(coarsest, vb.pp("conv_norm_out"))?,
            conv_out: config.conv(coarsest, moments, 3, vb.pp("conv_out"))?,
            quant_conv,
            latent_channels: config.latent_channels,
            scaling_factor: config.scaling_factor,
            dtype,
        })
    }

    /// The mean of the posterior, times the scaling factor.
    ///
    /// - `pixels (b, in_channels, h, w)` in -1..=1 for pictures, natural logarithms for mels; `h` and `w` are
    ///   multiples of [`AutoencoderConfig::factor`].
    /// - Returns `(b, latent_channels, h / factor, w / factor)`, in the type of `pixels`.
    ///
    /// # Errors
    ///
    /// The device's own, or pixels of another shape.
    pub fn encode(&self, pixels: &Tensor) -> Result<Tensor> {
        let mut xs = self.conv_in.forward(&pixels.to_dtype(self.dtype)?)?;
        for block in &self.down_blocks {
            xs = block.forward(&xs)?;
        }
        let xs = self.conv_norm_out.forward_silu(&self.mid_block.forward(&xs)?)?;
        let moments = self.quant_conv.forward(&self.conv_out.forward(&xs)?)?;
        moments.narrow(1, 0, self.latent_channels)?.to_dtype(pixels.dtype())? * self.scaling_factor
    }
}

/// Residual blocks, then half the size on every level but the coarsest.
#[derive(Debug, Clone)]
struct DownBlock {
    resnets: Vec<ResBlock>,
    downsampler: Option<Downsample>,
}

impl DownBlock {
    /// `level` counts from the finest.
    fn new(config: &AutoencoderConfig, level: usize, vb: VarBuilder) -> Result<Self> {
        let channels = &config.block_out_channels;
        let (inputs, outputs) = (channels[level.saturating_sub(1)], channels[level]);
        let downsampler = || Downsample::new(config, outputs, vb.pp("downsamplers.0"));
        Ok(Self {
            resnets: ResBlock::stack(config, config.layers_per_block, inputs, outputs, vb.pp("resnets"))?,
            downsampler: (level + 1 < channels.len()).then(downsampler).transpose()?,
        })
    }

    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = xs.clone();
        for resnet in &self.resnets {
            xs = resnet.forward(&xs)?;
        }
        match &self.downsampler {
            Some(downsampler) => downsampler.forward(&xs),
            None => Ok(xs),
        }
    }
}
