//! What a clip plays. Knows no tensor, no sound and no file.
//!
//! ```text
//! ScoreFields ──new──► Score ──chords──► [Chord]
//!                        │
//!                        └──transposed, in_tonic──► Score (drums unmoved)
//! ```
//!
//! Time is counted in [`TICKS_PER_QUARTER`], whatever the tempo, so that another tempo or key is the same notes exactly.
//!
//! ```
//! use score::{Instrument, Note, Part, Player, Score, ScoreFields};
//!
//! let chord = |pitch| Note { part: Part::Pad, pitch, velocity: 80, start: 0, length: 3840 };
//! let score = Score::new(ScoreFields {
//!     bars: 1,
//!     players: vec![Player::new(Part::Pad, Instrument::Program(48))],
//!     notes: vec![chord(57), chord(60), chord(64)],
//!     ..Default::default()
//! })?;
//! assert_eq!(score.chords()[0].to_string(), "Am");
//! assert_eq!(score.transposed(3).chords()[0].to_string(), "Cm");
//! # Ok::<(), score::Error>(())
//! ```

mod chart;
mod chord;
mod error;
mod hearing;
mod instrument;
mod key;
mod meter;
mod mix;
mod names;
mod note;
mod part;
mod player;
mod position;
mod register;
mod score;
mod symbol;

pub use self::chart::{Chart, Laid};
pub use self::chord::{Chord, Quality};
pub use self::error::Error;
pub use self::hearing::{chroma, likeness};
pub use self::instrument::Instrument;
pub use self::key::{Key, Mode};
pub use self::meter::Meter;
pub use self::mix::Mix;
pub use self::note::{Note, TICKS_PER_QUARTER};
pub use self::part::Part;
pub use self::player::{MAX_LEVEL_DB, Player, SILENT_DB};
pub use self::position::Position;
pub use self::register::Register;
pub use self::score::{Character, MAX_NOTES, Score, ScoreFields, VERSION};
pub use self::symbol::ChordSymbol;
