//! What the host saves is what it gets back.
#![allow(clippy::unwrap_used, reason = "tests")]

mod damage;
mod house;
mod opening;
mod sounds;
mod versions;
