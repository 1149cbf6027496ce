//! Melodies that return from cue to cue.

use std::borrow::Cow;

use score::{Part, Score};
use serde::{Deserialize, Serialize};

use super::{Board, BoardFields};
use crate::error::Error;
use crate::request::Theme;

/// The lead of an earlier cue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reprise {
    /// The cue, from 0.
    pub of: usize,
    /// As [`Theme::strength`].
    pub strength: f64,
}

impl Board {
    /// The board with the theme of cue `index` in its place, where that is an earlier cue's; `score` has the notes of those that
    /// are composed. One that is not composed, or has no lead, leaves the board as it is.
    pub fn with_reprise<'a>(&self, index: usize, score: impl Fn(usize) -> Option<&'a Score>) -> Cow<'_, Self> {
        let Some(Reprise { of, strength }) = self.cues[index].reprise else { return Cow::Borrowed(self) };
        let Some(score) = score(of).filter(|score| score.notes_of(Part::Lead).next().is_some()) else {
            return Cow::Borrowed(self);
        };
        let mut fields: BoardFields = self.clone().into_fields();
        fields.cues[index].arrangement.theme = Some(Theme { score: score.clone(), strength });
        Cow::Owned(Self(fields))
    }

    /// Refuses a cue whose theme is not there yet.
    pub(crate) fn check_reprise(&self, index: usize) -> Result<(), Error> {
        let cue = &self.cues[index];
        match cue.reprise.filter(|_| cue.arrangement.theme.is_none()) {
            Some(Reprise { of, .. }) => {
                let problem = format!("{} has no lead, or is not composed yet; make it first", self.name(of));
                Err(Error::Board { cue: Some(self.name(index)), what: "theme", problem })
            }
            None => Ok(()),
        }
    }
}
