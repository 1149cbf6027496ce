//! The engine as a library: bundles, requests, clips and the files they become.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../laws/mod.rs"]
mod laws;

mod bundle;
mod dit;
mod engine;
mod files;
mod mini;
mod request;
mod wav;
