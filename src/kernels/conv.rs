//! Convolutions over channel-last maps `(b, h, w, c)`, as matrix products over gathered footprints.
//!
//! Every output position is a row; its segments are the channels under each tap, read where they lie. Where a footprint
//! leaves the map it wraps around (`h`, if so configured) or reads zeros. A convolution over time is one over a map of
//! width 1; a transposed one is a plain one whose outputs are all phases of a step at once.

use std::ops::Range;

use super::activation::Activation;
use super::gemm::{Epilogue, ROWS, Source, multiply};
use super::map::Size;
use super::packed::Packed;
use super::scratch;
use super::simd::Isa;
use super::weights::Weights;
use super::winograd::{Tiling, Winograd};

/// How a kernel moves over the map; pairs are (rows, columns).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Taps.
    pub kernel: (usize, usize),
    /// Steps from output to output.
    pub stride: (usize, usize),
    /// Steps from tap to tap.
    pub dilation: (usize, usize),
    /// Positions before the first row and column that the first output begins at.
    pub before: (usize, usize),
    /// Positions beyond the last row and column that the last output may reach.
    pub after: (usize, usize),
    /// Rows wrap around instead of reading zeros.
    pub is_circular: bool,
}

impl Shape {
    /// Rows and columns that come out of `height` and `width`; 0 where the kernel does not fit.
    pub fn outputs(&self, height: usize, width: usize) -> (usize, usize) {
        let along = |length, kernel, stride, dilation, before, after| {
            let reach = dilation * (kernel - 1) + 1;
            let room: usize = length + before + after;
            room.checked_sub(reach).map_or(0, |free| free / stride + 1)
        };
        (
            along(height, self.kernel.0, self.stride.0, self.dilation.0, self.before.0, self.after.0),
            along(width, self.kernel.1, self.stride.1, self.dilation.1, self.before.1, self.after.1),
        )
    }

    /// Of the outputs of a map of `height` and `width`, those rows and columns that see nothing beyond it.
    fn inside(&self, (height, width): (usize, usize), outputs: (usize, usize)) -> (Range<usize>, Range<usize>) {
        let along = |length: usize, kernel: usize, stride: usize, dilation: usize, before: usize, outputs: usize| {
            let reach = dilation * (kernel - 1) + 1;
            let end = (length + before).checked_sub(reach).map_or(0, |last| last / stride + 1).min(outputs);
            before.div_ceil(stride).min(end)..end
        };
        (
            along(height, self.kernel.0, self.stride.0, self.dilation.0, self.before.0, outputs.0),
            along(width, self.kernel.1, self.stride.1, self.dilation.1, self.before.1, outputs.1),
        )
    }
}

/// A convolution whose weights are packed when a map first needs them: in which of three ways, its size decides, and all
/// three would be seven times as large as the plain ones.
#[derive(Debug, Clone)]
pub struct Conv {
    shape: Shape,
    inputs: usize,
    outputs: usize,
    /// Depth is tap by tap, row by row, channels innermost.
    direct: std::sync::OnceLock<Packed>,
    winograd: [std::sync::OnceLock<Winograd>; 2],
    /// `(outputs, inputs, rows, columns)`, until packed for the sizes it meets.
    weights: Weights,
    bias: Vec<f32>,
    isa: Isa,
}

impl Conv {
    /// `weights (outputs, inputs, rows, columns)`, `bias (outputs)`.
    ///
    /// # Panics
    ///
    /// Lengths do not fit, or a kernel or stride is 0.
    pub fn new(isa: Isa, shape: Shape, inputs: usize, outputs: usize, weights: &[f32], bias: Vec<f32>) -> Self {
        assert_eq!(weights.len(), outputs * inputs * shape.kernel.0 * shape.kernel.1, "weights of another size");
        assert_eq!(bias.len(), outputs, "biases of another number");
        assert!(shape.kernel.0 * shape.kernel.1 * shape.stride.0 * shape.stride.1 > 0, "an empty kernel");
        let weights = Weights::new(weights);
        Self { shape, inputs, outputs, direct: Default::default(), winograd: Default::default(), weights, bias, isa }
    }

    /// Channels in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Size of what comes out.
    pub fn outputs(&self, size: Size) -> Size {
        let (height, width) = self.shape.outputs(size.height, size.width);
        Size { height, width, channels: self.outputs, ..size }
    }

    /// Convolves `xs`; `residual` is added, and `then` made of the sum.
    ///
    /// # Panics
    ///
    /// Lengths or channels do not fit.
    pub fn forward(&self, xs: &[f32], size: Size, residual: Option<&[f32]>, then: Option<Activation>) -> Vec<f32> {
        assert_eq!((xs.len(), size.channels), (size.values(), self.inputs), "a map of another size");
        let outputs = self.outputs(size);
        if outputs.values() == 0 {
            return Vec::new();
        }
        let epilogue = Epilogue { bias: Some(&self.bias), residual, then };
        // SAFETY: both ways write every output, and read none before.
        unsafe {
            scratch::filled(outputs.values(), |out| match self.tiling(size) {
                Some(tiling) => self.winograd(tiling).forward(xs, size, self.shape.is_circular, epilogue, out),
                None => {
                    let footprints = Footprints::new(self.shape, xs, size, (outputs.height, outputs.width));
                    multiply(&footprints, outputs.positions(), self.direct(), epilogue, out);
                }
            })
        }
    }

    /// The transformed way, where the kernel has one and it is worth it.
    fn tiling(&self, size: Size) -> Option<Tiling> {
        let same = Shape {
            kernel: (3, 3),
            stride: (1, 1),
            dilation: (1, 1),
            before: (1, 1),
            after: (1, 1),
            is_circular: self.shape.is_circular,
        };
        if self.shape != same { None } else { Tiling::choose(size, self.outputs) }
    }

    fn direct(&self) -> &Packed {
        self.direct.get_or_init(|| {
            let taps = self.shape.kernel.0 * self.shape.kernel.1;
            let entry = |row: usize, column: usize| {
                let (tap, input) = (row / self.inputs, row % self.inputs);
                self.weights.at((column * self.inputs + input) * taps + tap)
            };
            Packed::new(self.isa, taps * self.inputs, self.outputs, entry)
        })
    }

    fn winograd(&self, tiling: Tiling) -> &Winograd {
        self.winograd[tiling as usize]
            .get_or_init(|| Winograd::new(self.isa, tiling, self.inputs, self.outputs, &self.weights))
    }
}

/// The rows of a convolution's product.
struct Footprints<'a> {
    xs: &'a [f32],
    zeros: Vec<f32>,
    shape: Shape,
    /// Of the input.
    size: Size,
    /// Of the output.
    height: usize,
    width: usize,
    /// Values from the first tap to each, where none is off the map and none wraps around.
    offsets: Vec<usize>,
    /// Output rows and columns all of whose taps lie on the map, in one piece.
    inside: (Range<usize>, Range<usize>),
}

impl<'a> Footprints<'a> {
    fn new(shape: Shape, xs: &'a [f32], size: Size, (height, width): (usize, usize)) -> Self {
        let offset = |tap: usize| {
            let (down, across) = (tap / shape.kernel.1 * shape.dilation.0, tap % shape.kernel.1 * shape.dilation.1);
            (down * size.width + across) * size.channels
        };
        Self {
            xs,
            zeros: vec![0.0; size.channels],
            shape,
            size,
            height,
            width,
            offsets: (0..shape.kernel.0 * shape.kernel.1).map(offset).collect(),
            inside: shape.inside((size.height, size.width), (height, width)),
        }
    }

    /// Where the channels under a tap of output `(y, x)` of an item begin. Found anew each time: tables of a long sound
    /// would take longer to fill than to do without.
    #[inline(always)]
    fn tap(&self, (item, y, x): (usize, usize, usize), (row, column): (usize, usize)) -> *const f32 {
        let Shape { stride, dilation, before, is_circular, .. } = self.shape;
        let row = place(y * stride.0 + row * dilation.0, before.0, self.size.height, is_circular);
        let column = place(x * stride.1 + column * dilation.1, before.1, self.size.width, false);
        match (row, column) {
            (Some(row), Some(column)) => {
                let position = (item * self.size.height + row) * self.size.width + column;
                self.xs[position * self.size.channels..].as_ptr()
            }
            _ => self.zeros.as_ptr(),
        }
    }
}

/// What is `before` positions before `at`, on an axis of `length` that may wrap around.
#[inline(always)]
fn place(at: usize, before: usize, length: usize, wraps: bool) -> Option<usize> {
    match at.checked_sub(before) {
        Some(place) if place < length => Some(place),
        _ if wraps => Some((at as isize - before as isize).rem_euclid(length as isize) as usize),
        _ => None,
    }
}

/// The outputs of a tile.
#[derive(Clone, Copy)]
struct Place {
    /// Item, row and column of each.
    at: [(usize, usize, usize); ROWS],
    /// The first taps of all, if every footprint lies on the map in one piece: then the other taps are found by adding.
    inside: Option<[*const f32; ROWS]>,
}

impl Source for Footprints<'_> {
    type Place = Place;

    fn segments(&self) -> usize {
        self.offsets.len()
    }

    #[inline(always)]
    fn length(&self, _: usize) -> usize {
        self.size.channels
    }

    fn fresh(&self) -> usize {
        self.shape.stride.0 * self.shape.stride.1 * self.size.channels
    }

    #[inline(always)]
    fn place(&self, first: usize, valid: usize) -> Place {
        let (line, x) = (first / self.width, first % self.width);
        let mut next = (line / self.height, line % self.height, x);
        let mut at = [next; ROWS];
        let mut is_inside = true;
        for (i, at) in at.iter_mut().enumerate() {
            *at = next;
            is_inside &= self.inside.0.contains(&next.1) && self.inside.1.contains(&next.2);
            if i + 1 < valid {
                next.2 += 1;
                if next.2 == self.width {
                    (next.1, next.2) = (next.1 + 1, 0);
                }
                if next.1 == self.height {
                    (next.0, next.1) = (next.0 + 1, 0);
                }
            }
        }
        Place { at, inside: is_inside.then(|| at.map(|at| self.tap(at, (0, 0)))) }
    }

    #[inline(always)]
    fn rows(&self, place: &Place, segment: usize) -> [*const f32; ROWS] {
        match place.inside {
            Some(first) => first.map(|row| row.wrapping_add(self.offsets[segment])),
            None => {
                let across = self.shape.kernel.1;
                let tap = (segment / across, segment % across);
                place.at.map(|at| self.tap(at, tap))
            }
        }
    }
}

/// A transposed convolution over time with packed weights, `(b, t, inputs)` → `(b, t', outputs)`.
#[derive(Debug, Clone)]
pub struct ConvTranspose {
    /// Makes the `stride` outputs of each step at once.
    phases: Conv,
    stride: usize,
    kernel: usize,
    padding: usize,
    outputs: usize,
}

impl ConvTranspose {
    /// `weights (inputs, outputs, kernel)`, `bias (outputs)`; `padding` outputs are cut off at each end.
    ///
    /// # Panics
    ///
    /// Lengths do not fit, or the kernel or stride is 0.
    pub fn new(
        isa: Isa,
        (inputs, outputs, kernel): (usize, usize, usize),
        stride: usize,
        padding: usize,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        assert_eq!(weights.len(), inputs * outputs * kernel, "weights of another size");
        let taps = kernel.div_ceil(stride);
        let entry = |(phase, output): (usize, usize), input: usize, tap: usize| {
            // The last tap is the step itself, the first the earliest that still reaches it.
            let at = phase + (taps - 1 - tap) * stride;
            if at < kernel { weights[(input * outputs + output) * kernel + at] } else { 0.0 }
        };
        let columns = (0..stride).flat_map(|phase| (0..outputs).map(move |output| (phase, output)));
        let flat: Vec<f32> = columns
            .flat_map(|column| (0..inputs).flat_map(move |i| (0..taps).map(move |tap| (column, i, tap))))
            .map(|(column, input, tap)| entry(column, input, tap))
            .collect();
        let shape = Shape {
            kernel: (taps, 1),
            stride: (1, 1),
            dilation: (1, 1),
            before: (taps - 1, 0),
            after: (taps - 1, 0),
            is_circular: false,
        };
        let phases = Conv::new(isa, shape, inputs, stride * outputs, &flat, bias.repeat(stride));
        Self { phases, stride, kernel, padding, outputs }
    }

    /// Channels in.
    pub fn inputs(&self) -> usize {
        self.phases.inputs
    }

    /// Channels out.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `(batch, time, inputs)` → `(batch, (time - 1) * stride + kernel - 2 * padding, outputs)`.
    ///
    /// # Panics
    ///
    /// Lengths do not fit.
    pub fn forward(&self, xs: &[f32], batch: usize, time: usize) -> Vec<f32> {
        let size = Size { batch, height: time, width: 1, channels: self.phases.inputs };
        let whole = self.phases.forward(xs, size, None, None);
        let made = whole.len() / batch.max(1);
        let kept = ((time.max(1) - 1) * self.stride + self.kernel - 2 * self.padding) * self.outputs;
        let first = self.padding * self.outputs;
        if batch == 1 {
            let mut whole = whole;
            whole.truncate(first + kept);
            whole.drain(..first);
            return whole;
        }
        whole.chunks_exact(made.max(1)).flat_map(|item| &item[first..first + kept]).copied().collect()
    }
}
