//! A storyboard as it is written down: paths instead of pictures.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Gaps, TempoMap, Transition};
use crate::image::Crop;
use crate::request::{Key, Meter, RequestFields, SamplerKind};

/// What a `board.toml` says. Only `cue` is needed; what is left out is the default, of the bundle where it has one.
///
/// ```toml
/// title = "The crossing"
/// tempo = 96                      # or [{ bar = 1, bpm = 96 }, { bar = 9, bpm = 84 }]
/// meter = "4/4"
/// key = "A minor"
/// style = "felt piano, warm strings"
/// transition = "crossfade 1"      # into every cue that says nothing else
///
/// [[cue]]
/// name = "harbour"
/// picture = "frames/harbour.png"  # beside this file
/// prompt = "calm"
/// bars = 4
///
/// [[cue]]
/// name = "storm"
/// picture = "frames/storm.png"
/// crop = [0.5, 0.0, 0.5, 1.0]     # x, y, width, height: score this part
/// picture_words = "black clouds"  # said of it before the prompt; "" says nothing
/// prompt = "low drums"
/// bars = 8
/// transition = "morph 2"
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sheet {
    /// Name of the score.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Quarter notes per minute: one number, or changes on bar lines.
    pub tempo: TempoMap,
    /// Length of every bar.
    pub meter: Meter,
    /// Key of every cue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Words added to every cue's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// What not to hear.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub negative: String,
    /// Where the noise of every cue starts.
    pub seed: u64,
    /// Denoising steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How strictly words are followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f64>,
    /// How noise is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<SamplerKind>,
    /// Sample rate in Hz.
    pub rate: u32,
    /// What bars without a cue mean.
    pub gaps: Gaps,
    /// Into every cue that has none of its own.
    pub transition: Transition,
    /// In the order in which they sound.
    #[serde(rename = "cue")]
    pub cues: Vec<SheetCue>,
}

/// A `[[cue]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SheetCue {
    /// What the composer calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The frame's file; a relative path begins where the sheet lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<PathBuf>,
    /// The part of the frame to look at: x, y, width and height in shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// What is said of the picture before the prompt; left out, nothing, or a description where the bundle cannot see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_words: Option<String>,
    /// What to hear.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// The bar at which it begins; left out, where the cue before ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_bar: Option<u32>,
    /// Length in bars.
    pub bars: u32,
    /// How the music gets here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// How much the picture is heard, 0 to 1.
    pub influence: f64,
    /// A seed of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Default for Sheet {
    fn default() -> Self {
        let request = RequestFields::default();
        Self {
            title: String::new(),
            tempo: TempoMap::default(),
            meter: request.meter,
            key: None,
            style: String::new(),
            negative: String::new(),
            seed: request.seed,
            steps: None,
            guidance: None,
            sampler: None,
            rate: request.sample_rate,
            gaps: Gaps::default(),
            transition: Transition::default(),
            cues: Vec::new(),
        }
    }
}

impl Default for SheetCue {
    fn default() -> Self {
        Self {
            name: String::new(),
            picture: None,
            crop: None,
            picture_words: None,
            prompt: String::new(),
            start_bar: None,
            bars: 4,
            transition: None,
            influence: 1.0,
            seed: None,
        }
    }
}
