//! What can be wrong with a file.

use thiserror::Error as ThisError;

/// Why a MIDI file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    /// It is no Standard MIDI File, or a damaged one.
    #[error("is no MIDI file that can be read ({0}); export it again as a Standard MIDI File")]
    Damaged(String),
    /// It counts time in frames of film and not in notes.
    #[error("counts time in film frames (SMPTE), not in notes; export it with ticks per quarter note")]
    FilmFrames,
    /// There is nothing to play in it.
    #[error("has no notes")]
    NoNotes,
    /// It is larger than anything that could be played.
    #[error("is too large ({0}); export fewer bars")]
    TooLarge(String),
}
