//! A note.

use serde::{Deserialize, Serialize};

use crate::part::Part;

/// Ticks to a quarter note: a sixteenth is 240, a triplet eighth 320.
pub const TICKS_PER_QUARTER: u32 = 960;

/// One note of one part, unswung and unhumanised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    /// Who plays it.
    pub part: Part,
    /// MIDI note, 0..=127; 60 is middle C. A drum of General MIDI in [`Part::Drums`].
    pub pitch: u8,
    /// How hard, 1..=127.
    pub velocity: u8,
    /// Where it begins, in ticks from the beginning of the clip.
    pub start: u32,
    /// How long it is held, in ticks, 1 to the length of the clip; may sound over the end into the next round.
    pub length: u32,
}

impl Note {
    /// The order of notes in a score.
    pub(crate) fn place(&self) -> (u32, Part, u8) {
        (self.start, self.part, self.pitch)
    }
}
