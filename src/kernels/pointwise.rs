//! Activations over whole tensors, and the little moves of channel-last maps.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::{exp, gelu, silu, sum};
use super::map::Size;
use super::scratch;
use super::simd::{Isa, Simd, Task, vectors};

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
    fn run<I: Simd>(self, s: I) {
        for (at, lanes) in vectors::<I>(self.xs.len().min(self.out.len())) {
            // SAFETY: `at + lanes` is at most the length of both.
            unsafe {
                let x = s.read(self.xs.as_ptr().add(at), lanes);
                let y = match self.activation {
                    Activation::Silu => silu(s, x),
                    Activation::Gelu => gelu(s, x),
                    Activation::LeakyRelu(slope) => s.max(s.mul(x, s.splat(slope)), x),
                };
                s.write(self.out.as_mut_ptr().add(at), lanes, y);
            }
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
    fn run<I: Simd>(self, s: I) {
        for (out, xs) in self.out.chunks_exact_mut(self.c).zip(self.xs.chunks_exact(2 * self.c)) {
            for (at, lanes) in vectors::<I>(self.c) {
                // SAFETY: `at + lanes` is at most `c`, the length of `out` and half that of `xs`.
                unsafe {
                    let value = s.read(xs.as_ptr().add(at), lanes);
                    let gate = s.read(xs.as_ptr().add(self.c + at), lanes);
                    s.write(out.as_mut_ptr().add(at), lanes, s.mul(value, gelu(s, gate)));
                }
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
    fn run<I: Simd>(self, s: I) {
        for (out, xs) in self.out.chunks_exact_mut(self.c).zip(self.xs.chunks_exact(self.c)) {
            out.copy_from_slice(xs);
            let most = greatest(s, out);
            let share = s.splat(1.0 / exponentials(s, out, most));
            for (at, lanes) in vectors::<I>(self.c) {
                // SAFETY: `at + lanes` is at most the length of `out`.
                unsafe { s.write(out.as_mut_ptr().add(at), lanes, s.mul(s.read(out.as_ptr().add(at), lanes), share)) };
            }
        }
    }
}

/// The greatest of `xs`.
#[inline(always)]
pub(super) fn greatest<I: Simd>(s: I, xs: &[f32]) -> f32 {
    let mut most = s.splat(f32::NEG_INFINITY);
    let whole = xs.len() / I::LANES * I::LANES;
    for (at, _) in vectors::<I>(whole) {
        // SAFETY: whole vectors are within `xs`.
        most = s.max(unsafe { s.load(xs.as_ptr().add(at)) }, most);
    }
    let mut lanes = [f32::NEG_INFINITY; 16];
    // SAFETY: no vector has more lanes.
    unsafe { s.store(lanes.as_mut_ptr(), most) };
    lanes.iter().chain(&xs[whole..]).fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

/// Replaces every `x` by `e^(x - most)`, and returns their sum.
#[inline(always)]
pub(super) fn exponentials<I: Simd>(s: I, xs: &mut [f32], most: f32) -> f32 {
    let mut total = s.splat(0.0);
    let whole = xs.len() / I::LANES * I::LANES;
    for (at, _) in vectors::<I>(whole) {
        // SAFETY: whole vectors are within `xs`.
        unsafe {
            let y = exp(s, s.sub(s.load(xs.as_ptr().add(at)), s.splat(most)));
            s.store(xs.as_mut_ptr().add(at), y);
            total = s.add(total, y);
        }
    }
    let rest = &mut xs[whole..];
    let mut lanes = [f32::NEG_INFINITY; 16];
    lanes[..rest.len()].copy_from_slice(rest);
    // SAFETY: no vector has more lanes.
    unsafe { s.store(lanes.as_mut_ptr(), exp(s, s.sub(s.load(lanes.as_ptr()), s.splat(most)))) };
    rest.copy_from_slice(&lanes[..rest.len()]);
    sum(s, total) + rest.iter().sum::<f32>()
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
