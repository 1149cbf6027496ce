//! The engine as a library: bundles, requests, clips and the files they become.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../laws/mod.rs"]
mod laws;

#[path = "../../instruments/tests/font/mod.rs"]
mod font;

mod arrangement;
mod bundle;
mod dit;
mod engine;
mod files;
mod keep;
mod mini;
mod notes;
mod request;
mod wav;
