//! Where in a file things are written.

use std::collections::HashMap;

/// Lines, from 1, of a board's fields and cues.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    pub board: HashMap<String, usize>,
    pub cues: Vec<CueLines>,
}

/// Lines of a cue: where it begins and, if they are apart, of its fields.
#[derive(Debug, Clone, Default)]
pub struct CueLines {
    pub first: usize,
    pub fields: HashMap<String, usize>,
}

impl Lines {
    /// Every cue on a line of its own.
    pub fn one_each(lines: impl IntoIterator<Item = usize>) -> Self {
        let cue = |first| CueLines { first, ..CueLines::default() };
        Self { cues: lines.into_iter().map(cue).collect(), ..Self::default() }
    }

    /// The line of `field`, by the name that messages have for it; of the whole cue where it is not written, and 0 where
    /// nothing is known.
    pub fn of(&self, cue: Option<usize>, field: &str) -> usize {
        let field = match field {
            "bpm" => "tempo",
            "sample rate" => "rate",
            "negative prompt" => "negative",
            "picture words" => "picture_words",
            "position" => "hits",
            "theme strength" => "theme_strength",
            field => field,
        };
        let cue = cue.and_then(|cue| self.cues.get(cue));
        let own = cue.and_then(|cue| cue.fields.get(field).copied());
        own.or(self.board.get(field).copied()).or(cue.map(|cue| cue.first)).unwrap_or(0)
    }
}

/// The line of byte `at`.
pub fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}
