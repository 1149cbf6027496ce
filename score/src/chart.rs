//! Chord charts: which chord sounds where.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, quote, refuse};
use crate::hearing::{chroma, likeness};
use crate::key::{Key, Mode};
use crate::meter::Meter;
use crate::symbol::ChordSymbol;

/// Most entries of a chart.
const MAX_ENTRIES: usize = 1024;
/// What it speaks for a key that the first chord is its tonic, and that the last one is, beside what all tones do at most.
const FIRST: f64 = 0.1;
const LAST: f64 = 0.05;
/// Parts of a beat that a length may have.
const BEAT_PARTS: f64 = 4.0;

/// Chords in a row: written as `Am F C G`, a chord a bar, or `Am:2 F:2`, each so many beats long. `N` is no chord, `%` the one
/// before again.
///
/// A chart that is shorter than the music begins anew where it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chart(Vec<Entry>);

/// A chord of a chart.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    /// `None` is no chord.
    chord: Option<ChordSymbol>,
    /// Quarters of a beat that it lasts; `None` is a bar.
    parts: Option<u32>,
}

/// A chord of a chart in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Laid {
    /// `None` is no chord.
    pub chord: Option<ChordSymbol>,
    /// From when to when, in ticks.
    pub ticks: Range<u32>,
}

impl Chart {
    /// Length in ticks, before it begins anew.
    pub fn ticks(&self, meter: Meter) -> u32 {
        self.0.iter().map(|entry| entry.ticks(meter)).fold(0, u32::saturating_add)
    }

    /// Where every chord sounds in so many bars.
    ///
    /// # Errors
    ///
    /// [`Error`]: it is longer than they are.
    pub fn laid(&self, bars: u32, meter: Meter) -> Result<Vec<Laid>, Error> {
        let (end, own) = (meter.ticks(bars), self.ticks(meter));
        if own > end {
            let bars_of = |ticks: u32| f64::from(ticks) / f64::from(meter.ticks(1));
            let problem = format!("fill {} bars of {meter}, and there are {bars}; leave some out", bars_of(own));
            return Err(refuse("chords", problem));
        }
        let mut laid = Vec::new();
        let mut start = 0;
        for entry in self.0.iter().cycle() {
            if start >= end {
                break;
            }
            let next = (start + entry.ticks(meter)).min(end);
            laid.push(Laid { chord: entry.chord.clone(), ticks: start..next });
            start = next;
        }
        Ok(laid)
    }

    /// The key that its chords are likeliest in: the mode is major or minor.
    pub fn key(&self) -> Key {
        let roots = self.0.iter().filter_map(|entry| entry.chord.as_ref());
        let tones = roots.flat_map(|chord| {
            let classes = (0..12_u8).filter(|class| chord.tones()[usize::from(*class)]);
            // A root counts as much as all its other tones.
            classes.map(|class| (class, 64, if class == chord.root() { 3.0 } else { 1.0 })).collect::<Vec<_>>()
        });
        let heard = chroma(tones);
        let keys =
            [Mode::Major, Mode::Minor].into_iter().flat_map(|mode| (0..12).map(move |tonic| Key::new(tonic, mode)));
        let size = heard.iter().map(|x| x * x).sum::<f64>().sqrt();
        let score = |key: &Key| likeness(&heard, *key) + size * self.hint(*key);
        keys.max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or_default()
    }

    /// What the place of chords speaks for a key: the first one is more often the tonic than any other, the last one now and then, and
    /// a dominant seventh leads to it.
    fn hint(&self, key: Key) -> f64 {
        let mut chords = self.0.iter().filter_map(|entry| entry.chord.as_ref());
        let is_dominant =
            |chord: &&ChordSymbol| [4, 10].iter().all(|up| chord.tones()[(usize::from(chord.root()) + up) % 12]);
        let third = if key.mode().is_minor() { 4 } else { 3 };
        let has_other_third = |chord: &ChordSymbol| chord.tones()[(usize::from(chord.root()) + third) % 12];
        let is_tonic =
            |chord: &ChordSymbol| !is_dominant(&chord) && !has_other_third(chord) && chord.root() == key.tonic();
        let leads = chords.clone().filter(is_dominant).any(|chord| (chord.root() + 5) % 12 == key.tonic());
        let (first, last) = (chords.clone().next().is_some_and(is_tonic), chords.next_back().is_some_and(is_tonic));
        FIRST * f64::from(u8::from(first) + u8::from(leads)) + LAST * f64::from(u8::from(last))
    }
}

impl Entry {
    fn ticks(&self, meter: Meter) -> u32 {
        match self.parts {
            Some(parts) => {
                (u64::from(parts) * u64::from(meter.beat_ticks()) / BEAT_PARTS as u64).min(u32::MAX.into()) as u32
            }
            None => meter.ticks(1),
        }
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Entry { chord, parts }) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match chord {
                Some(chord) => write!(f, "{space}{chord}")?,
                None => write!(f, "{space}N")?,
            }
            if let Some(parts) = parts {
                write!(f, ":{}", f64::from(*parts) / BEAT_PARTS)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Chart {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let words: Vec<&str> = text.split([' ', ',', '|', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
        if words.is_empty() || words.len() > MAX_ENTRIES {
            let problem = format!("are {} chords; write 1 to {MAX_ENTRIES}, such as \"Am F C G\"", words.len());
            return Err(refuse("chords", problem));
        }
        let mut chart = Self(Vec::with_capacity(words.len()));
        for (index, word) in words.iter().enumerate() {
            let before = chart.0.last().map(|entry| &entry.chord);
            let found = entry(word, before);
            chart.0.push(found.map_err(|problem| refuse("chords", format!("chord {}: {problem}", index + 1)))?);
        }
        if chart.0.iter().all(|entry| entry.chord.is_none()) {
            return Err(refuse("chords", "are all N, which is no chord; name one".into()));
        }
        Ok(chart)
    }
}

/// A word of a chart; `before` is the chord before it.
fn entry(word: &str, before: Option<&Option<ChordSymbol>>) -> Result<Entry, String> {
    let (name, beats) = word.split_once(':').map_or((word, None), |(name, beats)| (name, Some(beats)));
    let parts = beats.map(|beats| {
        let parts = beats.parse::<f64>().ok().map(|beats| beats * BEAT_PARTS);
        let fits = |parts: &f64| (1.0..=4096.0).contains(parts) && parts.fract() == 0.0;
        parts.filter(fits).map(|parts| parts as u32).ok_or_else(|| {
            format!(
                "{} is no length in beats; give quarters of a beat at least, such as {name}:2 or {name}:1.5",
                quote(beats)
            )
        })
    });
    let chord = match (name, before) {
        ("N" | "NC" | "N.C." | "n" | "nc", _) => None,
        ("%", Some(before)) => before.clone(),
        ("%", None) => return Err("% is the chord before again, and there is none".into()),
        _ => Some(name.parse::<ChordSymbol>().map_err(|error| error.problem)?),
    };
    Ok(Entry { chord, parts: parts.transpose()? })
}

impl TryFrom<String> for Chart {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Chart> for String {
    fn from(chart: Chart) -> Self {
        chart.to_string()
    }
}
