//! Each stage of the engine by itself, most held to the results of PyTorch, diffusers and transformers.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../golden/mod.rs"]
mod golden;

#[path = "../../instruments/tests/font/mod.rs"]
mod font;

mod autoencoder;
mod denoiser;
mod dit;
mod hifi_gan;
mod mel;
mod ops;
mod picture;
mod sampler;
mod score;
mod text;
mod windows;
