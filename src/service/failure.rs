//! Errors on their way to another thread or process.

use std::any::Any;
use std::collections::BTreeSet;
use std::path::PathBuf;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::lost;
use crate::error::{CueName, Error, Stage, with_causes};

/// Most names of fields that are kept, and the longest.
const MOST_FIELDS: usize = 64;
const LONGEST_FIELD: usize = 32;

/// An [`Error`] in words that can be sent: of the same kind, and saying the same, at the other end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Failure {
    /// [`Error::Request`].
    Request {
        /// The field.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// [`Error::Board`].
    Board {
        /// The cue by its place, from 0, and name.
        cue: Option<(usize, String)>,
        /// The field.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// [`Error::Picture`].
    Picture {
        /// Where it was read from.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// [`Error::Bundle`].
    Bundle {
        /// The folder or file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// [`Error::File`].
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// [`Error::Stage`].
    Stage {
        /// Where.
        stage: Stage,
        /// The device's account, and what caused it.
        cause: String,
    },
    /// [`Error::Memory`].
    Memory {
        /// Where.
        stage: Stage,
        /// Of which device.
        device: String,
        /// The device's account, and what caused it.
        cause: String,
    },
    /// [`Error::Unsound`].
    Unsound {
        /// What the check found.
        problem: String,
    },
    /// [`Error::Worker`].
    Worker {
        /// What became of it.
        problem: String,
    },
    /// [`Error::Panicked`].
    Panicked {
        /// What the panic said.
        words: String,
    },
    /// [`Error::Cancelled`].
    Cancelled,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        match error {
            Error::Request { what, problem } => Self::Request { what: (*what).into(), problem: problem.clone() },
            Error::Board { cue, what, problem } => Self::Board {
                cue: cue.as_ref().map(|cue| (cue.index, cue.name.clone())),
                what: (*what).into(),
                problem: problem.clone(),
            },
            Error::Picture { path: at, problem } => Self::Picture { path: path(at), problem: problem.clone() },
            Error::Bundle { path: at, problem } => Self::Bundle { path: path(at), problem: problem.clone() },
            Error::File { path: at, problem } => Self::File { path: path(at), problem: problem.clone() },
            Error::Stage { stage, source } => Self::Stage { stage: *stage, cause: with_causes(source) },
            Error::Memory { stage, device, source } => {
                Self::Memory { stage: *stage, device: device.clone(), cause: with_causes(source) }
            }
            Error::Unsound { problem } => Self::Unsound { problem: problem.clone() },
            Error::Worker { problem } => Self::Worker { problem: problem.clone() },
            Error::Panicked { words } => Self::Panicked { words: words.clone() },
            Error::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Request { what, problem } => Self::Request { what: field(&what), problem },
            Failure::Board { cue, what, problem } => {
                let cue = cue.map(|(index, name)| CueName { index, name });
                Self::Board { cue, what: field(&what), problem }
            }
            Failure::Picture { path, problem } => Self::Picture { path: path.into(), problem },
            Failure::Bundle { path, problem } => Self::Bundle { path: path.into(), problem },
            Failure::File { path, problem } => Self::File { path: path.into(), problem },
            Failure::Stage { stage, cause } => Self::Stage { stage, source: candle_core::Error::Msg(cause) },
            Failure::Memory { stage, device, cause } => {
                Self::Memory { stage, device, source: candle_core::Error::Msg(cause) }
            }
            Failure::Unsound { problem } => Self::Unsound { problem },
            Failure::Worker { problem } => lost(problem),
            Failure::Panicked { words } => Self::Panicked { words },
            Failure::Cancelled => Self::Cancelled,
        }
    }
}

/// What a panic said.
pub fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}

/// A field's name for the life of the process.
fn field(name: &str) -> &'static str {
    static FIELDS: Fields = Fields(Mutex::new(BTreeSet::new()));
    FIELDS.keep(name)
}

/// Names that are kept. There are few; of a stranger who makes up more, they are not.
struct Fields(Mutex<BTreeSet<&'static str>>);

impl Fields {
    fn keep(&self, name: &str) -> &'static str {
        let mut known = self.0.lock();
        if let Some(known) = known.get(name) {
            return known;
        }
        if known.len() >= MOST_FIELDS || name.len() > LONGEST_FIELD {
            return "request";
        }
        let kept: &'static str = Box::leak(name.into());
        known.insert(kept);
        kept
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_error_comes_out_of_the_same_kind_and_says_the_same() {
        let text = |text: &str| text.to_owned();
        let cue = Some(CueName { index: 2, name: text("the storm") });
        let errors = [
            Error::Request { what: "bars", problem: text("too many") },
            Error::Board { cue, what: "transition", problem: text("no room") },
            Error::Picture { path: "a.png".into(), problem: text("gone") },
            Error::Bundle { path: "mini".into(), problem: text("gone") },
            Error::File { path: "a.wav".into(), problem: text("full") },
            Error::Stage { stage: Stage::Music, source: candle_core::Error::Msg(text("no memory")) },
            Error::Memory {
                stage: Stage::Sound,
                device: text("GPU 0"),
                source: candle_core::Error::Msg(text("none left")),
            },
            Error::Unsound { problem: text("silence") },
            Error::Worker { problem: text("ended") },
            Error::Panicked { words: text("on request") },
            Error::Cancelled,
        ];
        for error in errors {
            let sent = rmp_serde::to_vec_named(&Failure::from(&error)).expect("plain data");
            let back = Error::from(rmp_serde::from_slice::<Failure>(&sent).expect("what was written"));
            assert_eq!(std::mem::discriminant(&back), std::mem::discriminant(&error));
            assert_eq!(back.to_string(), error.to_string());
            let cause = |error: &Error| error.source().map(ToString::to_string);
            assert_eq!(cause(&back), cause(&error));
        }
    }

    #[test]
    fn made_up_fields_do_not_pile_up() {
        let fields = Fields(Mutex::default());
        let long = "x".repeat(LONGEST_FIELD + 1);
        assert_eq!(fields.keep(&long), "request");
        let names: Vec<_> = (0..2 * MOST_FIELDS).map(|i| fields.keep(&format!("field {i}"))).collect();
        assert!(names.contains(&"request") && names[0] == "field 0");
        assert_eq!(fields.keep("field 0"), "field 0");
    }
}
