//! How a score is to be played.

use score::{MAX_NOTES, Score};

use crate::error::Error;

/// How a score is to be played. Fill in what matters and take the rest from `default()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// Rate of the sound in Hz, 8000..=192000.
    pub rate: u32,
    /// Tempo in quarter notes per minute, 20..=300, in place of the score's.
    pub bpm: Option<f64>,
    /// Semitones that everything but drums is raised, −48..=48.
    pub semitones: i32,
    /// Which of many equal performances: moves humanising and the swells of the mix, no note.
    pub seed: u64,
    /// What follows the last bar.
    pub ending: Ending,
    /// How much of a human, a room and a desk there is.
    pub finish: Finish,
}

impl Default for Rendering {
    fn default() -> Self {
        Self { rate: 48_000, bpm: None, semitones: 0, seed: 0, ending: Ending::Loop, finish: Finish::default() }
    }
}

/// What follows the last bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The first: what still sounds is in the clip's beginning, and two rounds join without a seam.
    Loop,
    /// Nothing: the clip begins in silence and is longer by what still sounds.
    Ring,
}

/// How much is done to the bare voices, each 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish {
    /// Deviations of time and velocity; at 0 every note begins at the nearest frame to its place.
    pub humanising: f32,
    /// How much duller softer notes are.
    pub touch: f32,
    /// Swells of the parts over the loop, where a player has no dynamics of its own.
    pub dynamics: f32,
    /// How far apart parts, and the notes of a part, are placed.
    pub width: f32,
    /// How much of the room, whose size is the score's, is heard.
    pub room: f32,
    /// How much of the score's brightness is heard.
    pub tilt: f32,
    /// How much instruments are brought to the level that their part has in a mix.
    pub balance: f32,
    /// How much the bus compresses.
    pub compression: f32,
}

impl Default for Finish {
    fn default() -> Self {
        Self::all(1.0)
    }
}

impl Finish {
    /// Nothing but the voices themselves at the font's own levels, as a player of soundfonts gives them.
    pub const BARE: Self = Self::all(0.0);

    const fn all(x: f32) -> Self {
        Self { humanising: x, touch: x, dynamics: x, width: x, room: x, tilt: x, balance: x, compression: x }
    }

    fn values(&self) -> [(&'static str, f32); 8] {
        [
            ("humanising", self.humanising),
            ("touch", self.touch),
            ("dynamics", self.dynamics),
            ("width", self.width),
            ("room", self.room),
            ("tilt", self.tilt),
            ("balance", self.balance),
            ("compression", self.compression),
        ]
    }
}

/// Where everything of a score lies in time, once its rendering is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    bpm: f64,
    rate: f64,
    /// Frames of a round.
    pub(crate) frames: usize,
}

impl Clock {
    /// The frame of a tick, not swung below zero nor beyond the end by rounding alone.
    pub(crate) fn frame(&self, score: &Score, tick: u32) -> usize {
        (score.swung(tick) * 60.0 / self.bpm * self.rate).round() as usize
    }
}

impl Rendering {
    /// Length in frames of a round of `score`: its bars at the tempo, to the nearest frame.
    pub fn frames(&self, score: &Score) -> usize {
        let seconds = score.quarters() * 60.0 / self.bpm.unwrap_or(score.bpm);
        (seconds * f64::from(self.rate)).round() as usize
    }

    pub(crate) fn clock(&self, score: &Score) -> Clock {
        let frames = self.frames(score);
        Clock { bpm: self.bpm.unwrap_or(score.bpm), rate: self.rate.into(), frames }
    }

    pub(crate) fn check(&self, score: &Score) -> Result<(), Error> {
        debug_assert!(score.notes.len() <= MAX_NOTES);
        let bpm = self.bpm.unwrap_or(score.bpm);
        check("sample rate", self.rate.into(), 8_000.0, 192_000.0)?;
        check("bpm", bpm, 20.0, 300.0)?;
        check("semitones", self.semitones.into(), -48.0, 48.0)?;
        self.finish.values().into_iter().try_for_each(|(what, value)| check(what, value.into(), 0.0, 1.0))
    }
}

fn check(what: &'static str, value: f64, low: f64, high: f64) -> Result<(), Error> {
    // NaN is in no range.
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::Rendering { what, problem: format!("{value} is out of range; give a number from {low} to {high}") })
}
