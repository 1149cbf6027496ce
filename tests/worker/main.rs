//! The worker as a real process: what it says, whom it serves when, and what becomes of jobs when it or a client dies; and
//! as threads of this process, which are to make no difference.
#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod clips;
mod deaths;
mod house;
mod lifetime;
mod rubbish;
mod threads;
mod turns;
