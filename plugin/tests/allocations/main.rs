//! The audio thread neither allocates nor frees. A program of its own, because it stands before the allocator.
#![allow(clippy::unwrap_used, reason = "tests")]

mod audio_thread;
mod count;
#[path = "../host/fixture.rs"]
mod fixture;
#[path = "../host/instance.rs"]
mod instance;
mod player;
#[path = "../host/transport.rs"]
mod transport;
