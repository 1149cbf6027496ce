//! Matrix products: many rows, gathered from anywhere, times one matrix that was packed when it was loaded.
//!
//! A convolution is such a product too: its rows are the kernel's footprints, one *segment* of channels per tap. Rows are
//! read where they lie ([`Source`]), so nothing is gathered beforehand. The sums of a tile of [`ROWS`] rows by one panel
//! of columns stay in registers.
//!
//! Every output is summed in the same order, whatever the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::gelu;
use super::simd::{Isa, Simd, Task};

/// Rows of a tile. Six, so that the sums and a panel's vectors fill 32 registers, and the rows' addresses fit into the
/// general ones.
pub(super) const ROWS: usize = 6;
/// Depth that is multiplied before the sums go to memory: its part of a panel stays in the second-level cache.
const DEPTH: usize = 576;
/// Multiply-adds that are worth another thread's while.
const TASK_WORK: usize = 2_000_000;

/// A matrix `(depth, columns)`, laid out as the tiles read it: panels of columns, each row by row.
#[derive(Debug, Clone)]
pub struct Packed {
    isa: Isa,
    depth: usize,
    columns: usize,
    /// Values come in pairs of column blocks, the second gates the first.
    is_gated: bool,
    data: Vec<f32>,
}

impl Packed {
    /// Packs the matrix whose entry is `entry(row, column)`.
    pub fn new(isa: Isa, depth: usize, columns: usize, entry: impl Fn(usize, usize) -> f32) -> Self {
        Self { isa, depth, columns, is_gated: false, data: Vec::new() }.filled(entry)
    }

    /// Packs a matrix of `2 * columns` columns, whose second half gates the first when they are multiplied.
    pub fn gated(isa: Isa, depth: usize, columns: usize, entry: impl Fn(usize, usize) -> f32) -> Self {
        Self { isa, depth, columns, is_gated: true, data: Vec::new() }.filled(entry)
    }

    fn filled(mut self, entry: impl Fn(usize, usize) -> f32) -> Self {
        let (lanes, _) = self.isa.panel();
        for panel in 0..self.panels() {
            let (first, width) = self.panel_columns(panel);
            let padded = width.div_ceil(lanes) * lanes;
            for row in 0..self.depth {
                let block = |offset: usize| (0..padded).map(move |i| (i < width).then_some(offset + first + i));
                let gate = block(self.columns).filter(|_| self.is_gated);
                self.data.extend(block(0).chain(gate).map(|column| column.map_or(0.0, |c| entry(row, c))));
            }
        }
        self
    }

    /// The instruction set that it is laid out for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Columns that come out.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows of the matrix.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Columns out of a full panel.
    fn panel_width(&self) -> usize {
        let (lanes, vectors) = self.isa.panel();
        if self.is_gated { lanes * vectors / 2 } else { lanes * vectors }
    }

    fn panels(&self) -> usize {
        self.columns.div_ceil(self.panel_width())
    }

    /// First column of a panel, and how many it has.
    fn panel_columns(&self, panel: usize) -> (usize, usize) {
        let first = panel * self.panel_width();
        (first, self.panel_width().min(self.columns - first))
    }
}

/// Where the rows of a product come from.
pub(super) trait Source: Sync {
    /// What is known of a tile's rows before any segment.
    type Place: Copy;
    /// Parts of a row that lie apart.
    fn segments(&self) -> usize;
    /// Values of a segment.
    fn length(&self, segment: usize) -> usize;
    /// Prepares for the rows `rows`.
    fn place(&self, rows: [usize; ROWS]) -> Self::Place;
    /// Where the segment of each row begins. [`Source::length`] values are readable from there.
    fn rows(&self, place: &Self::Place, segment: usize) -> [*const f32; ROWS];
}

/// Rows of a plain matrix, `stride` values apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dense<'a> {
    data: &'a [f32],
    depth: usize,
    stride: usize,
}

impl<'a> Dense<'a> {
    /// `rows` rows of `depth` values.
    ///
    /// # Panics
    ///
    /// There are fewer.
    pub fn new(data: &'a [f32], rows: usize, depth: usize, stride: usize) -> Self {
        assert!(rows == 0 || (rows - 1) * stride + depth <= data.len(), "rows beyond the end");
        Self { data, depth, stride }
    }
}

impl Source for Dense<'_> {
    type Place = [*const f32; ROWS];

    fn segments(&self) -> usize {
        self.depth.div_ceil(DEPTH)
    }

    #[inline(always)]
    fn length(&self, segment: usize) -> usize {
        DEPTH.min(self.depth - segment * DEPTH)
    }

    #[inline(always)]
    fn place(&self, rows: [usize; ROWS]) -> Self::Place {
        rows.map(|row| self.data.as_ptr().wrapping_add(row * self.stride))
    }

    #[inline(always)]
    fn rows(&self, place: &Self::Place, segment: usize) -> [*const f32; ROWS] {
        place.map(|row| row.wrapping_add(segment * DEPTH))
    }
}

/// What is added to a product before it is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// One row of biases per item, or one for all; gated matrices have `2 * columns`.
    pub bias: Option<&'a [f32]>,
    /// Rows of the product that share a row of biases.
    pub rows_per_bias: usize,
    /// Laid out as the product is.
    pub residual: Option<&'a [f32]>,
}

impl Epilogue<'_> {
    /// The biases of a row of the product, `width` per item.
    #[inline(always)]
    fn bias(&self, row: usize, width: usize) -> Option<*const f32> {
        let bias = self.bias?;
        let item = if bias.len() == width { 0 } else { row / self.rows_per_bias };
        Some(bias.as_ptr().wrapping_add(item * width))
    }
}

/// An output that several threads write, each its own part.
#[derive(Clone, Copy)]
pub(super) struct Shared(*mut f32);

// SAFETY: whoever writes through it sees to it that no two threads write the same place.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// To be written while `out` is not used otherwise.
    pub fn new(out: &mut [f32]) -> Self {
        Self(out.as_mut_ptr())
    }

    /// The same output from `index` on.
    pub fn part(self, index: usize) -> Self {
        Self(self.at(index))
    }

    /// Where a value lies.
    #[inline(always)]
    pub fn at(self, index: usize) -> *mut f32 {
        self.0.wrapping_add(index)
    }
}

/// Multiplies `rows` rows of `source` by `weights` into `out (rows, columns)`.
///
/// # Panics
///
/// Lengths do not fit.
pub(super) fn multiply<S: Source>(source: &S, rows: usize, weights: &Packed, epilogue: Epilogue, out: &mut [f32]) {
    let columns = weights.columns;
    assert_eq!(out.len(), rows * columns, "the output has another size");
    assert_eq!((0..source.segments()).map(|s| source.length(s)).sum::<usize>(), weights.depth, "depths differ");
    assert!(epilogue.residual.is_none_or(|residual| residual.len() == out.len()), "the residual has another size");
    let width = if weights.is_gated { 2 * columns } else { columns };
    let enough = |bias: &[f32]| bias.len() == width || bias.len() * epilogue.rows_per_bias >= rows * width;
    assert!(epilogue.bias.is_none_or(enough), "too few biases");
    let shared = Shared::new(out);
    for_each_task(rows, weights, |rows, panels| {
        let tile = Tiles { source, rows, panels, weights, epilogue, out: shared, stride: columns };
        weights.isa.run(tile);
    });
}

/// Splits a product so that no task is too small to be worth it, and calls `work` with the rows and the panels of each.
fn for_each_task(rows: usize, weights: &Packed, work: impl Fn(Range<usize>, Range<usize>) + Sync) {
    let panels = weights.panels();
    let threads = rayon::current_num_threads();
    let wanted = (rows * weights.depth * weights.columns / TASK_WORK).clamp(1, 4 * threads);
    if wanted == 1 || threads == 1 {
        return work(0..rows, 0..panels);
    }
    let blocks = rows.div_ceil(ROWS);
    let by_rows = wanted.min(blocks);
    let by_panels = (wanted / by_rows).clamp(1, panels);
    let cut = |part: usize, parts: usize, whole: usize| part * whole / parts..(part + 1) * whole / parts;
    (0..by_rows * by_panels).into_par_iter().with_max_len(1).for_each(|task| {
        let blocks = cut(task / by_panels, by_rows, blocks);
        work(blocks.start * ROWS..(blocks.end * ROWS).min(rows), cut(task % by_panels, by_panels, panels));
    });
}

/// A part of a product. The one that runs writes only its own rows' columns of its own panels.
pub(super) struct Tiles<'a, S> {
    pub source: &'a S,
    pub rows: Range<usize>,
    pub panels: Range<usize>,
    pub weights: &'a Packed,
    pub epilogue: Epilogue<'a>,
    pub out: Shared,
    /// From one row of the output to the next.
    pub stride: usize,
}

impl<'a, S: Source> Tiles<'a, S> {
    /// All panels of a product that one thread makes alone.
    pub fn alone(source: &'a S, rows: usize, weights: &'a Packed, out: Shared, stride: usize) -> Self {
        let panels = 0..weights.panels();
        Self { source, rows: 0..rows, panels, weights, epilogue: Epilogue::default(), out, stride }
    }
}

impl<S: Source> Task for Tiles<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, simd: I) {
        let mut offset = 0;
        for panel in 0..self.panels.end {
            let (first, width) = self.weights.panel_columns(panel);
            let blocks = if self.weights.is_gated { 2 } else { 1 };
            let vectors = width.div_ceil(I::LANES) * blocks;
            if self.panels.contains(&panel) {
                let part = Part { first, width, data: self.weights.data.as_ptr().wrapping_add(offset) };
                match vectors {
                    1 => self.panel::<I, 1>(simd, part),
                    2 => self.panel::<I, 2>(simd, part),
                    3 => self.panel::<I, 3>(simd, part),
                    _ => self.panel::<I, 4>(simd, part),
                }
            }
            offset += self.weights.depth * vectors * I::LANES;
        }
    }
}

/// A panel: its first column out, the number of them, and its values.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    width: usize,
    data: *const f32,
}

impl<S: Source> Tiles<'_, S> {
    /// All rows of one panel, one depth block after another.
    #[inline(always)]
    fn panel<I: Simd, const N: usize>(&self, simd: I, part: Part) {
        let segments = self.source.segments();
        // A gated panel's second half has no place in the output, where unfinished sums are put aside.
        let deepest = if self.weights.is_gated { usize::MAX } else { DEPTH };
        let (mut begin, mut data) = (0, part.data);
        while begin < segments {
            let (mut end, mut depth) = (begin + 1, self.source.length(begin));
            while end < segments && depth + self.source.length(end) <= deepest {
                depth += self.source.length(end);
                end += 1;
            }
            for row in self.rows.clone().step_by(ROWS) {
                let valid = ROWS.min(self.rows.end - row);
                // Beyond the last row, the last again; it is not written twice.
                let rows: [usize; ROWS] = std::array::from_fn(|i| row + i.min(valid - 1));
                let mut sums = self.tile::<I, N>(simd, rows, begin..end, data);
                if begin > 0 {
                    self.resume::<I, N>(simd, row, valid, part, &mut sums);
                }
                if end < segments {
                    self.suspend::<I, N>(simd, row, valid, part, &sums);
                } else {
                    self.finish::<I, N>(simd, row, valid, part, &sums);
                }
            }
            data = data.wrapping_add(depth * N * I::LANES);
            begin = end;
        }
    }

    /// The sums of a tile over some segments.
    #[inline(always)]
    fn tile<I: Simd, const N: usize>(
        &self,
        simd: I,
        rows: [usize; ROWS],
        segments: Range<usize>,
        mut weights: *const f32,
    ) -> [[I::V; N]; ROWS] {
        let place = self.source.place(rows);
        let mut sums = [[simd.splat(0.0); N]; ROWS];
        for segment in segments {
            let rows = self.source.rows(&place, segment);
            for k in 0..self.source.length(segment) {
                // SAFETY: the panel has as many rows as the segments together have values, which `multiply` checked; each
                // row is readable for its segment's length, which is the contract of `Source`.
                unsafe {
                    let line: [I::V; N] = std::array::from_fn(|j| simd.load(weights.add(j * I::LANES)));
                    weights = weights.add(N * I::LANES);
                    for i in 0..ROWS {
                        let value = simd.splat(*rows[i].add(k));
                        for j in 0..N {
                            sums[i][j] = simd.fma(value, line[j], sums[i][j]);
                        }
                    }
                }
            }
        }
        sums
    }

    /// Lanes of vector `j` that are columns.
    #[inline(always)]
    fn lanes<I: Simd>(part: Part, j: usize) -> usize {
        part.width.saturating_sub(j * I::LANES).min(I::LANES)
    }

    /// Adds what [`Self::suspend`] put aside.
    #[inline(always)]
    fn resume<I: Simd, const N: usize>(
        &self,
        simd: I,
        row: usize,
        valid: usize,
        part: Part,
        sums: &mut [[I::V; N]; ROWS],
    ) {
        for (i, sums) in sums.iter_mut().enumerate().take(valid) {
            for (j, sum) in sums.iter_mut().enumerate() {
                let at = self.out.at((row + i) * self.stride + part.first + j * I::LANES);
                // SAFETY: within the output, whose size `multiply` checked.
                let before = unsafe { simd.load_part(at, Self::lanes::<I>(part, j)) };
                *sum = simd.add(before, *sum);
            }
        }
    }

    /// Puts unfinished sums where the output will be.
    #[inline(always)]
    fn suspend<I: Simd, const N: usize>(
        &self,
        simd: I,
        row: usize,
        valid: usize,
        part: Part,
        sums: &[[I::V; N]; ROWS],
    ) {
        for (i, sums) in sums.iter().enumerate().take(valid) {
            for (j, sum) in sums.iter().enumerate() {
                let at = self.out.at((row + i) * self.stride + part.first + j * I::LANES);
                // SAFETY: within the output, whose size `multiply` checked; no other task writes there.
                unsafe { simd.store_part(at, Self::lanes::<I>(part, j), *sum) };
            }
        }
    }

    /// Adds bias and residual, gates, and writes.
    #[inline(always)]
    fn finish<I: Simd, const N: usize>(
        &self,
        simd: I,
        row: usize,
        valid: usize,
        part: Part,
        sums: &[[I::V; N]; ROWS],
    ) {
        if self.weights.is_gated {
            return self.finish_gated::<I, N>(simd, row, valid, part, sums);
        }
        for (i, sums) in sums.iter().enumerate().take(valid) {
            let bias = self.epilogue.bias(row + i, self.weights.columns);
            for (j, sum) in sums.iter().enumerate() {
                let lanes = Self::lanes::<I>(part, j);
                let column = part.first + j * I::LANES;
                let index = (row + i) * self.stride + column;
                let mut sum = *sum;
                // SAFETY: biases, residual and output have the sizes that `multiply` checked; no other task writes there.
                unsafe {
                    if let Some(bias) = bias {
                        sum = simd.add(sum, simd.load_part(bias.wrapping_add(column), lanes));
                    }
                    if let Some(residual) = self.epilogue.residual {
                        sum = simd.add(sum, simd.load_part(residual.as_ptr().wrapping_add(index), lanes));
                    }
                    simd.store_part(self.out.at(index), lanes, sum);
                }
            }
        }
    }

    /// The first half of the vectors times the GELU of the second.
    #[inline(always)]
    fn finish_gated<I: Simd, const N: usize>(
        &self,
        simd: I,
        row: usize,
        valid: usize,
        part: Part,
        sums: &[[I::V; N]; ROWS],
    ) {
        let columns = self.weights.columns;
        for (i, sums) in sums.iter().enumerate().take(valid) {
            let bias = self.epilogue.bias(row + i, 2 * columns);
            for j in 0..N / 2 {
                let lanes = Self::lanes::<I>(part, j);
                let column = part.first + j * I::LANES;
                let (mut value, mut gate) = ([0.0_f32; MOST_LANES], [0.0_f32; MOST_LANES]);
                let to = self.out.at((row + i) * self.stride + column);
                // SAFETY: the arrays hold the longest vector; biases and output have the sizes that `multiply` checked.
                unsafe {
                    let (mut v, mut g) = (sums[j], sums[j + N / 2]);
                    if let Some(bias) = bias {
                        v = simd.add(v, simd.load_part(bias.wrapping_add(column), lanes));
                        g = simd.add(g, simd.load_part(bias.wrapping_add(columns + column), lanes));
                    }
                    simd.store(value.as_mut_ptr(), v);
                    simd.store(gate.as_mut_ptr(), g);
                    for (value, gate) in value.iter_mut().zip(&gate).take(I::LANES) {
                        *value *= gelu(*gate);
                    }
                    simd.store_part(to, lanes, simd.load(value.as_ptr()));
                }
            }
        }
    }
}

/// Of any instruction set.
const MOST_LANES: usize = 16;
