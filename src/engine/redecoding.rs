//! What a finished clip can be decoded as, and what is refused.

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::clip::{Latents, Recipe};
use crate::error::Error;
use crate::request::{Key, Request, RequestFields};

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
    pub(super) fn check_redecoding(&self, latents: &Latents, recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
        if recipe.bundle_sha256 != self.bundle_sha256 {
            let problem = format!(
                "the clip was made by the bundle {} with other weights than this one ({}); name its own with --bundle",
                recipe.bundle, self.manifest.name
            );
            return refuse("bundle", problem);
        }
        self.check_change(recipe, to)?;
        // A recipe comes from a file and may hold anything; what it says must be what a request may say.
        let (bars, meter, sample_rate) = (recipe.bars, recipe.meter, to.sample_rate);
        for bpm in [recipe.composed_bpm, to.bpm.unwrap_or(recipe.bpm)] {
            Request::new(RequestFields { bars, meter, bpm, sample_rate, ..Default::default() })?;
        }
        let latent = &self.manifest.music.latent;
        let columns = self.plan(bars, meter, recipe.composed_bpm).columns;
        if latents.shape() != [1, latent.channels, columns, latent.rows] {
            let problem = format!("its latents are {:?}, which its own recipe does not explain", latents.shape());
            return refuse("clip", problem);
        }
        Ok(())
    }

    /// Tempo and key are the grid's to change; the mode is nobody's.
    fn check_change(&self, recipe: &Recipe, to: Redecoding) -> Result<(), Error> {
        let bundle = &self.manifest.name;
        let bound = |what| format!("clips of the bundle {bundle} are bound to their {what}; generate it anew");
        if !self.manifest.decoder.config.is_grid() && to.bpm.is_some_and(|bpm| bpm != recipe.bpm) {
            return refuse("bpm", bound("tempo"));
        }
        if !self.manifest.decoder.config.is_grid() && to.key.is_some_and(|key| Some(key) != recipe.key) {
            return refuse("key", bound("key"));
        }
        match (recipe.key, to.key) {
            (Some(was), Some(wanted)) if was.mode() != wanted.mode() => refuse(
                "key",
                format!("a clip in {was} can move to another tonic, but {wanted} has another mode; generate it anew"),
            ),
            _ => Ok(()),
        }
    }
}

fn refuse(what: &'static str, problem: String) -> Result<(), Error> {
    Err(Error::Request { what, problem })
}
