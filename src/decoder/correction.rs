//! A small convolutional net over the cells of a grid, around in time and with nothing beyond the bands.

use super::GridConfig;
use crate::ops::{Conv2d, Conv2dConfig, GroupNorm, TimePadding, silu};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Sizes of a [`Correction`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionSizes {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Channels of the convolutions between.
    pub width: usize,
    /// Residual blocks.
    pub blocks: usize,
}

/// What a linear map per cell misses: onsets and partials that cross the border of a cell.
#[derive(Debug, Clone)]
pub struct Correction {
    conv_in: Conv2d,
    /// `(1, width, 1, rows)`: a convolution cannot know how high it stands.
    row_embedding: Tensor,
    blocks: Vec<Block>,
    conv_out: Conv2d,
}

impl Correction {
    /// Reads `conv_in`, `row_embedding (1, width, 1, rows)`, `blocks.{i}.{norm1, conv1, norm2, conv2}` and `conv_out`.
    pub fn new(config: &GridConfig, sizes: &CorrectionSizes, vb: VarBuilder) -> Result<Self> {
        let width = sizes.width;
        let blocks = (0..sizes.blocks).map(|i| Block::new(width, config.groups, vb.pp("blocks").pp(i)));
        Ok(Self {
            conv_in: conv3x3(sizes.inputs, width, vb.pp("conv_in"))?,
            row_embedding: vb.get((1, width, 1, config.rows), "row_embedding")?,
            blocks: blocks.collect::<Result<_>>()?,
            conv_out: conv3x3(width, sizes.outputs, vb.pp("conv_out"))?,
        })
    }

    /// `(1, inputs, t, rows)` → `(1, outputs, t, rows)`.
    pub fn forward(&self, cells: &Tensor) -> Result<Tensor> {
        let mut xs = self.conv_in.forward(cells)?.broadcast_add(&self.row_embedding)?;
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
