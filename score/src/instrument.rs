//! What a part is played with.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, refuse};
use crate::names::{KITS, PROGRAMS};

/// An instrument of General MIDI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Instrument {
    /// A melodic program, 0..=127; 0 is the grand piano.
    Program(u8),
    /// A drum kit by its program, 0..=127; 0 is the standard kit, 48 the orchestra's.
    Kit(u8),
}

impl Instrument {
    /// Whether it is a drum kit.
    pub const fn is_kit(self) -> bool {
        matches!(self, Self::Kit(_))
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Program(number) | Self::Kit(number) => number,
        }
    }

    /// Its name in General MIDI; of a kit that has none, that of the kit it is a variant of.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program(number) => PROGRAMS[usize::from(number & 127)],
            Self::Kit(number) => {
                KITS.iter().rev().find(|(first, _)| *first <= number).map_or("Standard Kit", |kit| kit.1)
            }
        }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        if self.number() < 128 {
            return Ok(());
        }
        Err(refuse("instrument", format!("{} is out of range; give a number from 0 to 127", self.number())))
    }
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
