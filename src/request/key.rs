//! The key of a piece.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{quote, refuse};
use crate::error::Error;

/// Names as they are mostly written: the spelling with the fewer accidentals in its key signature.
const MAJOR: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MINOR: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Major third above the tonic.
    Major,
    /// Minor third above the tonic.
    Minor,
}

/// A key: tonic and mode. Parsed from `C`, `F#m`, `Bb minor`, `a minor`, `Ebmaj`; without a mode it is major.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key {
    tonic: u8,
    mode: Mode,
}

impl Key {
    /// `tonic` in semitones above C; taken modulo 12.
    pub const fn new(tonic: u8, mode: Mode) -> Self {
        Self { tonic: tonic % 12, mode }
    }

    /// Semitones above C, 0..=11.
    pub const fn tonic(self) -> u8 {
        self.tonic
    }

    /// Major or minor.
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// Semitones, −6..=5, that bring C major or A minor (whichever has this mode) to this key by the nearer way.
    pub fn transposition(self) -> i32 {
        let natural = match self.mode {
            Mode::Major => 0,
            Mode::Minor => 9,
        };
        (i32::from(self.tonic) - natural + 6).rem_euclid(12) - 6
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tonic = usize::from(self.tonic);
        match self.mode {
            Mode::Major => write!(f, "{} major", MAJOR[tonic]),
            Mode::Minor => write!(f, "{} minor", MINOR[tonic]),
        }
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim()).ok_or_else(|| {
            refuse("key", format!("{} is not a key; write it like C, F#m, Bb minor or Eb major", quote(text)))
        })
    }
}

impl TryFrom<String> for Key {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

fn parse(text: &str) -> Option<Key> {
    let mut chars = text.chars();
    let letter = match chars.next()?.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let (accidental, rest) = accidental(chars.as_str());
    Some(Key::new(((letter + accidental) % 12) as u8, mode(rest)?))
}

/// Semitones up (11 is one down) and what follows.
fn accidental(text: &str) -> (u32, &str) {
    const SIGNS: [(&str, u32); 6] = [("#", 1), ("♯", 1), ("b", 11), ("♭", 11), ("sharp", 1), ("flat", 11)];
    let start = text.trim_start_matches([' ', '-']);
    for (sign, semitones) in SIGNS {
        // A one-letter sign stands right at its letter.
        let candidate = if sign.len() > 3 { start } else { text };
        if let Some(rest) = strip_word(candidate, sign) {
            return (semitones, rest);
        }
    }
    (0, text)
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

fn mode(text: &str) -> Option<Mode> {
    let text = text.trim_start_matches([' ', '-']).trim_end();
    match text {
        "" | "M" => return Some(Mode::Major),
        "m" => return Some(Mode::Minor),
        _ => {}
    }
    match text.to_ascii_lowercase().as_str() {
        "maj" | "major" => Some(Mode::Major),
        "min" | "minor" => Some(Mode::Minor),
        _ => None,
    }
}
