//! Who plays a part.

use serde::{Deserialize, Serialize};

use crate::error::{Error, refuse};
use crate::instrument::Instrument;
use crate::part::Part;

/// Level of a part that is not heard.
pub const SILENT_DB: f32 = -60.0;
/// Most that a part can be above its usual level.
pub const MAX_LEVEL_DB: f32 = 12.0;

/// Who plays a part, and how loud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Player {
    /// The role.
    pub part: Part,
    /// What is played: a kit for drums, a program for all others.
    pub instrument: Instrument,
    /// Above the part's usual level in dB, -60..=12; a featured instrument is louder, and at -60 there is silence.
    #[serde(default)]
    pub level_db: f32,
    /// Loudness over the clip in dB, -60..=12, at equally spaced points of the loop, which a smooth curve joins. Empty
    /// leaves it to the mix.
    #[serde(default)]
    pub dynamics_db: Vec<f32>,
}

impl Player {
    /// At the usual level.
    pub fn new(part: Part, instrument: Instrument) -> Self {
        Self { part, instrument, level_db: 0.0, dynamics_db: Vec::new() }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.instrument.check()?;
        let problem = match (self.part.is_drums(), self.instrument.is_kit()) {
            (true, false) => format!("drums are played by a kit, not by {}; choose a kit", self.instrument),
            (false, true) => format!("a kit cannot play the {}; choose a program from 0 to 127", self.part),
            _ => return self.check_levels(),
        };
        Err(refuse("instrument", problem))
    }

    fn check_levels(&self) -> Result<(), Error> {
        const RANGE: std::ops::RangeInclusive<f32> = SILENT_DB..=MAX_LEVEL_DB;
        if self.dynamics_db.len() > 1024 {
            let problem = format!("{} points are too many for a curve; give at most 1024", self.dynamics_db.len());
            return Err(refuse("dynamics", problem));
        }
        match std::iter::once(&self.level_db).chain(&self.dynamics_db).find(|db| !RANGE.contains(db)) {
            None => Ok(()),
            Some(db) => Err(refuse("level", format!("{db} dB is out of range; give a number from -60 to 12"))),
        }
    }
}
