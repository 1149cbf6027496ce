//! Matrices laid out as the tiles of a product read them.

use super::activation::Activation;
use super::simd::Isa;

/// How a matrix `(depth, columns)` lies in memory: panels of columns, each row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub isa: Isa,
    pub depth: usize,
    /// That come out.
    pub columns: usize,
    /// Values come in pairs of column blocks, the second gates the first, through this.
    pub gate: Option<Activation>,
}

impl Layout {
    /// Columns of the matrix per column that comes out.
    pub fn blocks(&self) -> usize {
        if self.gate.is_some() { 2 } else { 1 }
    }

    /// Columns out of a full panel.
    fn panel_width(&self) -> usize {
        let (lanes, vectors) = self.isa.panel();
        lanes * vectors / self.blocks()
    }

    pub fn panels(&self) -> usize {
        self.columns.div_ceil(self.panel_width())
    }

    /// First column of a panel, and how many it has.
    pub fn panel_columns(&self, panel: usize) -> (usize, usize) {
        let first = panel * self.panel_width();
        (first, self.panel_width().min(self.columns - first))
    }

    /// Values of a row of a panel of `width` columns, zeros at the end of its vectors among them.
    fn padded(&self, width: usize) -> usize {
        let (lanes, _) = self.isa.panel();
        width.div_ceil(lanes) * lanes
    }

    /// Values in memory.
    pub fn length(&self) -> usize {
        let width = |panel| self.padded(self.panel_columns(panel).1);
        (0..self.panels()).map(width).sum::<usize>() * self.depth * self.blocks()
    }

    /// Lays out the matrix whose entry is `entry(row, column)`.
    ///
    /// # Panics
    ///
    /// `data` has another length than [`Self::length`].
    pub fn pack(&self, data: &mut [f32], entry: impl Fn(usize, usize) -> f32) {
        assert_eq!(data.len(), self.length(), "room for another matrix");
        let blocks = self.blocks();
        let mut rest = data;
        for panel in 0..self.panels() {
            let (first, width) = self.panel_columns(panel);
            let padded = self.padded(width);
            let (lines, later) = rest.split_at_mut(self.depth * blocks * padded);
            for (i, line) in lines.chunks_exact_mut(padded).enumerate() {
                let (row, first) = (i / blocks, first + i % blocks * self.columns);
                let (values, zeros) = line.split_at_mut(width);
                values.iter_mut().enumerate().for_each(|(j, value)| *value = entry(row, first + j));
                zeros.fill(0.0);
            }
            rest = later;
        }
    }
}

/// A matrix that was laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub layout: Layout,
    /// As long as the layout says.
    pub data: &'a [f32],
}

/// A matrix `(depth, columns)` that keeps its memory, as weights do.
#[derive(Debug, Clone)]
pub struct Packed {
    layout: Layout,
    data: Vec<f32>,
}

impl Packed {
    /// Packs the matrix whose entry is `entry(row, column)`.
    pub fn new(isa: Isa, depth: usize, columns: usize, entry: impl Fn(usize, usize) -> f32) -> Self {
        Self::filled(Layout { isa, depth, columns, gate: None }, entry)
    }

    /// Packs a matrix of `2 * columns` columns, whose second half, through `gate`, gates the first when they are multiplied.
    pub fn gated(
        isa: Isa,
        depth: usize,
        columns: usize,
        gate: Activation,
        entry: impl Fn(usize, usize) -> f32,
    ) -> Self {
        Self::filled(Layout { isa, depth, columns, gate: Some(gate) }, entry)
    }

    fn filled(layout: Layout, entry: impl Fn(usize, usize) -> f32) -> Self {
        let mut data = vec![0.0; layout.length()];
        layout.pack(&mut data, entry);
        Self { layout, data }
    }

    /// The instruction set that it is laid out for.
    pub fn isa(&self) -> Isa {
        self.layout.isa
    }

    /// Columns that come out.
    pub fn columns(&self) -> usize {
        self.layout.columns
    }

    /// Rows of the matrix.
    pub fn depth(&self) -> usize {
        self.layout.depth
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        Matrix { layout: self.layout, data: &self.data }
    }
}
