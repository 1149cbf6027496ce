//! The residual block.

use super::AutoencoderConfig;
use crate::ops::{Conv2d, GroupNorm};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Two normalised convolutions beside a shortcut.
///
/// Source: diffusers 0.42.1, `models/resnet.py`, class `ResnetBlock2D` without a time embedding.
#[derive(Debug, Clone)]
pub(super) struct ResBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
    /// Only where the number of channels changes.
    conv_shortcut: Option<Conv2d>,
}

impl ResBlock {
    pub(super) fn new(config: &AutoencoderConfig, inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Self> {
        let shortcut = || config.conv(inputs, outputs, 1, vb.pp("conv_shortcut"));
        Ok(Self {
            norm1: config.norm(inputs, vb.pp("norm1"))?,
            conv1: config.conv(inputs, outputs, 3, vb.pp("conv1"))?,
            norm2: config.norm(outputs, vb.pp("norm2"))?,
            conv2: config.conv(outputs, outputs, 3, vb.pp("conv2"))?,
            conv_shortcut: (inputs != outputs).then(shortcut).transpose()?,
        })
    }

    /// The blocks `{vb}.0`, `{vb}.1`, ...: the first takes `inputs` channels, all give `outputs`.
    pub(super) fn stack(
        config: &AutoencoderConfig,
        layers: usize,
        inputs: usize,
        outputs: usize,
        vb: VarBuilder,
    ) -> Result<Vec<Self>> {
        let inputs = |i| if i == 0 { inputs } else { outputs };
        (0..layers).map(|i| Self::new(config, inputs(i), outputs, vb.pp(i))).collect()
    }

    /// `(b, inputs, h, w)` → `(b, outputs, h, w)`.
    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let ys = self.conv1.forward(&self.norm1.forward_silu(xs)?)?;
        let ys = self.norm2.forward_silu(&ys)?;
        match &self.conv_shortcut {
            Some(shortcut) => self.conv2.forward_add(&ys, &shortcut.forward(xs)?),
            None => self.conv2.forward_add(&ys, xs),
        }
    }
}
