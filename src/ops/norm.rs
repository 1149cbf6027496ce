//! Normalisations, alone and fused with an activation.

use super::silu;
use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// Group normalisation over `(b, c, ..)` with learnt scale and shift per channel.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    inner: candle_nn::GroupNorm,
}

impl GroupNorm {
    /// Reads `weight (c,)` and `bias (c,)`.
    pub fn new(groups: usize, channels: usize, eps: f64, vb: VarBuilder) -> Result<Self> {
        Ok(Self { inner: candle_nn::group_norm(groups, channels, eps, vb)? })
    }

    /// Same shape out as in.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.inner.forward(xs)
    }

    /// The normalisation followed by [`silu`], as residual blocks want it.
    pub fn forward_silu(&self, xs: &Tensor) -> Result<Tensor> {
        silu(&self.inner.forward(xs)?)
    }
}

/// Layer normalisation over the last dimension with learnt scale and shift.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    inner: candle_nn::LayerNorm,
}

impl LayerNorm {
    /// Reads `weight (c,)` and `bias (c,)`.
    pub fn new(channels: usize, eps: f64, vb: VarBuilder) -> Result<Self> {
        Ok(Self { inner: candle_nn::layer_norm(channels, eps, vb)? })
    }

    /// Same shape out as in.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.inner.forward(xs)
    }
}
