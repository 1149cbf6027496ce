//! What is told of a finished take.

use std::collections::BTreeMap;
use std::path::Path;

use melfusion::audio::loudness::{Level, measure};
use melfusion::clip::{Clip, Recipe};
use melfusion::engine::StandIn;
use melfusion::error::Error;
use melfusion::plot::Plot;
use score::Part;
use serde::Serialize;

use super::destination::Files;

/// A take without its sound: an entry of `takes` in `--json`.
#[derive(Debug, Serialize)]
pub struct Take {
    /// The WAV file.
    path: String,
    /// The plot, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    plot: Option<String>,
    /// The MIDI file, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    midi: Option<String>,
    /// The parts' WAV files, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stems: Vec<StemFile>,
    /// Length: exactly `frames / sample_rate`.
    seconds: f64,
    frames: usize,
    /// In Hz.
    sample_rate: u32,
    /// The seed that made it.
    seed: u64,
    loudness: Loudness,
    /// By stage, plus `write` (of the files) and `total`.
    timings_ms: BTreeMap<&'static str, f64>,
    recipe: Recipe,
    /// Instruments that the soundfonts lack, and what plays in their place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    substitutions: Vec<StandIn>,
}

/// A part's WAV file.
#[derive(Debug, Serialize)]
pub struct StemFile {
    /// Whose.
    pub part: Part,
    /// Where.
    pub path: String,
}

/// `null` where there is nothing to hear.
#[derive(Debug, Serialize)]
pub struct Loudness {
    lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
}

impl From<Level> for Loudness {
    fn from(level: Level) -> Self {
        let peak = Some(level.true_peak_dbtp).filter(|peak| peak.is_finite());
        Self { lufs: level.lufs, true_peak_dbtp: peak }
    }
}

impl Take {
    /// Measures `clip`, which was written to `files` and `stems`.
    pub fn new(
        clip: &Clip,
        files: &Files,
        stems: Vec<StemFile>,
        timings_ms: BTreeMap<&'static str, f64>,
        substitutions: Vec<StandIn>,
    ) -> Self {
        let (frames, sample_rate) = (clip.audio.frames(), clip.audio.sample_rate());
        Self {
            path: files.wav.to_string_lossy().into_owned(),
            plot: files.plot.as_ref().map(|path| path.to_string_lossy().into_owned()),
            midi: files.export.notes.midi.as_ref().map(|path| path.to_string_lossy().into_owned()),
            stems,
            seconds: frames as f64 / f64::from(sample_rate),
            frames,
            sample_rate,
            seed: clip.recipe.seed,
            loudness: measure(&clip.audio).into(),
            timings_ms,
            recipe: clip.recipe.clone(),
            substitutions,
        }
    }

    /// One line about instruments that were not there, if there were any.
    pub fn remark(&self) -> Option<String> {
        let told = |missing: &StandIn| {
            let StandIn { part, asked, played, font, from_bundle } = missing;
            let whose = if *from_bundle { "the bundle's " } else { "" };
            format!("{font} has no {asked} for the {part}, so {whose}{played} plays")
        };
        let told: Vec<String> = self.substitutions.iter().map(told).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let made = self.timings_ms.get("total").map_or(0.0, |ms| ms / 1e3);
        let loudness = match (self.loudness.lufs, self.loudness.true_peak_dbtp) {
            (Some(lufs), Some(peak)) => format!("{lufs:.1} LUFS, peak {peak:.1} dBTP"),
            _ => "silent".into(),
        };
        format!("{}: {}, {loudness}, made in {made:.1} s", self.path, facts(&self.recipe, self.seconds))
    }
}

/// Draws a clip to `path`; `(mel, bands)` is its spectrogram, which is drawn where it has no notes.
pub fn draw(clip: &Clip, (mel, bands): (&[f32], usize), path: &Path) -> Result<(), Error> {
    let plot = Plot {
        title: &clip.recipe.title(),
        subtitle: &format!("{}, {}", facts(&clip.recipe, clip.recipe.seconds()), settings(&clip.recipe)),
        audio: &clip.audio,
        bars: clip.recipe.bars,
        beats: clip.recipe.meter.beats(),
        score: clip.score.as_ref(),
        mel,
        bands,
    };
    plot.save(path)
}

/// Length, tempo, key and seed.
pub fn facts(recipe: &Recipe, seconds: f64) -> String {
    let Recipe { bars, meter, bpm, seed, .. } = recipe;
    let plural = if *bars == 1 { "" } else { "s" };
    let key = recipe.key.map_or_else(|| "free key".to_string(), |key| key.to_string());
    format!("{bars} bar{plural} of {meter}, {seconds:.3} s at {bpm} bpm, {key}, seed {seed}")
}

/// How it was made.
pub fn settings(recipe: &Recipe) -> String {
    let Recipe { steps, guidance, influence, sampler, .. } = recipe;
    let picture = if recipe.picture_sha256.is_some() { format!(", influence {influence}") } else { String::new() };
    format!("{steps} steps of {sampler}, guidance {guidance}{picture}")
}
