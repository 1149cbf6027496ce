//! MeLFusion: a latent diffusion model that looks at a picture while it composes music.
#![forbid(unsafe_code)]

pub mod audio;
pub mod autoencoder;
pub mod bundle;
pub mod check;
pub mod clip;
pub mod decoder;
pub mod denoiser;
pub mod engine;
pub mod error;
pub mod image;
pub mod ops;
#[cfg(feature = "cli")]
pub mod plot;
pub mod progress;
pub mod request;
pub mod sampler;
pub mod synapse;
pub mod text;
pub mod windows;
