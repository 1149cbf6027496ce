//! The parts of a score: the roles that players take.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A role in the music. One player takes it, with whatever instrument.
///
/// Eight, as few as name every job of a film cue: what is held (pad), what carries it (bass), what is struck together (keys), what
/// drives (ostinato), a theme (lead), what answers it or moves against it (counter), high or low accents (mallets), and drums.
/// A melody and its answer need a row each, as do a piano and a harp; more rows would mostly be empty and cost a composer's
/// model for nothing. The recipe's composer (`bundles/mini/recipe/composer/score.py`) writes the same eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Held chords: strings, choir, pads, soft brass.
    Pad,
    /// The lowest voice; one note at a time.
    Bass,
    /// Chords in rhythm: pianos, organs, strummed guitars, stabs.
    Keys,
    /// Figures that drive: arpeggios, spiccato, ticking, harps, sequences.
    Ostinato,
    /// The theme; one note at a time.
    Lead,
    /// What answers the theme; one note at a time.
    Counter,
    /// Accents that no other part has: bells, celesta, vibraphone, kettledrums.
    Mallets,
    /// A drum kit, whose pitches are drums and no key moves.
    Drums,
}

impl Part {
    /// Every part, in the order of a mixer.
    pub const ALL: [Self; 8] =
        [Self::Pad, Self::Bass, Self::Keys, Self::Ostinato, Self::Lead, Self::Counter, Self::Mallets, Self::Drums];

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
            Self::Ostinato => "ostinato",
            Self::Lead => "lead",
            Self::Counter => "counter",
            Self::Mallets => "mallets",
            Self::Drums => "drums",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
