//! Scores as Standard MIDI Files, and what such files hold. Knows a score; no tensor, no sound.
//!
//! ```text
//! Song of [Section { name, start, score }] ──write──► bytes of a .mid (type 1: one track that conducts, one for every part)
//! bytes ──File::parse──► File { tracks, tempi, meters, markers } ──parts, score──► Score
//! ```
//!
//! A file counts time in [`score::TICKS_PER_QUARTER`], as a score does, so that what is written reads back exactly.
//!
//! ```
//! use midi::Song;
//! use score::{Instrument, Note, Part, Player, Score, ScoreFields};
//!
//! let score = Score::new(ScoreFields {
//!     players: vec![Player::new(Part::Lead, Instrument::Program(73))],
//!     notes: vec![Note { part: Part::Lead, pitch: 72, velocity: 90, start: 0, length: 960 }],
//!     ..Default::default()
//! })?;
//! let bytes = midi::write(&Song::of("a flute", &score));
//! let file = midi::File::parse(&bytes)?;
//! assert_eq!(file.tracks[0].notes[0].pitch, 72);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod fifths;
mod file;
mod sketch;
mod song;
mod track;
mod write;

pub use self::error::Error;
pub use self::file::{File, Played, Track};
pub use self::sketch::Frame;
pub use self::song::{Section, Song};
pub use self::write::write;
