//! An allocation on the audio thread, on request: proves that a build which is to end at one does. In no other build.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Looks whether the environment variable `MELFUSION_PLANT_ALLOCATION` is set. Not for the audio thread.
pub(crate) fn look() {
    ASKED.store(std::env::var_os("MELFUSION_PLANT_ALLOCATION").is_some(), Relaxed);
}

/// Allocates, if that was asked for. For the audio thread, where it is forbidden.
pub(crate) fn allocate() {
    if ASKED.load(Relaxed) {
        drop(black_box(Box::new(0u8)));
    }
}
