//! What the lines of a saved project say, before it is checked. Part of the format: a change here is a new version.

use std::path::PathBuf;

use melfusion::clip::Recipe;
use melfusion::request::{Key, Meter};
use serde::{Deserialize, Serialize};

use crate::project::{Brief, Frame, Measured, Project, Take};

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

/// The line `take`; `latents` names data.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeSheet {
    pub slot: usize,
    pub id: u64,
    pub name: String,
    pub recipe: Recipe,
    pub latents: String,
    pub key: Option<Key>,
    pub measured: Option<Measured>,
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

impl TakeSheet {
    /// `latents` names data.
    pub fn of(slot: usize, take: &Take, latents: String, sound: SoundSheet) -> Self {
        Self {
            slot,
            id: take.id,
            name: take.name.clone(),
            recipe: take.recipe.clone(),
            latents,
            key: take.key,
            // JSON has no word for what is no number, and reading would fail on its absence.
            measured: take.measured.filter(|found| found.bpm.is_finite() && found.confidence.is_finite()),
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
