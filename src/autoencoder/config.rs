//! Configuration of an autoencoder, in the words of diffusers' `AutoencoderKL`.

use crate::ops::{Conv2d, Conv2dConfig, GroupNorm, TimePadding};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Configuration of an autoencoder; names as in diffusers' `config.json`, so that its numbers can be copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoencoderConfig {
    /// Channels of what is encoded: 3 for pictures, 1 for mels.
    pub in_channels: usize,
    /// Channels of what is decoded.
    pub out_channels: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Channels of every level, finest first; each level but the last halves both axes.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks per level of the encoder; the decoder has one more.
    #[serde(default = "layers")]
    pub layers_per_block: usize,
    /// Groups of every group normalisation.
    #[serde(default = "groups")]
    pub norm_num_groups: usize,
    /// What latents are multiplied by before diffusion and divided by before decoding.
    #[serde(default = "scaling")]
    pub scaling_factor: f64,
    /// Whether the coarsest level attends to itself.
    #[serde(default = "attends")]
    pub mid_block_add_attention: bool,
    /// Ours: axis 2 wraps around in every convolution.
    #[serde(default)]
    pub circular_time: bool,
}

/// Epsilon of every group normalisation; diffusers has no field for it.
const NORM_EPS: f64 = 1e-6;

impl AutoencoderConfig {
    /// Pixels per latent along either axis.
    pub fn factor(&self) -> usize {
        1 << self.block_out_channels.len().saturating_sub(1)
    }

    /// Channels of the coarsest level.
    pub(super) fn coarsest(&self) -> Result<usize> {
        match self.block_out_channels.last() {
            Some(channels) => Ok(*channels),
            None => candle_core::bail!("an autoencoder needs at least one level in block_out_channels"),
        }
    }

    /// Channels of the finest level.
    pub(super) fn finest(&self) -> Result<usize> {
        self.coarsest().map(|coarsest| self.block_out_channels.first().copied().unwrap_or(coarsest))
    }

    pub(super) fn time(&self) -> TimePadding {
        if self.circular_time { TimePadding::Circular } else { TimePadding::Zero }
    }

    /// A convolution of odd size `kernel` that keeps the size.
    pub(super) fn conv(&self, inputs: usize, outputs: usize, kernel: usize, vb: VarBuilder) -> Result<Conv2d> {
        Conv2d::new(inputs, outputs, Conv2dConfig::same(kernel, self.time()), vb)
    }

    pub(super) fn norm(&self, channels: usize, vb: VarBuilder) -> Result<GroupNorm> {
        GroupNorm::new(self.norm_num_groups, channels, NORM_EPS, vb)
    }
}

fn layers() -> usize {
    1
}

fn groups() -> usize {
    32
}

fn scaling() -> f64 {
    0.18215
}

fn attends() -> bool {
    true
}
