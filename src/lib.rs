//! MeLFusion: a latent diffusion model that looks at a picture while it composes music.
//!
//! Pictures enter a text-to-music diffusion model through a *visual synapse* (Chowdhury et al., CVPR 2024): the keys and
//! values of an image diffusion model's self-attention are blended into the music model's cross-attention.
//!
//! ```text
//! picture (3, s, s) ─ autoencoder ─ (1, 4, h, w) ─ DDIM inversion ⇄ image UNet ─ K, V (1, n, c) per step and layer ─┐
//! prompt ─ tokenizer ─ T5 encoder ─ (1, l, d) ──────────────────────────────────────────────────────────────┐      │
//! seed ─ noise (1, c, t, f) ─ sampler ⇄ music UNet ◄───────────────────────────────────────────────────────┴ synapse
//!              │
//!              └─ latents ─ decoder ─┬─ mel (frames, bands) ─ vocoder ─ exact length ─┬─ loudness ─ checks ─ Clip
//!                                    └─ notes ─ Score ─ instruments ──────────────────┘
//! ```
//!
//! ```
//! use candle_core::Device;
//! use melfusion::image::Picture;
//! use melfusion::progress::Silent;
//! use melfusion::request::RequestFields;
//! use melfusion::{Bundle, Engine, Request};
//!
//! let engine = Engine::load(&Bundle::find(None)?, Device::Cpu)?;
//! let request = Request::new(RequestFields {
//!     prompt: "calm piano over soft strings".into(),
//!     picture: Some(Picture::open("examples/frames/harbour.png".as_ref())?),
//!     bars: 1,
//!     steps: 2, // 20 for music
//!     seed: 7,
//!     ..Default::default()
//! })?;
//! let clip = engine.generate(&request, &Silent)?;
//! assert_eq!(clip.audio.frames(), 120_000); // 4 beats at 96 bpm, 48 kHz
//! clip.write_wav(&std::env::temp_dir().join("melfusion.wav"), Default::default())?;
//! # Ok::<(), melfusion::Error>(())
//! ```
//!
//! **Architecture invariants**, each visible in `use` lines:
//!
//! - The stages ([`text`], [`image`], [`denoiser`], [`synapse`], [`sampler`], [`decoder`]) never import each other's
//!   models; [`engine`] alone knows their order. [`autoencoder`] and [`ops`] are parts that stages share.
//! - A sampler never sees a model and a model never sees a schedule. What a model looks like, its bundle's manifest
//!   says: the small bundle that ships and full-size public weights are the same code with other numbers.
//! - The library never prints, never opens a window and knows no plugin, host or audio thread.

#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod audio;
pub mod autoencoder;
pub mod bundle;
pub mod check;
pub mod clip;
pub mod decoder;
pub mod denoiser;
pub mod device;
pub mod engine;
pub mod error;
pub mod files;
pub mod hash;
pub mod image;
#[cfg(feature = "cli")]
pub mod import;
#[allow(unsafe_code, reason = "kernels call instruction sets and share outputs between threads")]
#[allow(clippy::needless_range_loop, reason = "tiles of registers are indexed in two dimensions")]
mod kernels;
pub mod ops;
#[cfg(feature = "cli")]
pub mod plot;
pub mod progress;
pub mod request;
pub mod sampler;
#[cfg(feature = "service")]
pub mod service;
pub mod storyboard;
pub mod synapse;
pub mod text;
pub mod windows;

pub use bundle::Bundle;
pub use clip::Clip;
pub use engine::Engine;
pub use error::Error;
pub use request::Request;
pub use storyboard::Board;
