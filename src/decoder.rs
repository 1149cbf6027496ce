//! Latents to sound.
//!
//! There are two kinds, and a bundle's manifest says which one it is made for:
//!
//! - **score** ([`ScoreDecoder`]): the latents' time axis is musical, one column per sixteenth note, and circular; their
//!   rows are parts. `latents (1, c, t, rows)` → notes, at home. Tempo and key are chosen when these become a
//!   [`Score`](::score::Score), which the `instruments` crate plays.
//! - **wave** ([`WaveDecoder`]): the time axis is that of the sound, at a fixed rate. `latents (1, c, t, rows)` → the paper's
//!   mel spectrogram, by a VAE → samples, by a neural vocoder. Tempo and key are those that it was composed in.

pub mod hifi_gan;
pub mod score;
mod tiles;
pub mod wave;

pub use self::score::{ScoreConfig, ScoreDecoder};
pub use wave::{WaveConfig, WaveDecoder};

use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Which kind of decoder a bundle has, and its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecoderConfig {
    /// Notes.
    Score(ScoreConfig),
    /// The paper's mel VAE and HiFi-GAN.
    Wave(WaveConfig),
}

impl DecoderConfig {
    /// Rate in Hz that it decodes at, if not at any.
    pub fn sample_rate(&self) -> Option<u32> {
        match self {
            Self::Score(_) => None,
            Self::Wave(config) => Some(config.sample_rate()),
        }
    }

    /// Whether tempo and key are chosen when decoding, and not when composing.
    pub fn has_free_tempo_and_key(&self) -> bool {
        match self {
            Self::Score(_) => true,
            Self::Wave(_) => false,
        }
    }

    /// File of the soundfont that plays what is decoded, where that is notes.
    pub fn bank(&self) -> Option<&str> {
        match self {
            Self::Score(config) => Some(&config.bank),
            Self::Wave(_) => None,
        }
    }
}

/// A decoder of any kind.
pub enum Decoder {
    /// Notes.
    Score(Box<ScoreDecoder>),
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
            DecoderConfig::Wave(config) => Self::Wave(Box::new(WaveDecoder::new(config, vb)?)),
        })
    }
}
