//! From latents to a clip that may leave the house: decoded, of exact length, levelled and checked.

use score::{Score, ScoreFields};

use super::arranging::Arranger;
use super::performance;
use super::plan::CROSSFADE_SECONDS;
use super::{Casting, Engine};
use crate::audio::{Audio, Loudness, loop_resample};
use crate::clip::{Clip, Latents, Recipe};
use crate::decoder::Decoder;
use crate::decoder::score::Frame;
use crate::device::Memory;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::request::{Request, RequestFields};

/// Windows of the model that are decoded at once where memory is not short; the work of the attention over them grows with
/// their square.
const WHOLE_WINDOWS: usize = 4;
/// Root mean square below which a decoded clip counts as silent: −60 dBFS.
const SILENCE: f64 = 1e-3;

impl Engine {
    /// Decodes, brings to length, rate and loudness, and checks; a score that is there already is played as it is.
    pub(super) fn finish(
        &self,
        latents: Latents,
        recipe: Recipe,
        score: Option<Score>,
        sample_rate: u32,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        progress.step(Stage::Sound, 0, 2);
        if let Some(score) = score.map_or_else(|| self.notes_again(&latents, &recipe), |score| Ok(Some(score)))? {
            progress.step(Stage::Sound, 1, 2);
            return self.play((latents, recipe, score), sample_rate, progress);
        }
        let native = frames(&recipe, self.manifest.sample_rate);
        let decoder = self.decoder()?;
        let [left, right] = self.decode(&decoder, &latents, native).in_stage(Stage::Sound)?;
        drop(decoder);
        progress.step(Stage::Sound, 1, 2);
        check(&left, &right, native)?;
        let wanted = frames(&recipe, sample_rate);
        let mut audio = Audio::new(loop_resample(&left, wanted), loop_resample(&right, wanted), sample_rate);
        Loudness::default().apply(&mut audio);
        let [left, right] = audio.channels();
        check(left, right, wanted)?;
        progress.step(Stage::Sound, 2, 2);
        Ok(Clip { audio, latents, recipe, score: None })
    }

    /// The notes that latents are, where they are notes, played by whom the words ask for.
    pub(super) fn notes(
        &self,
        latents: &Latents,
        recipe: &Recipe,
        casting: Option<&Casting>,
        arranger: Option<&Arranger>,
    ) -> Result<Option<Score>, Error> {
        let decoder = self.decoder()?;
        let Decoder::Score(decoder) = &*decoder else { return Ok(None) };
        let columns = latents.shape()[2];
        let heard = casting.map(|casting| casting.heard(columns, recipe.bars)).unwrap_or_default();
        let heard = arranger.map_or(heard.clone(), |arranger| arranger.heard(heard));
        let tensor = latents.to_tensor(&self.device).in_stage(Stage::Sound)?;
        let decoded = decoder.decode_heard(&tensor, &heard).in_stage(Stage::Sound)?.settled();
        let key = recipe.key.unwrap_or_else(|| decoded.key());
        let decoded = arranger.map_or(decoded.clone(), |arranger| arranger.finish(decoded, key));
        let frame = Frame { bars: recipe.bars, meter: recipe.meter, bpm: recipe.bpm, key: recipe.key };
        let unsound = |error| Error::Unsound { problem: format!("notes that are no score ({error})") };
        let score = decoded.score(&frame).map_err(unsound)?;
        let ends = recipe.arrangement.as_ref().is_some_and(|arrangement| arrangement.asked.end);
        let score = Score::new(ScoreFields { ends, ..score.into_fields() })?;
        Ok(Some(casting.map_or(score.clone(), |casting| casting.apply(score))))
    }

    /// The same of latents whose notes are lost: the words are in the recipe.
    fn notes_again(&self, latents: &Latents, recipe: &Recipe) -> Result<Option<Score>, Error> {
        let (prompt, negative) = (recipe.prompt.clone(), recipe.negative.clone());
        let request = Request::new(RequestFields { prompt, negative, ..Default::default() })?;
        self.notes(latents, recipe, self.casting(&request)?.as_ref(), None)
    }

    /// A clip whose notes are known.
    fn play(
        &self,
        (latents, recipe, score): (Latents, Recipe, Score),
        sample_rate: u32,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        let audio = performance::render(&score, &self.ensemble(&score)?, recipe.seed, sample_rate)?;
        progress.step(Stage::Sound, 2, 2);
        let recipe = Recipe { instruments: self.instruments().recipe().to_vec(), ..recipe };
        Ok(Clip { audio, latents, recipe, score: Some(score) })
    }

    /// Columns of a tile, where `columns` are too many to decode at once; none, where they are not.
    pub(super) fn tile(&self, columns: usize) -> Option<usize> {
        let window = self.manifest.music.latent.window;
        let most = if self.memory() >= Memory::Tiles { window } else { WHOLE_WINDOWS * window };
        (columns > most).then_some(window)
    }

    fn decode(&self, decoder: &Decoder, latents: &Latents, samples: usize) -> candle_core::Result<[Vec<f32>; 2]> {
        let tensor = latents.to_tensor(&self.device)?;
        match decoder {
            Decoder::Score(_) => candle_core::bail!("notes are played, not decoded to sound"),
            Decoder::Wave(wave) => {
                let fade = (CROSSFADE_SECONDS * f64::from(self.manifest.sample_rate)) as usize;
                let sound = match self.tile(tensor.dim(2)?) {
                    Some(columns) => wave.decode_in_tiles(&tensor, columns)?,
                    None => wave.decode(&tensor)?,
                };
                let mono = close_loop(&sound, samples, fade);
                Ok([mono.clone(), mono])
            }
        }
    }
}

/// Length of a recipe's clip at `rate` Hz.
fn frames(recipe: &Recipe, rate: u32) -> usize {
    (recipe.seconds() * f64::from(rate)).round() as usize
}

/// Cuts `sound` to `samples` and fades what follows the cut into the beginning, at equal power.
fn close_loop(sound: &[f32], samples: usize, fade: usize) -> Vec<f32> {
    let mut closed = sound[..samples.min(sound.len())].to_vec();
    closed.resize(samples, 0.0);
    let tail = sound.get(samples..).unwrap_or(&[]);
    let fade = fade.min(tail.len()).min(samples);
    for (i, (head, tail)) in closed.iter_mut().zip(tail).take(fade).enumerate() {
        let angle = (i as f32 + 0.5) / fade as f32 * std::f32::consts::FRAC_PI_2;
        *head = *head * angle.sin() + tail * angle.cos();
    }
    closed
}

/// Finite, audible and of the right length, or the reason why not.
pub(super) fn check(left: &[f32], right: &[f32], frames: usize) -> Result<(), Error> {
    let broken = |problem: &str| Err(Error::Unsound { problem: problem.into() });
    if left.len() != frames || right.len() != frames {
        return broken("sound of the wrong length");
    }
    let power: f64 = left.iter().chain(right).map(|x| f64::from(*x).powi(2)).sum::<f64>() / (2 * frames).max(1) as f64;
    if !power.is_finite() {
        return broken("sound that is not finite");
    }
    if power.sqrt() < SILENCE {
        return broken("silence");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_loop_continues_into_its_beginning() {
        let sound: Vec<f32> = (0..1200).map(|i| (i as f32 * 0.01).sin()).collect();
        let closed = close_loop(&sound, 1000, 200);
        assert_eq!(closed.len(), 1000);
        assert!((closed[0] - sound[1000]).abs() < 0.02, "{} follows {}", closed[0], closed[999]);
        assert_eq!(closed[200..], sound[200..1000]);
    }

    #[test]
    fn silence_and_nonsense_are_caught() {
        assert!(check(&[0.0; 8], &[0.0; 8], 8).is_err());
        assert!(check(&[f32::NAN; 8], &[0.1; 8], 8).is_err());
        assert!(check(&[0.1; 7], &[0.1; 7], 8).is_err());
        assert!(check(&[0.1; 8], &[0.1; 8], 8).is_ok());
    }
}
