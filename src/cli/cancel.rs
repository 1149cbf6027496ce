//! Ctrl-C: the first asks, the second ends.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;

static ASKED: AtomicBool = AtomicBool::new(false);
/// Held while files are written, so that even a second Ctrl-C leaves none half done.
static WRITING: Mutex<()> = Mutex::new(());

/// From here on Ctrl-C (and SIGTERM, SIGHUP) sets a flag, and once it is set ends the program.
pub fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            let _writing = writing();
            process::exit(i32::from(super::CANCELLED));
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Keeps a second Ctrl-C waiting until it is dropped.
pub fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}
