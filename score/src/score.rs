//! A score: valid by construction.

use std::ops::{Deref, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::chord::{self, Chord};
use crate::error::{Error, refuse};
use crate::key::Key;
use crate::meter::Meter;
use crate::note::{Note, TICKS_PER_QUARTER};
use crate::part::Part;
use crate::player::Player;

/// Version of the written form; one with a greater number is refused.
pub const VERSION: u32 = 1;
/// Most notes of a score.
pub const MAX_NOTES: usize = 100_000;

/// Numbers about the whole clip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Character {
    /// Tilt of the sound, −1 dark to 1 bright.
    pub brightness: f32,
    /// Size of the room, 0 dry to 1 vast.
    pub space: f32,
    /// Delay of the second half of a [`swing_unit`](Self::swing_unit) in such units, 0..=0.25; one sixth is triplets.
    pub swing: f32,
    /// Which notes are swung in halves: 4 is the quarter, 8 the eighth of slow music whose sixteenths swing.
    #[serde(default = "quarter")]
    pub swing_unit: u32,
}

fn quarter() -> u32 {
    4
}

impl Default for Character {
    fn default() -> Self {
        Self { brightness: 0.0, space: 0.4, swing: 0.0, swing_unit: quarter() }
    }
}

/// Everything a score says, unchecked. Fill in what matters and take the rest from `default()`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreFields {
    /// Version of the written form.
    pub version: u32,
    /// Length, 1..=64 bars.
    pub bars: u32,
    /// Length of a bar.
    pub meter: Meter,
    /// Quarter notes per minute whatever the meter, 20..=300.
    pub bpm: f64,
    /// Key that the notes are in.
    pub key: Key,
    /// Who plays; at most one for a part.
    pub players: Vec<Player>,
    /// What is played, at most [`MAX_NOTES`].
    pub notes: Vec<Note>,
    /// Numbers about the whole clip.
    pub character: Character,
    /// Whether it ends with its last bar; otherwise that leads into the first again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
}

impl Default for ScoreFields {
    fn default() -> Self {
        Self {
            version: VERSION,
            bars: 4,
            meter: Meter::default(),
            bpm: 96.0,
            key: Key::default(),
            players: Vec::new(),
            notes: Vec::new(),
            character: Character::default(),
            ends: false,
        }
    }
}

/// A score that has been checked, its notes in order of start, part and pitch. Reads like its [fields](ScoreFields).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ScoreFields", into = "ScoreFields")]
pub struct Score(ScoreFields);

impl Score {
    /// Checks every field and sorts the notes.
    ///
    /// # Errors
    ///
    /// [`Error`] names the first thing out of range and the range.
    pub fn new(mut fields: ScoreFields) -> Result<Self, Error> {
        if fields.version > VERSION {
            let problem = format!("{} is newer than {VERSION}, which this program reads; update it", fields.version);
            return Err(refuse("version of the score", problem));
        }
        check("bars", f64::from(fields.bars), 1.0..=64.0)?;
        check("bpm", fields.bpm, 20.0..=300.0)?;
        check("brightness", f64::from(fields.character.brightness), -1.0..=1.0)?;
        check("space", f64::from(fields.character.space), 0.0..=1.0)?;
        check("swing", f64::from(fields.character.swing), 0.0..=0.25)?;
        check_unit(fields.character.swing_unit)?;
        check_players(&fields.players)?;
        check_notes(&fields)?;
        fields.version = VERSION;
        fields.notes.sort_by_key(Note::place);
        Ok(Self(fields))
    }

    /// Gives the fields back, to change some.
    pub fn into_fields(self) -> ScoreFields {
        self.0
    }

    /// Length in ticks.
    pub fn ticks(&self) -> u32 {
        self.meter.ticks(self.bars)
    }

    /// Length in quarter notes; exact.
    pub fn quarters(&self) -> f64 {
        f64::from(self.bars) * self.meter.quarters()
    }

    /// Who plays a part.
    pub fn player(&self, part: Part) -> Option<&Player> {
        self.players.iter().find(|player| player.part == part)
    }

    /// The notes of a part, in order.
    pub fn notes_of(&self, part: Part) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(move |note| note.part == part)
    }

    /// When a tick sounds, in quarter notes: swung, so that each unit's first half gets longer and its second shorter.
    pub fn swung(&self, tick: u32) -> f64 {
        let quarters = 4.0 / f64::from(self.character.swing_unit);
        let units = f64::from(tick) / (f64::from(TICKS_PER_QUARTER) * quarters);
        let (unit, place) = (units.floor(), units.fract());
        let middle = 0.5 + f64::from(self.character.swing);
        let place = if place < 0.5 { place * 2.0 * middle } else { middle + (place - 0.5) * 2.0 * (1.0 - middle) };
        (unit + place) * quarters
    }

    /// The same music `semitones` higher, drums unmoved. A note that would leave 0..=127 stays in the nearest octave.
    pub fn transposed(&self, semitones: i32) -> Self {
        let mut fields = self.0.clone();
        let tonic = (i32::from(fields.key.tonic()) + semitones.rem_euclid(12)) as u8;
        fields.key = Key::new(tonic, fields.key.mode());
        for note in fields.notes.iter_mut().filter(|note| !note.part.is_drums()) {
            note.pitch = transpose(note.pitch, semitones);
        }
        fields.notes.sort_by_key(Note::place);
        Self(fields)
    }

    /// The same music with another tonic (semitones above C), moved the nearer way; the mode stays.
    pub fn in_tonic(&self, tonic: u8) -> Self {
        let semitones = (i32::from(tonic % 12) - i32::from(self.key.tonic()) + 6).rem_euclid(12) - 6;
        self.transposed(semitones)
    }

    /// The chords that the notes make, beat by beat, equal neighbours joined; silence has none.
    pub fn chords(&self) -> Vec<Chord> {
        chord::read(self)
    }
}

impl Deref for Score {
    type Target = ScoreFields;

    fn deref(&self) -> &ScoreFields {
        &self.0
    }
}

impl TryFrom<ScoreFields> for Score {
    type Error = Error;

    fn try_from(fields: ScoreFields) -> Result<Self, Error> {
        Self::new(fields)
    }
}

impl From<Score> for ScoreFields {
    fn from(score: Score) -> Self {
        score.0
    }
}

/// `pitch` moved, by whole octaves back into 0..=127.
fn transpose(pitch: u8, semitones: i32) -> u8 {
    let moved = i32::from(pitch) + semitones.clamp(-1200, 1200);
    match moved {
        0..=127 => moved as u8,
        128.. => (127 - (11 - (moved - 128) % 12)) as u8,
        _ => moved.rem_euclid(12) as u8,
    }
}

fn check_players(players: &[Player]) -> Result<(), Error> {
    for (index, player) in players.iter().enumerate() {
        player.check()?;
        if players[..index].iter().any(|other| other.part == player.part) {
            return Err(refuse("players", format!("two play the {}; leave one out", player.part)));
        }
    }
    Ok(())
}

fn check_notes(fields: &ScoreFields) -> Result<(), Error> {
    if fields.notes.len() > MAX_NOTES {
        return Err(refuse("notes", format!("{} are too many; the limit is {MAX_NOTES}", fields.notes.len())));
    }
    let end = fields.meter.ticks(fields.bars);
    for note in &fields.notes {
        let problem = if !fields.players.iter().any(|player| player.part == note.part) {
            format!("nobody plays the {}; add a player", note.part)
        } else if note.pitch > 127 || !(1..=127).contains(&note.velocity) {
            format!("pitch {} or velocity {} is out of range; give 0 to 127 and 1 to 127", note.pitch, note.velocity)
        } else if note.start >= end || !(1..=end).contains(&note.length) {
            format!("a note at tick {} of length {} is not within the {end} ticks of the clip", note.start, note.length)
        } else {
            continue;
        };
        return Err(refuse("notes", problem));
    }
    Ok(())
}

fn check_unit(unit: u32) -> Result<(), Error> {
    if [1, 2, 4, 8, 16, 32].contains(&unit) {
        return Ok(());
    }
    Err(refuse("swing unit", format!("{unit} is no note that can be swung; give 1, 2, 4, 8, 16 or 32")))
}

fn check(what: &'static str, value: f64, range: RangeInclusive<f64>) -> Result<(), Error> {
    // NaN is in no range.
    if range.contains(&value) {
        return Ok(());
    }
    let problem = format!("{value} is out of range; give a number from {} to {}", range.start(), range.end());
    Err(refuse(what, problem))
}
