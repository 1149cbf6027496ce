//! The denoisers: a UNet for pictures and for music, and a diffusion transformer for music alone.
//!
//! [`Unet`] is our own implementation of diffusers' `UNet2DConditionModel`: same numbers in its configuration, same keys in
//! its checkpoints, so that Stable Diffusion 2.1 and Tango load unchanged. Ours are the taps, where the decoder's
//! transformers give their keys and values away or take others in ([`Taps`]), and convolutions that wrap around time
//! ([`UnetConfig::circular_time`]).
//!
//! ```text
//! latents (b, c, t, f) ─► conv_in ─► down_blocks ─► mid_block ─► up_blocks ─► conv_out ─► (b, c', t, f)
//!                                        └────── skips ──────────────┘ ▲
//! timestep, class (b, p) ─► time (b, 4 c0) ─► every residual block     taps
//! tokens (b, l, d) ─► every transformer's cross-attention
//! ```
//!
//! Source: diffusers 0.42.1, `models/unets/unet_2d_condition.py` and `unet_2d_blocks.py`. Private fields and `vb.pp`
//! carry the checkpoint's names.
//!
//! [`Dit`] has columns for tokens, is told what of the music is known, and takes a picture in where a UNet's decoder does, in
//! layers of the same widths: `dit` draws it. [`Denoiser`] is either.

mod config;
mod dit;
mod level;
mod prepared;
mod res_block;
mod time;
mod transformer;
mod unet;

pub use config::{DownBlock, TimeShift, UnetConfig, UpBlock};
pub use dit::{Dit, DitConfig};
pub use prepared::{Context, Prepared};
pub use unet::{Deep, Unet};

use crate::synapse::{KeyValue, Taps};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Configuration of a denoiser of music, of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum DenoiserConfig {
    /// A UNet.
    Unet(UnetConfig),
    /// A diffusion transformer over columns.
    Dit(DitConfig),
}

impl DenoiserConfig {
    /// Its table in a manifest, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unet(_) => "music.unet",
            Self::Dit(_) => "music.dit",
        }
    }

    /// Channels in.
    pub fn in_channels(&self) -> usize {
        match self {
            Self::Unet(unet) => unet.in_channels,
            Self::Dit(dit) => dit.in_channels(),
        }
    }

    /// Width of the text tokens.
    pub fn text_width(&self) -> usize {
        match self {
            Self::Unet(unet) => unet.cross_attention_dim,
            Self::Dit(dit) => dit.text_width,
        }
    }

    /// Width of the class vector, if it takes one.
    pub fn class_width(&self) -> Option<usize> {
        match self {
            Self::Unet(unet) => unet.projection_class_embeddings_input_dim,
            Self::Dit(dit) => Some(dit.class_width),
        }
    }

    /// Width of every layer that a picture is blended into, in the order of [`Taps`]: a synapse joins it to a picture's UNet
    /// only where these agree with [that one's](UnetConfig::decoder_widths).
    pub fn decoder_widths(&self) -> Vec<usize> {
        match self {
            Self::Unet(unet) => unet.decoder_widths(),
            Self::Dit(dit) => dit.decoder_widths(),
        }
    }
}

/// A denoiser of music, of either kind.
#[derive(Debug, Clone)]
pub enum Denoiser {
    /// A UNet.
    Unet(Box<Unet>),
    /// A diffusion transformer over columns.
    Dit(Box<Dit>),
}

impl Denoiser {
    /// Reads `unet.*` or `dit.*`.
    ///
    /// # Errors
    ///
    /// A configuration that contradicts itself; a key that is missing or has another shape.
    pub fn new(config: &DenoiserConfig, vb: VarBuilder) -> Result<Self> {
        Ok(match config {
            DenoiserConfig::Unet(config) => Self::Unet(Box::new(Unet::new(config, vb.pp("unet"))?)),
            DenoiserConfig::Dit(config) => Self::Dit(Box::new(Dit::new(config, vb.pp("dit"))?)),
        })
    }

    /// As [`Unet::keys_values`] and [`Dit::keys_values`].
    ///
    /// # Errors
    ///
    /// Theirs.
    pub fn keys_values(&self, texts: &[Tensor]) -> Result<Vec<KeyValue>> {
        match self {
            Self::Unet(unet) => unet.keys_values(texts),
            Self::Dit(dit) => dit.keys_values(texts),
        }
    }

    /// What can be computed of `context` before the first step.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit the configuration.
    pub fn prepare(&self, context: &Context) -> Result<Prepared> {
        match self {
            Self::Unet(unet) => unet.prepare(context),
            Self::Dit(dit) => dit.prepare(context),
        }
    }

    /// As [`Unet::forward`] and [`Dit::forward`].
    ///
    /// # Errors
    ///
    /// Theirs.
    pub fn forward(&self, latents: &Tensor, timestep: f64, context: &Context, taps: &mut Taps) -> Result<Tensor> {
        match self {
            Self::Unet(unet) => unet.forward(latents, timestep, context, taps),
            Self::Dit(dit) => dit.forward(latents, timestep, context, taps),
        }
    }

    /// As [`Unet::forward_deep`]; a transformer has no coarser levels, so that nothing of it serves other timesteps.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forward`].
    pub fn forward_deep(
        &self,
        latents: &Tensor,
        timestep: f64,
        told: &Prepared,
        taps: &mut Taps,
    ) -> Result<(Tensor, Option<Deep>)> {
        match self {
            Self::Unet(unet) => {
                unet.forward_deep(latents, timestep, told, taps).map(|(output, deep)| (output, Some(deep)))
            }
            Self::Dit(dit) => Ok((dit.forward_prepared(latents, timestep, told, taps)?, None)),
        }
    }

    /// As [`Unet::forward_shallow`]; a transformer is always run whole.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forward`]; `deep` of another size; taps that capture.
    pub fn forward_shallow(
        &self,
        latents: &Tensor,
        timestep: f64,
        told: &Prepared,
        taps: &mut Taps,
        deep: &Deep,
    ) -> Result<Tensor> {
        match self {
            Self::Unet(unet) => unet.forward_shallow(latents, timestep, told, taps, deep),
            Self::Dit(dit) => dit.forward_prepared(latents, timestep, told, taps),
        }
    }
}
