//! Kernels for the CPU.
//!
//! Plain functions over slices of f32 that know neither tensors nor models; [`ops`](crate::ops) calls them. Maps are
//! channel-last, `(b, h, w, c)`. Everything runs in the rayon pool that it is called from, and gives the same bits for any
//! number of threads.
//!
//! | file | what it makes fast |
//! | --- | --- |
//! | `simd` | one kernel, compiled for AVX-512, AVX2, NEON and plain Rust, chosen when it runs |
//! | `gemm` | matrix products with packed weights, bias, residual and gate |
//! | `conv` | convolutions in one and two dimensions, transposed ones too |
//! | `winograd` | 3x3 convolutions with 2.25 or 4 times fewer multiplications |
//! | `attention` | attention that never holds all scores |
//! | `norm` | group and layer normalisation with what follows them |
//! | `pointwise`, `activation` | activations, softmax, concatenation, upsampling |
//! | `scratch` | memory that every thread keeps for the next kernel |
//!
//! This module is the only one of the engine with `unsafe` code. It has two reasons: instruction sets are called after
//! asking the processor for them, and tasks write disjoint parts of one output.

mod activation;
mod attention;
mod conv;
mod gemm;
mod norm;
mod pointwise;
mod scratch;
mod simd;
mod winograd;

#[cfg(test)]
mod tests;

pub use attention::{Heads, attention};
pub use conv::{Conv, ConvTranspose, Shape, Size};
pub use gemm::Packed;
pub use norm::{Affine, Then, group_norm, layer_norm};
pub use pointwise::{Activation, activate, concatenate, geglu, softmax, upsample_nearest};
pub use simd::Isa;

use std::ops::Range;

use rayon::prelude::*;

use gemm::{Dense, Epilogue};

/// A linear layer over the last axis: `xs (n, depth)` → `(n, columns)`, plus `bias` and `residual`.
///
/// # Panics
///
/// Lengths do not fit.
pub fn linear(xs: &[f32], weights: &Packed, bias: Option<&[f32]>, residual: Option<&[f32]>) -> Vec<f32> {
    let rows = xs.len() / weights.depth().max(1);
    assert_eq!(rows * weights.depth(), xs.len(), "not rows of {}", weights.depth());
    let epilogue = Epilogue { bias, rows_per_bias: usize::MAX, residual };
    let rows_of = Dense::new(xs, rows, weights.depth(), weights.depth());
    // SAFETY: a product writes all of its output, and reads none before.
    unsafe {
        scratch::filled(rows * weights.columns(), |out| gemm::multiply(&rows_of, rows, weights, epilogue, out))
    }
}

/// Calls `work` with the parts of `0..count`, each of at most `part`.
fn each_part(count: usize, part: usize, work: impl Fn(Range<usize>) + Sync) {
    let parts = count.div_ceil(part.max(1));
    if parts <= 1 {
        return work(0..count);
    }
    (0..parts).into_par_iter().with_max_len(1).for_each(|i| work(i * part..((i + 1) * part).min(count)));
}
