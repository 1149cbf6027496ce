//! Attention that never holds all scores: a few queries meet all keys of a head, block by block.
//!
//! Source of the running softmax: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018,
//! arXiv 1805.02867.

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Dense, Packed, ROWS, Shared, Tiles};
use super::pointwise::{exponentials, greatest};
use super::scratch::{self, Scratch};
use super::simd::{Isa, Simd, Task};

/// Queries of a task.
const QUERIES: usize = 8 * ROWS;
/// Keys whose scores are held at once.
const KEYS: usize = 512;

/// Sizes of an attention.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// Items.
    pub batch: usize,
    /// Queries of an item.
    pub queries: usize,
    /// Keys of an item.
    pub keys: usize,
    /// Heads.
    pub heads: usize,
    /// Channels of a head.
    pub width: usize,
}

impl Heads {
    fn channels(&self) -> usize {
        self.heads * self.width
    }
}

/// Scaled dot-product attention: `queries (b, n, c)`, `keys` and `values (b, m, c)`, `bias (b, m)` on the scores.
///
/// # Panics
///
/// Lengths do not fit.
pub fn attention(
    isa: Isa,
    size: Heads,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let c = size.channels();
    let (asked, kept) = (size.batch * size.queries * c, size.batch * size.keys * c);
    assert_eq!((queries.len(), keys.len(), values.len()), (asked, kept, kept), "sizes differ");
    assert!(bias.is_none_or(|bias| bias.len() == size.batch * size.keys), "biases of another number");
    assert!(size.keys > 0, "no keys to attend to");
    let head = |i: usize| Head::new(isa, size, i, keys, values, bias);
    let heads: Vec<Head> = (0..size.batch * size.heads).into_par_iter().with_max_len(4).map(head).collect();
    let parts = size.queries.div_ceil(QUERIES);
    // SAFETY: every query of every head is written by one task, and nothing of the output is read.
    unsafe {
        scratch::filled(asked, |out| {
            let shared = Shared::new(out);
            (0..heads.len() * parts).into_par_iter().with_max_len(1).for_each(|task| {
                let first = task % parts * QUERIES;
                let rows = first..(first + QUERIES).min(size.queries);
                isa.run(Part { head: &heads[task / parts], size, queries, rows, out: shared });
            });
        })
    }
}

/// Keys and values of one head of one item, packed block by block.
struct Head<'a> {
    /// Where its first query's channels begin.
    offset: usize,
    /// `(width, keys)`, scaled, and `(keys, width)`.
    blocks: Vec<(Packed, Packed)>,
    bias: Option<&'a [f32]>,
}

impl<'a> Head<'a> {
    fn new(isa: Isa, size: Heads, index: usize, keys: &[f32], values: &[f32], bias: Option<&'a [f32]>) -> Self {
        let (item, head) = (index / size.heads, index % size.heads);
        let (c, d) = (size.channels(), size.width);
        let scale = 1.0 / (d as f32).sqrt();
        let at = |key: usize| (item * size.keys + key) * c + head * d;
        let blocks = (0..size.keys).step_by(KEYS).map(|first| {
            let count = KEYS.min(size.keys - first);
            let keys = Packed::new(isa, d, count, |channel, key| keys[at(first + key) + channel] * scale);
            let values = Packed::new(isa, count, d, |key, channel| values[at(first + key) + channel]);
            (keys, values)
        });
        Self {
            offset: item * size.queries * c + head * d,
            blocks: blocks.collect(),
            bias: bias.map(|bias| &bias[item * size.keys..(item + 1) * size.keys]),
        }
    }
}

/// Some queries of one head.
struct Part<'a> {
    head: &'a Head<'a>,
    size: Heads,
    queries: &'a [f32],
    rows: Range<usize>,
    out: Shared,
}

impl Task for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, simd: I) {
        let (n, d, c) = (self.rows.len(), self.size.width, self.size.channels());
        let block = KEYS.min(self.size.keys);
        let mut memory = Scratch::new(n * (block + 2 * d + 2));
        let (scores, rest) = memory.split_at_mut(n * block);
        let (mixed, rest) = rest.split_at_mut(n * d);
        let (sum, rest) = rest.split_at_mut(n * d);
        let (most, total) = rest.split_at_mut(n);
        most.fill(f32::NEG_INFINITY);
        total.fill(0.0);
        sum.fill(0.0);
        let mut first = 0;
        let queries = &self.queries[self.head.offset + self.rows.start * c..];
        for (keys, values) in &self.head.blocks {
            let count = keys.columns();
            let scores = &mut scores[..n * count];
            Tiles::alone(&Dense::new(queries, n, d, c), n, keys, Shared::new(scores), count).run(simd);
            for (i, scores) in scores.chunks_exact_mut(count).enumerate() {
                let bias = self.head.bias.map(|bias| &bias[first..first + count]);
                let fade = weigh(simd, scores, bias, &mut most[i], &mut total[i]);
                sum[i * d..(i + 1) * d].iter_mut().for_each(|x| *x *= fade);
            }
            Tiles::alone(&Dense::new(scores, n, count, count), n, values, Shared::new(mixed), d).run(simd);
            sum.iter_mut().zip(mixed.iter()).for_each(|(sum, mixed)| *sum += mixed);
            first += count;
        }
        for (i, sum) in sum.chunks_exact(d).enumerate() {
            let at = self.out.at(self.head.offset + (self.rows.start + i) * c);
            // SAFETY: these channels of this query are this task's alone.
            let out = unsafe { std::slice::from_raw_parts_mut(at, d) };
            let share = 1.0 / total[i];
            out.iter_mut().zip(sum).for_each(|(out, sum)| *out = sum * share);
        }
    }
}

/// Turns scores into weights relative to the greatest so far; returns what earlier weights are worth now.
#[inline(always)]
fn weigh<I: Simd>(s: I, scores: &mut [f32], bias: Option<&[f32]>, most: &mut f32, total: &mut f32) -> f32 {
    if let Some(bias) = bias {
        scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
    }
    let before = *most;
    *most = before.max(greatest(s, scores));
    let fade = (before - *most).exp();
    let at = scores.as_mut_ptr();
    // SAFETY: in place.
    let sum = unsafe { exponentials(s, at, at, scores.len(), *most) };
    *total = *total * fade + sum;
    fade
}
