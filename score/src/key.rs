//! The key of a piece.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, quote, refuse};

/// Names as they are mostly written: the spelling with the fewer accidentals in its key signature.
const MAJOR: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MINOR: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];

/// The scale above a tonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Major (Ionian).
    Major,
    /// Natural minor (Aeolian).
    Minor,
    /// Minor with a major sixth.
    Dorian,
    /// Minor with a minor second.
    Phrygian,
    /// Major with an augmented fourth.
    Lydian,
    /// Major with a minor seventh.
    Mixolydian,
    /// Minor with a leading tone.
    HarmonicMinor,
    /// Minor with major sixth and leading tone.
    MelodicMinor,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 8] = [
        Self::Major,
        Self::Minor,
        Self::Dorian,
        Self::Phrygian,
        Self::Lydian,
        Self::Mixolydian,
        Self::HarmonicMinor,
        Self::MelodicMinor,
    ];

    /// Its name, as in a key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Dorian => "dorian",
            Self::Phrygian => "phrygian",
            Self::Lydian => "lydian",
            Self::Mixolydian => "mixolydian",
            Self::HarmonicMinor => "harmonic minor",
            Self::MelodicMinor => "melodic minor",
        }
    }

    /// Its notes in semitones above the tonic.
    pub const fn scale(self) -> [u8; 7] {
        match self {
            Self::Major => [0, 2, 4, 5, 7, 9, 11],
            Self::Minor => [0, 2, 3, 5, 7, 8, 10],
            Self::Dorian => [0, 2, 3, 5, 7, 9, 10],
            Self::Phrygian => [0, 1, 3, 5, 7, 8, 10],
            Self::Lydian => [0, 2, 4, 6, 7, 9, 11],
            Self::Mixolydian => [0, 2, 4, 5, 7, 9, 10],
            Self::HarmonicMinor => [0, 2, 3, 5, 7, 8, 11],
            Self::MelodicMinor => [0, 2, 3, 5, 7, 9, 11],
        }
    }

    /// Whether the third above the tonic is minor.
    pub const fn is_minor(self) -> bool {
        self.scale()[2] == 3
    }

    /// Tonic in semitones above C for which the scale is the white keys, or has the white keys' signature.
    pub const fn home(self) -> u8 {
        match self {
            Self::Major => 0,
            Self::Dorian => 2,
            Self::Phrygian => 4,
            Self::Lydian => 5,
            Self::Mixolydian => 7,
            Self::Minor | Self::HarmonicMinor | Self::MelodicMinor => 9,
        }
    }
}

/// A key: tonic and mode. Parsed from `C`, `F#m`, `Bb minor`, `D dorian`, `a harmonic minor`; without a mode it is major.
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

    /// The scale.
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// Semitones, −6..=5, that bring the mode's [home](Mode::home) (C major, A minor, D dorian, ...) to this key by the
    /// nearer way.
    pub fn transposition(self) -> i32 {
        (i32::from(self.tonic) - i32::from(self.mode.home()) + 6).rem_euclid(12) - 6
    }

    /// Whether a MIDI note belongs to the scale.
    pub fn contains(self, pitch: u8) -> bool {
        let degree = (pitch % 12 + 12 - self.tonic) % 12;
        self.mode.scale().contains(&degree)
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::new(0, Mode::Major)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = if self.mode.is_minor() { MINOR } else { MAJOR };
        write!(f, "{} {}", names[usize::from(self.tonic)], self.mode.name())
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim()).ok_or_else(|| {
            refuse("key", format!("{} is not a key; write it like C, F#m, Bb minor or D dorian", quote(text)))
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
    let letter = letter(chars.next()?)?;
    let (accidental, rest) = accidental(chars.as_str());
    Some(Key::new(((u32::from(letter) + accidental) % 12) as u8, mode(rest)?))
}

/// Semitones above C of a note's letter, large or small.
pub(crate) fn letter(letter: char) -> Option<u8> {
    const LETTERS: [(char, u8); 7] = [('C', 0), ('D', 2), ('E', 4), ('F', 5), ('G', 7), ('A', 9), ('B', 11)];
    LETTERS.into_iter().find_map(|(name, semitones)| (name == letter.to_ascii_uppercase()).then_some(semitones))
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
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "maj" | "ionian" => Some(Mode::Major),
        "min" | "aeolian" | "natural minor" => Some(Mode::Minor),
        name => Mode::ALL.into_iter().find(|mode| mode.name() == name),
    }
}
