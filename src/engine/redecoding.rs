//! What a finished clip can be decoded as, and what is refused.

use score::{Score, ScoreFields};
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::clip::{Latents, Recipe, State};
use crate::decoder::score::in_key;
use crate::error::Error;
use crate::request::{Key, Mode, Request, RequestFields};

/// What else a clip should be decoded as.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Redecoding {
    /// Another tempo, in quarter notes per minute; 20..=300.
    pub bpm: Option<f64>,
    /// Another key. A clip composed without one is taken to be in C major or A minor.
    pub key: Option<Key>,
    /// Rate of the sound in Hz, 8000..=192000.
    pub sample_rate: u32,
}

impl Default for Redecoding {
    /// As it is, at the rate that a request has.
    fn default() -> Self {
        Self { bpm: None, key: None, sample_rate: RequestFields::default().sample_rate }
    }
}

impl Engine {
    /// Refuses what would not be this clip's music, whatever its file says.
    pub(super) fn check_redecoding(&self, state: &State, to: Redecoding) -> Result<(), Error> {
        let State { latents, recipe, score } = state;
        match score {
            Some(score) => self.check_notes(score, recipe, to),
            None => self.check_latents(latents, recipe, to),
        }
    }

    /// Notes are the same music for every bundle that can play them.
    fn check_notes(&self, score: &Score, recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
        if !self.plays_notes() {
            let problem = format!(
                "the bundle {} plays no notes, so the clip's sound stays as it is and can be stretched; name one that does \
                 with --bundle",
                self.manifest.name
            );
            return refuse("bundle", problem);
        }
        check_mode_stays(recipe, to)?;
        self.check_mode(to.key)?;
        check_ranges(recipe, to)?;
        if (score.bars, score.meter) != (recipe.bars, recipe.meter) || score.bpm != recipe.bpm {
            return refuse("clip", "its notes are of another length or tempo than its own recipe says".into());
        }
        Ok(())
    }

    /// Modes beside major and minor are not chosen when decoding, and no bundle was told of them.
    pub(super) fn check_mode(&self, key: Option<Key>) -> Result<(), Error> {
        match key {
            Some(key)
                if self.manifest.decoder.config.has_free_tempo_and_key()
                    && !matches!(key.mode(), Mode::Major | Mode::Minor) =>
            {
                let mode = if key.mode().is_minor() { Mode::Minor } else { Mode::Major };
                let (name, plain) = (&self.manifest.name, Key::new(key.tonic(), mode));
                refuse("key", format!("the bundle {name} knows major and minor, not {key}; ask for {plain}"))
            }
            _ => Ok(()),
        }
    }

    fn check_latents(&self, latents: &Latents, recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
        if recipe.bundle_sha256 != self.bundle_sha256 {
            let problem = format!(
                "the clip was made by the bundle {} with other weights than this one ({}), so its sound stays \
                 as it is and can be stretched; to decode it again, name its own with --bundle, unless that is of a version \
                 before 0.12.0, which is no longer read",
                recipe.bundle, self.manifest.name
            );
            return refuse("bundle", problem);
        }
        self.check_change(recipe, to)?;
        check_ranges(recipe, to)?;
        let latent = &self.manifest.music.latent;
        let columns = self.plan(recipe.bars, recipe.meter, recipe.composed_bpm).columns;
        if latents.shape() != [1, latent.channels, columns, latent.rows] {
            let problem = format!("its latents are {:?}, which its own recipe does not explain", latents.shape());
            return refuse("clip", problem);
        }
        Ok(())
    }

    /// Tempo and key are some decoders' to change; the mode is nobody's.
    fn check_change(&self, recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
        let bundle = &self.manifest.name;
        let bound = |what| format!("clips of the bundle {bundle} are bound to their {what}; generate it anew");
        if !self.manifest.decoder.config.has_free_tempo_and_key() && to.bpm.is_some_and(|bpm| bpm != recipe.bpm) {
            return refuse("bpm", bound("tempo"));
        }
        if !self.manifest.decoder.config.has_free_tempo_and_key() && to.key.is_some_and(|key| Some(key) != recipe.key) {
            return refuse("key", bound("key"));
        }
        check_mode_stays(recipe, to)?;
        self.check_mode(to.key)
    }
}

/// The notes of a clip at the tempo and in the key that its recipe now has.
pub(super) fn moved(score: &Score, was: &Recipe, is: &Recipe) -> Result<Score, Error> {
    let score = Score::new(ScoreFields { bpm: is.bpm, ..score.clone().into_fields() })?;
    Ok(is.key.filter(|key| was.key != Some(*key)).map_or(score.clone(), |key| in_key(&score, key, was.key)))
}

/// A recipe comes from a file and may hold anything; what it says must be what a request may say.
fn check_ranges(recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
    let (bars, meter, sample_rate) = (recipe.bars, recipe.meter, to.sample_rate);
    for bpm in [recipe.composed_bpm, to.bpm.unwrap_or(recipe.bpm)] {
        Request::new(RequestFields { bars, meter, bpm, sample_rate, ..Default::default() })?;
    }
    Ok(())
}

fn check_mode_stays(recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
    match (recipe.key, to.key) {
        (Some(was), Some(wanted)) if was.mode() != wanted.mode() => refuse(
            "key",
            format!("a clip in {was} can move to another tonic, but {wanted} has another mode; generate it anew"),
        ),
        _ => Ok(()),
    }
}

fn refuse(what: &'static str, problem: String) -> Result<(), Error> {
    Err(Error::Request { what, problem })
}
