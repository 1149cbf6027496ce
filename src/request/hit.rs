//! Where a hit is, as it is typed.

use std::fmt;
use std::str::FromStr;

use score::{Meter, Position, TICKS_PER_QUARTER};
use serde::{Deserialize, Serialize};

use super::refuse;
use crate::error::Error;

/// Milliseconds that a hit may be away from its sixteenth before that is worth saying.
const EXACT_MS: f64 = 5.0;

/// A place by bar, beat and sixteenth, or by seconds from the beginning. Written as `3.2.1` or `4.5s`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Hit {
    /// Of the bars.
    At(Position),
    /// From the beginning.
    Seconds(f64),
}

impl Hit {
    /// The sixteenth that it is, or that is nearest, in music at `bpm`, and how many milliseconds later than asked for that is.
    pub fn position(self, bpm: f64, meter: Meter) -> (Position, f64) {
        match self {
            Self::At(position) => (position, 0.0),
            Self::Seconds(seconds) => {
                let quarter = f64::from(TICKS_PER_QUARTER);
                let position = Position::nearest(seconds * bpm / 60.0 * quarter, meter);
                let ticks = position.ticks(u32::MAX, meter).unwrap_or(0);
                (position, (f64::from(ticks) / quarter * 60.0 / bpm - seconds) * 1e3)
            }
        }
    }

    /// What a person should know of its [`position`](Self::position), if it was given in seconds.
    pub fn remark(self, (position, late): (Position, f64)) -> Option<String> {
        let Self::Seconds(seconds) = self else { return None };
        let side = if late > 0.0 { "late" } else { "early" };
        let away = if late.abs() < EXACT_MS { String::new() } else { format!(", {:.0} ms {side}", late.abs()) };
        Some(format!("the hit at {seconds} s is at {position}{away}"))
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(position) => position.fmt(f),
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
        }
    }
}

impl FromStr for Hit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some(seconds) = text.trim().strip_suffix('s') else { return Ok(Self::At(text.parse()?)) };
        match seconds.trim().parse::<f64>() {
            Ok(seconds) if (0.0..=super::MAX_SECONDS).contains(&seconds) => Ok(Self::Seconds(seconds)),
            _ => Err(refuse("hits", format!("{text:?} is no time; write seconds like 4.5s, or bar.beat.sixteenth"))),
        }
    }
}

impl TryFrom<String> for Hit {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Hit> for String {
    fn from(hit: Hit) -> Self {
        hit.to_string()
    }
}
