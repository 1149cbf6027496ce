//! Residual block.

use super::{TimeShift, UnetConfig};
use crate::ops::{Conv2d, Conv2dConfig, GroupNorm, Linear, TimePadding, linear};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Residual block, shifted (and scaled, if so configured) by the diffusion time.
///
/// Source: diffusers 0.42.1, `models/resnet.py`, `ResnetBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct ResBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
    time_shift: TimeShift,
}

impl ResBlock {
    pub fn new(inputs: usize, outputs: usize, config: &UnetConfig, vb: VarBuilder) -> Result<Self> {
        let (groups, eps) = (config.norm_num_groups, config.norm_eps);
        let same_size = Conv2dConfig::same(3, config.time_padding());
        let time_outputs = match config.resnet_time_scale_shift {
            TimeShift::Default => outputs,
            TimeShift::ScaleShift => 2 * outputs,
        };
        let conv_shortcut = if inputs == outputs {
            None
        } else {
            let pointwise = Conv2dConfig::same(1, TimePadding::Zero);
            Some(Conv2d::new(inputs, outputs, pointwise, vb.pp("conv_shortcut"))?)
        };
        Ok(Self {
            norm1: GroupNorm::new(groups, inputs, eps, vb.pp("norm1"))?,
            conv1: Conv2d::new(inputs, outputs, same_size, vb.pp("conv1"))?,
            time_emb_proj: linear(config.time_width(), time_outputs, vb.pp("time_emb_proj"))?,
            norm2: GroupNorm::new(groups, outputs, eps, vb.pp("norm2"))?,
            conv2: Conv2d::new(outputs, outputs, same_size, vb.pp("conv2"))?,
            conv_shortcut,
            time_shift: config.resnet_time_scale_shift,
        })
    }

    /// `xs (b, inputs, t, f)`, `time (b or 1, d)` already activated → `(b, outputs, t, f)`.
    pub fn forward(&self, xs: &Tensor, time: &Tensor) -> Result<Tensor> {
        let time = self.time_emb_proj.forward(time)?;
        let ys = self.conv1.forward(&self.norm1.forward_silu(xs)?)?;
        let ys = match self.time_shift {
            TimeShift::Default => self.norm2.forward_added_silu(&ys, &time)?,
            TimeShift::ScaleShift => self.norm2.forward_modulated_silu(&ys, &time)?,
        };
        match &self.conv_shortcut {
            Some(shortcut) => self.conv2.forward_add(&ys, &shortcut.forward(xs)?),
            None => self.conv2.forward_add(&ys, xs),
        }
    }
}
