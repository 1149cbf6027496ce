//! Channel-last maps `(b, h, w, c)`.

/// Size of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Items.
    pub batch: usize,
    /// Rows; time, where there is one.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels, the innermost axis.
    pub channels: usize,
}

impl Size {
    /// Positions of all items.
    pub fn positions(&self) -> usize {
        self.batch * self.height * self.width
    }

    /// Values.
    pub fn values(&self) -> usize {
        self.positions() * self.channels
    }
}
