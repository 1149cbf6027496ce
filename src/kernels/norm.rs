//! Normalisations over channel-last data, fused with what follows them.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::{silu, sum};
use super::conv::Size;
use super::gemm::Shared;
use super::scratch;
use super::simd::{Isa, Simd, Task, vectors};

/// Positions that one task sums or writes; fixed, so that results do not depend on the number of threads.
const POSITIONS: usize = 128;

/// Learnt scale and shift per channel.
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
    assert!(groups > 0 && c % groups == 0, "{c} channels do not split into {groups} groups");
    let item = size.height * size.width * c;
    let lines: Vec<Line> = (0..size.batch)
        .map(|b| {
            let xs = &xs[b * item..(b + 1) * item];
            let before = before.map(|all| &all[b * c..(b + 1) * c]);
            let (means, deviations) = statistics(isa, xs, c, groups, before, eps);
            Line::new(affine, before, then.modulation.map(|all| &all[b * 2 * c..(b + 1) * 2 * c]), &means, &deviations)
        })
        .collect();
    // SAFETY: the tasks write every position, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            out.par_chunks_mut(POSITIONS * c).with_max_len(1).enumerate().for_each(|(i, out)| {
                // A chunk may span two items.
                let mut done = 0;
                while done < out.len() {
                    let at = i * POSITIONS * c + done;
                    let end = (out.len() - done).min(item - at % item);
                    let task = Apply { xs: &xs[at..at + end], line: &lines[at / item], silu: then.silu, out: &mut out[done..done + end] };
                    isa.run(task);
                    done += end;
                }
            });
        })
    }
}

/// Mean and reciprocal deviation per group, of `xs (n, c)` plus `before (c,)`.
fn statistics(isa: Isa, xs: &[f32], c: usize, groups: usize, before: Option<&[f32]>, eps: f32) -> (Vec<f64>, Vec<f64>) {
    let width = c / groups;
    let count = (xs.len() / c * width) as f64;
    let per_group = |sums: &[f64]| -> Vec<f64> { sums.chunks_exact(width).map(|group| group.iter().sum()).collect() };
    let positions = xs.len() as f64 / c as f64;
    let mut sums = channel_sums(isa, xs, c, &vec![0.0; c], false);
    if let Some(before) = before {
        sums.iter_mut().zip(before).for_each(|(sum, before)| *sum += f64::from(*before) * positions);
    }
    let means: Vec<f64> = per_group(&sums).iter().map(|sum| sum / count).collect();
    // Around the mean, so that nothing cancels.
    let centres: Vec<f32> = (0..c).map(|i| (means[i / width] - before.map_or(0.0, |b| f64::from(b[i]))) as f32).collect();
    let squares = channel_sums(isa, xs, c, &centres, true);
    let deviations = per_group(&squares).iter().map(|sum| 1.0 / (sum / count + f64::from(eps)).sqrt()).collect();
    (means, deviations)
}

/// Per channel, the sum over positions of `x - centre`, or of its square.
fn channel_sums(isa: Isa, xs: &[f32], c: usize, centres: &[f32], squares: bool) -> Vec<f64> {
    let parts: Vec<Vec<f32>> = xs
        .par_chunks(POSITIONS * c)
        .with_max_len(1)
        .map(|xs| {
            let mut sums = vec![0.0; c];
            isa.run(Sum { xs, centres, squares, sums: &mut sums });
            sums
        })
        .collect();
    let mut sums = vec![0.0; c];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += f64::from(part));
    }
    sums
}

/// See [`channel_sums`].
struct Sum<'a> {
    xs: &'a [f32],
    /// As many as sums.
    centres: &'a [f32],
    squares: bool,
    sums: &'a mut [f32],
}

impl Task for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let c = self.sums.len();
        let positions = self.xs.len() / c;
        for (at, lanes) in vectors::<I>(c) {
            let mut sum = s.splat(0.0);
            // SAFETY: `at + lanes` is at most `c`, the length of sums and centres, and of every position of `xs`.
            unsafe {
                let centre = s.read(self.centres.as_ptr().add(at), lanes);
                for position in 0..positions {
                    let x = s.read(self.xs.as_ptr().add(position * c + at), lanes);
                    let x = s.sub(x, centre);
                    sum = if self.squares { s.fma(x, x, sum) } else { s.add(sum, x) };
                }
                s.write(self.sums.as_mut_ptr().add(at), lanes, sum);
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
    fn new(affine: &Affine, before: Option<&[f32]>, modulation: Option<&[f32]>, means: &[f64], deviations: &[f64]) -> Self {
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
    out: &'a mut [f32],
}

impl Task for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let c = self.line.scale.len();
        let (xs, out) = (self.xs.as_ptr(), self.out.as_mut_ptr());
        for position in 0..self.xs.len().min(self.out.len()) / c {
            for (at, lanes) in vectors::<I>(c) {
                // SAFETY: `at + lanes` is at most `c`, the length of scales and shifts, and of every position.
                unsafe {
                    let scale = s.read(self.line.scale.as_ptr().add(at), lanes);
                    let shift = s.read(self.line.shift.as_ptr().add(at), lanes);
                    let y = s.fma(s.read(xs.add(position * c + at), lanes), scale, shift);
                    s.write(out.add(position * c + at), lanes, if self.silu { silu(s, y) } else { y });
                }
            }
        }
    }
}

/// Layer normalisation of every row of `xs (n, c)`.
///
/// # Panics
///
/// Lengths do not fit.
pub fn layer_norm(isa: Isa, xs: &[f32], eps: f32, affine: &Affine) -> Vec<f32> {
    let c = affine.scale.len();
    assert!(c > 0 && xs.len().is_multiple_of(c) && affine.shift.len() == c, "sizes differ");
    let rows = xs.len() / c;
    // SAFETY: the tasks write every row, and read none of the output.
    unsafe {
        scratch::filled(xs.len(), |out| {
            let shared = Shared::new(out);
            super::each_part(rows, POSITIONS.min(rows.div_ceil(4).max(8)), |rows| {
                isa.run(Rows { xs, rows, eps, affine, out: shared });
            });
        })
    }
}

/// Layer-normalises some rows.
struct Rows<'a> {
    xs: &'a [f32],
    rows: Range<usize>,
    eps: f32,
    affine: &'a Affine,
    out: Shared,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, s: I) {
        let c = self.affine.scale.len();
        let (scales, shifts) = (self.affine.scale.as_ptr(), self.affine.shift.as_ptr());
        for row in self.rows {
            let xs = &self.xs[row * c..(row + 1) * c];
            // SAFETY: `at + lanes` is at most `c`, the length of row, scales and shifts; tasks have rows of their own.
            unsafe {
                let mut total = s.splat(0.0);
                for (at, lanes) in vectors::<I>(c) {
                    total = s.add(total, s.read(xs.as_ptr().add(at), lanes));
                }
                let mean = sum(s, total) / c as f32;
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
                    let y = s.fma(s.mul(x, deviation), s.read(scales.add(at), lanes), s.read(shifts.add(at), lanes));
                    s.write(self.out.at(row * c + at), lanes, y);
                }
            }
        }
    }
}

/// A vector of fewer values than it has lanes, and `rest` beyond.
#[inline(always)]
fn padded<I: Simd>(s: I, values: &[f32], rest: f32) -> I::V {
    let mut lanes = [rest; 16];
    lanes[..values.len()].copy_from_slice(values);
    // SAFETY: no vector has more lanes.
    unsafe { s.load(lanes.as_ptr()) }
}
