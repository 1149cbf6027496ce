//! The storyboard's sound: the takes of its cues, mixed into one.

use std::sync::Arc;

use melfusion::request::Meter;
use melfusion::storyboard::Transition;

use super::Sound;

/// What a bed is mixed from: all that is heard in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One for every cue.
    pub parts: Vec<Part>,
    /// Length of a bar.
    pub meter: Meter,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// In Hz.
    pub rate: u32,
}

/// A cue's part of a bed.
#[derive(Debug, Clone)]
pub struct Part {
    /// The take that is heard; `None` is silence.
    pub take: Option<u64>,
    /// Its sound, of the tempo and rate of the plan.
    pub sound: Option<Arc<Sound>>,
    /// Length in bars.
    pub bars: u32,
    /// How it is entered.
    pub transition: Transition,
}

/// A storyboard that can be heard.
#[derive(Debug, Clone)]
pub struct Bed {
    /// What it was mixed from.
    pub plan: Plan,
    /// All cues, one after the other. Its end leads into silence.
    pub sound: Arc<Sound>,
}

impl Plan {
    /// Musical length in quarter notes.
    pub fn quarters(&self) -> f64 {
        self.parts.iter().map(|part| f64::from(part.bars)).sum::<f64>() * self.meter.quarters()
    }

    /// Names the music, whatever its tempo.
    pub fn music(&self) -> u64 {
        let name = |name: u64, part: &Part| name.rotate_left(7) ^ part.take.unwrap_or_default() ^ u64::from(part.bars);
        self.parts.iter().fold(0, name)
    }

    /// Whether nothing is heard.
    pub fn is_silent(&self) -> bool {
        self.parts.iter().all(|part| part.sound.is_none())
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        let sounds = (self.sound.as_ref().map(Arc::as_ptr), other.sound.as_ref().map(Arc::as_ptr));
        sounds.0 == sounds.1 && (self.bars, self.transition) == (other.bars, other.transition)
    }
}
