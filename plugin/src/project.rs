//! What the user works on, and what the host's project saves: a brief, and the takes made from it.

mod frame;
mod sound;

use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion::request::{Key, Meter, RequestFields};

use crate::clip::Clip;
use crate::link::SLOTS;

pub use self::frame::Frame;
pub use self::sound::{Link, Packed, Sound};

/// One instance's document. Cheap to clone: all that is big is shared.
#[derive(Debug, Clone)]
pub struct Project {
    /// What to make next.
    pub brief: Brief,
    /// What was made; the index is the slot that the `take` parameter selects, and stays when others are deleted.
    pub takes: [Option<Arc<Take>>; SLOTS],
    /// Bar at which clips begin; 0 is the song's first.
    pub anchor_bar: i32,
    /// The editor's size in logical pixels.
    pub window: (u32, u32),
}

/// What to make, besides the automatable parameters (influence, guidance, steps).
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    /// What to hear.
    pub prompt: String,
    /// What not to hear.
    pub negative: String,
    /// What to look at.
    pub picture: Option<Arc<Frame>>,
    /// Length in bars.
    pub bars: u32,
    /// `None` takes the host's.
    pub meter: Option<Meter>,
    /// `None` takes the host's tempo.
    pub bpm: Option<f64>,
    /// `None` leaves it to the model.
    pub key: Option<Key>,
    /// Where the noise starts.
    pub seed: u64,
    /// Keeps the seed; else every press of Generate draws a new one.
    pub seed_locked: bool,
}

/// The automatable parameters that shape the next clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strengths {
    /// How much the picture is heard, 0..=1.
    pub influence: f64,
    /// How strictly the words are followed, 0..=20.
    pub guidance: f64,
    /// Denoising steps, 1..=200.
    pub steps: u32,
}

/// One clip that was made. Immutable: fitting it to another tempo makes a new `Take` with the same `id`.
#[derive(Debug, Clone)]
pub struct Take {
    /// Names it for its whole life; never 0.
    pub id: u64,
    /// As the user calls it.
    pub name: String,
    /// How it came to be; `recipe.bpm` is the tempo that was asked for.
    pub recipe: Recipe,
    /// Latents and recipe, as [`melfusion::Clip::state`] writes them.
    pub latents: Arc<[u8]>,
    /// Key it is to be heard in, if not the one it was made in.
    pub key: Option<Key>,
    /// Tempo found in the sound.
    pub measured: Option<Measured>,
    /// The sound, fitted.
    pub sound: Arc<Sound>,
}

/// A tempo found by listening.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// Quarter notes per minute, halved or doubled towards what was asked.
    pub bpm: f64,
    /// 0..=1.
    pub confidence: f64,
}

impl Project {
    /// The first slot without a take, below [`SLOTS`]; `None` if all are taken.
    pub fn free_slot(&self) -> Option<usize> {
        self.takes.iter().position(Option::is_none)
    }

    /// Where the take with this id is.
    pub fn slot_of(&self, id: u64) -> Option<usize> {
        self.takes.iter().position(|take| take.as_ref().is_some_and(|take| take.id == id))
    }

    /// The take with this id.
    pub fn take(&self, id: u64) -> Option<&Arc<Take>> {
        self.takes.iter().flatten().find(|take| take.id == id)
    }

    /// An id that no take has.
    pub fn fresh_id(&self) -> u64 {
        // Random, so that a take that undo brings back does not meet another of its id.
        loop {
            let id = rand::random();
            if id != 0 && self.take(id).is_none() {
                return id;
            }
        }
    }

    /// Whether the user has made the same in both: how takes are fitted and how large the window is do not count.
    pub fn is_same_work(&self, other: &Self) -> bool {
        let same = |(a, b): (&Option<Arc<Take>>, &Option<Arc<Take>>)| match (a, b) {
            (Some(a), Some(b)) => a.is_same_work(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.brief == other.brief
            && self.anchor_bar == other.anchor_bar
            && self.takes.iter().zip(&other.takes).all(same)
    }
}

impl Take {
    /// The same take by another name.
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// The same take, fitted anew.
    pub fn with_sound(&self, sound: Sound) -> Self {
        Self { sound: Arc::new(sound), ..self.clone() }
    }

    fn is_same_work(&self, other: &Self) -> bool {
        let key = |take: &'_ Self| (take.id, take.key, take.sound.is_missing());
        key(self) == key(other) && self.name == other.name && self.latents == other.latents
    }

    /// Musical length in quarter notes.
    pub fn quarters(&self) -> f64 {
        f64::from(self.recipe.bars) * self.recipe.meter.quarters()
    }
}

impl Clip {
    /// The take as the player wants it.
    pub fn of(take: &Take) -> Self {
        let sound = &take.sound;
        Self::new(take.id, sound.frames.clone(), sound.rate, sound.bpm, take.quarters())
    }
}

impl Default for Project {
    fn default() -> Self {
        Self { brief: Brief::default(), takes: Default::default(), anchor_bar: 0, window: (1000, 680) }
    }
}

impl Default for Strengths {
    fn default() -> Self {
        let RequestFields { influence, guidance, steps, .. } = RequestFields::default();
        Self { influence, guidance, steps }
    }
}

impl Default for Brief {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            negative: String::new(),
            picture: None,
            bars: 4,
            meter: None,
            bpm: None,
            key: None,
            seed: 1,
            seed_locked: false,
        }
    }
}
