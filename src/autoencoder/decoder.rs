//! Latents to pixels.

use super::AutoencoderConfig;
use super::mid_block::MidBlock;
use super::res_block::ResBlock;
use super::resample::Upsample;
use crate::ops::{Conv2d, GroupNorm};
use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;

/// Turns latents into pixels.
///
/// Source: diffusers 0.42.1, `models/autoencoders/vae.py`, class `Decoder`.
#[derive(Debug, Clone)]
pub struct Decoder {
    post_quant_conv: Conv2d,
    conv_in: Conv2d,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    scaling_factor: f64,
    dtype: DType,
}

impl Decoder {
    /// Reads `decoder.*` and `post_quant_conv.*` under `vb`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the configuration has no level or unfit groups.
    pub fn new(config: &AutoencoderConfig, vb: VarBuilder) -> Result<Self> {
        let latent = config.latent_channels;
        let (finest, coarsest) = (config.finest()?, config.coarsest()?);
        let post_quant_conv = config.conv(latent, latent, 1, vb.pp("post_quant_conv"))?;
        let dtype = vb.dtype();
        let vb = vb.pp("decoder");
        let levels = 0..config.block_out_channels.len();
        Ok(Self {
            post_quant_conv,
            conv_in: config.conv(latent, coarsest, 3, vb.pp("conv_in"))?,
            mid_block: MidBlock::new(config, vb.pp("mid_block"))?,
            up_blocks: levels.map(|i| UpBlock::new(config, i, vb.pp("up_blocks").pp(i))).collect::<Result<_>>()?,
            conv_norm_out: config.norm(finest, vb.pp("conv_norm_out"))?,
            conv_out: config.conv(finest, config.out_channels, 3, vb.pp("conv_out"))?,
            scaling_factor: config.scaling_factor,
            dtype,
        })
    }

    /// `latents (b, latent_channels, h, w)`, as [`Encoder::encode`](super::Encoder::encode) or a sampler left them →
    /// `(b, out_channels, h * factor, w * factor)`, in the type of `latents`.
    ///
    /// # Errors
    ///
    /// The device's own, or latents of another shape.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let xs = (latents / self.scaling_factor)?.to_dtype(self.dtype)?;
        let xs = self.post_quant_conv.forward(&xs)?;
        let mut xs = self.mid_block.forward(&self.conv_in.forward(&xs)?)?;
        for block in &self.up_blocks {
            xs = block.forward(&xs)?;
        }
        self.conv_out.forward(&self.conv_norm_out.forward_silu(&xs)?)?.to_dtype(latents.dtype())
    }
}

/// Residual blocks, then twice the size on every level but the finest.
#[derive(Debug, Clone)]
struct UpBlock {
    resnets: Vec<ResBlock>,
    upsampler: Option<Upsample>,
}

impl UpBlock {
    /// `level` counts from the coarsest.
    fn new(config: &AutoencoderConfig, level: usize, vb: VarBuilder) -> Result<Self> {
        let channels = &config.block_out_channels;
        let last = channels.len() - 1;
        let (inputs, outputs) = (channels[last - level.saturating_sub(1)], channels[last - level]);
        let upsampler = || Upsample::new(config, outputs, vb.pp("upsamplers.0"));
        Ok(Self {
            resnets: ResBlock::stack(config, config.layers_per_block + 1, inputs, outputs, vb.pp("resnets"))?,
            upsampler: (level < last).then(upsampler).transpose()?,
        })
    }

    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = xs.clone();
        for resnet in &self.resnets {
            xs = resnet.forward(&xs)?;
        }
        match &self.upsampler {
            Some(upsampler) => upsampler.forward(&xs),
            None => Ok(xs),
        }
    }
}
