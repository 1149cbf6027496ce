//! 3x3 convolutions with fewer multiplications.
//!
//! A tile of `m x m` outputs needs `(m + 2)^2` products per pair of channels instead of `9 m^2`: 16 for 36, or 36 for 144.
//! Inputs and kernels are transformed so that the convolution becomes as many matrix products, and those are transformed
//! back.
//!
//! Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, sections 4.1 to 4.3.

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Dense, Epilogue, ROWS, Shared, Tiles};
use super::map::Size;
use super::packed::Packed;
use super::scratch::Scratch;
use super::simd::{Isa, Simd, Task};
use super::weights::Weights;

/// Side of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiling {
    /// 2 outputs from 4 inputs.
    Two = 0,
    /// 4 outputs from 6 inputs; rounds about ten times as coarsely.
    Four = 1,
}

/// Channels below which the transforms cost what they save.
const FEWEST_CHANNELS: usize = 24;
/// Tiles of four that repay reading the larger weights.
const ENOUGH_TILES: usize = 48;
/// Bytes of transformed inputs and products that a thread works on at once: they stay in its second-level cache.
const WORKING_SET: usize = 768 << 10;

impl Tiling {
    /// What is fastest for a map, if anything is faster than the direct way.
    pub(super) fn choose(size: Size, outputs: usize) -> Option<Self> {
        let tiles = |side: usize| size.batch * size.height.div_ceil(side) * size.width.div_ceil(side);
        if size.channels.min(outputs) < FEWEST_CHANNELS || tiles(2) < ROWS {
            None
        } else if tiles(4) >= ENOUGH_TILES {
            Some(Self::Four)
        } else {
            Some(Self::Two)
        }
    }

    /// Outputs along a side.
    fn outputs(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Inputs along a side.
    fn inputs(self) -> usize {
        self.outputs() + 2
    }

    /// One row of the kernel's transform per input, over the three taps.
    fn kernel_transform(self) -> &'static [[f64; 3]] {
        match self {
            Self::Two => &[[1., 0., 0.], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0., 0., 1.]],
            Self::Four => &[
                [1. / 4., 0., 0.],
                [-1. / 6., -1. / 6., -1. / 6.],
                [-1. / 6., 1. / 6., -1. / 6.],
                [1. / 24., 1. / 12., 1. / 6.],
                [1. / 24., -1. / 12., 1. / 6.],
                [0., 0., 1.],
            ],
        }
    }
}

/// Transformed weights.
#[derive(Debug, Clone)]
pub struct Winograd {
    tiling: Tiling,
    /// One `(inputs, outputs)` for each of a tile's inputs, row by row.
    weights: Vec<Packed>,
}

impl Winograd {
    /// From `weights (outputs, inputs, 3, 3)`.
    pub(super) fn new(isa: Isa, tiling: Tiling, inputs: usize, outputs: usize, weights: &Weights) -> Self {
        let transform = tiling.kernel_transform();
        let pairs = transform.iter().flat_map(|row| transform.iter().map(move |column| (row, column)));
        let packed = pairs.map(|(row, column)| {
            Packed::new(isa, inputs, outputs, |input, output| {
                let first = (output * inputs + input) * 9;
                let tap = |i: usize, j: usize| f64::from(weights.at(first + 3 * i + j));
                let line = |i: usize| (0..3).map(|j| tap(i, j) * column[j]).sum::<f64>();
                (0..3).map(|i| row[i] * line(i)).sum::<f64>() as f32
            })
        });
        Self { tiling, weights: packed.collect() }
    }

    /// Convolves `xs` into `out`, a map of the same size but for the channels.
    pub(super) fn forward(&self, xs: &[f32], size: Size, is_circular: bool, epilogue: Epilogue, out: &mut [f32]) {
        let outputs = self.weights[0].columns();
        assert_eq!(out.len(), size.positions() * outputs, "the output has another size");
        assert!(epilogue.residual.is_none_or(|residual| residual.len() == out.len()), "the residual has another size");
        assert!(epilogue.bias.is_none_or(|bias| bias.len() == outputs), "biases of another number");
        let map = Map::new(self.tiling, xs, size, is_circular);
        let inputs = self.tiling.inputs() * self.tiling.inputs();
        let fitting = WORKING_SET / (inputs * (size.channels + outputs) * size_of::<f32>());
        let tiles = map.tiles();
        let even = tiles.div_ceil(rayon::current_num_threads());
        let chunk = (fitting.min(even).div_ceil(ROWS) * ROWS).max(ROWS);
        let shared = Shared::new(out);
        (0..tiles.div_ceil(chunk)).into_par_iter().with_max_len(1).for_each(|i| {
            let tiles = i * chunk..((i + 1) * chunk).min(tiles);
            self.weights[0].isa().run(Chunk { winograd: self, map: &map, tiles, epilogue, out: shared });
        });
    }
}

/// Where tiles find their inputs.
struct Map<'a> {
    xs: &'a [f32],
    zeros: Vec<f32>,
    size: Size,
    /// Outputs along a tile's side.
    side: usize,
    down: usize,
    across: usize,
    /// Source of input row `i` of tile row `t`, at `t * side + i`; none off the map.
    rows: Vec<Option<usize>>,
    columns: Vec<Option<usize>>,
}

impl<'a> Map<'a> {
    fn new(tiling: Tiling, xs: &'a [f32], size: Size, is_circular: bool) -> Self {
        let side = tiling.outputs();
        let (down, across) = (size.height.div_ceil(side), size.width.div_ceil(side));
        let places = |tiles: usize, length: usize, wraps: bool| -> Vec<Option<usize>> {
            let place = |i: usize| match i.checked_sub(1).filter(|at| *at < length) {
                None if wraps => Some((i + length - 1) % length),
                place => place,
            };
            (0..tiles * side + 2).map(place).collect()
        };
        Self {
            xs,
            zeros: vec![0.0; size.channels],
            size,
            side,
            down,
            across,
            rows: places(down, size.height, is_circular),
            columns: places(across, size.width, false),
        }
    }

    fn tiles(&self) -> usize {
        self.size.batch * self.down * self.across
    }

    /// Item, first row and first column of a tile's outputs.
    #[inline(always)]
    fn corner(&self, tile: usize) -> (usize, usize, usize) {
        let (line, x) = (tile / self.across, tile % self.across);
        (line / self.down, line % self.down * self.side, x * self.side)
    }

    /// The channels of input `(i, j)` of the tile whose first output is at `corner`.
    #[inline(always)]
    fn input(&self, (item, y, x): (usize, usize, usize), i: usize, j: usize) -> *const f32 {
        match (self.rows[y + i], self.columns[x + j]) {
            (Some(row), Some(column)) => {
                let position = (item * self.size.height + row) * self.size.width + column;
                self.xs[position * self.size.channels..].as_ptr()
            }
            _ => self.zeros.as_ptr(),
        }
    }
}

/// Some tiles, from inputs to outputs.
struct Chunk<'a> {
    winograd: &'a Winograd,
    map: &'a Map<'a>,
    tiles: Range<usize>,
    epilogue: Epilogue<'a>,
    out: Shared,
}

impl Task for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Simd>(self, simd: I) {
        match self.winograd.tiling {
            Tiling::Two => self.convolve::<I, 2, 4>(simd),
            Tiling::Four => self.convolve::<I, 4, 6>(simd),
        }
    }
}

impl Chunk<'_> {
    #[inline(always)]
    fn convolve<I: Simd, const OUT: usize, const IN: usize>(&self, simd: I) {
        let (channels, outputs) = (self.map.size.channels, self.winograd.weights[0].columns());
        let tiles = self.tiles.len();
        let mut memory = Scratch::new(IN * IN * tiles * (channels + outputs));
        let (inputs, products) = memory.split_at_mut(IN * IN * tiles * channels);
        self.transform_inputs::<I, IN>(simd, Shared::new(inputs));
        let shared = Shared::new(products);
        for (i, weights) in self.winograd.weights.iter().enumerate() {
            let rows = Dense::new(&inputs[i * tiles * channels..], tiles, channels, channels);
            Tiles::alone(&rows, tiles, weights.matrix(), shared.part(i * tiles * outputs), outputs).run(simd);
        }
        self.transform_outputs::<I, OUT, IN>(simd, products);
    }

    /// To `inputs (IN * IN, tiles, channels)`.
    #[inline(always)]
    fn transform_inputs<I: Simd, const IN: usize>(&self, simd: I, inputs: Shared) {
        let (channels, tiles) = (self.map.size.channels, self.tiles.len());
        for (t, tile) in self.tiles.clone().enumerate() {
            let corner = self.map.corner(tile);
            let from: [[*const f32; IN]; IN] =
                std::array::from_fn(|i| std::array::from_fn(|j| self.map.input(corner, i, j)));
            let mut c = 0;
            while c < channels {
                let lanes = (channels - c).min(I::LANES);
                let mut lines = [[simd.splat(0.0); IN]; IN];
                for j in 0..IN {
                    // SAFETY: every input has `channels` values.
                    let column: [I::V; IN] =
                        std::array::from_fn(|i| unsafe { simd.read(from[i][j].wrapping_add(c), lanes) });
                    let column = input_transform(simd, column);
                    for i in 0..IN {
                        lines[i][j] = column[i];
                    }
                }
                for (i, line) in lines.iter().enumerate() {
                    for (j, value) in input_transform(simd, *line).iter().enumerate() {
                        let at = inputs.at(((i * IN + j) * tiles + t) * channels + c);
                        // SAFETY: `convolve` made room for all of them.
                        unsafe { simd.write(at, lanes, *value) };
                    }
                }
                c += I::LANES;
            }
        }
    }

    /// From `products (IN * IN, tiles, outputs)`.
    #[inline(always)]
    fn transform_outputs<I: Simd, const OUT: usize, const IN: usize>(&self, simd: I, products: &[f32]) {
        let (outputs, tiles) = (self.winograd.weights[0].columns(), self.tiles.len());
        let size = self.map.size;
        for (t, tile) in self.tiles.clone().enumerate() {
            let (item, y, x) = self.map.corner(tile);
            let (high, wide) = (OUT.min(size.height - y), OUT.min(size.width - x));
            let mut c = 0;
            while c < outputs {
                let lanes = (outputs - c).min(I::LANES);
                let mut lines = [[simd.splat(0.0); IN]; OUT];
                for j in 0..IN {
                    let column: [I::V; IN] = std::array::from_fn(|i| {
                        let at = ((i * IN + j) * tiles + t) * outputs + c;
                        // SAFETY: `products` holds all of them.
                        unsafe { simd.read(products.as_ptr().wrapping_add(at), lanes) }
                    });
                    let column: [I::V; OUT] = output_transform(simd, column);
                    for i in 0..OUT {
                        lines[i][j] = column[i];
                    }
                }
                for (i, line) in lines.iter().enumerate().take(high) {
                    let values: [I::V; OUT] = output_transform(simd, *line);
                    for (j, value) in values.iter().enumerate().take(wide) {
                        let position = (item * size.height + y + i) * size.width + x + j;
                        self.finish(simd, position * outputs + c, c, lanes, *value);
                    }
                }
                c += I::LANES;
            }
        }
    }

    /// Adds bias and residual, and writes what is made of the sum.
    #[inline(always)]
    fn finish<I: Simd>(&self, simd: I, index: usize, column: usize, lanes: usize, mut value: I::V) {
        // SAFETY: biases, residual and output have the sizes that `forward` checked; every output has one tile.
        unsafe {
            if let Some(bias) = self.epilogue.bias {
                value = simd.add(value, simd.read(bias.as_ptr().wrapping_add(column), lanes));
            }
            if let Some(residual) = self.epilogue.residual {
                value = simd.add(value, simd.read(residual.as_ptr().wrapping_add(index), lanes));
            }
            if let Some(then) = self.epilogue.then {
                value = then.of(simd, value);
            }
            simd.write(self.out.at(index), lanes, value);
        }
    }
}

/// One dimension of the inputs' transform.
#[inline(always)]
fn input_transform<I: Simd, const IN: usize>(s: I, d: [I::V; IN]) -> [I::V; IN] {
    let mut t = d;
    if IN == 4 {
        t[0] = s.sub(d[0], d[2]);
        t[1] = s.add(d[1], d[2]);
        t[2] = s.sub(d[2], d[1]);
        t[3] = s.sub(d[1], d[3]);
        return t;
    }
    let (two, four, five) = (s.splat(2.0), s.splat(4.0), s.splat(-5.0));
    let minus_four = s.splat(-4.0);
    let (a, b) = (s.fma(minus_four, d[2], d[4]), s.fma(minus_four, d[1], d[3]));
    let (c, e) = (s.sub(d[4], d[2]), s.mul(two, s.sub(d[3], d[1])));
    t[0] = s.fma(five, d[2], s.fma(four, d[0], d[4]));
    t[1] = s.add(a, b);
    t[2] = s.sub(a, b);
    t[3] = s.add(c, e);
    t[4] = s.sub(c, e);
    t[5] = s.fma(five, d[3], s.fma(four, d[1], d[5]));
    t
}

/// One dimension of the products' transform.
#[inline(always)]
fn output_transform<I: Simd, const OUT: usize, const IN: usize>(s: I, m: [I::V; IN]) -> [I::V; OUT] {
    let mut t = [m[0]; OUT];
    let (sum, difference) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    if IN == 4 {
        t[0] = s.add(m[0], sum);
        t[1] = s.sub(difference, m[3]);
        return t;
    }
    let (outer_sum, outer) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    t[0] = s.add(m[0], s.add(sum, outer_sum));
    t[1] = s.fma(s.splat(2.0), outer, difference);
    t[2] = s.fma(s.splat(4.0), outer_sum, sum);
    t[3] = s.add(s.fma(s.splat(8.0), outer, difference), m[5]);
    t
}
