//! Latents to sound by way of a mel spectrogram at a fixed rate: autoencoder, then vocoder.

use super::hifi_gan::{HifiGan, HifiGanConfig};
use crate::autoencoder::{self, AutoencoderConfig};
use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Configuration of a [`WaveDecoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveConfig {
    /// Latents to mel.
    pub autoencoder: AutoencoderConfig,
    /// Mel to samples.
    pub vocoder: HifiGanConfig,
}

impl WaveConfig {
    /// Rate of the samples, in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.vocoder.sampling_rate
    }

    /// Samples per column of latents.
    pub fn samples_per_latent(&self) -> usize {
        self.autoencoder.factor() * self.vocoder.hop()
    }

    /// Columns of latents in a second of sound.
    pub fn columns_per_second(&self) -> f64 {
        f64::from(self.sample_rate()) / self.samples_per_latent() as f64
    }

    /// Rows of latents: bands of the mel over the autoencoder's factor.
    pub fn latent_rows(&self) -> usize {
        self.vocoder.model_in_dim / self.autoencoder.factor()
    }
}

/// Turns latents into sound.
#[derive(Debug, Clone)]
pub struct WaveDecoder {
    autoencoder: autoencoder::Decoder,
    vocoder: HifiGan,
    config: WaveConfig,
    /// Of the vocoder.
    dtype: DType,
}

impl WaveDecoder {
    /// Reads `decoder.*`, `post_quant_conv.*` and `vocoder.*` under `vb`, as one file of Tango has them
    /// after [`autoencoder::from_ldm`].
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the two configurations do not fit each other.
    pub fn new(config: &WaveConfig, vb: VarBuilder) -> Result<Self> {
        if config.autoencoder.out_channels != 1 {
            candle_core::bail!("a mel has 1 channel, the autoencoder gives {}", config.autoencoder.out_channels)
        }
        Ok(Self {
            autoencoder: autoencoder::Decoder::new(&config.autoencoder, vb.clone())?,
            vocoder: HifiGan::new(&config.vocoder, vb.pp("vocoder"))?,
            config: config.clone(),
            dtype: vb.dtype(),
        })
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &WaveConfig {
        &self.config
    }

    /// The mel spectrogram of latents `(1, z, t, rows)`: `(frames, bands)` in ln magnitude.
    pub fn mel(&self, latents: &Tensor) -> Result<Tensor> {
        self.autoencoder.decode(latents)?.squeeze(1)?.squeeze(0)
    }

    /// - `latents (1, z, t, rows)`, as the sampler left them (not yet divided by the scaling factor).
    /// - Returns mono samples in -1..=1, [`WaveConfig::samples_per_latent`] per column.
    ///
    /// # Errors
    ///
    /// The device's own, or latents of another shape; the decoder can be called again.
    ///
    /// Source: MeLFusion c450b1d, `models.py:433` (shape). Its conversion to 16 bits wraps at full scale; this does not.
    pub fn decode(&self, latents: &Tensor) -> Result<Vec<f32>> {
        self.render(&self.mel(latents)?)
    }

    /// `mel (frames, bands)` → mono samples in -1..=1.
    pub(super) fn render(&self, mel: &Tensor) -> Result<Vec<f32>> {
        let mel = mel.t()?.unsqueeze(0)?.to_dtype(self.dtype)?.contiguous()?; // (1, bands, frames)
        self.vocoder.forward(&mel)?.squeeze(0)?.to_dtype(DType::F32)?.clamp(-1f32, 1f32)?.to_vec1()
    }
}
