//! Chord symbols as lead sheets have them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, quote, refuse};
use crate::key::letter;

/// Tones of a chord over its root, by what stands behind the root's name; longer ones first where one begins another.
const QUALITIES: [(&str, &[u8]); 17] = [
    ("maj", &[0, 4, 7]),
    ("min", &[0, 3, 7]),
    ("dim", &[0, 3, 6]),
    ("aug", &[0, 4, 8]),
    ("hdim", &[0, 3, 6, 10]),
    ("ma", &[0, 4, 7]),
    ("mi", &[0, 3, 7]),
    ("Δ", &[0, 4, 7, 11]),
    ("△", &[0, 4, 7, 11]),
    ("ø", &[0, 3, 6, 10]),
    ("°", &[0, 3, 6]),
    ("o", &[0, 3, 6]),
    ("+", &[0, 4, 8]),
    ("M", &[0, 4, 7]),
    ("m", &[0, 3, 7]),
    ("-", &[0, 3, 7]),
    ("", &[0, 4, 7]),
];

const THIRDS: &[u8] = &[3, 4];
const FIFTHS: &[u8] = &[6, 7, 8];
/// What a number takes away and adds; from 7 on all but 69 have a seventh, too.
const NUMBERS: [(&str, &[u8], &[u8]); 9] = [
    ("13", &[], &[2, 9]),
    ("11", &[], &[2, 5]),
    ("6/9", &[], &[9, 2]),
    ("69", &[], &[9, 2]),
    ("9", &[], &[2]),
    ("7", &[], &[]),
    ("6", &[], &[9]),
    ("5", THIRDS, &[]),
    ("2", &[], &[2]),
];
/// What else may follow.
const OTHERS: [(&str, &[u8], &[u8]); 26] = [
    ("maj13", &[], &[11, 2, 9]),
    ("maj9", &[], &[11, 2]),
    ("maj7", &[], &[11]),
    ("ma7", &[], &[11]),
    ("m7", &[], &[11]),
    ("sus2", THIRDS, &[2]),
    ("sus4", THIRDS, &[5]),
    ("sus", THIRDS, &[5]),
    ("add13", &[], &[9]),
    ("add11", &[], &[5]),
    ("add9", &[], &[2]),
    ("add4", &[], &[5]),
    ("add2", &[], &[2]),
    ("no3", THIRDS, &[]),
    ("no5", FIFTHS, &[]),
    ("omit3", THIRDS, &[]),
    ("omit5", FIFTHS, &[]),
    ("b13", &[], &[8]),
    ("#11", &[], &[6]),
    ("b9", &[2], &[1]),
    ("#9", &[2], &[3]),
    ("b5", FIFTHS, &[6]),
    ("#5", FIFTHS, &[8]),
    ("-5", FIFTHS, &[6]),
    ("+5", FIFTHS, &[8]),
    ("alt", FIFTHS, &[10, 1, 3, 8]),
];

/// A chord by its name: a root, what stands on it, and what lies below. Written and parsed as `Am7/G`.
///
/// Read are major, minor, diminished, half-diminished and augmented chords in their usual spellings (`m`, `min`, `-`, `maj7`, `Δ`,
/// `dim`, `°`, `ø`, `aug`, `+`), sixths, sevenths, ninths, elevenths and thirteenths, `5`, `sus2`, `sus4`, `add9`, altered
/// tones (`b5`, `#9`, `#11`, `b13`), left-out ones (`no3`), and any bass after a slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChordSymbol {
    name: String,
    root: u8,
    /// Semitones above C, a bit each.
    tones: u16,
    bass: u8,
}

impl ChordSymbol {
    /// Semitones above C, 0..=11.
    pub fn root(&self) -> u8 {
        self.root
    }

    /// The lowest note, semitones above C, 0..=11; need not be one of the [tones](Self::tones).
    pub fn bass(&self) -> u8 {
        self.bass
    }

    /// Which pitch classes, C first, are in the chord.
    pub fn tones(&self) -> [bool; 12] {
        std::array::from_fn(|class| self.tones >> class & 1 == 1)
    }
}

impl fmt::Display for ChordSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for ChordSymbol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim()).ok_or_else(|| {
            refuse("chord", format!("{} is no chord; write it like C, F#m, Bbmaj7, Dsus4 or G/B", quote(text)))
        })
    }
}

fn parse(text: &str) -> Option<ChordSymbol> {
    let (root, rest) = pitch_class(text)?;
    // The slash of 6/9 is no bass.
    let (quality, bass) = match rest.rsplit_once('/') {
        Some((quality, bass)) if bass != "9" => {
            (quality, Some(pitch_class(bass).filter(|(_, rest)| rest.is_empty())?.0))
        }
        _ => (rest, None),
    };
    let tones = intervals(quality)?.into_iter().fold(0, |tones, interval| tones | 1 << ((root + interval) % 12));
    Some(ChordSymbol { name: text.into(), root, tones, bass: bass.unwrap_or(root) })
}

/// A note's name at the beginning of a text, as semitones above C, and what follows.
pub(crate) fn pitch_class(text: &str) -> Option<(u8, &str)> {
    let mut chars = text.chars();
    let letter = letter(chars.next()?)?;
    let rest = chars.as_str();
    let signs = [("#", 1), ("♯", 1), ("b", 11), ("♭", 11)];
    let found = signs.into_iter().find_map(|(sign, up)| Some((up, rest.strip_prefix(sign)?)));
    let (up, rest) = found.unwrap_or((0, rest));
    Some(((letter + up) % 12, rest))
}

/// Semitones above the root, each below 12.
fn intervals(quality: &str) -> Option<Vec<u8>> {
    let quality: String = quality.chars().filter(|c| !matches!(c, '(' | ')' | ',')).collect();
    let lower = quality.to_ascii_lowercase();
    // Of one letter, case tells major from minor.
    let behind = |name: &str| if name.len() == 1 { quality.strip_prefix(name) } else { lower.strip_prefix(name) };
    QUALITIES.iter().find_map(|(name, triad)| extended(triad, &behind(name)?.to_ascii_lowercase(), name))
}

/// A triad with all extensions that stand behind its name.
fn extended(triad: &[u8], mut rest: &str, name: &str) -> Option<Vec<u8>> {
    let is_major = matches!(name, "maj" | "ma" | "M" | "Δ" | "△");
    let seventh = if is_major {
        11
    } else if matches!(name, "dim" | "°" | "o") {
        9
    } else {
        10
    };
    let (mut tones, mut is_first) = (triad.to_vec(), true);
    while !rest.is_empty() {
        let (Extension { removed, added }, tail) = extension(rest, is_first.then_some(seventh))?;
        tones.retain(|tone| !removed.contains(tone));
        tones.extend(added);
        (rest, is_first) = (tail, false);
    }
    Some(tones.into_iter().map(|tone| tone % 12).collect())
}

/// What an extension does to a triad.
struct Extension {
    removed: &'static [u8],
    added: Vec<u8>,
}

/// The extension at the beginning of a text, and what follows. Plain numbers stand right behind the quality alone, which says
/// what `seventh` they mean.
fn extension(text: &str, seventh: Option<u8>) -> Option<(Extension, &str)> {
    let number = |seventh: u8| {
        NUMBERS.iter().find_map(|(name, removed, upper)| {
            let is_stacked = matches!(*name, "13" | "11" | "9" | "7");
            let added = is_stacked.then_some(seventh).into_iter().chain(upper.iter().copied()).collect();
            Some((Extension { removed, added }, text.strip_prefix(name)?))
        })
    };
    let other = || {
        OTHERS.iter().find_map(|(name, removed, added)| {
            Some((Extension { removed, added: added.to_vec() }, text.strip_prefix(name)?))
        })
    };
    seventh.and_then(number).or_else(other)
}
