//! Elementwise and row-wise activations.

use super::floats::{self, Floats};
use crate::kernels::{self, Activation, Isa};
use candle_core::{D, DType, Result, Tensor, bail};

/// `x * sigmoid(x)`, any shape.
pub fn silu(xs: &Tensor) -> Result<Tensor> {
    if floats::is_ours(xs) { activate(xs, Activation::Silu) } else { xs.silu() }
}

/// Gaussian error linear unit in its exact (erf) form, any shape.
pub fn gelu(xs: &Tensor) -> Result<Tensor> {
    if floats::is_ours(xs) { activate(xs, Activation::Gelu) } else { xs.gelu_erf() }
}

/// `max(x, slope * x)`, any shape; `slope` in 0..=1.
pub fn leaky_relu(xs: &Tensor, slope: f64) -> Result<Tensor> {
    if floats::is_ours(xs) { activate(xs, Activation::LeakyRelu(slope as f32)) } else { xs.maximum(&(xs * slope)?) }
}

/// Values are taken as they lie, and the result lies alike.
fn activate(xs: &Tensor, activation: Activation) -> Result<Tensor> {
    // The order of axes that makes the values contiguous, for what a convolution left channel-last.
    let orders: &[&[usize]] = match xs.rank() {
        3 => &[&[0, 1, 2], &[0, 2, 1]],
        4 => &[&[0, 1, 2, 3], &[0, 2, 3, 1]],
        _ => &[],
    };
    for order in orders {
        let lying = xs.permute(*order)?;
        if lying.is_contiguous() {
            let ys = kernels::activate(Isa::best(), &Floats::of(&lying)?, activation);
            let mut back = vec![0; order.len()];
            order.iter().enumerate().for_each(|(i, axis)| back[*axis] = i);
            return Tensor::from_vec(ys, lying.shape(), xs.device())?.permute(back);
        }
    }
    let xs = xs.contiguous()?;
    Tensor::from_vec(kernels::activate(Isa::best(), &Floats::of(&xs)?, activation), xs.shape(), xs.device())
}

/// Gated GELU: `xs (.., 2c)` → `(.., c)`, the second half gates the first.
pub fn geglu(xs: &Tensor) -> Result<Tensor> {
    let width = xs.dim(D::Minus1)?;
    if !floats::is_ours(xs) || width % 2 != 0 || width == 0 {
        let halves = xs.chunk(2, D::Minus1)?;
        return &halves[0] * gelu(&halves[1])?;
    }
    let xs = xs.contiguous()?;
    let mut shape = xs.dims().to_vec();
    shape.last_mut().iter_mut().for_each(|last| **last = width / 2);
    Tensor::from_vec(kernels::geglu(Isa::best(), &Floats::of(&xs)?, width / 2), shape, xs.device())
}

/// `xs (b, n, c)` plus `ys (b, n, c)` times one more than `gate (b, c)`; a gate of one item serves all.
pub fn add_gated(xs: &Tensor, ys: &Tensor, gate: &Tensor) -> Result<Tensor> {
    let ((b, _, c), (items, width)) = (xs.dims3()?, gate.dims2()?);
    if xs.shape() != ys.shape() || width != c || items != 1 && items != b {
        bail!("a gate of {:?} for {:?} and {:?}", gate.shape(), xs.shape(), ys.shape());
    }
    if !floats::is_multiplied_by_us(xs) || xs.elem_count() == 0 {
        return xs + ys.broadcast_mul(&(gate.to_dtype(xs.dtype())? + 1.)?.unsqueeze(1)?)?;
    }
    let (ys, gate) = (ys.to_dtype(DType::F32)?.contiguous()?, gate.to_dtype(DType::F32)?.contiguous()?);
    floats::in_f32(xs, |xs| {
        let xs = xs.contiguous()?;
        let sum = kernels::add_gated(Isa::best(), &Floats::of(&xs)?, &Floats::of(&ys)?, &Floats::of(&gate)?, c);
        Tensor::from_vec(sum, xs.shape(), xs.device())
    })
}

/// Softmax over the last dimension.
pub fn softmax(xs: &Tensor) -> Result<Tensor> {
    if !floats::is_ours(xs) || xs.elem_count() == 0 {
        return candle_nn::ops::softmax_last_dim(xs);
    }
    let xs = xs.contiguous()?;
    let ys = kernels::softmax(Isa::best(), &Floats::of(&xs)?, xs.dim(D::Minus1)?);
    Tensor::from_vec(ys, xs.shape(), xs.device())
}
