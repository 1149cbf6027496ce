//! How long a bar is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, quote, refuse};
use crate::note::TICKS_PER_QUARTER;

/// A time signature: `beats` notes of length 1/`unit` to the bar. Written and parsed as `6/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Meter {
    beats: u32,
    unit: u32,
}

impl Meter {
    /// `beats` 1..=32, `unit` one of 1, 2, 4, 8, 16.
    ///
    /// # Errors
    ///
    /// [`Error`] if either is something else.
    pub fn new(beats: u32, unit: u32) -> Result<Self, Error> {
        if (1..=32).contains(&beats) && [1, 2, 4, 8, 16].contains(&unit) {
            return Ok(Self { beats, unit });
        }
        Err(refuse(
            "meter",
            format!("{beats}/{unit} is not a meter; give 1 to 32 beats of a 1, 2, 4, 8 or 16th note, such as 6/8"),
        ))
    }

    /// Notes to the bar, 1..=32.
    pub const fn beats(self) -> u32 {
        self.beats
    }

    /// Which note: 4 is the quarter, 8 the eighth.
    pub const fn unit(self) -> u32 {
        self.unit
    }

    /// Length of a beat in ticks; exact.
    pub const fn beat_ticks(self) -> u32 {
        TICKS_PER_QUARTER * 4 / self.unit
    }

    /// Length of so many bars in ticks, as many as can be counted.
    pub const fn ticks(self, bars: u32) -> u32 {
        bars.saturating_mul(self.beats * self.beat_ticks())
    }

    /// Length of a bar in quarter notes; exact, as `unit` is a power of two.
    pub fn quarters(self) -> f64 {
        f64::from(self.beats) * 4.0 / f64::from(self.unit)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self { beats: 4, unit: 4 }
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.beats, self.unit)
    }
}

impl FromStr for Meter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |part: &str| part.trim().parse::<u32>().ok();
        match text.split_once('/').map(|(beats, unit)| (number(beats), number(unit))) {
            Some((Some(beats), Some(unit))) => Self::new(beats, unit),
            _ => Err(refuse("meter", format!("{} is not a meter; write it like 4/4 or 6/8", quote(text)))),
        }
    }
}

impl TryFrom<String> for Meter {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Meter> for String {
    fn from(meter: Meter) -> Self {
        meter.to_string()
    }
}
