//! What a bundle says of itself: `manifest.toml`.

use crate::autoencoder::AutoencoderConfig;
use crate::decoder::DecoderConfig;
use crate::denoiser::{DenoiserConfig, UnetConfig};
use crate::sampler::{SamplerKind, Schedule, ScheduleConfig};
use crate::synapse::{Pool, ReaderConfig};
use crate::text::TextConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

mod music;

pub use music::{Latent, MusicManifest};

/// The version of the format that this engine reads.
const FORMAT: i64 = 1;
/// What is wrong with a decoder of `kind = "grid"`.
const OF_SPECTROGRAMS: &str = "of an older version (before 0.12.0), whose sound is made from spectrograms, which this version no longer \
                               plays; use the bundled model or version 0.11.0";

/// What a bundle says of itself. Unknown keys are errors: a misspelt option must not pass for a default.
///
/// ```toml
/// format = 1
/// name = "mini"
/// version = "0.1.0"
/// licence = "MIT"
/// trained_on = "pictures and music from the generator in recipe/"
/// description = "Small enough to ship."
/// sample_rate = 32000
///
/// [defaults]
/// steps = 20
/// guidance = 3.0
/// word_guidance = 2.5
/// guidance_rescale = 0.7
/// sampler = "dpm-solver-2m"
///
/// [text]                          # and the fields of `TextConfig`
/// weights = "text.safetensors"
/// tokenizer = "tokenizer.json"
/// tokens = 64
/// [text.t5]
/// # ...
///
/// [image]                         # and tables `vae`, `unet` and `schedule`
/// weights = "image.safetensors"
/// size = 128
/// context = "null_text"
///
/// [music]                         # and tables `schedule` and either `unet` or `dit`
/// weights = "music.safetensors"
/// latent = { channels = 16, window = 64, rows = 16 }
/// position = { frequency = true, harmonics = [1, 2, 4, 8, 16] }
/// tempo_features = 16
/// text_features = true
///
/// [synapse]
/// weights = "synapse.safetensors"
/// pool = { kind = "grid", height = 8, width = 8 }
/// guide = "text_and_picture"
///
/// [decoder]                       # and the fields of `ScoreConfig` or `WaveConfig`
/// weights = "decoder.safetensors"
/// kind = "score"
/// # ...
///
/// [files]                         # every file that a stage names, and others
/// "text.safetensors" = { sha256 = "9f86...", bytes = 1234 }
/// # ...
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub format: i64,
    /// The bundle's name.
    pub name: String,
    /// The bundle's version.
    pub version: String,
    /// Under which licence the weights are, as an SPDX expression where there is one.
    pub licence: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// What it was trained on, for people.
    pub trained_on: String,
    /// What it is good for, for people.
    pub description: String,
    /// Of the decoder's sound, in Hz; of one that plays notes, which does so at any rate, the usual one.
    pub sample_rate: u32,
    /// What a request gets that does not say otherwise.
    pub defaults: Defaults,
    /// Prompt to tokens.
    pub text: TextManifest,
    /// Picture to features.
    pub image: ImageManifest,
    /// Noise to latents of music.
    pub music: MusicManifest,
    /// Where the picture's features enter the music.
    pub synapse: SynapseManifest,
    /// Latents to sound.
    pub decoder: DecoderManifest,
    /// Every file of the bundle by its name, which is no path.
    pub files: BTreeMap<String, FileEntry>,
}

/// What a request gets that does not say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Denoising steps, at least 1.
    pub steps: usize,
    /// Weight of the prompt against no prompt; 1 is none.
    pub guidance: f64,
    /// How many times as much guidance adds to the words as to a picture that is given too, 1..=10. With more than 1, a guided
    /// step asks the model a third time, of the words alone. Where both halves see the picture it says nothing.
    #[serde(default = "once")]
    pub word_guidance: f64,
    /// How much of the spread that guidance adds is taken back, 0..=1.
    pub guidance_rescale: f64,
    /// Share of the schedule, from its clean end, that is walked without guidance, 0..=1. What is played is decided at the noisy
    /// end: guidance can be stronger if it acts there alone, and elsewhere it changes little and doubles the cost.
    #[serde(default)]
    pub unguided: f64,
    /// Share of the schedule, from its clean end, that is not walked, 0..=1: the first step within it goes straight to the
    /// clean latents that the model expects there. A small model knows the fine detail that is decided there only as noise.
    #[serde(default)]
    pub unwalked: f64,
    /// Steps that share what the UNet's coarser levels made; 1 makes it anew at each.
    #[serde(default = "one")]
    pub deep_steps: usize,
    /// How to walk.
    #[serde(default)]
    pub sampler: SamplerKind,
}

/// The text encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextManifest {
    /// File of the weights.
    pub weights: String,
    /// File of the tokenizer, in the `tokenizers` library's JSON.
    pub tokenizer: String,
    /// The network; its fields stand beside the others.
    #[serde(flatten)]
    pub encoder: TextConfig,
}

/// The image latent-diffusion model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageManifest {
    /// File of the weights.
    pub weights: String,
    /// Height and width that pictures are brought to, in pixels.
    pub size: usize,
    /// Picture to latents.
    pub vae: AutoencoderConfig,
    /// The denoiser.
    pub unet: UnetConfig,
    /// Its noise schedule.
    pub schedule: ScheduleConfig,
    /// Name of the tensor in `weights` that holds the empty prompt's tokens, `(1, n, cross_attention_dim)`.
    pub context: String,
    /// Whether the picture also speaks through words before the prompt ([`Picture::words`](crate::image::Picture::words)),
    /// as it has to where nothing was learnt of how much it is listened to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub words: bool,
}

/// The visual synapse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SynapseManifest {
    /// File of the weights.
    pub weights: String,
    /// How the picture's tokens become as many as the text's.
    pub pool: Pool,
    /// What guidance steers towards.
    pub guide: Guide,
    /// What of a picture is told in words, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<ReaderConfig>,
}

/// What classifier-free guidance steers towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guide {
    /// The unconditional half sees no picture, so that guidance strengthens the picture too.
    TextAndPicture,
    /// Both halves see the picture.
    Text,
}

/// Latents to sound. Unknown fields are the business of the kind's own configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderManifest {
    /// File of the weights.
    pub weights: String,
    /// What is decoded how; its fields stand beside `weights`.
    #[serde(flatten)]
    pub config: DecoderConfig,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
}

impl Manifest {
    /// Reads a manifest and checks that it makes sense.
    ///
    /// # Errors
    ///
    /// What is wrong and what to do, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = toml::from_str(text).map_err(|error| describe(text, &error))?;
        match table.get("format").and_then(toml::Value::as_integer) {
            Some(FORMAT) => (),
            Some(newer) if newer > FORMAT => {
                return Err(format!("of format {newer}, but this engine reads format {FORMAT}; update the engine"));
            }
            _ => {
                return Err(format!("does not begin with format = {FORMAT}, so it is no bundle's manifest"));
            }
        }
        if table.get("decoder").and_then(|decoder| decoder.get("kind")?.as_str()) == Some("grid") {
            return Err(OF_SPECTROGRAMS.into());
        }
        let manifest: Self = toml::from_str(text).map_err(|error| describe(text, &error))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Whether it composes notes and has instruments to play them.
    pub fn plays_notes(&self) -> bool {
        self.decoder.config.bank().is_some()
    }

    /// The files that the stages cannot do without, each once.
    pub fn stage_files(&self) -> Vec<&str> {
        let mut files = vec![
            self.text.weights.as_str(),
            &self.text.tokenizer,
            &self.image.weights,
            &self.music.weights,
            &self.synapse.weights,
            &self.decoder.weights,
        ];
        files.extend(self.decoder.config.bank());
        files.sort_unstable();
        files.dedup();
        files
    }

    fn check(&self) -> Result<(), String> {
        for (name, entry) in &self.files {
            check_file(name, entry)?;
        }
        if let Some(name) = self.stage_files().into_iter().find(|name| !self.files.contains_key(*name)) {
            return Err(format!("names {name:?}, which is not in its table of files"));
        }
        self.check_numbers()?;
        for (stage, schedule) in [("image", &self.image.schedule), ("music", &self.music.schedule)] {
            Schedule::new(schedule).map_err(|error| format!("{stage}.schedule: {error}"))?;
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), String> {
        let latent = self.music.latent;
        within("sample_rate", self.sample_rate as usize, 8_000..192_001)?;
        within("defaults.steps", self.defaults.steps, 1..1001)?;
        within("image.size", self.image.size, 8..4097)?;
        within("music.latent.channels", latent.channels, 1..4097)?;
        within("music.latent.window", latent.window, 1..65_537)?;
        within("music.latent.triple_window", latent.triple_window.unwrap_or(1), 1..65_537)?;
        within("music.latent.rows", latent.rows, 1..4097)?;
        within("defaults.deep_steps", self.defaults.deep_steps, 1..1001)?;
        for (name, share) in [("unguided", self.defaults.unguided), ("unwalked", self.defaults.unwalked)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("defaults: {name} should be 0 to 1"));
            }
        }
        if !(0.0..=100.0).contains(&self.defaults.guidance) || !(0.0..=1.0).contains(&self.defaults.guidance_rescale) {
            return Err("defaults: guidance should be 0 to 100 and guidance_rescale 0 to 1".into());
        }
        if !(1.0..=10.0).contains(&self.defaults.word_guidance) {
            return Err("defaults: word_guidance should be 1 to 10".into());
        }
        if let Some(rate) = self.decoder.config.sample_rate().filter(|rate| *rate != self.sample_rate) {
            return Err(format!("sample_rate = {}, but its decoder gives {rate}", self.sample_rate));
        }
        if self.defaults.deep_steps > 1 && matches!(self.music.denoiser, DenoiserConfig::Dit(_)) {
            return Err(
                "defaults.deep_steps should be 1: music.dit has no coarser levels that steps could share".into()
            );
        }
        self.music.check_channels()
    }
}

fn within(what: &str, value: usize, range: Range<usize>) -> Result<(), String> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(format!("{what} = {value}; it should be {} to {}", range.start, range.end - 1))
}

fn one() -> usize {
    1
}

fn once() -> f64 {
    1.0
}

/// A name must be that of a file in the bundle's own folder, on every system.
fn check_file(name: &str, entry: &FileEntry) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(format!("lists the file {name:?}; names are letters, digits, '.', '_' and '-' only, and no paths"));
    }
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if entry.sha256.len() != 64 || !entry.sha256.chars().all(hexadecimal) {
        return Err(format!("lists no SHA-256 of 64 lower-case hexadecimal digits for {name:?}"));
    }
    Ok(())
}

/// A parser's account of what is wrong, with the line if it knows.
fn describe(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim();
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message.into(),
    }
}
