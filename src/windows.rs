//! Any number of time columns from a model that sees a fixed window of them.
//!
//! The latents of a piece are a *canvas* of columns, circular where the music loops. At every denoising step the
//! model sees overlapping windows of the canvas; what it says of each is folded back as a weighted mean, so that
//! neighbouring windows agree from the first step on. A piece of exactly one window is that window, untouched.

mod position;

pub use position::{Position, Pulse};

use candle_core::{Device, Result, Tensor, bail};
use std::f64::consts::TAU;

/// Columns of a beat, on which windows rather begin; also what a UNet of three levels makes one of.
pub const BEAT: usize = 4;

/// The windows that cover a canvas.
#[derive(Debug, Clone)]
pub struct Windows {
    /// Of the canvas.
    columns: usize,
    /// Columns that the model sees.
    window: usize,
    /// First canvas column of every window, ascending.
    starts: Vec<usize>,
    /// Per window and column in it; they sum to one over all that cover a canvas column.
    weights: Vec<Vec<f32>>,
}

impl Windows {
    /// Windows of `window` columns around a circle of `columns`, no further than half a window apart.
    ///
    /// They are spread evenly and begin at multiples of [`BEAT`] columns if the circle is made of such.
    /// A circle that goes into the window a whole number of times takes one window, which it fills by repetition; a
    /// shorter circle of another length takes several, so that the place where the window ends is never heard.
    ///
    /// # Panics
    ///
    /// `columns` or `window` is 0.
    pub fn circular(columns: usize, window: usize) -> Self {
        assert!(columns > 0 && window > 0, "nothing to cover");
        if window.is_multiple_of(columns) {
            return Self::covering(columns, window, vec![0]);
        }
        let align = if columns.is_multiple_of(BEAT) && window >= 2 * BEAT { BEAT } else { 1 };
        let units = columns / align;
        let hop = (window / 2 / align).max(1); // at most, in units
        let count = units.div_ceil(hop);
        Self::covering(columns, window, (0..count).map(|j| j * units / count * align).collect())
    }

    /// Windows of `window` columns along a line of `columns`, no further than half a window apart; the last one ends
    /// where the line does.
    ///
    /// A line is at least one window long: [`columns`](Self::columns) says how long, and the caller cuts what it did
    /// not ask for.
    ///
    /// # Panics
    ///
    /// `window` is 0.
    pub fn linear(columns: usize, window: usize) -> Self {
        assert!(window > 0, "nothing to cover with");
        let columns = columns.max(window);
        let last = columns - window;
        let hops = last.div_ceil((window / 2).max(1));
        let start = |j: usize| (j * last).checked_div(hops).unwrap_or(0);
        Self::covering(columns, window, (0..=hops).map(start).collect())
    }

    fn covering(columns: usize, window: usize, starts: Vec<usize>) -> Self {
        let raised_cosine = |i: usize| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / window as f64).cos();
        let mut totals = vec![0.0; columns];
        for start in &starts {
            for i in 0..window {
                totals[(start + i) % columns] += raised_cosine(i);
            }
        }
        let weight = |start: usize, i: usize| (raised_cosine(i) / totals[(start + i) % columns]) as f32;
        let weights = starts.iter().map(|start| (0..window).map(|i| weight(*start, i)).collect());
        Self { columns, window, weights: weights.collect(), starts }
    }

    /// Columns of the canvas.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Columns of a window.
    pub fn window(&self) -> usize {
        self.window
    }

    /// First canvas column of every window, ascending from 0.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Window `j`'s weights, one per column of it; over the whole canvas they sum to one at every column.
    pub fn weights(&self, j: usize) -> &[f32] {
        &self.weights[j]
    }

    /// Whether the canvas is one window, seen as it is.
    pub fn is_whole(&self) -> bool {
        self.columns == self.window && self.starts.len() == 1
    }

    /// What window `j` shows of the canvas: `xs (b, c, columns, f)` → `(b, c, window, f)`.
    ///
    /// # Errors
    ///
    /// `xs` is no canvas of ours; the device's own.
    pub fn gather(&self, xs: &Tensor, j: usize) -> Result<Tensor> {
        if xs.dim(2)? != self.columns {
            bail!("a canvas of {} columns where {} were expected", xs.dim(2)?, self.columns)
        }
        if self.is_whole() {
            return Ok(xs.clone());
        }
        xs.contiguous()?.index_select(&self.indices(j, xs.device())?, 2)
    }

    /// Folds what the model said of every window, each `(b, c, window, f)`, back onto the canvas: the weighted mean,
    /// `(b, c, columns, f)`.
    ///
    /// # Errors
    ///
    /// There is not one output per window; the device's own.
    pub fn blend(&self, outputs: &[Tensor]) -> Result<Tensor> {
        if outputs.len() != self.starts.len() {
            bail!("{} outputs of {} windows", outputs.len(), self.starts.len())
        }
        if self.is_whole() {
            return Ok(outputs[0].clone());
        }
        let (b, c, _, f) = outputs[0].dims4()?;
        let mut canvas = Tensor::zeros((b, c, self.columns, f), outputs[0].dtype(), outputs[0].device())?;
        for (j, output) in outputs.iter().enumerate() {
            let weights = Tensor::new(self.weights(j), output.device())?.reshape((1, 1, self.window, 1))?;
            let weighted = output.broadcast_mul(&weights.to_dtype(output.dtype())?)?;
            canvas = canvas.index_add(&self.indices(j, output.device())?, &weighted, 2)?;
        }
        Ok(canvas)
    }

    /// The canvas column that window `j` shows in its column `i`.
    pub(crate) fn column(&self, j: usize, i: usize) -> usize {
        (self.starts[j] + i) % self.columns
    }

    /// The canvas column of every column of window `j`.
    fn indices(&self, j: usize, device: &Device) -> Result<Tensor> {
        let indices: Vec<u32> = (0..self.window).map(|i| self.column(j, i) as u32).collect();
        Tensor::from_vec(indices, self.window, device)
    }
}
