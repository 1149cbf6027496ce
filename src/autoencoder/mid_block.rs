//! The coarsest level.

use super::AutoencoderConfig;
use super::attention::Attention;
use super::res_block::ResBlock;
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Residual block, attention, residual block.
///
/// Source: diffusers 0.42.1, `models/unets/unet_2d_blocks.py`, class `UNetMidBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct MidBlock {
    resnets: [ResBlock; 2],
    attention: Option<Attention>,
}

impl MidBlock {
    pub(super) fn new(config: &AutoencoderConfig, vb: VarBuilder) -> Result<Self> {
        let channels = config.coarsest()?;
        let resnet = |i| ResBlock::new(config, channels, channels, vb.pp("resnets").pp(i));
        let attention = || Attention::new(config, channels, vb.pp("attentions.0"));
        Ok(Self {
            resnets: [resnet(0)?, resnet(1)?],
            attention: config.mid_block_add_attention.then(attention).transpose()?,
        })
    }

    /// Same shape `(b, c, h, w)` out as in.
    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = self.resnets[0].forward(xs)?;
        if let Some(attention) = &self.attention {
            xs = attention.forward(&xs)?;
        }
        self.resnets[1].forward(&xs)
    }
}
