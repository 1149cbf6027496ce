//! A storyboard as it is written down: paths instead of pictures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use score::Part;
use serde::{Deserialize, Serialize};

use super::{Gaps, Intensity, TempoMap, Transition};
use crate::image::Crop;
use crate::request::{Bars, Chart, Hit, Key, Meter, Register, RequestFields, SamplerKind};

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
/// chords = "Am F Dm E"            # one a bar; begins anew
/// hits = ["3.1.1", "7.5s"]        # bar.beat.sixteenth or seconds of the cue
/// theme = "harbour"               # its lead returns
/// density = { drums = 12 }        # beginnings a bar
/// end = true
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
    /// How much energy the cues have, from 0 calm to 1 driving, at some bars.
    #[serde(skip_serializing_if = "Intensity::is_empty")]
    pub intensity: Intensity,
    /// Whether cues ring on over cuts and into gaps.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tails: bool,
    /// The lead that returns in every cue after it which has no theme of its own: the name of a cue, or a clip's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// How much of themes returns, from 0 to 1, where a cue says nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme_strength: Option<f64>,
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
    /// Parts that play, and no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Chords, one a bar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chords: Option<Chart>,
    /// Whether no note is outside the scale of the key, but for those of chords.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub key_lock: bool,
    /// Of parts, in how many sixteenths a bar notes begin.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub density: BTreeMap<Part, f64>,
    /// Of parts, the range of their notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub register: BTreeMap<Part, Register>,
    /// The lead that returns: the name of an earlier cue, or a clip's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// How much of it returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme_strength: Option<f64>,
    /// Where all have an accent, bars and seconds counted from the cue's own beginning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// Whether the last bar ends the music.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
    /// Whether parts enter one after another and leave again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub build: bool,
    /// A clip's file of which notes stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<PathBuf>,
    /// Parts of it that stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep_parts: Vec<Part>,
    /// Bars outside which it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redo_bars: Option<Bars>,
    /// How far what is composed may go from the rest of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vary: Option<f64>,
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
            intensity: Intensity::default(),
            tails: false,
            theme: None,
            theme_strength: None,
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
            parts: Vec::new(),
            chords: None,
            key_lock: false,
            density: BTreeMap::new(),
            register: BTreeMap::new(),
            theme: None,
            theme_strength: None,
            hits: Vec::new(),
            end: false,
            build: false,
            keep: None,
            keep_parts: Vec::new(),
            redo_bars: None,
            vary: None,
        }
    }
}
