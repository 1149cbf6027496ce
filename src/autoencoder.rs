//! The variational autoencoder of latent diffusion, for pictures and for mel spectrograms alike.
//!
//! ```text
//! pixels (b, c, h, w) ─ Encoder ─► latents (b, z, h/f, w/f) ─ Decoder ─► pixels (b, c, h, w)      f = config.factor()
//! ```
//!
//! Keys are those of diffusers' `AutoencoderKL`; [`from_ldm`] renames files in the older latent-diffusion layout.
//! For a mel spectrogram `h` is time and `w` the band.

mod attention;
mod config;
mod decoder;
mod encoder;
mod ldm;
mod mid_block;
mod res_block;
mod resample;

pub use config::AutoencoderConfig;
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use ldm::{from_ldm, rename};
