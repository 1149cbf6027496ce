//! Matrix products: many rows, gathered from anywhere, times one matrix that was packed when it was loaded.
//!
//! A convolution is such a product too: its rows are the kernel's footprints, one *segment* of channels per tap. Rows are
//! read where they lie ([`Source`]), so nothing is gathered beforehand. The sums of a tile of [`ROWS`] rows by one panel
//! of columns stay in registers.
//!
//! Every output is summed in the same order, whatever the number of threads.

use std::ops::Range;

use super::activation::Activation;
use super::packed::{Layout, Matrix, Packed};
use super::simd::{Simd, Task};

/// Rows of a tile. Six, so that the sums and a panel's vectors fill 32 registers, and the rows' addresses fit into the
/// general ones.
pub(super) const ROWS: usize = 6;
/// Depth that is multiplied before the sums go to memory: its part of a panel stays in the second-level cache.
const DEPTH: usize = 576;
/// Values of rows that meet one panel after another: they stay in the second-level cache beside it.
const CHUNK: usize = 48 << 10;
/// Multiply-adds that are worth another thread's while.
const TASK_WORK: usize = 2_000_000;

/// Where the rows of a product come from.
pub(super) trait Source: Sync {
    /// What is known of a tile's rows before any segment.
    type Place: Copy;
    /// Parts of a row that lie apart.
    fn segments(&self) -> usize;
    /// Values of a segment.
    fn length(&self, segment: usize) -> usize;
    /// Values of a row that no earlier row has.
    fn fresh(&self) -> usize;
    /// Prepares for the `valid` rows from `first`, and for the last of them again beyond.
    fn place(&self, first: usize, valid: usize) -> Self::Place;
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

    fn fresh(&self) -> usize {
        self.depth
    }

    #[inline(always)]
    fn place(&self, first: usize, valid: usize) -> Self::Place {
        // Beyond the last row, the last again; it is not written twice.
        std::array::from_fn(|i| self.data.as_ptr().wrapping_add((first + i.min(valid - 1)) * self.stride))
    }

    #[inline(always)]
    fn rows(&self, place: &Self::Place, segment: usize) -> [*const f32; ROWS] {
        place.map(|row| row.wrapping_add(segment * DEPTH))
    }
}

/// What is added to a product before it is written, and what is made of the sum.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// One per column; gated matrices have `2 * columns`.
    pub bias: Option<&'a [f32]>,
    /// Laid out as the product is.
    pub residual: Option<&'a [f32]>,
    /// Of the sum of all; not of gated matrices.
    pub then: Option<Activation>,
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

/// A product: `rows` rows of some source times `weights`, into `out (rows, columns)`.
pub(super) struct Product<'a> {
    pub weights: &'a Packed,
    pub epilogue: Epilogue<'a>,
    pub out: &'a mut [f32],
}

/// Multiplies `rows` rows of `source` by `weights` into `out (rows, columns)`.
///
/// # Panics
///
/// Lengths do not fit.
pub(super) fn multiply<S: Source>(source: &S, rows: usize, weights: &Packed, epilogue: Epilogue, out: &mut [f32]) {
    multiply_all(source, rows, [Product { weights, epilogue, out }]);
}

/// Multiplies the same rows by several matrices, side by side.
///
/// # Panics
///
/// Lengths do not fit.
pub(super) fn multiply_all<S: Source, const N: usize>(source: &S, rows: usize, products: [Product; N]) {
    let parts: [_; N] = products.map(|product| {
        let Product { weights, epilogue, out } = product;
        let weights = weights.matrix();
        check(source, rows, &weights.layout, epilogue, out);
        (weights, epilogue, Shared::new(out))
    });
    let tasks: Vec<(usize, Range<usize>, Range<usize>)> = parts
        .iter()
        .enumerate()
        .flat_map(|(i, part)| tasks(rows, &part.0.layout).map(move |(r, p)| (i, r, p)))
        .collect();
    super::each(&tasks, |(i, rows, panels)| {
        let (weights, epilogue, out) = parts[*i];
        let (rows, panels, stride) = (rows.clone(), panels.clone(), weights.layout.columns);
        weights.layout.isa.run(Tiles { source, rows, panels, weights, epilogue, out, stride });
    });
}

fn check<S: Source>(source: &S, rows: usize, weights: &Layout, epilogue: Epilogue, out: &[f32]) {
    let columns = weights.columns;
    assert_eq!(out.len(), rows * columns, "the output has another size");
    assert_eq!((0..source.segments()).map(|s| source.length(s)).sum::<usize>(), weights.depth, "depths differ");
    assert!(epilogue.residual.is_none_or(|residual| residual.len() == out.len()), "the residual has another size");
    let width = weights.blocks() * columns;
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == width), "biases of another number");
}

/// Splits a product into rows and panels, so that no task is too small to be worth it.
fn tasks(rows: usize, weights: &Layout) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + use<> {
    let (panels, blocks) = (weights.panels(), rows.div_ceil(ROWS));
    let threads = rayon::current_num_threads();
    let most = if threads == 1 { 1 } else { 4 * threads };
    let wanted = (rows * weights.depth * weights.columns / TASK_WORK).clamp(1, most);
    let by_rows = wanted.min(blocks).max(1);
    let by_panels = (wanted / by_rows).clamp(1, panels.max(1));
    let cut = |part: usize, parts: usize, whole: usize| part * whole / parts..(part + 1) * whole / parts;
    (0..by_rows * by_panels).map(move |task| {
        let blocks = cut(task / by_panels, by_rows, blocks);
        (blocks.start * ROWS..(blocks.end * ROWS).min(rows), cut(task % by_panels, by_panels, panels))
    })
}

/// A part of a product. The one that runs writes only its own rows' columns of its own panels.
pub(super) struct Tiles<'a, S> {
    pub source: &'a S,
    pub rows: Range<usize>,
    pub panels: Range<usize>,
    pub weights: Matrix<'a>,
    pub epilogue: Epilogue<'a>,
    pub out: Shared,
    /// From one row of the output to the next.
    pub stride: usize,
}

impl<'a, S: Source> Tiles<'a, S> {
    /// All panels of a product that one thread makes alone.
    pub fn alone(source: &'a S, rows: usize, weights: Matrix<'a>, out: Shared, stride: usize) -> Self {
        let panels = 0..weights.layout.panels();
        Self { source, rows: 0..rows, panels, weights, epilogue: Epilogue::default(), out, stride }
    }
}

impl<S: Source> Task for Tiles<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, simd: I) {
        let at_once = (CHUNK / self.source.fresh().max(1) / ROWS).max(1) * ROWS;
        let mut first = self.rows.start;
        while first < self.rows.end {
            let rows = first..self.rows.end.min(first + at_once);
            first = rows.end;
            self.chunk(simd, rows);
        }
    }
}

impl<S: Source> Tiles<'_, S> {
    /// All panels of some rows.
    #[inline(always)]
    fn chunk<I: Simd>(&self, simd: I, rows: Range<usize>) {
        let mut offset = 0;
        for panel in 0..self.panels.end {
            let (first, width) = self.weights.layout.panel_columns(panel);
            let blocks = self.weights.layout.blocks();
            let vectors = width.div_ceil(I::LANES) * blocks;
            if self.panels.contains(&panel) {
                let part = Part { first, width, data: self.weights.data.as_ptr().wrapping_add(offset) };
                match vectors {
                    1 => self.panel::<I, 1>(simd, rows.clone(), part),
                    2 => self.panel::<I, 2>(simd, rows.clone(), part),
                    3 => self.panel::<I, 3>(simd, rows.clone(), part),
                    _ => self.panel::<I, 4>(simd, rows.clone(), part),
                }
            }
            offset += self.weights.layout.depth * vectors * I::LANES;
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
    /// Some rows of one panel, one depth block after another.
    #[inline(always)]
    fn panel<I: Simd, const N: usize>(&self, simd: I, rows: Range<usize>, part: Part) {
        let segments = self.source.segments();
        // A gated panel's second half has no place in the output, where unfinished sums are put aside.
        let deepest = if self.weights.layout.gate.is_some() { usize::MAX } else { DEPTH };
        let (mut begin, mut data) = (0, part.data);
        let mut sums = [0.0; MOST_SUMS];
        while begin < segments {
            let (mut end, mut depth) = (begin + 1, self.source.length(begin));
            while end < segments && depth + self.source.length(end) <= deepest {
                depth += self.source.length(end);
                end += 1;
            }
            for row in rows.clone().step_by(ROWS) {
                let valid = ROWS.min(rows.end - row);
                self.tile::<I, N>(simd, (row, valid), begin..end, data, &mut sums);
                let tile = Tile { row, valid, sums: &sums, is_first: begin == 0, is_last: end == segments };
                match self.weights.layout.gate {
                    Some(gate) => self.finish_gated::<I, N>(simd, part, tile, gate),
                    None => self.finish::<I, N>(simd, part, tile),
                }
            }
            data = data.wrapping_add(depth * N * I::LANES);
            begin = end;
        }
    }

    /// The sums of a tile over some segments, row by row.
    ///
    /// They leave through memory on purpose: an array that anything indexes with a variable is kept in memory by the
    /// compiler, also in the innermost loop.
    #[inline(always)]
    fn tile<I: Simd, const N: usize>(
        &self,
        simd: I,
        (first, valid): (usize, usize),
        segments: Range<usize>,
        mut weights: *const f32,
        out: &mut [f32; MOST_SUMS],
    ) {
        let place = self.source.place(first, valid);
        let mut sums = [[simd.splat(0.0); N]; ROWS];
        for segment in segments {
            let rows = self.source.rows(&place, segment);
            for k in 0..self.source.length(segment) {
                // SAFETY: the panel has as many rows as the segments together have values, which `check` saw to; each
                // row is readable for its segment's length, which is the contract of `Source`.
                unsafe {
                    let mut line = [simd.splat(0.0); N];
                    for j in 0..N {
                        line[j] = simd.load(weights.add(j * I::LANES));
                    }
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
        for i in 0..ROWS {
            for j in 0..N {
                // SAFETY: `MOST_SUMS` is enough for the longest vectors.
                unsafe { simd.store(out.as_mut_ptr().add((i * N + j) * I::LANES), sums[i][j]) };
            }
        }
    }

    /// Lanes of vector `j` that are columns.
    #[inline(always)]
    fn lanes<I: Simd>(part: Part, j: usize) -> usize {
        part.width.saturating_sub(j * I::LANES).min(I::LANES)
    }

    /// Adds what earlier segments left in the output, after the last also bias and residual, and writes what is made of it.
    #[inline(always)]
    fn finish<I: Simd, const N: usize>(&self, simd: I, part: Part, tile: Tile) {
        for i in 0..tile.valid {
            let bias = self.epilogue.bias.filter(|_| tile.is_last).map(<[f32]>::as_ptr);
            let residual = self.epilogue.residual.filter(|_| tile.is_last);
            let then = self.epilogue.then.filter(|_| tile.is_last);
            for j in 0..N {
                let lanes = Self::lanes::<I>(part, j);
                let column = part.first + j * I::LANES;
                let index = (tile.row + i) * self.stride + column;
                let out = self.out.at(index);
                // SAFETY: biases, residual and output have the sizes that `check` saw to; no other task writes there.
                unsafe {
                    let mut sum = simd.load(tile.sums.as_ptr().add((i * N + j) * I::LANES));
                    if !tile.is_first {
                        sum = simd.add(sum, simd.read(out, lanes));
                    }
                    if let Some(bias) = bias {
                        sum = simd.add(sum, simd.read(bias.wrapping_add(column), lanes));
                    }
                    if let Some(residual) = residual {
                        sum = simd.add(sum, simd.read(residual.as_ptr().wrapping_add(index), lanes));
                    }
                    if let Some(then) = then {
                        sum = then.of(simd, sum);
                    }
                    simd.write(out, lanes, sum);
                }
            }
        }
    }

    /// The first half of the vectors times the second through `gating`.
    #[inline(always)]
    fn finish_gated<I: Simd, const N: usize>(&self, simd: I, part: Part, tile: Tile, gating: Activation) {
        let columns = self.weights.layout.columns;
        for i in 0..tile.valid {
            let bias = self.epilogue.bias.map(<[f32]>::as_ptr);
            for j in 0..N / 2 {
                let lanes = Self::lanes::<I>(part, j);
                let column = part.first + j * I::LANES;
                // SAFETY: biases and output have the sizes that `check` saw to; no other task writes there.
                unsafe {
                    let mut value = simd.load(tile.sums.as_ptr().add((i * N + j) * I::LANES));
                    let mut gate = simd.load(tile.sums.as_ptr().add((i * N + N / 2 + j) * I::LANES));
                    if let Some(bias) = bias {
                        value = simd.add(value, simd.read(bias.wrapping_add(column), lanes));
                        gate = simd.add(gate, simd.read(bias.wrapping_add(columns + column), lanes));
                    }
                    let out = self.out.at((tile.row + i) * self.stride + column);
                    simd.write(out, lanes, simd.mul(value, gating.of(simd, gate)));
                }
            }
        }
    }
}

/// What a tile summed, and when.
#[derive(Clone, Copy)]
struct Tile<'a> {
    row: usize,
    /// Rows that are there.
    valid: usize,
    /// One row of a panel after another.
    sums: &'a [f32; MOST_SUMS],
    /// Over the first segments; else the output holds what came before.
    is_first: bool,
    /// Over the last segments.
    is_last: bool,
}

/// Sums of a tile, for the longest vectors.
const MOST_SUMS: usize = ROWS * 4 * 16;
