//! How one cue becomes the next.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How the music gets into a cue. The cue is fully there on its first bar line, the hit point; what leads into it lies
/// in the bars before, so that no length ever changes. Written and parsed as `cut`, `crossfade 1` or `morph 2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Transition {
    /// At once, on the bar line; a few milliseconds are faded so that it does not click.
    #[default]
    Cut,
    /// At equal power over the last bars before the cue. A clip's end leads into its beginning: the cue's own last
    /// bars fade in and arrive at its first.
    Crossfade {
        /// At least 1; no more than there are before the cue.
        bars: u32,
    },
    /// Over the last bars before the cue the earlier cue is composed more and more to the picture and words of this
    /// one; the last of these bars is a crossfade.
    Morph {
        /// At least 1; no more than the cue before has.
        bars: u32,
    },
}

impl Transition {
    /// Bars before the cue that are not the earlier cue's alone.
    pub const fn bars(self) -> u32 {
        match self {
            Self::Cut => 0,
            Self::Crossfade { bars } | Self::Morph { bars } => bars,
        }
    }

    /// Bars over which the sound is crossfaded; 0 for a cut.
    pub(super) const fn faded_bars(self) -> u32 {
        match self {
            Self::Cut => 0,
            Self::Crossfade { bars } => bars,
            Self::Morph { .. } => 1,
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("cut"),
            Self::Crossfade { bars } => write!(f, "crossfade {bars}"),
            Self::Morph { bars } => write!(f, "morph {bars}"),
        }
    }
}

impl FromStr for Transition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(&text.to_lowercase()).ok_or_else(|| Error::Request {
            what: "transition",
            problem: format!("{text:?} is not a transition; write cut, crossfade 2 or morph 2, the number being bars"),
        })
    }
}

fn parse(text: &str) -> Option<Transition> {
    let mut words = text.split_whitespace();
    let kind = words.next()?;
    let bars = words.next().map(str::parse::<u32>);
    let is_plain = matches!(words.next(), None | Some("bar" | "bars")) && words.next().is_none();
    match (kind, bars) {
        ("cut", None) => Some(Transition::Cut),
        ("crossfade", Some(Ok(bars))) if is_plain => Some(Transition::Crossfade { bars }),
        ("morph", Some(Ok(bars))) if is_plain => Some(Transition::Morph { bars }),
        _ => None,
    }
}

impl TryFrom<String> for Transition {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Transition> for String {
    fn from(transition: Transition) -> Self {
        transition.to_string()
    }
}
