//! Activations over whole tensors, and the little moves of channel-last maps.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::{exp, gelu, silu};
use super::conv::Size;
use super::norm::lane_sum;
use super::scratch;
use super::simd::{Isa, Simd, Task};

/// Values that one task works on.
const PART: usize = 16 << 10;

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// Gaussian error linear unit, exact.
    Gelu,
    /// `max(x, slope * x)`.
    LeakyRelu(f32),
}

/// `activation` of every value.
pub fn activate(isa: Isa, xs: &[f32], activation: Activation) -> Vec<f32> {
    // SAFETY: the tasks write every value, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            let parts = out.par_chunks_mut(PART).zip(xs.par_chunks(PART)).with_max_len(1);
            parts.for_each(|(out, xs)| isa.run(Activate { xs, activation, out }));
        })
    }
}

struct Activate<'a> {
    xs: &'a [f32],
    activation: Activation,
    out: &'a mut [f32],
}

impl Task for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, _: I) {
        let pairs = self.out.iter_mut().zip(self.xs);
        match self.activation {
            Activation::Silu => pairs.for_each(|(y, x)| *y = silu(*x)),
            Activation::Gelu => pairs.for_each(|(y, x)| *y = gelu(*x)),
            Activation::LeakyRelu(slope) => pairs.for_each(|(y, x)| *y = x.max(slope * x)),
        }
    }
}

/// Of every row of `2 c`: the first half times the GELU of the second.
///
/// # Panics
///
/// `xs` is not whole rows.
pub fn geglu(isa: Isa, xs: &[f32], c: usize) -> Vec<f32> {
    assert!(c > 0 && xs.len().is_multiple_of(2 * c), "not rows of {}", 2 * c);
    let rows = (PART / c).max(1);
    // SAFETY: the tasks write every value, and read none of the output.
    unsafe {
        scratch::filled(xs.len() / 2, |out| {
            let parts = out.par_chunks_mut(rows * c).zip(xs.par_chunks(rows * 2 * c)).with_max_len(1);
            parts.for_each(|(out, xs)| isa.run(Gate { xs, c, out }));
        })
    }
}

struct Gate<'a> {
    xs: &'a [f32],
    c: usize,
    out: &'a mut [f32],
}

impl Task for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, _: I) {
        for (out, xs) in self.out.chunks_exact_mut(self.c).zip(self.xs.chunks_exact(2 * self.c)) {
            let (values, gates) = xs.split_at(self.c);
            for ((y, value), gate) in out.iter_mut().zip(values).zip(gates) {
                *y = value * gelu(*gate);
            }
        }
    }
}

/// Softmax of every row of `c`.
///
/// # Panics
///
/// `xs` is not whole rows.
pub fn softmax(isa: Isa, xs: &[f32], c: usize) -> Vec<f32> {
    assert!(c > 0 && xs.len().is_multiple_of(c), "not rows of {c}");
    let rows = (PART / c).max(1);
    // SAFETY: the tasks write every value, and read none of the output before.
    unsafe {
        scratch::filled(xs.len(), |out| {
            let parts = out.par_chunks_mut(rows * c).zip(xs.par_chunks(rows * c)).with_max_len(1);
            parts.for_each(|(out, xs)| isa.run(Softmax { xs, c, out }));
        })
    }
}

struct Softmax<'a> {
    xs: &'a [f32],
    c: usize,
    out: &'a mut [f32],
}

impl Task for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, _: I) {
        for (out, xs) in self.out.chunks_exact_mut(self.c).zip(self.xs.chunks_exact(self.c)) {
            let most = lane_max(xs);
            out.iter_mut().zip(xs).for_each(|(y, x)| *y = exp(x - most));
            let share = 1.0 / lane_sum(out, |y| y);
            out.iter_mut().for_each(|y| *y *= share);
        }
    }
}

/// The largest, in 16 lanes so that it becomes vector code.
#[inline(always)]
pub(super) fn lane_max(xs: &[f32]) -> f32 {
    let (chunks, rest) = xs.as_chunks::<16>();
    let mut most = [f32::NEG_INFINITY; 16];
    for chunk in chunks {
        for (most, x) in most.iter_mut().zip(chunk) {
            // Not `f32::max`, whose care for NaN costs three instructions.
            *most = if *x > *most { *x } else { *most };
        }
    }
    most.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

/// Puts the channels of two maps of `positions` side by side.
///
/// # Panics
///
/// Lengths do not fit.
pub fn concatenate(a: &[f32], b: &[f32], positions: usize) -> Vec<f32> {
    let (left, right) = (a.len() / positions.max(1), b.len() / positions.max(1));
    assert_eq!((left * positions, right * positions), (a.len(), b.len()), "not maps of {positions} positions");
    let width = left + right;
    let rows = (PART / width.max(1)).max(1);
    // SAFETY: every row's two parts are written.
    unsafe {
        scratch::filled(a.len() + b.len(), |out| {
            out.par_chunks_mut((rows * width).max(1)).with_max_len(1).enumerate().for_each(|(i, out)| {
                for (j, out) in out.chunks_exact_mut(width).enumerate() {
                    let row = i * rows + j;
                    out[..left].copy_from_slice(&a[row * left..(row + 1) * left]);
                    out[left..].copy_from_slice(&b[row * right..(row + 1) * right]);
                }
            });
        })
    }
}

/// The map at another size, each position the nearest of the old (PyTorch's `nearest`).
///
/// # Panics
///
/// `xs` is not a map of `size`.
pub fn upsample_nearest(xs: &[f32], size: Size, height: usize, width: usize) -> Vec<f32> {
    assert_eq!(xs.len(), size.values(), "a map of another size");
    let c = size.channels;
    let line = |row: Range<usize>, out: &mut [f32]| {
        for (x, out) in out.chunks_exact_mut(c).enumerate() {
            let from = row.start + x * size.width / width * c;
            out.copy_from_slice(&xs[from..from + c]);
        }
    };
    // SAFETY: every line of the output is written.
    unsafe {
        scratch::filled(size.batch * height * width * c, |out| {
            out.par_chunks_mut((width * c).max(1)).with_min_len(8).enumerate().for_each(|(y, out)| {
                let (item, y) = (y / height, y % height);
                let row = (item * size.height + y * size.height / height) * size.width * c;
                line(row..row + size.width * c, out);
            });
        })
    }
}
