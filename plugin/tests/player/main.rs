//! Laws of the player, under a host made of a few lines.

mod copy;
mod fades;
mod host;
mod robust;
mod stretch;
