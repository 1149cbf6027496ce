//! The denoising UNet, for pictures and for music alike.
//!
//! Our own implementation of diffusers' `UNet2DConditionModel`: same numbers in its configuration, same keys in its
//! checkpoints, so that Stable Diffusion 2.1 and Tango load unchanged. Ours are the taps, where the decoder's
//! transformers give their keys and values away or take others in ([`Taps`](crate::synapse::Taps)), and
//! convolutions that wrap around time ([`UnetConfig::circular_time`]).
//!
//! ```text
//! latents (b, c, t, f) ─► conv_in ─► down_blocks ─► mid_block ─► up_blocks ─► conv_out ─► (b, c', t, f)
//!                                        └────── skips ──────────────┘ ▲
//! timestep, class (b, p) ─► time (b, 4 c0) ─► every residual block     taps
//! tokens (b, l, d) ─► every transformer's cross-attention
//! ```
//!
//! Source: diffusers 0.42.1, `models/unets/unet_2d_condition.py` and `unet_2d_blocks.py`. Private fields and `vb.pp`
//! carry the checkpoint's names.

mod config;
mod level;
mod prepared;
mod res_block;
mod time;
mod transformer;
mod unet;

pub use config::{DownBlock, TimeShift, UnetConfig, UpBlock};
pub use prepared::Prepared;
pub use unet::{Context, Deep, Unet};
