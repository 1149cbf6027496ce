//! The `melfusion` program and what only it does.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(feature = "cli")]
mod hub;
#[path = "../laws/mod.rs"]
mod laws;

mod cli;
mod eval;
mod import;
mod notes;
mod pull;
mod run;
mod storyboard;
