//! Ranges of pitches.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, quote, refuse};
use crate::symbol::pitch_class;

const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
/// Semitones from the lowest pitch to the highest, at least: every pitch class is in it.
const NARROWEST: u8 = 11;

/// A range of pitches, an octave at least. Written as `C3-G5`, where C4 is middle C, or in MIDI notes as `48-79`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Register {
    low: u8,
    high: u8,
}

impl Register {
    /// Lowest pitch, as a MIDI note.
    pub fn low(self) -> u8 {
        self.low
    }

    /// Highest pitch.
    pub fn high(self) -> u8 {
        self.high
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |pitch: u8| format!("{}{}", NAMES[usize::from(pitch % 12)], i32::from(pitch / 12) - 1);
        write!(f, "{}-{}", name(self.low), name(self.high))
    }
}

impl FromStr for Register {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = text.trim().split_once('-').and_then(|(low, high)| pitch(low.trim()).zip(pitch(high.trim())));
        let Some((low, high)) = found else {
            return Err(refuse("register", format!("{} is no range; write it like C3-G5 or 48-79", quote(text))));
        };
        if high < low || high - low < NARROWEST {
            return Err(refuse("register", format!("{} is less than an octave; give a wider one", quote(text))));
        }
        Ok(Self { low, high })
    }
}

/// A MIDI note by its name or number.
fn pitch(text: &str) -> Option<u8> {
    let number = match pitch_class(text) {
        Some((class, octave)) => {
            // A sign may lead into the octave beside.
            let octave = octave.parse::<i32>().ok()?.clamp(-2, 12) + 1;
            let is_below = class == 11 && text.starts_with(['C', 'c']);
            let is_above = class == 0 && text.starts_with(['B', 'b']);
            i32::from(class) + 12 * (octave + i32::from(is_above) - i32::from(is_below))
        }
        None => text.parse().ok()?,
    };
    u8::try_from(number).ok().filter(|pitch| *pitch < 128)
}

impl TryFrom<String> for Register {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Register> for String {
    fn from(register: Register) -> Self {
        register.to_string()
    }
}
