//! The storyboard: frames one after the other, each with words, a length and takes of its own.

use std::sync::Arc;

use melfusion::image::Crop;
use melfusion::storyboard::Transition;

use super::{Brief, Frame, Look, Seen, Take};
use crate::link::CUES;

/// Cues in the order in which they are heard. Without any, there is no storyboard, but a brief and its takes.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// At most [`CUES`].
    pub cues: Vec<Cue>,
}

/// A frame on the storyboard, and what was made for it.
#[derive(Debug, Clone)]
pub struct Cue {
    /// Names it for its whole life; never 0.
    pub id: u64,
    /// As the user calls it.
    pub name: String,
    /// What to look at.
    pub picture: Option<Arc<Frame>>,
    /// The part of the picture to look at; `None` is all of it.
    pub crop: Option<Crop>,
    /// What is said of the picture, in the user's own words; `None` leaves it to the bundle.
    pub picture_words: Option<String>,
    /// What to hear, before the words that all cues share.
    pub words: String,
    /// Length in bars.
    pub bars: u32,
    /// How it is entered.
    pub transition: Transition,
    /// How much the picture is heard, 0..=1; `None` follows the host's parameter.
    pub influence: Option<f64>,
    /// Where the noise starts; `None` starts where all cues start.
    pub seed: Option<u64>,
    /// At most [`Cue::TAKES`], the oldest first.
    pub takes: Vec<Arc<Take>>,
    /// The id of the take that is heard.
    pub chosen: Option<u64>,
}

impl Board {
    /// Whether there is no storyboard.
    pub fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }

    /// Length in bars.
    pub fn bars(&self) -> u32 {
        self.cues.iter().map(|cue| cue.bars).sum()
    }

    /// Bars before the cue at `index`.
    pub fn start(&self, index: usize) -> u32 {
        self.cues.iter().take(index).map(|cue| cue.bars).sum()
    }

    /// The cue that bar `bar` of the storyboard, counted from 0, is in, and how much of it lies before, 0..1.
    pub fn at(&self, bar: f64) -> Option<(usize, f64)> {
        let mut start = 0.0;
        for (index, cue) in self.cues.iter().enumerate() {
            let bars = f64::from(cue.bars);
            if (start..start + bars).contains(&bar) {
                return Some((index, (bar - start) / bars));
            }
            start += bars;
        }
        None
    }

    /// The cue with this id.
    pub fn cue(&self, id: u64) -> Option<&Cue> {
        self.cues.iter().find(|cue| cue.id == id)
    }

    /// The same, to change it.
    pub fn cue_mut(&mut self, id: u64) -> Option<&mut Cue> {
        self.cues.iter_mut().find(|cue| cue.id == id)
    }

    /// Where the cue with this id is.
    pub fn index_of(&self, id: u64) -> Option<usize> {
        self.cues.iter().position(|cue| cue.id == id)
    }

    /// Adds cues at `index`, as many as there is room for; says how many were left out.
    pub fn insert(&mut self, index: usize, cues: Vec<Cue>) -> usize {
        let room = CUES.saturating_sub(self.cues.len());
        let left_out = cues.len().saturating_sub(room);
        let index = index.min(self.cues.len());
        self.cues.splice(index..index, cues.into_iter().take(room));
        left_out
    }

    /// Moves the cue at `from` to where `to` is now; those between make room.
    pub fn reorder(&mut self, from: usize, to: usize) {
        if from < self.cues.len() && to < self.cues.len() {
            let cue = self.cues.remove(from);
            self.cues.insert(to, cue);
        }
    }

    /// Whether the user has made the same in both, as [`Project::is_same_work`](super::Project::is_same_work).
    pub fn is_same_work(&self, other: &Self) -> bool {
        let same = |(a, b): (&Cue, &Cue)| {
            let takes = a.takes.len() == b.takes.len() && a.takes.iter().zip(&b.takes).all(|(a, b)| a.is_same_work(b));
            a.is_same_sheet(b) && a.chosen == b.chosen && takes
        };
        self.cues.len() == other.cues.len() && self.cues.iter().zip(&other.cues).all(same)
    }

    /// The cue that the music of the one at `index` leans towards at its end, and over how many bars.
    fn morph(&self, index: usize) -> Option<(u32, &Cue)> {
        let next = self.cues.get(index + 1)?;
        match next.transition {
            Transition::Morph { bars } => Some((bars.clamp(1, self.cues[index].bars), next)),
            _ => None,
        }
    }

    /// What there is to look at for the cue at `index`.
    pub fn seen(&self, index: usize) -> Seen {
        Seen { own: self.cues[index].look(), next: self.morph(index).and_then(|(_, next)| next.look()) }
    }

    /// Whether the take that is heard of the cue at `index` is what would be made now, but for seed and strengths. `false`
    /// without a take.
    pub fn is_current(&self, index: usize, brief: &Brief) -> bool {
        let cue = &self.cues[index];
        let Some(take) = cue.take() else { return false };
        let recipe = &take.recipe;
        let leans = self.morph(index).map(|(bars, next)| (bars, next.prompt(brief)));
        let leant = recipe.morph.as_ref().map(|morph| (morph.bars, morph.prompt.clone()));
        let words = recipe.prompt == cue.prompt(brief) && recipe.negative == brief.negative;
        let is_seen = take.seen.as_ref() == Some(&self.seen(index));
        words && leans == leant && (recipe.bars, recipe.key) == (cue.bars, brief.key) && is_seen
    }

    /// The cues whose takes are not current, by their places.
    pub fn wanting(&self, brief: &Brief) -> impl Iterator<Item = usize> {
        (0..self.cues.len()).filter(|index| !self.is_current(*index, brief))
    }

    /// All takes of all cues.
    pub fn takes(&self) -> impl Iterator<Item = &Arc<Take>> {
        self.cues.iter().flat_map(|cue| &cue.takes)
    }
}

impl Cue {
    /// Takes that a cue has at most.
    pub const TAKES: usize = 8;
    /// Lengths that a cue may have, as the engine's requests.
    pub const BARS: std::ops::RangeInclusive<u32> = 1..=64;

    /// A cue without takes, of the usual length.
    pub fn new(id: u64, picture: Option<Arc<Frame>>) -> Self {
        let name = picture.as_ref().map_or_else(String::new, |frame| title(&frame.name));
        Self {
            id,
            name,
            picture,
            crop: None,
            picture_words: None,
            words: String::new(),
            bars: 4,
            transition: Transition::Crossfade { bars: 1 },
            influence: None,
            seed: None,
            takes: Vec::new(),
            chosen: None,
        }
    }

    /// Whether both ask for the same, whatever was made of it.
    pub fn is_same_sheet(&self, other: &Self) -> bool {
        let head = |cue: &Self| (cue.id, cue.bars, cue.transition, cue.crop, cue.influence, cue.seed);
        let picture = |cue: &Self| cue.picture.as_ref().map(|frame| (frame.sha256.clone(), frame.path.clone()));
        let words = |cue: &Self| (cue.name.clone(), cue.words.clone(), cue.picture_words.clone());
        head(self) == head(other) && words(self) == words(other) && picture(self) == picture(other)
    }

    /// Gives it another picture, all of which is looked at and of which nothing is said yet. A cue that is called as its picture was is called as this one.
    pub fn show(&mut self, picture: Option<Arc<Frame>>) {
        let name = |picture: &Option<Arc<Frame>>| picture.as_ref().map_or_else(String::new, |frame| title(&frame.name));
        if self.name == name(&self.picture) {
            self.name = name(&picture);
        }
        (self.picture, self.crop, self.picture_words) = (picture, None, None);
    }

    fn look(&self) -> Option<Look> {
        let words = self.picture_words.as_ref().map(|words| words.trim().to_owned());
        self.picture.as_ref().map(|frame| Look { sha256: frame.sha256.clone(), crop: self.crop, words })
    }

    /// All words that it is made from: its own, then those that all cues share.
    pub fn prompt(&self, brief: &Brief) -> String {
        let words = [&self.words, &brief.prompt].map(|words| words.trim());
        words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// The take that is heard.
    pub fn take(&self) -> Option<&Arc<Take>> {
        let chosen = self.chosen?;
        self.takes.iter().find(|take| take.id == chosen)
    }

    /// Adds a take, which is heard from now on. `false` if there is no room.
    pub fn add(&mut self, take: Arc<Take>) -> bool {
        let has_room = self.takes.len() < Self::TAKES;
        if has_room {
            self.chosen = Some(take.id);
            self.takes.push(take);
        }
        has_room
    }

    /// Takes a take out; its neighbour is heard in its place.
    pub fn remove(&mut self, id: u64) {
        let Some(index) = self.takes.iter().position(|take| take.id == id) else { return };
        self.takes.remove(index);
        if self.chosen == Some(id) {
            let next = self.takes.get(index).or_else(|| self.takes.last());
            self.chosen = next.map(|take| take.id);
        }
    }
}

/// A file's name without its ending.
fn title(name: &str) -> String {
    let stem = std::path::Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| name.to_owned())
}
