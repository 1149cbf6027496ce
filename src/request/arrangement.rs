//! What is asked of the notes themselves, beyond words.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use score::{Chart, Part, Position, Register, Score};
use serde::{Deserialize, Serialize};

use super::{RequestFields, check, refuse};
use crate::error::Error;

/// Beginnings a bar that a part can be asked for.
const DENSITY: RangeInclusive<f64> = 0.25..=32.0;
/// Most hits.
const MAX_HITS: usize = 1000;

/// Chords, registers, hits and the form of a clip. What is kept ([`Keep`](super::Keep)) stays as it is all the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arrangement {
    /// Chords that the accompaniment plays, in the sounding key; melodies pass through the scale between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chords: Option<Chart>,
    /// Whether every note, but those of [`chords`](Self::chords) and of drums, is in the scale of the key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub key_lock: bool,
    /// Of parts, in how many sixteenths a bar notes begin, 0.25..=32.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub density: BTreeMap<Part, f64>,
    /// Of parts but drums, the range of their notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub register: BTreeMap<Part, Register>,
    /// A melody that returns in the lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// Where everybody who plays has an accent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Position>,
    /// Whether the last bar ends the music, instead of leading into the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
    /// Whether parts enter one after another and leave again, on bar lines.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub build: bool,
    /// How much energy every bar has, 0 calm to 1 driving: notes, and from .5 on up and down how loud they are. None leaves it to
    /// words and picture.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intensity: Vec<f64>,
}

/// The lead of another clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Where it comes from; of any length, metre, tempo, key and mode.
    pub score: Score,
    /// How much of it returns, 0..=1: at 1 note for note in this clip's bars, metre and mode, below it freely varied.
    pub strength: f64,
}

impl Theme {
    /// The strength of a theme that says nothing else.
    pub const STRENGTH: f64 = 0.7;
}

impl Arrangement {
    /// Whether it asks for anything.
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }

    /// Parts that are asked for because something is asked of them.
    pub fn parts(&self) -> Vec<Part> {
        let theme = self.theme.as_ref().map(|_| Part::Lead);
        let mut parts: Vec<Part> = self.density.keys().chain(self.register.keys()).copied().chain(theme).collect();
        parts.sort();
        parts.dedup();
        parts
    }

    /// Refuses what cannot be done in what is asked for.
    pub(super) fn check(&self, fields: &RequestFields) -> Result<(), Error> {
        let (bars, meter) = (fields.bars, fields.meter);
        self.chords.as_ref().map(|chart| chart.laid(bars, meter)).transpose()?;
        for (part, attacks) in &self.density {
            check("density", *attacks, DENSITY)?;
            let most = 4.0 * meter.quarters();
            if *attacks > most {
                let problem =
                    format!("a bar of {meter} has {most} sixteenths for the {part} to begin in, not {attacks}");
                return Err(refuse("density", problem));
            }
        }
        if self.register.contains_key(&Part::Drums) {
            return Err(refuse("register", "drums have none; leave them out".into()));
        }
        if let Some(Theme { score, strength }) = &self.theme {
            check("theme strength", *strength, 0.0..=1.0)?;
            if score.notes_of(Part::Lead).next().is_none() {
                return Err(refuse("theme", "the clip has no lead; choose one that has".into()));
            }
        }
        if self.hits.len() > MAX_HITS {
            return Err(refuse("hits", format!("{} are too many; the limit is {MAX_HITS}", self.hits.len())));
        }
        self.hits.iter().try_for_each(|hit| hit.ticks(bars, meter).map(|_| ()))?;
        if !self.intensity.is_empty() && self.intensity.len() != bars as usize {
            let problem = format!("{} values for {bars} bars; give one for each", self.intensity.len());
            return Err(refuse("intensity", problem));
        }
        self.intensity.iter().try_for_each(|value| check("intensity", *value, 0.0..=1.0))
    }
}
