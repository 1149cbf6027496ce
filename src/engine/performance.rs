//! From a score to the sound of a clip.

use instruments::{Ending, Ensemble, Faders, Rendering, Stems};
use score::Score;

use super::finish::check;
use super::{Engine, in_pool};
use crate::audio::{Audio, Loudness};
use crate::clip::{Clip, Latents, Recipe};
use crate::decoder::Decoder;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::request::Request;

impl Engine {
    /// Plays a score that was not composed here, as the clip that `request` asks for; of its words nothing is heard.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the bundle plays no notes or knows none of these, or the score is of another length or tempo than
    /// the request; otherwise as [`generate`](Self::generate).
    pub fn perform(&self, request: &Request, score: &Score, progress: &dyn Progress) -> Result<Clip, Error> {
        let refuse = |problem: String| Error::Request { what: "score", problem };
        if (score.bars, score.meter, score.bpm) != (request.bars, request.meter, request.bpm) {
            return Err(refuse("is of another length or tempo than what is asked for; ask for its own".into()));
        }
        let latents = self.retrying(|| {
            let Decoder::Score(decoder) = &*self.decoder()? else {
                let problem =
                    format!("cannot be played: the bundle {} plays no notes; choose one that does", self.manifest.name);
                return Err(refuse(problem));
            };
            let columns = self.plan(request.bars, request.meter, request.bpm).columns;
            let latents =
                decoder.encode(score, columns).map_err(|error| refuse(format!("cannot be encoded: {error}")))?;
            Latents::from_tensor(&latents).in_stage(Stage::Sound)
        })?;
        let recipe = Recipe { key: Some(score.key), ..self.recipe(request, None, request.seed) };
        let finish = |latents| self.finish(latents, recipe.clone(), Some(score.clone()), request.sample_rate, progress);
        in_pool(|| self.retrying(|| finish(latents.clone())))
    }
}

/// What of the last bar of music that ends is faded out: one part in so many.
const FADES: usize = 4;

/// Plays a score in its exact length, levelled and checked. Same arguments, same bytes, whatever the threads.
///
/// `seed` chooses one of many equal performances; `sample_rate` is in Hz, 8000..=192000. What still sounds at the end is in
/// the beginning, unless the score ends: then it fades out.
///
/// # Errors
///
/// [`Error::Unsound`] if there is nothing to be heard, [`Error::File`] if a soundfont cannot play it, and
/// [`Error::Request`] if the rate is out of range.
pub fn render(score: &Score, ensemble: &Ensemble, seed: u64, sample_rate: u32) -> Result<Audio, Error> {
    let mix = parts(score, ensemble, seed, sample_rate)?.mix(&Faders::default());
    let frames = Rendering { rate: sample_rate, ..Rendering::default() }.frames(score);
    check(&mix.left, &mix.right, frames)?;
    let mut audio = Audio::new(mix.left, mix.right, sample_rate);
    Loudness::default().apply(&mut audio);
    let [left, right] = audio.channels();
    check(left, right, frames)?;
    Ok(audio)
}

/// The parts of a score with what rings on after its end; arguments and errors are those of [`render`].
pub(super) fn ringing(score: &Score, ensemble: &Ensemble, seed: u64, sample_rate: u32) -> Result<Stems, Error> {
    let rendering = Rendering { rate: sample_rate, seed, ending: Ending::Ring, ..Rendering::default() };
    Ok(instruments::render(score, ensemble, &rendering)?)
}

/// The parts of a score, before they are mixed; arguments and errors are those of [`render`].
pub(super) fn parts(score: &Score, ensemble: &Ensemble, seed: u64, sample_rate: u32) -> Result<Stems, Error> {
    if score.notes.is_empty() {
        return Err(Error::Unsound { problem: "silence".into() });
    }
    let ending = if score.ends { Ending::Ring } else { Ending::Loop };
    let rendering = Rendering { rate: sample_rate, seed, ending, ..Rendering::default() };
    let stems = instruments::render(score, ensemble, &rendering)?;
    let (frames, bars) = (rendering.frames(score), score.bars as usize);
    Ok(if score.ends { stems.ended(frames, frames / (FADES * bars)) } else { stems })
}

impl From<instruments::Error> for Error {
    fn from(error: instruments::Error) -> Self {
        match error {
            instruments::Error::Font { font, problem } => Self::File { path: font.into(), problem },
            instruments::Error::Rendering { what, problem } => Self::Request { what, problem },
            instruments::Error::NoInstrument { part, font } => {
                let problem = format!("has nothing that could play the {part}; use a General MIDI soundfont");
                Self::File { path: font.into(), problem }
            }
            other => Self::Request { what: "instruments", problem: other.to_string() },
        }
    }
}
