//! Halving and doubling of both axes.

use super::AutoencoderConfig;
use crate::ops::{Conv2d, Conv2dConfig, TimePadding, upsample_nearest};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Halves both axes with a strided convolution.
///
/// Source: diffusers 0.42.1, `models/downsampling.py`, class `Downsample2D` with padding 0.
#[derive(Debug, Clone)]
pub(super) struct Downsample {
    conv: Conv2d,
    time: TimePadding,
}

impl Downsample {
    pub(super) fn new(config: &AutoencoderConfig, channels: usize, vb: VarBuilder) -> Result<Self> {
        // `forward` pads: the convolution can only pad both sides alike.
        let conv = Conv2dConfig { kernel: 3, stride: 2, padding: 0, time: TimePadding::Zero };
        Ok(Self { conv: Conv2d::new(channels, channels, conv, vb.pp("conv"))?, time: config.time() })
    }

    /// `(b, c, h, w)` → `(b, c, h/2, w/2)`. Pads one row after the last and one column after the last.
    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let xs = match self.time {
            TimePadding::Zero => xs.pad_with_zeros(2, 0, 1)?,
            TimePadding::Circular => Tensor::cat(&[xs, &xs.narrow(2, 0, 1)?], 2)?,
        };
        self.conv.forward(&xs.pad_with_zeros(3, 0, 1)?)
    }
}

/// Doubles both axes: every pixel four times, then a convolution.
///
/// Source: diffusers 0.42.1, `models/upsampling.py`, class `Upsample2D`.
#[derive(Debug, Clone)]
pub(super) struct Upsample {
    conv: Conv2d,
}

impl Upsample {
    pub(super) fn new(config: &AutoencoderConfig, channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self { conv: config.conv(channels, channels, 3, vb.pp("conv"))? })
    }

    /// `(b, c, h, w)` → `(b, c, 2h, 2w)`.
    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = xs.dims4()?;
        self.conv.forward(&upsample_nearest(xs, 2 * h, 2 * w)?)
    }
}
