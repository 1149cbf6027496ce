//! Linear layers.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// `x W^T + b` over the last dimension.
#[derive(Debug, Clone)]
pub struct Linear {
    inner: candle_nn::Linear,
}

impl Linear {
    /// From `weight (out, in)` and `bias (out,)`.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { inner: candle_nn::Linear::new(weight, bias) }
    }

    /// `(out, in)`.
    pub fn weight(&self) -> &Tensor {
        self.inner.weight()
    }

    /// Same rank out as in, `(.., in)` → `(.., out)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        // candle 0.11.1 multiplies every batch entry but the first wrongly when the left matrix is transposed.
        self.inner.forward(&xs.contiguous()?)
    }
}

/// Reads `weight (out, in)` and `bias (out,)`.
pub fn linear(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    Ok(Linear { inner: candle_nn::linear(inputs, outputs, vb)? })
}

/// Reads `weight (out, in)`.
pub fn linear_no_bias(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    Ok(Linear { inner: candle_nn::linear_no_bias(inputs, outputs, vb)? })
}
