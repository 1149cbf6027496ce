//! Plays a score with sampled instruments. Knows a score and samples; no tensor, no engine, no file but a soundfont.
//!
//! ```text
//! .sf2, .sf3 ──Bank::open──► Bank ─┐
//! Score, Rendering ────────────────┴─render──► Stems (parts × 2 channels × frames) ──mix──► Stereo
//!   within: notes ─plan─► strikes ─Bank::tones─► tones ─voice─► mono frames ─┬─ place, swell, room, colour ─► stem
//! ```
//!
//! ```no_run
//! use std::path::Path;
//! use instruments::{Bank, Ensemble, Faders, Rendering, render};
//! use score::{Instrument, Note, Part, Player, Score, ScoreFields};
//!
//! let score = Score::new(ScoreFields {
//!     players: vec![Player::new(Part::Lead, Instrument::Program(73))],
//!     notes: vec![Note { part: Part::Lead, pitch: 72, velocity: 90, start: 0, length: 1920 }],
//!     ..Default::default()
//! })?;
//! let ensemble = Ensemble::from(Bank::open(Path::new("my.sf2"))?);
//! let stems = render(&score, &ensemble, &Rendering { rate: 96_000, semitones: -2, ..Default::default() })?;
//! let mix = stems.mix(&Faders::default());
//! assert_eq!(mix.frames(), 960_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: a voice sounds the same wherever it begins; whatever outlasts a loop is in its beginning; nothing depends
//! on the number of threads; transcendental functions are `libm`'s, the same on every system. `docs/instruments.md` of
//! the repository has the measurements that the design rests on.

mod bank;
mod error;
mod mix;
mod plan;
mod random;
mod render;
mod rendering;
mod stems;
mod stereo;
mod voice;

pub use self::bank::{Bank, Preset};
pub use self::error::Error;
pub use self::plan::performed;
pub use self::render::{Ensemble, render};
pub use self::rendering::{Ending, Finish, Rendering};
pub use self::stems::{Faders, Stem, Stems, Substitution};
pub use self::stereo::Stereo;
