//! Kernels for the CPU.
//!
//! Plain functions over slices of f32 that know neither tensors nor models; [`ops`](crate::ops) calls them. Maps are
//! channel-last, `(b, h, w, c)`. Everything runs in the rayon pool that it is called from, and gives the same bits for any
//! number of threads.
//!
//! | file | what it makes fast |
//! | --- | --- |
//! | `simd` | one kernel, compiled for AVX-512, AVX2, NEON and plain Rust, chosen when it runs |
//! | `gemm`, `packed` | matrix products with packed weights, bias, residual and gate |
//! | `conv` | convolutions in one and two dimensions, transposed ones too |
//! | `winograd` | 3x3 convolutions with 2.25 or 4 times fewer multiplications |
//! | `attention` | attention that never holds all scores |
//! | `norm` | group and layer normalisation with what follows them |
//! | `pointwise`, `activation` | activations, softmax, concatenation, upsampling |
//! | `weights` | weights in half the memory until they are packed |
//! | `scratch` | memory that every thread keeps for the next kernel |
//!
//! This module is the only one of the engine with `unsafe` code. It has two reasons: instruction sets are called after
//! asking the processor for them, and tasks write disjoint parts of one output.

mod activation;
mod attention;
mod conv;
mod gemm;
mod map;
mod norm;
mod packed;
mod pointwise;
mod scratch;
mod simd;
mod weights;
mod winograd;

#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use attention::{Heads, Scores, attention};
pub use conv::{Conv, ConvTranspose, Shape};
pub use gemm::Epilogue;
pub use map::Size;
pub use norm::{Affine, Then, group_norm, layer_norm, rms_norm};
pub use packed::Packed;
pub use pointwise::{activate, add_gated, concatenate, geglu, mean, softmax, upsample_nearest};
pub use simd::Isa;

use std::ops::Range;

use rayon::prelude::*;

use gemm::{Dense, Product};

/// A linear layer over the last axis: `xs (n, depth)` → `(n, columns)`, with what follows it.
///
/// # Panics
///
/// Lengths do not fit.
pub fn linear(xs: &[f32], weights: &Packed, epilogue: Epilogue) -> Vec<f32> {
    let rows = rows(xs, weights.depth());
    let source = Dense::new(xs, rows, weights.depth(), weights.depth());
    // SAFETY: a product writes all of its output, and reads none before.
    unsafe { scratch::filled(rows * weights.columns(), |out| gemm::multiply(&source, rows, weights, epilogue, out)) }
}

/// Several linear layers over the same `xs (n, depth)`, each with its bias.
///
/// # Panics
///
/// Lengths do not fit.
pub fn linears<const N: usize>(xs: &[f32], layers: [(&Packed, Option<&[f32]>); N]) -> [Vec<f32>; N] {
    let depth = layers.first().map_or(1, |layer| layer.0.depth());
    let rows = rows(xs, depth);
    let source = Dense::new(xs, rows, depth, depth);
    let mut outs = layers.map(|layer| Vec::with_capacity(rows * layer.0.columns()));
    let mut next = outs.iter_mut();
    let products = layers.map(|(weights, bias)| {
        let out: &mut Vec<f32> = next.next().expect("one output per layer");
        // SAFETY: the capacity is there, and a product writes all of its output and reads none before.
        let out = unsafe {
            out.set_len(rows * weights.columns());
            &mut out[..]
        };
        Product { weights, epilogue: Epilogue { bias, ..Default::default() }, out }
    });
    gemm::multiply_all(&source, rows, products);
    outs
}

fn rows(xs: &[f32], depth: usize) -> usize {
    assert!(depth > 0 && xs.len().is_multiple_of(depth), "not rows of {depth}");
    xs.len() / depth
}

/// Calls `work` for every task; alone if there is but one, since to wake a thread takes longer than many a task.
fn each<T: Sync>(tasks: &[T], work: impl Fn(&T) + Sync) {
    match tasks {
        [] => {}
        [task] => work(task),
        tasks => tasks.par_iter().with_max_len(1).for_each(&work),
    }
}

/// Calls `work` with the parts of `0..count`, each of at most `part`.
fn each_part(count: usize, part: usize, work: impl Fn(Range<usize>) + Sync) {
    let parts: Vec<_> = (0..count).step_by(part.max(1)).map(|first| first..(first + part).min(count)).collect();
    each(&parts, |part| work(part.clone()));
}
