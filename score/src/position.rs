//! Places in the music, as DAWs count them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, quote, refuse};
use crate::meter::Meter;
use crate::note::TICKS_PER_QUARTER;

/// A bar, a beat and a sixteenth, each from 1. Written as `3.2.1`; what is left out is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Position {
    bar: u32,
    beat: u32,
    sixteenth: u32,
}

impl Position {
    /// In ticks from the beginning.
    ///
    /// # Errors
    ///
    /// [`Error`]: there is no such place in `bars` bars of `meter`.
    pub fn ticks(self, bars: u32, meter: Meter) -> Result<u32, Error> {
        let (beat, sixteenth) = (meter.beat_ticks(), TICKS_PER_QUARTER / 4);
        let problem = if self.bar > bars {
            format!("there are {bars} bars")
        } else if self.beat > meter.beats() {
            format!("a bar of {meter} has {} beats", meter.beats())
        } else if (self.sixteenth - 1) * sixteenth >= beat {
            format!("a beat of {meter} has {} sixteenths", beat / sixteenth)
        } else {
            return Ok(((self.bar - 1) * meter.beats() + self.beat - 1) * beat + (self.sixteenth - 1) * sixteenth);
        };
        Err(refuse("position", format!("{self} is not in the music: {problem}")))
    }

    /// The sixteenth that is nearest to a tick.
    pub fn nearest(ticks: f64, meter: Meter) -> Self {
        let (beat, sixteenth) = (meter.beat_ticks(), TICKS_PER_QUARTER / 4);
        let ticks = (ticks / f64::from(sixteenth)).round().max(0.0) as u32 * sixteenth;
        let bar = beat * meter.beats();
        Self { bar: ticks / bar + 1, beat: ticks % bar / beat + 1, sixteenth: ticks % beat / sixteenth + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.bar, self.beat, self.sixteenth)
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let numbers: Option<Vec<u32>> = text.trim().split('.').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(numbers @ ([_] | [_, _] | [_, _, _])) if !numbers.contains(&0) => {
                let at = |index: usize| numbers.get(index).copied().unwrap_or(1);
                Ok(Self { bar: at(0), beat: at(1), sixteenth: at(2) })
            }
            _ => {
                Err(refuse("position", format!("{} is no place; write bar.beat.sixteenth, such as 3.2.1", quote(text))))
            }
        }
    }
}

impl TryFrom<String> for Position {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}
