//! What of another clip stays as it is.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use score::{Part, Score};
use serde::{Deserialize, Serialize};

use super::{RequestFields, check, refuse};
use crate::error::Error;

/// Notes that are kept while the others are composed around them.
///
/// Some parts are kept throughout, or everything outside some bars, or both: then those parts in all bars, and the others
/// outside the bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keep {
    /// Where the notes come from; of the length and the metre of the request, at any tempo and in any key.
    pub score: Score,
    /// Parts that are kept in all bars.
    pub parts: Vec<Part>,
    /// Bars that are composed anew.
    pub redo: Option<Bars>,
    /// How far what is composed may go from the notes that are not kept, 0 not at all to 1 wherever it likes; `None` leaves
    /// them out of account.
    #[serde(default)]
    pub vary: Option<f64>,
}

/// Bars in a row, the first bar of a clip being 1. Written as `3` or `3-4`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bars(RangeInclusive<u32>);

impl Bars {
    /// Whether a bar, from 1, is one of them.
    pub fn contains(&self, bar: u32) -> bool {
        self.0.contains(&bar)
    }
}

impl Keep {
    /// Whether a part is kept in a bar, from 1.
    pub fn keeps(&self, part: Part, bar: u32) -> bool {
        let is_outside = self.redo.as_ref().is_some_and(|bars| !bars.contains(bar));
        self.parts.contains(&part) || is_outside || self.is_whole()
    }

    /// Whether nothing at all may be other than it was.
    pub fn is_whole(&self) -> bool {
        self.vary == Some(0.0) && self.redo.is_none()
    }

    /// Refuses what cannot be kept in what is asked for.
    pub(super) fn check(&self, fields: &RequestFields) -> Result<(), Error> {
        let refuse = |problem: String| Err(refuse("keep", problem));
        if (self.score.bars, self.score.meter) != (fields.bars, fields.meter) {
            return refuse(format!(
                "the clip has {} bars of {}, not {} of {}; ask for as many",
                self.score.bars, self.score.meter, fields.bars, fields.meter
            ));
        }
        self.vary.map_or(Ok(()), |vary| check("vary", vary, 0.0..=1.0))?;
        if self.parts.is_empty() && self.redo.is_none() && self.vary.is_none() {
            return refuse("nothing is said to be kept; name parts, or bars to compose anew".into());
        }
        let known: Vec<&str> = self.score.players.iter().map(|player| player.part.name()).collect();
        if let Some(part) = self.parts.iter().find(|part| self.score.notes_of(**part).next().is_none()) {
            return refuse(format!("nobody plays the {part} in the clip; there are {}", known.join(", ")));
        }
        if let Some(Bars(bars)) = self.redo.as_ref().filter(|bars| *bars.0.end() > fields.bars) {
            return refuse(format!("bar {} is not in the clip, which has {}", bars.end(), fields.bars));
        }
        if !self.is_whole() && (1..=fields.bars).all(|bar| Part::ALL.into_iter().all(|part| self.keeps(part, bar))) {
            return refuse("everything is kept, so nothing is left to compose".into());
        }
        Ok(())
    }
}

impl fmt::Display for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.0.start(), self.0.end());
        if first == last { write!(f, "{first}") } else { write!(f, "{first}-{last}") }
    }
}

impl FromStr for Bars {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let found = match text.split_once('-') {
            Some((first, last)) => number(first).zip(number(last)),
            None => number(text).map(|bar| (bar, bar)),
        };
        match found {
            Some((first, last)) if first >= 1 && first <= last => Ok(Self(first..=last)),
            _ => Err(refuse("bars", format!("{text:?} are no bars; write them like 3 or 3-4"))),
        }
    }
}

impl TryFrom<String> for Bars {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Bars> for String {
    fn from(bars: Bars) -> Self {
        bars.to_string()
    }
}
