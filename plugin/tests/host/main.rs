//! What holds of the plugin in a host: its CLAP entry, linked into this test, under a play head that we move.
#![allow(clippy::unwrap_used, reason = "tests")]

mod board;
mod controls;
mod fixture;
mod generation;
mod instance;
mod params;
mod playback;
mod presses;
mod saved;
mod state;
mod tempo;
mod transport;
