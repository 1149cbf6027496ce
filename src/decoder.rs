//! Latents to sound.
//!
//! There are three kinds, and a bundle's manifest says which one it is made for:
//!
//! - **score** ([`ScoreDecoder`]): the latents' time axis is musical, one column per sixteenth note, and circular; their
//!   rows are parts. `latents (1, c, t, rows)` → notes, at home. Tempo and key are chosen when these become a
//!   [`Score`](::score::Score), which the `instruments` crate plays.
//! - **grid** ([`GridDecoder`]): the same time axis, with rows that are frequencies.
//!   Tempo and key are chosen here, when decoding: the same latents give any loop length and any transposition.
//!   `latents (1, c, t, rows)` → [`PatchCodec`] → mel `(frames, bands)` → [`LoopVocoder`] → mono → [`widen()`] → stereo.
//!   No stage knows where the loop begins, so there is no seam.
//! - **wave**: the paper's fixed 16 kHz mel, made by a VAE, and a neural vocoder.

pub mod correction;
pub mod fine_structure;
pub mod frames;
pub mod grid;
pub mod griffin_lim;
pub mod hifi_gan;
pub mod inversion;
pub mod loop_resample;
pub mod mel;
pub mod patch_codec;
pub mod phase;
pub mod score;
pub mod separation;
mod tiles;
pub mod vocoder;
pub mod wave;
pub mod widen;

pub use self::score::{ScoreConfig, ScoreDecoder};
pub use correction::{Correction, CorrectionSizes};
pub use fine_structure::{FineStructure, FineStructureConfig};
pub use grid::{GridConfig, GridDecoder};
pub use loop_resample::loop_resample;
pub use mel::MelBank;
pub use patch_codec::{EncoderConfig, PatchCodec};
pub use vocoder::LoopVocoder;
pub use wave::{WaveConfig, WaveDecoder};
pub use widen::widen;

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Which kind of decoder a bundle has, and its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecoderConfig {
    /// Notes.
    Score(ScoreConfig),
    /// The musical grid.
    Grid(GridConfig),
    /// The paper's mel VAE and HiFi-GAN.
    Wave(WaveConfig),
}

impl DecoderConfig {
    /// Rate in Hz that it decodes at, if not at any.
    pub fn sample_rate(&self) -> Option<u32> {
        match self {
            Self::Score(_) => None,
            Self::Grid(config) => Some(config.sample_rate),
            Self::Wave(config) => Some(config.sample_rate()),
        }
    }

    /// Whether tempo and key are chosen when decoding, and not when composing.
    pub fn has_free_tempo_and_key(&self) -> bool {
        match self {
            Self::Score(_) | Self::Grid(_) => true,
            Self::Wave(_) => false,
        }
    }

    /// File of the soundfont that plays what is decoded, where that is notes.
    pub fn bank(&self) -> Option<&str> {
        match self {
            Self::Score(config) => Some(&config.bank),
            Self::Grid(_) | Self::Wave(_) => None,
        }
    }
}

/// A decoder of any kind.
pub enum Decoder {
    /// Notes.
    Score(Box<ScoreDecoder>),
    /// The musical grid.
    Grid(Box<GridDecoder>),
    /// The paper's mel VAE and HiFi-GAN.
    Wave(Box<WaveDecoder>),
}

impl Decoder {
    /// Reads the weights that the configuration asks for.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the configuration contradicts itself.
    pub fn new(config: &DecoderConfig, vb: VarBuilder) -> Result<Self> {
        Ok(match config {
            DecoderConfig::Score(config) => Self::Score(Box::new(ScoreDecoder::new(config, vb)?)),
            DecoderConfig::Grid(config) => Self::Grid(Box::new(GridDecoder::new(config, vb)?)),
            DecoderConfig::Wave(config) => Self::Wave(Box::new(WaveDecoder::new(config, vb)?)),
        })
    }

    /// The mel spectrogram of latents `(1, c, t, rows)`: `(frames, bands)` in ln magnitude. A wave decoder goes in tiles of
    /// `tile` columns, if there is a number of them.
    ///
    /// # Errors
    ///
    /// Those of the kind; notes have none before they are played.
    pub fn mel(&self, latents: &Tensor, tile: Option<usize>) -> Result<Tensor> {
        match (self, tile) {
            (Self::Score(_), _) => bail!("notes have no spectrogram before they are played"),
            (Self::Grid(grid), _) => grid.mel(latents),
            (Self::Wave(wave), None) => wave.mel(latents),
            (Self::Wave(wave), Some(columns)) => wave.mel_in_tiles(latents, columns),
        }
    }
}
