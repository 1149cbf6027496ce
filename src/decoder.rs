//! Latents to sound.
//!
//! There are two kinds, and a bundle's manifest says which one it is made for:
//!
//! - **grid** ([`GridDecoder`]): the latents' time axis is musical, one column per sixteenth note, and circular.
//!   Tempo and key are chosen here, when decoding: the same latents give any loop length and any transposition.
//!   `latents (1, c, t, rows)` → [`PatchCodec`] → mel `(frames, bands)` → [`LoopVocoder`] → mono → [`widen`] → stereo.
//!   No stage knows where the loop begins, so there is no seam.
//! - **wave**: the paper's fixed 16 kHz mel, made by a VAE, and a neural vocoder.

pub mod frames;
pub mod grid;
pub mod griffin_lim;
pub mod inversion;
pub mod loop_resample;
pub mod mel;
pub mod patch_codec;
pub mod phase;
pub mod vocoder;
pub mod widen;

pub use grid::{GridConfig, GridDecoder};
pub use loop_resample::loop_resample;
pub use mel::MelBank;
pub use patch_codec::PatchCodec;
pub use vocoder::LoopVocoder;
pub use widen::widen;
