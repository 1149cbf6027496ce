//! What the lines of a saved project say, before it is checked. Part of the format: a change here is a new version.

use std::path::PathBuf;
use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion::image::Crop;
use melfusion::request::{Key, Meter};
use melfusion::storyboard::Transition;
use serde::{Deserialize, Serialize};

use crate::project::{Brief, Cue, Frame, Measured, Project, Seen, Take};

/// The line `project`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectSheet {
    pub anchor_bar: i32,
    pub window: (u32, u32),
    pub brief: BriefSheet,
}

/// [`Brief`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct BriefSheet {
    pub prompt: String,
    pub negative: String,
    pub picture: Option<FrameSheet>,
    pub picture_words: Option<String>,
    pub bars: u32,
    pub meter: Option<Meter>,
    pub bpm: Option<f64>,
    pub key: Option<Key>,
    pub seed: u64,
    pub seed_locked: bool,
}

/// [`Frame`]; `thumbnail` names data.
#[derive(Debug, Serialize, Deserialize)]
pub struct FrameSheet {
    pub name: String,
    pub path: Option<String>,
    pub sha256: String,
    pub thumbnail: String,
}

/// The line `cue`; they stand in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct CueSheet {
    pub id: u64,
    pub name: String,
    pub picture: Option<FrameSheet>,
    pub crop: Option<Crop>,
    pub picture_words: Option<String>,
    pub words: String,
    pub bars: u32,
    pub transition: Transition,
    pub influence: Option<f64>,
    pub seed: Option<u64>,
    pub chosen: Option<u64>,
}

/// The line `take`; `latents` names data. `slot` counts the brief's takes or, if there is a `cue`, that one's.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeSheet {
    pub slot: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cue: Option<u64>,
    pub id: u64,
    pub name: String,
    pub recipe: Recipe,
    pub latents: String,
    pub key: Option<Key>,
    pub measured: Option<Measured>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    pub sound: SoundSheet,
}

/// [`Sound`](crate::project::Sound). `sha256` names data, or without such data the FLAC file that `file` was.
#[derive(Debug, Serialize, Deserialize)]
pub struct SoundSheet {
    pub rate: u32,
    pub bpm: f64,
    pub sha256: String,
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginSheet>,
}

/// What a sound was stretched from, and the key that was heard in; `sha256` names data.
#[derive(Debug, Serialize, Deserialize)]
pub struct OriginSheet {
    pub rate: u32,
    pub bpm: f64,
    pub sha256: String,
    pub key: Option<Key>,
}

impl ProjectSheet {
    /// `thumbnail` names the data of the brief's picture.
    pub fn of(project: &Project, thumbnail: Option<String>) -> Self {
        let brief = &project.brief;
        let picture = brief.picture.as_ref().zip(thumbnail).map(|(frame, thumbnail)| FrameSheet::of(frame, thumbnail));
        let brief = BriefSheet { picture, ..BriefSheet::of(brief) };
        Self { anchor_bar: project.anchor_bar, window: project.window, brief }
    }
}

impl BriefSheet {
    /// All but the picture.
    fn of(brief: &Brief) -> Self {
        Self {
            prompt: brief.prompt.clone(),
            negative: brief.negative.clone(),
            picture: None,
            picture_words: brief.picture_words.clone(),
            bars: brief.bars,
            meter: brief.meter,
            bpm: brief.bpm,
            key: brief.key,
            seed: brief.seed,
            seed_locked: brief.seed_locked,
        }
    }
}

impl FrameSheet {
    fn of(frame: &Frame, thumbnail: String) -> Self {
        let path = frame.path.as_ref().map(|path| path.to_string_lossy().into_owned());
        Self { name: frame.name.clone(), path, sha256: frame.sha256.clone(), thumbnail }
    }

    /// With the `thumbnail` that it names.
    pub fn into_frame(self, thumbnail: Vec<u8>) -> Frame {
        Frame { thumbnail, sha256: self.sha256, path: self.path.map(PathBuf::from), name: self.name }
    }
}

impl CueSheet {
    /// `thumbnail` names the data of its picture.
    pub fn of(cue: &Cue, thumbnail: Option<String>) -> Self {
        Self {
            id: cue.id,
            name: cue.name.clone(),
            picture: cue.picture.as_ref().zip(thumbnail).map(|(frame, thumbnail)| FrameSheet::of(frame, thumbnail)),
            crop: cue.crop,
            picture_words: cue.picture_words.clone(),
            words: cue.words.clone(),
            bars: cue.bars,
            transition: cue.transition,
            influence: cue.influence.filter(|influence| influence.is_finite()),
            seed: cue.seed,
            chosen: cue.chosen,
        }
    }

    /// With its `picture`, without its takes.
    pub fn into_cue(self, picture: Option<Frame>) -> Cue {
        Cue {
            id: self.id,
            name: self.name,
            picture: picture.map(Arc::new),
            crop: self.crop,
            picture_words: self.picture_words,
            words: self.words,
            bars: self.bars,
            transition: self.transition,
            influence: self.influence,
            seed: self.seed,
            takes: Vec::new(),
            chosen: self.chosen,
        }
    }
}

impl TakeSheet {
    /// `latents` names data.
    pub fn of((cue, slot): (Option<u64>, usize), take: &Take, latents: String, sound: SoundSheet) -> Self {
        Self {
            slot,
            cue,
            id: take.id,
            name: take.name.clone(),
            recipe: take.recipe.clone(),
            latents,
            key: take.key,
            // JSON has no word for what is no number, and reading would fail on its absence.
            measured: take.measured.filter(|found| found.bpm.is_finite() && found.confidence.is_finite()),
            seen: take.seen.clone(),
            sound,
        }
    }
}

impl Default for ProjectSheet {
    fn default() -> Self {
        Self::of(&Project::default(), None)
    }
}

impl Default for BriefSheet {
    fn default() -> Self {
        Self::of(&Brief::default())
    }
}
