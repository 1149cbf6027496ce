//! Why there is no music, sorted by what the user can do about it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Why there is no music. Each variant says what the caller can do and what is still usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request asks for something that cannot be; nothing was computed. Change it and ask again.
    #[error("{what}: {problem}")]
    Request {
        /// The field, by the name the user knows (`bars`, `bpm`, ...).
        what: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A storyboard asks for something that cannot be; nothing was computed. Change it and ask again.
    #[error("{}{what}: {problem}", cue.as_ref().map(|cue| format!("{cue}: ")).unwrap_or_default())]
    Board {
        /// The cue; `None` where it is about the whole board.
        cue: Option<CueName>,
        /// The field, by the name the user knows (`bars`, `transition`, ...).
        what: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The picture cannot be read. Choose another; the engine is still usable.
    #[error("picture {}: {problem}", path.display())]
    Picture {
        /// Where it was read from.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The bundle is incomplete or not what its manifest says. Install it again or choose another.
    #[error("bundle {}: {problem}", path.display())]
    Bundle {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A file could not be written or read back.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A stage failed, mostly for lack of memory. The engine is still usable; ask for fewer bars.
    #[error("{stage} failed")]
    Stage {
        /// Where.
        stage: Stage,
        /// candle's own account.
        source: candle_core::Error,
    },
    /// The device has no memory left, even where the engine is as sparing as it can be. The engine is still usable.
    #[error(
        "{device} has no memory left, {stage}, though only one component was on it; ask for fewer bars, close what else uses \
         it, choose a smaller bundle, or compute on the CPU"
    )]
    Memory {
        /// Where.
        stage: Stage,
        /// Of which device, by its name.
        device: String,
        /// candle's own account.
        source: candle_core::Error,
    },
    /// The clip came out broken (not finite, silent or of the wrong length), also with a second seed.
    #[error("the model made {problem}, twice; try another seed, fewer steps or less guidance")]
    Unsound {
        /// What the check found.
        problem: String,
    },
    /// The worker process is not there, or ended while it worked. The next job looks for it anew.
    #[error("the worker process {problem}")]
    Worker {
        /// What became of it and what to do.
        problem: String,
    },
    /// The engine has a fault, which only this job came upon. The next one has it read anew.
    #[error("the engine stopped on a fault of its own ({words}); the next clip starts it afresh")]
    Panicked {
        /// What the panic said.
        words: String,
    },
    /// [`Progress::is_cancelled`](crate::progress::Progress::is_cancelled) said so. Not a failure; show nothing.
    #[error("cancelled")]
    Cancelled,
}

/// What cannot be written into a score, cannot be asked for either.
impl From<score::Error> for Error {
    fn from(score::Error { what, problem }: score::Error) -> Self {
        Self::Request { what, problem }
    }
}

/// Which cue of a storyboard. Shown as `cue 3 "the storm"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CueName {
    /// Place on the board, from 0.
    pub index: usize,
    /// Its name; may be empty.
    pub name: String,
}

impl fmt::Display for CueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cue {}", self.index + 1)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {:?}", self.name) }
    }
}

/// A stage of the pipeline, as the user sees it in a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Reading weights.
    Load,
    /// Prompt to embeddings.
    Text,
    /// Picture to latents to features.
    Picture,
    /// Denoising the music's latents.
    Music,
    /// Latents to sound, by way of notes or a mel spectrogram.
    Sound,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "loading the bundle",
            Self::Text => "reading the prompt",
            Self::Picture => "looking at the picture",
            Self::Music => "composing",
            Self::Sound => "making sound",
        })
    }
}

/// What an error says and what caused it, on one line: messages leave their causes out.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Adds the stage to candle's errors.
pub(crate) trait InStage<T> {
    /// Turns candle's error into [`Error::Stage`].
    fn in_stage(self, stage: Stage) -> Result<T, Error>;
}

impl<T> InStage<T> for candle_core::Result<T> {
    fn in_stage(self, stage: Stage) -> Result<T, Error> {
        self.map_err(|source| Error::Stage { stage, source })
    }
}
