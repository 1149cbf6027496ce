//! The worker as a real process: what it says, whom it serves when, and what becomes of jobs when it or a client dies.
#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod clips;
mod deaths;
mod house;
mod lifetime;
mod rubbish;
mod turns;
