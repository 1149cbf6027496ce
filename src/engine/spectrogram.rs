//! The mel spectrogram of a clip.

use candle_core::bail;

use super::Engine;
use crate::audio::Audio;
use crate::audio::mel::{MelBank, MelConfig};
use crate::clip::Clip;
use crate::decoder::Decoder;
use crate::error::{Error, InStage, Stage};

/// Frames of a latent column, where the spectrogram is that of the sound.
const FRAMES_PER_COLUMN: usize = 8;
/// Seconds of the window, there.
const WINDOW_SECONDS: f64 = 0.064;
/// Share of the rate up to which there is anything.
const BAND: f64 = 0.45;

impl Engine {
    /// The mel spectrogram of a clip, `(frames, bands)` row by row in ln magnitude, and the number of bands. Frames are
    /// even over the clip's length. Of notes it is that of the sound, else what was decoded to it.
    ///
    /// # Errors
    ///
    /// [`Error::Stage`] if the device fails.
    pub fn mel(&self, clip: &Clip) -> Result<(Vec<f32>, usize), Error> {
        if clip.score.is_some() {
            let [_, _, columns, _] = clip.latents.shape();
            return Ok(heard(&clip.audio, columns * FRAMES_PER_COLUMN));
        }
        self.retrying(|| self.decoded(&*self.decoder()?, clip).in_stage(Stage::Sound))
    }

    /// As long as the clip lasts: latents of a fixed hop go on beyond it.
    fn decoded(&self, decoder: &Decoder, clip: &Clip) -> candle_core::Result<(Vec<f32>, usize)> {
        let Decoder::Wave(wave) = decoder else { bail!("notes have no spectrogram before they are played") };
        let latents = clip.latents.to_tensor(&self.device)?;
        let columns = latents.dim(2)?;
        let mel = match self.tile(columns) {
            Some(tile) => wave.mel_in_tiles(&latents, tile)?,
            None => wave.mel(&latents)?,
        };
        let (frames, bands) = mel.dims2()?;
        let frames_per_second = wave.config().columns_per_second() * frames as f64 / columns as f64;
        let lasting = (clip.recipe.seconds() * frames_per_second).round() as usize;
        let mel = mel.narrow(0, 0, lasting.clamp(1, frames))?;
        Ok((mel.flatten_all()?.to_vec1()?, bands))
    }
}

/// `frames` frames of a sound that loops, and the number of bands.
fn heard(audio: &Audio, frames: usize) -> (Vec<f32>, usize) {
    let usual = MelConfig::default();
    let rate = f64::from(audio.sample_rate());
    let config = MelConfig {
        sample_rate: audio.sample_rate(),
        n_fft: 2 * (rate * WINDOW_SECONDS / 2.0).round() as usize,
        f_max: usual.f_max.min(BAND * rate),
        ..usual
    };
    let [left, right] = audio.channels();
    let mono: Vec<f32> = left.iter().zip(right).map(|(left, right)| (left + right) / 2.0).collect();
    let bank = MelBank::new(&config);
    (bank.beat_mel(&mono, frames), bank.bands())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_in_its_band_at_every_rate() {
        let loudest = |rate: u32| {
            let turn = std::f64::consts::TAU * 1000.0 / f64::from(rate);
            let tone = (0..rate).map(|i| (0.5 * (turn * f64::from(i)).sin()) as f32).collect();
            let (mel, bands) = heard(&Audio::mono(tone, rate), 16);
            assert_eq!(mel.len(), 16 * bands);
            let row = &mel[8 * bands..9 * bands];
            assert!(row.iter().all(|x| x.is_finite()));
            (0..bands).fold(0, |best, band| if row[band] > row[best] { band } else { best })
        };
        assert_eq!([32_000, 44_100, 192_000].map(loudest), [loudest(48_000); 3]);
        // There the bands end lower, so that the same band is another.
        assert!(loudest(8_000) > loudest(48_000));
    }
}
