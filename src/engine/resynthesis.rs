//! Sound of a mel spectrogram that was not composed here: what codec and vocoder keep of it bounds all music.

use candle_core::Tensor;

use super::{Engine, in_pool};
use crate::audio::Audio;
use crate::decoder::{Decoder, GridDecoder};
use crate::error::{Error, InStage, Stage};

/// What a mel spectrogram passes through on its way to sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// Encoded to latents, decoded again, then rendered.
    Codec,
    /// Rendered as it is.
    Vocoder,
}

/// A mel spectrogram made audible.
#[derive(Debug, Clone)]
pub struct Resynthesis {
    /// Both channels alike, at the bundle's own rate and at the level that the spectrogram has.
    pub audio: Audio,
    /// Mean absolute error of the spectrogram that was rendered, in ln units; 0 without the codec.
    pub codec_error: f64,
}

impl Engine {
    /// Renders `mel`, frames of all bands in ln magnitude, as a loop of `samples` samples.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the bundle has no grid decoder or `mel` is not a whole number of its latent columns;
    /// [`Error::Stage`] if the device fails.
    pub fn resynthesize(&self, mel: &[f32], samples: usize, through: Through) -> Result<Resynthesis, Error> {
        let refuse = |problem: String| Error::Request { what: "mel", problem };
        let decoder = self.decoder()?;
        let Decoder::Grid(grid) = &*decoder else {
            return Err(refuse("only bundles on the musical grid can encode one; choose another bundle".into()));
        };
        let (bands, column) = (grid.config().bands, grid.config().bands * grid.config().patch_frames);
        if mel.is_empty() || !mel.len().is_multiple_of(column) || samples == 0 {
            return Err(refuse(format!(
                "{} numbers are no whole columns of {column}; give frames of {bands}",
                mel.len()
            )));
        }
        let mel = Tensor::from_slice(mel, (mel.len() / bands, bands), &self.device).in_stage(Stage::Sound)?;
        in_pool(|| render(grid, &mel, samples, through)).in_stage(Stage::Sound)
    }
}

fn render(grid: &GridDecoder, mel: &Tensor, samples: usize, through: Through) -> candle_core::Result<Resynthesis> {
    let rendered = match through {
        Through::Codec => grid.mel(&grid.codec().encode(mel)?)?,
        Through::Vocoder => mel.clone(),
    };
    let codec_error = f64::from((&rendered - mel)?.abs()?.mean_all()?.to_scalar::<f32>()?);
    let mono = grid.render(&rendered, samples)?;
    Ok(Resynthesis { audio: Audio::mono(mono, grid.config().sample_rate), codec_error })
}
