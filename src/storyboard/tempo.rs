//! Tempo along the board.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::request::{Meter, RequestFields};

/// A tempo and the bar at which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tempo {
    /// First bar, from 1.
    pub bar: u32,
    /// Quarter notes per minute, 20..=300.
    pub bpm: f64,
}

/// Tempi that hold from a bar line to the next change. Written as one number, or as a list of [`Tempo`]s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct TempoMap {
    /// Ascending in bars, the first at bar 1.
    changes: Vec<Tempo>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Constant(f64),
    Changes(Vec<Tempo>),
}

/// Bars of one tempo.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub bars: Range<u32>,
    pub bpm: f64,
}

impl TempoMap {
    /// One tempo throughout, 20..=300 quarter notes per minute.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if it is out of range.
    pub fn constant(bpm: f64) -> Result<Self, Error> {
        Self::new(vec![Tempo { bar: 1, bpm }])
    }

    /// Tempi by the bars at which they begin, ascending from bar 1.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the first does not begin at bar 1, bars do not ascend or a tempo is out of range.
    pub fn new(changes: Vec<Tempo>) -> Result<Self, Error> {
        let refuse = |problem: String| Err(Error::Request { what: "tempo", problem });
        if let Some(tempo) = changes.iter().find(|tempo| !(20.0..=300.0).contains(&tempo.bpm)) {
            return refuse(format!("{} bpm is out of range; give a number from 20 to 300", tempo.bpm));
        }
        if changes.first().is_none_or(|tempo| tempo.bar != 1) {
            return refuse("the first tempo must begin at bar 1".into());
        }
        if let Some(pair) = changes.windows(2).find(|pair| pair[0].bar >= pair[1].bar) {
            return refuse(format!("bar {} follows bar {}; put tempi in the order of bars", pair[1].bar, pair[0].bar));
        }
        Ok(Self { changes })
    }

    /// The changes, ascending from bar 1.
    pub fn changes(&self) -> &[Tempo] {
        &self.changes
    }

    /// Quarter notes per minute in bar `bar`.
    pub fn at(&self, bar: u32) -> f64 {
        let later = self.changes.partition_point(|tempo| tempo.bar <= bar);
        self.changes[later.saturating_sub(1)].bpm
    }

    /// When bar `bar` begins, in seconds from bar 1.
    pub(super) fn seconds(&self, bar: u32, meter: Meter) -> f64 {
        let lasts = |stretch: Stretch| stretch.bars.len() as f64 * meter.quarters() * 60.0 / stretch.bpm;
        self.stretches(1..bar).map(lasts).sum()
    }

    /// The bar that begins nearest to `seconds`; at least 1.
    pub(super) fn nearest_bar(&self, seconds: f64, meter: Meter) -> u32 {
        let begun = |tempo: &&Tempo| self.seconds(tempo.bar, meter) <= seconds;
        let Some(tempo) = self.changes.iter().take_while(begun).last() else { return 1 };
        let bars = (seconds - self.seconds(tempo.bar, meter)) * tempo.bpm / 60.0 / meter.quarters();
        // A cast keeps what is too far away in range.
        tempo.bar.saturating_add(bars.round() as u32)
    }

    /// `bars`, cut where the tempo changes.
    pub(super) fn stretches(&self, bars: Range<u32>) -> impl Iterator<Item = Stretch> {
        let ends = self.changes.iter().skip(1).map(|next| next.bar).chain([u32::MAX]);
        let clipped = move |(tempo, end): (&Tempo, u32)| {
            let bars = tempo.bar.max(bars.start)..end.min(bars.end);
            (!bars.is_empty()).then_some(Stretch { bars, bpm: tempo.bpm })
        };
        self.changes.iter().zip(ends).filter_map(clipped)
    }
}

impl Default for TempoMap {
    /// The tempo that a request has.
    fn default() -> Self {
        Self { changes: vec![Tempo { bar: 1, bpm: RequestFields::default().bpm }] }
    }
}

impl TryFrom<Written> for TempoMap {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        match written {
            Written::Constant(bpm) => Self::constant(bpm),
            Written::Changes(changes) => Self::new(changes),
        }
    }
}

impl From<TempoMap> for Written {
    fn from(map: TempoMap) -> Self {
        match map.changes[..] {
            [only] => Self::Constant(only.bpm),
            _ => Self::Changes(map.changes),
        }
    }
}
