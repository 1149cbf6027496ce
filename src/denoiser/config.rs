//! Configuration of a denoising UNet, in the words of diffusers' `UNet2DConditionModel`.

use crate::ops::TimePadding;
use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};

/// Kind of a resolution level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DownBlock {
    /// Residual blocks only.
    DownBlock2D,
    /// Residual blocks, each followed by a transformer.
    CrossAttnDownBlock2D,
}

/// Kind of a resolution level on the way up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpBlock {
    /// Residual blocks only.
    UpBlock2D,
    /// Residual blocks, each followed by a transformer.
    CrossAttnUpBlock2D,
}

/// How the time embedding enters a residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeShift {
    /// Added before the second normalisation.
    #[default]
    Default,
    /// Scales and shifts the second normalisation's output.
    ScaleShift,
}

/// Configuration of a UNet; names as in diffusers' `config.json`, so that its numbers can be copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetConfig {
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Channels of every level, finest first.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks per level on the way down; one more on the way up.
    pub layers_per_block: usize,
    /// Levels down, finest first.
    pub down_block_types: Vec<DownBlock>,
    /// Levels up, coarsest first.
    pub up_block_types: Vec<UpBlock>,
    /// *Number* of heads per level, finest first: diffusers' name is wrong and kept, as it does.
    pub attention_head_dim: Vec<usize>,
    /// Width of the text tokens.
    pub cross_attention_dim: usize,
    /// Groups of every group normalisation.
    #[serde(default = "groups")]
    pub norm_num_groups: usize,
    /// Epsilon of the residual blocks' normalisations (1e-6 in transformers, always).
    #[serde(default = "norm_eps")]
    pub norm_eps: f64,
    /// Linear layers around a transformer instead of 1x1 convolutions.
    #[serde(default)]
    pub use_linear_projection: bool,
    /// Cosines before sines in the time embedding.
    #[serde(default = "yes")]
    pub flip_sin_to_cos: bool,
    /// Shift of the time embedding's frequencies.
    #[serde(default)]
    pub freq_shift: f64,
    /// How time enters a residual block.
    #[serde(default)]
    pub resnet_time_scale_shift: TimeShift,
    /// Width of the vector that a linear layer adds to the time embedding (`class_embed_type = "simple_projection"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection_class_embeddings_input_dim: Option<usize>,
    /// Ours: every convolution wraps around axis 2.
    #[serde(default)]
    pub circular_time: bool,
}

impl UnetConfig {
    /// Width of every transformer of the decoder, in the order of [`Taps`](crate::synapse::Taps).
    ///
    /// A picture's UNet and a denoiser of music can be joined by a synapse only where these agree.
    pub fn decoder_widths(&self) -> Vec<usize> {
        let levels = self.block_out_channels.iter().rev().zip(&self.up_block_types);
        let with_attention = levels.filter(|(_, kind)| **kind == UpBlock::CrossAttnUpBlock2D);
        with_attention.flat_map(|(&width, _)| vec![width; self.layers_per_block + 1]).collect()
    }

    /// Width of the time embedding.
    pub(super) fn time_width(&self) -> usize {
        4 * self.block_out_channels[0]
    }

    /// What convolutions find beyond the ends of axis 2.
    pub(super) fn time_padding(&self) -> TimePadding {
        if self.circular_time { TimePadding::Circular } else { TimePadding::Zero }
    }

    /// Refuses what no UNet can be built from.
    pub(super) fn check(&self) -> Result<()> {
        let levels = self.block_out_channels.len();
        let counts = [self.down_block_types.len(), self.up_block_types.len(), self.attention_head_dim.len()];
        if levels == 0 || counts != [levels; 3] {
            bail!("a UNet of {levels} levels has {counts:?} down blocks, up blocks and head counts");
        }
        for (&width, &heads) in self.block_out_channels.iter().zip(&self.attention_head_dim) {
            if heads == 0 || width % heads != 0 || self.norm_num_groups == 0 || width % self.norm_num_groups != 0 {
                bail!("{width} channels do not split into {heads} heads and {} groups", self.norm_num_groups);
            }
        }
        Ok(())
    }
}

fn groups() -> usize {
    32
}

fn norm_eps() -> f64 {
    1e-5
}

fn yes() -> bool {
    true
}
