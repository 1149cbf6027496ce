//! Elementwise and row-wise activations.

use candle_core::{D, Result, Tensor};

/// `x * sigmoid(x)`, any shape.
pub fn silu(xs: &Tensor) -> Result<Tensor> {
    xs.silu()
}

/// Gaussian error linear unit in its exact (erf) form, any shape.
pub fn gelu(xs: &Tensor) -> Result<Tensor> {
    xs.gelu_erf()
}

/// Gated GELU: `xs (.., 2c)` → `(.., c)`, the second half gates the first.
pub fn geglu(xs: &Tensor) -> Result<Tensor> {
    let halves = xs.chunk(2, D::Minus1)?;
    &halves[0] * gelu(&halves[1])?
}

/// Softmax over the last dimension.
pub fn softmax(xs: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax_last_dim(xs)
}
