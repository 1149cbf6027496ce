//! Attention that never holds all scores: a few queries meet all keys of a head, block by block.
//!
//! Source of the running softmax: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018,
//! arXiv 1805.02867.

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Dense, ROWS, Shared, Tiles};
use super::packed::{Layout, Matrix};
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

/// What becomes of the products of queries and keys before the softmax.
#[derive(Debug, Clone, Copy)]
pub enum Scores<'a> {
    /// They are divided by the root of a head's width.
    Scaled,
    /// That, and one number per key `(b, m)` is added, the same for all heads and queries.
    Biased(&'a [f32]),
    /// They are multiplied by `scale`, and one number per head and distance `(heads, 2 n - 1)` is added, for as many keys as
    /// queries: key `j` seen from query `i` is at `j - i + n - 1`.
    ByDistance { bias: &'a [f32], scale: f32 },
}

impl Heads {
    fn channels(&self) -> usize {
        self.heads * self.width
    }
}

/// Dot-product attention: `queries (b, n, c)`, `keys` and `values (b, m, c)`.
///
/// # Panics
///
/// Lengths do not fit.
pub fn attention(isa: Isa, size: Heads, queries: &[f32], keys: &[f32], values: &[f32], scores: Scores) -> Vec<f32> {
    let c = size.channels();
    let (asked, kept) = (size.batch * size.queries * c, size.batch * size.keys * c);
    assert_eq!((queries.len(), keys.len(), values.len()), (asked, kept, kept), "sizes differ");
    match scores {
        Scores::Scaled => {}
        Scores::Biased(bias) => assert_eq!(bias.len(), size.batch * size.keys, "biases of another number"),
        Scores::ByDistance { bias, .. } => {
            assert_eq!(size.queries, size.keys, "distances of other tokens");
            assert_eq!(bias.len(), size.heads * (2 * size.keys - 1), "biases of another number");
        }
    }
    assert!(size.keys > 0, "no keys to attend to");
    let asking = Asking { isa, size, queries, keys, values, scores };
    let length = asking.packed_length();
    let mut memory = Scratch::new(size.batch * size.heads * length);
    let heads = memory.par_chunks_exact_mut(length.max(1)).with_max_len(4).enumerate();
    heads.for_each(|(head, memory)| asking.pack(head, memory));
    let (packed, parts) = (&memory[..], size.queries.div_ceil(QUERIES));
    // SAFETY: every query of every head is written by one task, and nothing of the output is read.
    unsafe {
        scratch::filled(asked, |out| {
            let out = Shared::new(out);
            (0..size.batch * size.heads * parts).into_par_iter().with_max_len(1).for_each(|task| {
                let (head, first) = (task / parts, task % parts * QUERIES);
                let rows = first..(first + QUERIES).min(size.queries);
                let packed = &packed[head * length..(head + 1) * length];
                isa.run(Part { asking: &asking, packed, head, rows, out });
            });
        })
    }
}

/// An attention. Heads of all items are counted through.
struct Asking<'a> {
    isa: Isa,
    size: Heads,
    queries: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    scores: Scores<'a>,
}

impl Asking<'_> {
    /// First key of every block, and how its keys `(width, keys)` and values `(keys, width)` are packed, one after the
    /// other.
    fn blocks(&self) -> impl Iterator<Item = (usize, Layout, Layout)> + use<> {
        let (isa, keys, width) = (self.isa, self.size.keys, self.size.width);
        (0..keys).step_by(KEYS).map(move |first| {
            let count = KEYS.min(keys - first);
            let layout = |depth, columns| Layout { isa, depth, columns, gate: None };
            (first, layout(width, count), layout(count, width))
        })
    }

    /// Values of a head's keys and values, packed.
    fn packed_length(&self) -> usize {
        self.blocks().map(|(_, keys, values)| keys.length() + values.length()).sum()
    }

    /// Packs the keys, scaled, and the values of a head.
    fn pack(&self, head: usize, memory: &mut [f32]) {
        let (c, d) = (self.size.channels(), self.size.width);
        let scale = match self.scores {
            Scores::Scaled | Scores::Biased(_) => 1.0 / (d as f32).sqrt(),
            Scores::ByDistance { scale, .. } => scale,
        };
        let (item, head) = (head / self.size.heads, head % self.size.heads);
        let at = |key: usize| (item * self.size.keys + key) * c + head * d;
        let mut rest = memory;
        for (first, keys, values) in self.blocks() {
            let (to_keys, later) = rest.split_at_mut(keys.length());
            let (to_values, later) = later.split_at_mut(values.length());
            keys.pack(to_keys, |channel, key| self.keys[at(first + key) + channel] * scale);
            values.pack(to_values, |key, channel| self.values[at(first + key) + channel]);
            rest = later;
        }
    }

    /// Where the channels of a head's first query begin.
    fn offset(&self, head: usize) -> usize {
        head / self.size.heads * self.size.queries * self.size.channels() + head % self.size.heads * self.size.width
    }

    /// What is added to a head's scores of `query` and `keys`.
    fn bias(&self, head: usize, query: usize, keys: Range<usize>) -> Option<&[f32]> {
        let (bias, from) = match self.scores {
            Scores::Scaled => return None,
            Scores::Biased(bias) => (bias, head / self.size.heads * self.size.keys),
            Scores::ByDistance { bias, .. } => {
                let middle = self.size.keys - 1;
                (bias, head % self.size.heads * (2 * middle + 1) + middle - query)
            }
        };
        Some(&bias[from + keys.start..from + keys.end])
    }
}

/// Some queries of one head.
struct Part<'a> {
    asking: &'a Asking<'a>,
    /// Of the head.
    packed: &'a [f32],
    head: usize,
    rows: Range<usize>,
    out: Shared,
}

impl Task for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, simd: I) {
        let (asking, size) = (self.asking, self.asking.size);
        let (n, d, c) = (self.rows.len(), size.width, size.channels());
        let block = KEYS.min(size.keys);
        let mut memory = Scratch::new(n * (block + 2 * d + 2));
        let (scores, rest) = memory.split_at_mut(n * block);
        let (mixed, rest) = rest.split_at_mut(n * d);
        let (sum, rest) = rest.split_at_mut(n * d);
        let (most, total) = rest.split_at_mut(n);
        most.fill(f32::NEG_INFINITY);
        total.fill(0.0);
        sum.fill(0.0);
        let offset = asking.offset(self.head) + self.rows.start * c;
        let (queries, mut packed) = (&asking.queries[offset..], self.packed);
        for (first, keys, values) in asking.blocks() {
            let count = keys.columns;
            let (keys_at, later) = packed.split_at(keys.length());
            let (values_at, later) = later.split_at(values.length());
            let (keys, values) = (Matrix { layout: keys, data: keys_at }, Matrix { layout: values, data: values_at });
            packed = later;
            let scores = &mut scores[..n * count];
            Tiles::alone(&Dense::new(queries, n, d, c), n, keys, Shared::new(scores), count).run(simd);
            for (i, scores) in scores.chunks_exact_mut(count).enumerate() {
                let bias = asking.bias(self.head, self.rows.start + i, first..first + count);
                let fade = weigh(simd, scores, bias, &mut most[i], &mut total[i]);
                sum[i * d..(i + 1) * d].iter_mut().for_each(|x| *x *= fade);
            }
            Tiles::alone(&Dense::new(scores, n, count, count), n, values, Shared::new(mixed), d).run(simd);
            sum.iter_mut().zip(mixed.iter()).for_each(|(sum, mixed)| *sum += mixed);
        }
        for (i, sum) in sum.chunks_exact(d).enumerate() {
            let at = self.out.at(offset + i * c);
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
