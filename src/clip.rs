//! A finished clip: sound of an exact musical length, the latents it was decoded from, the notes that were played where
//! there are any, and the recipe that repeats it.

mod midi;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use score::{Part, Score};
use serde::{Deserialize, Serialize};

pub use self::midi::Timing;
use crate::audio::{Audio, wav};
use crate::error::Error;
use crate::request::{Arrangement, Bars, Key, Meter, SamplerKind, SynapseKind};
use crate::synapse::Impression;
use crate::text::Reading;

/// Finished music.
#[derive(Debug, Clone)]
pub struct Clip {
    /// The sound; `recipe.seconds()` long to the frame, and its end leads into its beginning.
    pub audio: Audio,
    /// What the sound was decoded from.
    pub latents: Latents,
    /// How it came to be.
    pub recipe: Recipe,
    /// What is played, where the latents are notes; as it sounds, in its key and at its tempo.
    pub score: Option<Score>,
}

/// A clip without its sound: all that a redecoding needs.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What the sound was decoded from.
    pub latents: Latents,
    /// How it came to be.
    pub recipe: Recipe,
    /// What is played, where the latents are notes.
    pub score: Option<Score>,
}

impl From<&Clip> for State {
    fn from(clip: &Clip) -> Self {
        Self { latents: clip.latents.clone(), recipe: clip.recipe.clone(), score: clip.score.clone() }
    }
}

/// Denoised latents `(1, c, t, f)` on the host, as f32 but exact in f16, so that a file brings back the same sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Latents {
    shape: [usize; 4],
    values: Vec<f32>,
}

impl Latents {
    /// Copies a tensor `(1, c, t, f)` and rounds it to f16.
    pub(crate) fn from_tensor(tensor: &Tensor) -> candle_core::Result<Self> {
        let (b, c, t, f) = tensor.dims4()?;
        let values = tensor.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1::<f32>()?;
        let values = values.into_iter().map(|x| f16::from_f32(x).to_f32()).collect();
        Ok(Self { shape: [b, c, t, f], values })
    }

    /// The tensor again, f32.
    pub(crate) fn to_tensor(&self, device: &Device) -> candle_core::Result<Tensor> {
        Tensor::from_slice(&self.values, self.shape.to_vec(), device)
    }

    /// `(1, c, t, f)`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// The numbers as f16, little-endian; exact.
    pub(crate) fn to_halves(&self) -> Vec<u8> {
        self.values.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect()
    }

    /// The latents that gave `halves`; refused, with the reason, if they are too few, too many or not finite.
    pub(crate) fn from_halves(shape: [usize; 4], halves: &[u8]) -> Result<Self, &'static str> {
        let count = shape.iter().try_fold(2usize, |count, side| count.checked_mul(*side));
        if count != Some(halves.len()) {
            return Err("wrong shape");
        }
        let values: Vec<f32> = halves.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
        let is_finite = values.iter().all(|x| x.is_finite());
        is_finite.then_some(Self { shape, values }).ok_or("not finite")
    }
}

/// Everything that made a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Version of the engine.
    pub engine: String,
    /// Name of the bundle.
    pub bundle: String,
    /// Hash of the bundle's files.
    pub bundle_sha256: String,
    /// The words.
    pub prompt: String,
    /// The words to stay away from.
    pub negative: String,
    /// File name of the picture, for people.
    pub picture: Option<String>,
    /// Hash of the picture's file.
    pub picture_sha256: Option<String>,
    /// Length in bars.
    pub bars: u32,
    /// Length of a bar.
    pub meter: Meter,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// The key that was asked for.
    pub key: Option<Key>,
    /// The seed that made it; differs from the one asked for if that one made nothing audible.
    pub seed: u64,
    /// Denoising steps.
    pub steps: u32,
    /// Strength of the words.
    pub guidance: f64,
    /// Strength of the picture.
    pub influence: f64,
    /// Rule of the sampler.
    pub sampler: SamplerKind,
    /// Tempo for which the latents were composed; `bpm` differs from it after a redecoding.
    pub composed_bpm: f64,
    /// What stood before the prompt for the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_words: Option<String>,
    /// How the picture entered.
    #[serde(default, skip_serializing_if = "SynapseKind::is_paper")]
    pub synapse: SynapseKind,
    /// What the end of the clip leans towards, on a storyboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub morph: Option<MorphRecipe>,
    /// How the words were read, where that is not as they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
    /// The soundfonts that played it, where they are not the bundle's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<FontRecipe>,
    /// Parts that were asked for alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// What of another clip was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<KeepRecipe>,
    /// What was asked of the notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrangement: Option<ArrangementRecipe>,
    /// What the picture showed to the music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impression: Option<Impression>,
}

/// What was asked of the notes, with a hash of the theme in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrangementRecipe {
    /// Without the theme.
    pub asked: Arrangement,
    /// Hash of the theme's notes and strength.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme_sha256: Option<String>,
}

/// Notes that were not composed but kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeepRecipe {
    /// Parts that were kept in all bars.
    pub parts: Vec<Part>,
    /// Bars outside which everything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redo: Option<Bars>,
    /// How far the others may go from theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vary: Option<f64>,
    /// Hash of the notes that they were taken from.
    pub score_sha256: String,
}

/// A soundfont of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FontRecipe {
    /// The part that it plays; all others where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Its file's name, for people.
    pub font: String,
    /// Hash of the file.
    pub sha256: String,
}

/// What a clip was composed towards: the cue after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MorphRecipe {
    /// Last bars of the clip that lean.
    pub bars: u32,
    /// The next cue's words.
    pub prompt: String,
    /// Hash of its picture.
    pub picture_sha256: Option<String>,
    /// What stood before its words for the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_words: Option<String>,
    /// Strength of its picture.
    pub influence: f64,
}

impl Recipe {
    /// Length in seconds, before it is rounded to frames.
    pub fn seconds(&self) -> f64 {
        f64::from(self.bars) * self.meter.quarters() * 60.0 / self.bpm
    }

    /// The prompt and what was avoided, as they were heard.
    pub fn heard(&self) -> (&str, &str) {
        let heard = self.reading.as_ref().map(|reading| (reading.prompt.as_str(), reading.negative.as_str()));
        heard.unwrap_or((self.prompt.trim(), self.negative.trim()))
    }

    /// What there is to say of how the words were read.
    pub fn remark(&self) -> Option<String> {
        self.reading.as_ref()?.remark(&self.prompt, &self.negative)
    }

    /// A short name: the first words of the prompt, else the picture's name.
    pub fn title(&self) -> String {
        let words = self.prompt.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        let name = if words.is_empty() { self.picture.clone().unwrap_or_default() } else { words };
        if name.is_empty() { format!("melfusion {}", self.seed) } else { name.chars().take(60).collect() }
    }
}

impl Clip {
    /// Writes a WAV file with tempo, loop, latents, recipe and notes in chunks.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; then no file is left behind and an older one is untouched.
    pub fn write_wav(&self, path: &Path, format: wav::SampleFormat) -> Result<(), Error> {
        self.write(path, format, &self.recipe.title(), None)
    }

    /// As [`write_wav`](Self::write_wav), called `title` and with a place on the timeline: the frame of the board at
    /// which it begins.
    ///
    /// # Errors
    ///
    /// Those of [`write_wav`](Self::write_wav).
    pub fn write_cue(
        &self,
        path: &Path,
        format: wav::SampleFormat,
        title: &str,
        start_frame: usize,
    ) -> Result<(), Error> {
        self.write(path, format, title, Some(start_frame as u64))
    }

    /// Writes the sound of one part alone, with tempo and loop but nothing to render it from.
    ///
    /// # Errors
    ///
    /// Those of [`write_wav`](Self::write_wav).
    pub fn write_stem(&self, path: &Path, format: wav::SampleFormat, part: Part, audio: &Audio) -> Result<(), Error> {
        let title = format!("{part}: {}", self.recipe.title());
        wav::write(path, audio, format, &self.labels(&title, &[], None))
    }

    fn write(
        &self,
        path: &Path,
        format: wav::SampleFormat,
        title: &str,
        start_frame: Option<u64>,
    ) -> Result<(), Error> {
        wav::write(path, &self.audio, format, &self.labels(title, &self.state(), start_frame))
    }

    fn labels<'a>(&'a self, title: &'a str, state: &'a [u8], start_frame: Option<u64>) -> wav::Labels<'a> {
        wav::Labels {
            title,
            comment: &self.recipe.prompt,
            bpm: self.recipe.bpm,
            quarters: f64::from(self.recipe.bars) * self.recipe.meter.quarters(),
            meter: self.recipe.meter,
            key: self.recipe.key,
            recipe: state,
            is_loop: !self.score.as_ref().is_some_and(|score| score.ends),
            start_frame,
            markers: &[],
        }
    }

    /// Latents, recipe and notes as one safetensors blob: all that a redecoding needs.
    pub fn state(&self) -> Vec<u8> {
        let bytes = self.latents.to_halves();
        let view = TensorView::new(Dtype::F16, self.latents.shape.to_vec(), &bytes).expect("shape and bytes agree");
        let recipe = serde_json::to_string(&self.recipe).expect("a recipe has only strings and numbers");
        let about = HashMap::from([("recipe".to_string(), recipe)]);
        // As a tensor: of two entries beside each other the order would be another in every process.
        let written = |score| serde_json::to_vec(score).expect("a score has only names and finite numbers");
        let score = self.score.as_ref().map(written).unwrap_or_default();
        let score = TensorView::new(Dtype::U8, vec![score.len()], &score).expect("bytes are as many as they are");
        let tensors = [("latents", view), ("score", score)].into_iter().take(1 + usize::from(self.score.is_some()));
        safetensors::serialize(tensors, Some(about)).expect("valid tensors")
    }

    /// Reads all but the sound of a file that [`Clip::write_wav`] wrote.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it is no such file.
    pub fn read_state(path: &Path) -> Result<State, Error> {
        let problem = |problem: String| Error::File { path: path.to_path_buf(), problem };
        let bytes = wav::read_chunk(path, &wav::RECIPE_CHUNK)?
            .ok_or_else(|| problem("has no latents in it; only clips written by MeLFusion have".into()))?;
        parse(&bytes).map_err(|what| problem(format!("the latents in it are damaged ({what}); use another copy")))
    }

    /// Reads back what [`Clip::state`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if it is something else or damaged.
    pub fn parse_state(state: &[u8]) -> Result<State, Error> {
        parse(state).map_err(|what| Error::Request {
            what: "clip",
            problem: format!("its latents are damaged ({what}); generate it anew"),
        })
    }
}

fn parse(bytes: &[u8]) -> Result<State, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let (_, about) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let told = |name| about.metadata().as_ref().and_then(|told| told.get(name));
    let recipe: Recipe = serde_json::from_str(told("recipe").ok_or("no recipe")?).map_err(|e| e.to_string())?;
    // Sounds that are painted have none, and older files.
    let score = tensors.tensor("score").ok().map(|score| serde_json::from_slice(score.data())).transpose();
    let score: Option<Score> = score.map_err(|e| e.to_string())?;
    let view = tensors.tensor("latents").map_err(|e| e.to_string())?;
    let shape: [usize; 4] = view.shape().try_into().map_err(|_| "wrong shape")?;
    if view.dtype() != Dtype::F16 {
        return Err("wrong type".into());
    }
    if !recipe.bpm.is_finite() {
        return Err("not finite".into());
    }
    Ok(State { latents: Latents::from_halves(shape, view.data())?, recipe, score })
}
