//! A clip's notes as a MIDI file.

use std::io::Write;
use std::path::Path;

use midi::Song;

use super::{Clip, Recipe};
use crate::error::Error;
use crate::files;
use score::Score;

/// Where notes stand in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// As they are heard: swung and humanised.
    #[default]
    Performed,
    /// As they are written, on the grid.
    Quantised,
}

impl Timing {
    /// The notes of a score that `seed` performs.
    pub fn of(self, score: &Score, seed: u64) -> Score {
        match self {
            Self::Performed => instruments::performed(score, seed),
            Self::Quantised => score.clone(),
        }
    }
}

impl Clip {
    /// Writes the notes as a Standard MIDI File of type 1: tempo, metre, key and chords, and a track for every part.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the clip has no notes or the file cannot be written; an older one is then untouched.
    pub fn write_midi(&self, path: &Path, timing: Timing) -> Result<(), Error> {
        let Some(score) = &self.score else { return Err(no_notes(path, &self.recipe)) };
        let score = timing.of(score, self.recipe.seed);
        let bytes = midi::write(&Song::of(&self.recipe.title(), &score));
        files::replace(path, |file| file.write_all(&bytes))
    }
}

fn no_notes(path: &Path, recipe: &Recipe) -> Error {
    let problem =
        format!("cannot be written: the bundle {} composes sound and no notes; choose one that does", recipe.bundle);
    Error::File { path: path.to_path_buf(), problem }
}
