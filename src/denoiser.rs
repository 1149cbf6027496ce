//! The denoising UNet, for pictures and for music alike.

mod config;

pub use config::{DownBlock, TimeShift, UnetConfig, UpBlock};
