//! How loud parts are, as it is typed.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::{Error, quote, refuse};
use crate::part::Part;
use crate::player::{MAX_LEVEL_DB, SILENT_DB};
use crate::score::Score;

/// What is done to a part's level.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Move {
    /// So many dB louder than it was.
    By(f32),
    /// Silent.
    Off,
    /// At its usual level.
    On,
}

/// Levels of some parts. Parsed from `lead +3, drums off, pad -2.5, bass on`: decibels more or less than now, `off` for silence,
/// `on` for the part's usual level.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mix(BTreeMap<Part, Move>);

impl Mix {
    /// The score with these levels, everything else as it is.
    ///
    /// # Errors
    ///
    /// [`Error`] if nobody plays one of the parts, or its level would leave -60..=12 dB.
    pub fn apply(&self, score: &Score) -> Result<Score, Error> {
        let mut fields = score.clone().into_fields();
        for (part, wanted) in &self.0 {
            let known: Vec<&str> = score.players.iter().map(|player| player.part.name()).collect();
            let Some(player) = fields.players.iter_mut().find(|player| player.part == *part) else {
                return Err(refuse("mix", format!("nobody plays the {part}; there are {}", known.join(", "))));
            };
            player.level_db = match wanted {
                Move::By(db) => (player.level_db + db).max(SILENT_DB),
                Move::Off => SILENT_DB,
                Move::On => 0.0,
            };
            if player.level_db > MAX_LEVEL_DB {
                let problem = format!("the {part} would be {} dB above its usual level; give less", player.level_db);
                return Err(refuse("mix", format!("{problem}, {MAX_LEVEL_DB} is the most")));
            }
        }
        Score::new(fields)
    }
}

impl FromStr for Mix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut mix = Self::default();
        for entry in text.split(',').map(str::trim) {
            let (part, wanted) = parse(entry)?;
            if mix.0.insert(part, wanted).is_some() {
                return Err(refuse("mix", format!("the {part} is there twice; say it once")));
            }
        }
        Ok(mix)
    }
}

fn parse(entry: &str) -> Result<(Part, Move), Error> {
    let problem = || {
        format!("{} is no level; write it like \"lead +3\", \"pad -2.5\", \"drums off\" or \"bass on\"", quote(entry))
    };
    let (name, level) = entry.split_once(char::is_whitespace).ok_or_else(|| refuse("mix", problem()))?;
    let part = Part::ALL.into_iter().find(|part| part.name().eq_ignore_ascii_case(name));
    let part = part.ok_or_else(|| {
        refuse("mix", format!("there is no part {}; choose {}", quote(name), Part::ALL.map(Part::name).join(", ")))
    })?;
    let level = level.trim().to_ascii_lowercase();
    let wanted = match level.as_str() {
        "off" => Move::Off,
        "on" => Move::On,
        level => {
            let number = level.strip_suffix("db").unwrap_or(level).trim_end();
            // A sign says that it is more or less than now.
            let db = number.parse::<f32>().ok().filter(|db| db.is_finite() && number.starts_with(['+', '-']));
            Move::By(db.ok_or_else(|| refuse("mix", problem()))?)
        }
    };
    Ok((part, wanted))
}
