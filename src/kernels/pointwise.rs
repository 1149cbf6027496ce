//! Activations over whole tensors, and the little moves of channel-last maps.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::{Activation, exp, gelu, sum};
use super::map::Size;
use super::scratch;
use super::simd::{Isa, Simd, Task, vectors};

/// Values that one task works on.
const PART: usize = 16 << 10;

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
                s.write(self.out.as_mut_ptr().add(at), lanes, self.activation.of(s, x));
            }
        }
    }
}

/// The mean of several, value by value.
///
/// # Panics
///
/// There is none, or lengths differ.
pub fn mean(isa: Isa, all: &[&[f32]]) -> Vec<f32> {
    let length = all[0].len();
    assert!(all.iter().all(|xs| xs.len() == length), "lengths differ");
    // SAFETY: the tasks write every value, and read none of the output.
    unsafe {
        scratch::filled(length, |out| {
            out.par_chunks_mut(PART).with_max_len(1).enumerate().for_each(|(i, out)| {
                isa.run(Mean { all, first: i * PART, out });
            });
        })
    }
}

struct Mean<'a> {
    all: &'a [&'a [f32]],
    first: usize,
    out: &'a mut [f32],
}

impl Task for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let share = s.splat(1.0 / self.all.len() as f32);
        for (at, lanes) in vectors::<I>(self.out.len()) {
            let mut sum = s.splat(0.0);
            for xs in self.all {
                let xs = &xs[self.first + at..self.first + at + lanes];
                // SAFETY: the slice has `lanes` values.
                sum = s.add(sum, unsafe { s.read(xs.as_ptr(), lanes) });
            }
            // SAFETY: `at + lanes` is at most the length of `out`.
            unsafe { s.write(self.out.as_mut_ptr().add(at), lanes, s.mul(sum, share)) };
        }
    }
}

/// `xs (b, n, c)` plus `ys`, of the same size, times one more than `gates (items, c)`, one row for all of the batch or one each.
///
/// # Panics
///
/// Lengths do not fit.
pub fn add_gated(isa: Isa, xs: &[f32], ys: &[f32], gates: &[f32], c: usize) -> Vec<f32> {
    assert!(c > 0 && !gates.is_empty() && gates.len().is_multiple_of(c), "no gates of {c}");
    assert!(xs.len() == ys.len() && xs.len().is_multiple_of(gates.len()), "sizes differ");
    let (rows, part) = (xs.len() / gates.len(), (PART / c).max(1));
    let add = |i: usize, out: &mut [f32]| {
        // The part begins within an item and may end in the next one.
        for (row, out) in (i * part..).zip(out.chunks_exact_mut(c)) {
            let (at, item) = (row * c, row / rows * c);
            isa.run(AddGated { xs: &xs[at..at + c], ys: &ys[at..at + c], gates: &gates[item..item + c], out });
        }
    };
    // SAFETY: the tasks write every value, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            out.par_chunks_mut(part * c).with_max_len(1).enumerate().for_each(|(i, out)| add(i, out));
        })
    }
}

/// A row.
struct AddGated<'a> {
    xs: &'a [f32],
    ys: &'a [f32],
    gates: &'a [f32],
    out: &'a mut [f32],
}

impl Task for AddGated<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let length = self.out.len().min(self.xs.len()).min(self.ys.len()).min(self.gates.len());
        for (at, lanes) in vectors::<I>(length) {
            // SAFETY: `at + lanes` is at most the length of all.
            unsafe {
                let gate = s.add(s.read(self.gates.as_ptr().add(at), lanes), s.splat(1.0));
                let y = s.fma(s.read(self.ys.as_ptr().add(at), lanes), gate, s.read(self.xs.as_ptr().add(at), lanes));
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
            let most = greatest(s, xs);
            // SAFETY: both have `c` values.
            let share = s.splat(1.0 / unsafe { exponentials(s, xs.as_ptr(), out.as_mut_ptr(), self.c, most) });
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

/// Writes `e^(x - most)` for every `x` of `xs`, and returns their sum.
///
/// # Safety
///
/// `length` values are readable at `xs` and writable at `to`, which may be the same place.
#[inline(always)]
pub(super) unsafe fn exponentials<I: Simd>(s: I, xs: *const f32, to: *mut f32, length: usize, most: f32) -> f32 {
    let (mut total, most) = (s.splat(0.0), s.splat(most));
    let whole = length / I::LANES * I::LANES;
    let mut last = [0.0; 16];
    // SAFETY: `at + lanes` is at most `length`, and no vector has more lanes than `last`.
    unsafe {
        for (at, _) in vectors::<I>(whole) {
            let y = exp(s, s.sub(s.load(xs.add(at)), most));
            s.store(to.add(at), y);
            total = s.add(total, y);
        }
        let lanes = length - whole;
        let y = exp(s, s.sub(s.read(xs.add(whole), lanes), most));
        s.store(last.as_mut_ptr(), y);
        s.write(to.add(whole), lanes, y);
        sum(s, total) + last[..lanes].iter().sum::<f32>()
    }
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
