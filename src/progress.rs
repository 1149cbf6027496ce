//! How a caller watches a generation and stops it.

use crate::error::Stage;

/// Watches a generation; called on one of the threads that compute, one call at a time.
pub trait Progress: Sync {
    /// `stage` has done `done` of `total` steps. Called with `done == 0` when the stage begins.
    fn step(&self, stage: Stage, done: usize, total: usize);

    /// Asked before every denoising step: `true` ends the generation with [`Error::Cancelled`](crate::error::Error::Cancelled).
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _stage: Stage, _done: usize, _total: usize) {}
}
