//! Normalisations over channel-last data, fused with what follows them.

use std::ops::Range;

use super::activation::{silu, sum};
use super::gemm::Shared;
use super::map::Size;
use super::scratch;
use super::simd::{Isa, Simd, Task, vectors};

/// Values that one task sums or writes: enough to be worth it, and fixed, so that results do not depend on the number of
/// threads.
const PART: usize = 32 << 10;

/// Scale and shift per channel.
#[derive(Debug, Clone)]
pub struct Affine {
    /// `(c,)`.
    pub scale: Vec<f32>,
    /// `(c,)`.
    pub shift: Vec<f32>,
}

/// What a group normalisation does beyond its own scale and shift.
#[derive(Debug, Clone, Copy, Default)]
pub struct Then<'a> {
    /// `(b, 2 c)`: scales less one, then shifts, per item and channel.
    pub modulation: Option<&'a [f32]>,
    /// `x * sigmoid(x)` at the end.
    pub silu: bool,
}

/// Group normalisation of a map `(b, h, w, c)`; `before (b, c)`, if there, is added to the map first.
///
/// # Panics
///
/// Lengths do not fit.
pub fn group_norm(
    isa: Isa,
    xs: &[f32],
    size: Size,
    (groups, eps): (usize, f32),
    affine: &Affine,
    before: Option<&[f32]>,
    then: Then,
) -> Vec<f32> {
    let c = size.channels;
    assert_eq!((xs.len(), affine.scale.len(), affine.shift.len()), (size.values(), c, c), "sizes differ");
    assert!(groups > 0 && c.is_multiple_of(groups), "{c} channels do not split into {groups} groups");
    let item = size.height * size.width * c;
    let lines: Vec<Line> = (0..size.batch)
        .map(|b| {
            let xs = &xs[b * item..(b + 1) * item];
            let before = before.map(|all| &all[b * c..(b + 1) * c]);
            let (means, deviations) = statistics(isa, xs, groups, c, before, eps);
            Line::new(affine, before, then.modulation.map(|all| &all[b * 2 * c..(b + 1) * 2 * c]), &means, &deviations)
        })
        .collect();
    let part = (PART / c).max(1) * c;
    // SAFETY: the tasks write every position, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            let shared = Shared::new(out);
            super::each_part(xs.len(), part, |range| {
                // A part may span two items.
                let mut at = range.start;
                while at < range.end {
                    let end = range.end.min((at / item + 1) * item);
                    isa.run(Apply { xs: &xs[at..end], line: &lines[at / item], silu: then.silu, out: shared.part(at) });
                    at = end;
                }
            });
        })
    }
}

/// Mean and reciprocal deviation per group, of `xs (n, c)` plus `before (c,)`.
fn statistics(isa: Isa, xs: &[f32], groups: usize, c: usize, before: Option<&[f32]>, eps: f32) -> (Vec<f64>, Vec<f64>) {
    let (width, positions) = (c / groups, (xs.len() / c) as f64);
    // Around the first position, so that little cancels.
    let origin = &xs[..c];
    let (sums, squares) = channel_sums(isa, xs, c, origin);
    let mean_of = |i: usize| sums[i] / positions + f64::from(origin[i]) + before.map_or(0.0, |b| f64::from(b[i]));
    let means: Vec<f64> =
        (0..groups).map(|g| (g * width..(g + 1) * width).map(mean_of).sum::<f64>() / width as f64).collect();
    // What each channel varies by around its own mean, and its mean around the group's.
    let spread = |i: usize| {
        let within = squares[i] / positions - (sums[i] / positions).powi(2);
        within.max(0.0) + (mean_of(i) - means[i / width]).powi(2)
    };
    let variance = |g: usize| (g * width..(g + 1) * width).map(spread).sum::<f64>() / width as f64;
    let deviations = (0..groups).map(|g| 1.0 / (variance(g) + f64::from(eps)).sqrt()).collect();
    (means, deviations)
}

/// Per channel, the sums over positions of `x - origin` and of its square.
fn channel_sums(isa: Isa, xs: &[f32], c: usize, origin: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let part = (PART / c).max(1) * c;
    let parts = xs.len().div_ceil(part);
    let mut sums = vec![0.0; parts * 2 * c];
    let shared = Shared::new(&mut sums);
    super::each_part(xs.len(), part, |range| {
        let sums = shared.part(range.start / part * 2 * c);
        isa.run(Sum { xs: &xs[range], origin, sums });
    });
    let total = |i: usize| sums.chunks_exact(2 * c).map(|part| f64::from(part[i])).sum();
    ((0..c).map(total).collect(), (c..2 * c).map(total).collect())
}

/// See [`channel_sums`].
struct Sum<'a> {
    xs: &'a [f32],
    /// One per channel.
    origin: &'a [f32],
    /// Of the part: a sum per channel, then a sum of squares per channel.
    sums: Shared,
}

impl Task for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let c = self.origin.len();
        for (at, lanes) in vectors::<I>(c) {
            let (mut sum, mut squares) = (s.splat(0.0), s.splat(0.0));
            // SAFETY: `at + lanes` is at most `c`, the length of origin, sums, squares, and every position of `xs`; tasks
            // have sums of their own.
            unsafe {
                let origin = s.read(self.origin.as_ptr().add(at), lanes);
                for xs in self.xs.chunks_exact(c) {
                    let x = s.sub(s.read(xs.as_ptr().add(at), lanes), origin);
                    sum = s.add(sum, x);
                    squares = s.fma(x, x, squares);
                }
                s.write(self.sums.at(at), lanes, sum);
                s.write(self.sums.at(c + at), lanes, squares);
            }
        }
    }
}

/// Everything that is linear in a normalisation, as one scale and shift per channel.
struct Line {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Line {
    fn new(
        affine: &Affine,
        before: Option<&[f32]>,
        modulation: Option<&[f32]>,
        means: &[f64],
        deviations: &[f64],
    ) -> Self {
        let c = affine.scale.len();
        let width = c / means.len();
        let (mut scales, mut shifts) = (Vec::with_capacity(c), Vec::with_capacity(c));
        for i in 0..c {
            let before = before.map_or(0.0, |b| f64::from(b[i]));
            let scale = f64::from(affine.scale[i]) * deviations[i / width];
            let shift = f64::from(affine.shift[i]) + (before - means[i / width]) * scale;
            let (by, plus) = modulation.map_or((1.0, 0.0), |m| (1.0 + f64::from(m[i]), f64::from(m[c + i])));
            scales.push((scale * by) as f32);
            shifts.push((shift * by + plus) as f32);
        }
        Self { scale: scales, shift: shifts }
    }
}

/// Scales and shifts a few positions.
struct Apply<'a> {
    xs: &'a [f32],
    line: &'a Line,
    silu: bool,
    /// As long as `xs`.
    out: Shared,
}

impl Task for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let c = self.line.scale.len();
        for position in 0..self.xs.len() / c {
            for (at, lanes) in vectors::<I>(c) {
                // SAFETY: `at + lanes` is at most `c`, the length of scales and shifts, and of every position.
                unsafe {
                    let scale = s.read(self.line.scale.as_ptr().add(at), lanes);
                    let shift = s.read(self.line.shift.as_ptr().add(at), lanes);
                    let at = position * c + at;
                    let y = s.fma(s.read(self.xs.as_ptr().add(at), lanes), scale, shift);
                    s.write(self.out.at(at), lanes, if self.silu { silu(s, y) } else { y });
                }
            }
        }
    }
}

/// Layer normalisation of every row of `xs (b, n, c)`; `items`, one for all of the batch or one each, say what is made of
/// the rows.
///
/// # Panics
///
/// Lengths do not fit.
pub fn layer_norm(isa: Isa, xs: &[f32], eps: f32, items: &[Affine]) -> Vec<f32> {
    let c = items.first().map_or(0, |affine| affine.scale.len());
    assert!(items.iter().all(|affine| affine.scale.len() == c && affine.shift.len() == c), "sizes differ");
    assert!(c > 0 && xs.len().is_multiple_of(items.len() * c), "not rows of {c} of {} items", items.len());
    let rows = xs.len() / c / items.len();
    let part = (PART / c).max(1);
    let parts: Vec<_> = (0..items.len()).flat_map(|i| (0..rows).step_by(part).map(move |first| (i, first))).collect();
    // SAFETY: the tasks write every row, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            let out = Shared::new(out);
            super::each(&parts, |&(i, first)| {
                let rows = i * rows + first..i * rows + (first + part).min(rows);
                let Affine { scale, shift } = &items[i];
                isa.run(Rows { xs, rows, eps, scale, shift: Some(shift), out });
            });
        })
    }
}

/// Every row of `xs (n, c)` over the root of its mean square, times `scale (c,)`.
///
/// Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.
///
/// # Panics
///
/// Lengths do not fit.
pub fn rms_norm(isa: Isa, xs: &[f32], eps: f32, scale: &[f32]) -> Vec<f32> {
    let c = scale.len();
    assert!(c > 0 && xs.len().is_multiple_of(c), "sizes differ");
    // SAFETY: the tasks write every row, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            let shared = Shared::new(out);
            super::each_part(xs.len() / c, (PART / c).max(1), |rows| {
                isa.run(Rows { xs, rows, eps, scale, shift: None, out: shared });
            });
        })
    }
}

/// Normalises some rows.
struct Rows<'a> {
    xs: &'a [f32],
    rows: Range<usize>,
    eps: f32,
    scale: &'a [f32],
    /// Where there is none, the mean stays too.
    shift: Option<&'a [f32]>,
    out: Shared,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let c = self.scale.len();
        for row in self.rows {
            let xs = &self.xs[row * c..(row + 1) * c];
            // SAFETY: `at + lanes` is at most `c`, the length of row, scales and shifts; tasks have rows of their own.
            unsafe {
                let mean = if self.shift.is_some() { mean(s, xs) } else { 0.0 };
                let mut squares = s.splat(0.0);
                for (at, lanes) in vectors::<I>(c) {
                    // Beyond the row, the mean itself, so that nothing is added.
                    let x = if lanes == I::LANES { s.load(xs.as_ptr().add(at)) } else { padded(s, &xs[at..], mean) };
                    let x = s.sub(x, s.splat(mean));
                    squares = s.fma(x, x, squares);
                }
                let deviation = s.splat(1.0 / (sum(s, squares) / c as f32 + self.eps).sqrt());
                for (at, lanes) in vectors::<I>(c) {
                    let x = s.sub(s.read(xs.as_ptr().add(at), lanes), s.splat(mean));
                    let (x, scale) = (s.mul(x, deviation), s.read(self.scale.as_ptr().add(at), lanes));
                    let y = match self.shift {
                        Some(shift) => s.fma(x, scale, s.read(shift.as_ptr().add(at), lanes)),
                        None => s.mul(x, scale),
                    };
                    s.write(self.out.at(row * c + at), lanes, y);
                }
            }
        }
    }
}

/// The mean of `xs`.
#[inline(always)]
fn mean<I: Simd>(s: I, xs: &[f32]) -> f32 {
    let mut total = s.splat(0.0);
    for (at, lanes) in vectors::<I>(xs.len()) {
        // SAFETY: `at + lanes` is at most the length of `xs`.
        total = s.add(total, unsafe { s.read(xs.as_ptr().add(at), lanes) });
    }
    sum(s, total) / xs.len() as f32
}

/// A vector of fewer values than it has lanes, and `rest` beyond.
#[inline(always)]
fn padded<I: Simd>(s: I, values: &[f32], rest: f32) -> I::V {
    let mut lanes = [rest; 16];
    lanes[..values.len()].copy_from_slice(values);
    // SAFETY: no vector has more lanes.
    unsafe { s.load(lanes.as_ptr()) }
}
