//! The worker: turns, progress, cancelling, faults, fitting. Most tests run a stand-in for the engine.
#![allow(clippy::unwrap_used, reason = "tests")]

mod fake;
mod house;

mod board;
mod process;
mod takes;
mod tempo;
