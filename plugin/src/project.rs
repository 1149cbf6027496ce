//! What the user works on, and what the host's project saves: a brief with the takes made from it, and a storyboard.

mod bed;
mod board;
mod frame;
mod sound;

use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion::image::Crop;
use melfusion::request::{Key, Meter, RequestFields};

use crate::clip::Clip;
use crate::link::{SLOTS, cue_slot};

pub use self::bed::{Bed, Part, Plan};
pub use self::board::{Board, Cue};
pub use self::frame::Frame;
pub use self::sound::{Link, Packed, Sound};

/// One instance's document. Cheap to clone: all that is big is shared.
#[derive(Debug, Clone)]
pub struct Project {
    /// What to make next.
    pub brief: Brief,
    /// What was made; the index is the slot that the `take` parameter selects, and stays when others are deleted.
    pub takes: [Option<Arc<Take>>; SLOTS],
    /// Frames one after the other. If there are any, the brief says what they share.
    pub board: Board,
    /// Bar at which clips and the storyboard begin; 0 is the song's first.
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
    /// What is said of the picture, in the user's own words; `None` leaves it to the bundle.
    pub picture_words: Option<String>,
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
    /// What was looked at, if it was made for a cue.
    pub seen: Option<Seen>,
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

/// What was looked at for a cue.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// The cue's own picture.
    pub own: Option<Look>,
    /// That of the cue after it, if the music leans towards that.
    pub next: Option<Look>,
}

/// A picture, or a part of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Look {
    /// Hash of the original, hexadecimal.
    pub sha256: String,
    /// `None` is all of it.
    pub crop: Option<Crop>,
    /// What the user had said of it; `None` was left to the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
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

    /// All takes: those of the brief by their slots, then those of the cues.
    pub fn all_takes(&self) -> impl Iterator<Item = &Arc<Take>> {
        self.takes.iter().flatten().chain(self.board.takes())
    }

    /// The takes that the player has: those of the brief by their slots, then the one that is heard of each cue.
    pub fn live_takes(&self) -> impl Iterator<Item = (usize, &Arc<Take>)> {
        let takes = self.takes.iter().enumerate().filter_map(|(slot, take)| Some((slot, take.as_ref()?)));
        let cues = self.board.cues.iter().enumerate();
        takes.chain(cues.filter_map(|(index, cue)| Some((cue_slot(index), cue.take()?))))
    }

    /// The take with this id.
    pub fn take(&self, id: u64) -> Option<&Arc<Take>> {
        self.all_takes().find(|take| take.id == id)
    }

    /// The same, to exchange it.
    pub fn take_mut(&mut self, id: u64) -> Option<&mut Arc<Take>> {
        let cues = self.board.cues.iter_mut().flat_map(|cue| &mut cue.takes);
        self.takes.iter_mut().flatten().chain(cues).find(|take| take.id == id)
    }

    /// An id that no take and no cue has.
    pub fn fresh_id(&self) -> u64 {
        // Random, so that a take that undo brings back does not meet another of its id.
        loop {
            let id = rand::random();
            if id != 0 && self.take(id).is_none() && self.board.cue(id).is_none() {
                return id;
            }
        }
    }

    /// Length of the storyboard's bars: the brief's, else that of its takes. `None` as long as neither says.
    pub fn meter(&self) -> Option<Meter> {
        let made = || self.board.cues.iter().find_map(Cue::take).map(|take| take.recipe.meter);
        self.brief.meter.or_else(made)
    }

    /// Whether the user has made the same in both: how takes are fitted and how large the window is do not count.
    pub fn is_same_work(&self, other: &Self) -> bool {
        let same = |(a, b): (&Option<Arc<Take>>, &Option<Arc<Take>>)| match (a, b) {
            (Some(a), Some(b)) => a.is_same_work(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.brief == other.brief
            && self.board.is_same_work(&other.board)
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
    /// The storyboard as the player wants it.
    pub fn of_bed(bed: &Bed) -> Self {
        let sound = &bed.sound;
        let clip = Self::new(bed.plan.music(), sound.frames.clone(), sound.rate, sound.bpm, bed.plan.quarters());
        // A bed of one cue is the loop that its clip is.
        if bed.plan.parts.len() > 1 { clip.ending() } else { clip }
    }

    /// The take as the player wants it.
    pub fn of(take: &Take) -> Self {
        let sound = &take.sound;
        Self::new(take.id, sound.frames.clone(), sound.rate, sound.bpm, take.quarters())
    }
}

impl Brief {
    /// Gives it another picture, of which nothing is said yet.
    pub fn show(&mut self, picture: Option<Arc<Frame>>) {
        (self.picture, self.picture_words) = (picture, None);
    }
}

impl Default for Project {
    fn default() -> Self {
        let (brief, takes, board) = Default::default();
        Self { brief, takes, board, anchor_bar: 0, window: (1000, 680) }
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
            picture_words: None,
            bars: 4,
            meter: None,
            bpm: None,
            key: None,
            seed: 1,
            seed_locked: false,
        }
    }
}
