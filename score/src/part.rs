//! The parts of a score: the roles that players take.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A role in the music. One player takes it, with whatever instrument.
///
/// Eight, as few as name every job of a film cue: what is held (pad), what carries it (bass), two kinds of figures that
/// may sound at once (keys: chords and arpeggios of a keyboard; plucks: strings, guitars, harp, ostinati), a theme (lead),
/// what answers it or moves against it (counter), what glints (bells), and drums. A melody and its answer need a row
/// each, as do a piano and a harp; more rows would mostly be empty and cost a composer's model for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Held chords: strings, choir, pads, soft brass.
    Pad,
    /// The lowest voice; one note at a time.
    Bass,
    /// Chords and figures of a keyboard: pianos, organs, harpsichord.
    Keys,
    /// Plucked and struck figures: guitars, harp, pizzicato, marimba, sequences.
    Pluck,
    /// The theme; one note at a time.
    Lead,
    /// What answers the theme; one note at a time.
    Counter,
    /// A few high notes: bells, celesta, glockenspiel, vibraphone.
    Bells,
    /// A drum kit, whose pitches are drums and no key moves.
    Drums,
}

impl Part {
    /// Every part, in the order of a mixer.
    pub const ALL: [Self; 8] =
        [Self::Pad, Self::Bass, Self::Keys, Self::Pluck, Self::Lead, Self::Counter, Self::Bells, Self::Drums];

    /// Place in [`ALL`](Self::ALL), 0..=7.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether its pitches are drums.
    pub const fn is_drums(self) -> bool {
        matches!(self, Self::Drums)
    }

    /// Its name, as in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pad => "pad",
            Self::Bass => "bass",
            Self::Keys => "keys",
            Self::Pluck => "pluck",
            Self::Lead => "lead",
            Self::Counter => "counter",
            Self::Bells => "bells",
            Self::Drums => "drums",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
