//! Laws of the player, under a host made of a few lines.

mod board;
mod copy;
mod fades;
mod host;
mod robust;
mod stretch;
