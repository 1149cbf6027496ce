//! What the host saves is what it gets back.

mod damage;
mod house;
mod opening;
mod sounds;
mod versions;
