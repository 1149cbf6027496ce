//! Compares every stage with what PyTorch computed from the same weights.
//!
//! A bundle's `reference.safetensors`, written by its recipe beside the weights, holds inputs and outputs of every
//! stage, and in its metadata what else they depend on, `synapse = official` among it. Works on any bundle of our format, whatever its configuration:
//!
//! | tensors | stage |
//! | --- | --- |
//! | `text.ids`, `text.tokens` | the metadata's `prompt` through tokenizer and encoder |
//! | `image.pixels` → `image.latents` | autoencoder |
//! | `image.latents` → `image.inverted` | DDIM inversion in the metadata's `steps` |
//! | `image.inverted` → `image.velocity`, `image.keys.N`, `image.values.N` | image UNet at the noisiest timestep |
//! | `synapse.global`, `music.class` | global path; class vector (unguided half first) at `seconds_per_beat` |
//! | `music.noise` → `music.velocity` | music's denoiser under words and picture at the noisiest timestep |
//! | `music.noise` → `music.latents` | guided DDIM in `steps` at `guidance`, without rescaling; of notes in f32 alone |
//! | `music.latents` → `decoder.agreed`, `decoder.roll` | decoder of notes: with parts that agree on chords; as it is |
//! | `music.latents` → `decoder.mel`, `decoder.samples` | decoder of waves |

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, bail};
use safetensors::SafeTensors;

use crate::bundle::Bundle;
use crate::decoder::Decoder;
use crate::denoiser::Denoiser;
use crate::device::{self, Placement};
use crate::engine::{Engine, Seen, Sight};
use crate::error::{Error, InStage, Stage};
use crate::progress::Silent;
use crate::request::{Request, RequestFields};
use crate::sampler::{Sampler, SamplerKind, Schedule};
use crate::synapse::SynapseKind;

/// File of the reference in a bundle's folder.
const REFERENCE: &str = "reference.safetensors";
/// Largest error, relative to the largest value of the reference, that one stage may have in f32.
const TOLERANCE: f64 = 1e-3;
/// The same of what denoisers and the picture's autoencoder make in f16 and in bf16: they round to 11 and to 8 bits between
/// operations, and guided steps carry on what the ones before were off by.
const F16_TOLERANCE: f64 = 3e-2;
const BF16_TOLERANCE: f64 = 2e-1;

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The stage, by its name in the manifest.
    pub stage: &'static str,
    /// The tensor, by its name in the reference.
    pub tensor: String,
    /// Largest absolute difference over the largest absolute value.
    pub error: f64,
    /// What `error` may be.
    pub tolerance: f64,
}

impl Row {
    /// Whether the stage is as it should be.
    pub fn passes(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// What was compared, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The device, by its name.
    pub device: String,
    /// Type that the denoisers computed in.
    pub dtype: DType,
    /// The comparisons, in the order of the stages.
    pub rows: Vec<Row>,
}

/// Runs every stage on the bundle's reference.
///
/// # Errors
///
/// [`Error::Bundle`] if the bundle or its reference cannot be read; [`Error::Stage`] if a stage cannot run at all. A
/// stage that runs and is wrong is a [`Row`], not an error.
pub fn run(bundle: &Bundle, placement: impl Into<Placement>) -> std::result::Result<Report, Error> {
    let placement = placement.into();
    let reference = Reference::read(bundle, &placement.device)?;
    let engine = Engine::load(bundle, placement)?;
    let mut rows = Rows { reference: &reference, dtype: engine.dtype, rows: Vec::new() };
    let tokens = engine.check_text(&mut rows)?;
    let sight = engine.check_picture(&mut rows)?;
    let music = engine.music()?;
    engine.check_music(&mut rows, &music, &tokens, &sight).in_stage(Stage::Music)?;
    drop(music);
    let decoder = engine.decoder()?;
    engine.check_sound(&mut rows, &decoder).in_stage(Stage::Sound)?;
    Ok(Report { device: device::name(&engine.device), dtype: engine.dtype, rows: rows.rows })
}

/// What PyTorch computed.
struct Reference {
    tensors: HashMap<String, Tensor>,
    about: HashMap<String, String>,
}

impl Reference {
    fn read(bundle: &Bundle, device: &Device) -> std::result::Result<Self, Error> {
        let path = bundle.location().join(REFERENCE);
        let broken = |problem: String| Error::Bundle { path: path.clone(), problem };
        let bytes = std::fs::read(&path).map_err(|e| {
            broken(format!(
                "cannot be read ({e}); a bundle is checked in its folder, with the reference its recipe wrote"
            ))
        })?;
        let damaged = |e: String| broken(format!("is damaged ({e}); write it again with the bundle's recipe"));
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
        let about = header.metadata().clone().unwrap_or_default();
        let tensors = candle_core::safetensors::load_buffer(&bytes, device).map_err(|e| damaged(e.to_string()))?;
        Ok(Self { tensors, about })
    }

    fn get(&self, name: &str) -> Result<Tensor> {
        match self.tensors.get(name) {
            Some(tensor) => tensor.to_dtype(DType::F32),
            None => bail!("the reference has no tensor {name}"),
        }
    }

    /// The metadata's `synapse`; the paper's if it has none.
    fn synapse(&self) -> Result<SynapseKind> {
        self.about.get("synapse").map_or(Ok(SynapseKind::Paper), |name| name.parse().map_err(candle_core::Error::msg))
    }

    fn number(&self, name: &str) -> Result<f64> {
        match self.about.get(name).and_then(|text| text.parse().ok()) {
            Some(number) => Ok(number),
            None => bail!("the reference's metadata has no number {name}"),
        }
    }
}

/// The comparisons so far.
struct Rows<'a> {
    reference: &'a Reference,
    dtype: DType,
    rows: Vec<Row>,
}

impl Rows<'_> {
    fn compare(&mut self, stage: &'static str, tensor: &str, ours: &Tensor) -> Result<()> {
        let theirs = self.reference.get(tensor)?;
        let error = if ours.dims() == theirs.dims() {
            relative_error(&ours.to_dtype(DType::F32)?, &theirs)?
        } else {
            f64::INFINITY
        };
        self.rows.push(Row { stage, tensor: tensor.into(), error, tolerance: self.tolerance(stage) });
        Ok(())
    }
}

impl Rows<'_> {
    /// Text encoder and decoder are f32 whatever the denoisers are.
    fn tolerance(&self, stage: &str) -> f64 {
        match self.dtype {
            _ if ["text", "decoder"].contains(&stage) => TOLERANCE,
            DType::BF16 => BF16_TOLERANCE,
            DType::F16 => F16_TOLERANCE,
            _ => TOLERANCE,
        }
    }
}

fn relative_error(ours: &Tensor, theirs: &Tensor) -> Result<f64> {
    let largest = |t: &Tensor| -> Result<f64> { Ok(f64::from(t.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?)) };
    let difference = (ours - theirs)?;
    // `max` in candle passes over NaN; a sum does not.
    let sum = difference.sum_all()?.to_scalar::<f32>()?;
    Ok(if sum.is_finite() { largest(&difference)? / largest(theirs)?.max(f64::MIN_POSITIVE) } else { f64::INFINITY })
}

impl Engine {
    /// Returns the empty prompt's and the prompt's tokens.
    fn check_text(&self, rows: &mut Rows) -> std::result::Result<[Tensor; 2], Error> {
        let ids = |rows: &mut Rows| -> Result<String> {
            let prompt = rows.reference.about.get("prompt");
            let Some(prompt) = prompt else { bail!("the reference's metadata has no prompt") };
            let ids: Vec<f32> = self.reader.ids(prompt)?.into_iter().map(|id| id as f32).collect();
            let length = ids.len();
            rows.compare("text", "text.ids", &Tensor::from_vec(ids, (1, length), &self.device)?)?;
            Ok(prompt.clone())
        };
        let prompt = ids(rows).in_stage(Stage::Text)?;
        let texts = [self.encode("")?, self.encode(&prompt)?];
        rows.compare("text", "text.tokens", &texts[1]).in_stage(Stage::Text)?;
        Ok(texts)
    }

    fn check_picture(&self, rows: &mut Rows) -> std::result::Result<Sight, Error> {
        let picture = self.picture()?;
        let run = |rows: &mut Rows| -> Result<(Tensor, Vec<usize>)> {
            let latents = picture.encode(&rows.reference.get("image.pixels")?)?;
            rows.compare("image", "image.latents", &latents)?;
            let timesteps = self.schedule.timesteps(rows.reference.number("steps")? as usize)?;
            Ok((rows.reference.get("image.latents")?, timesteps))
        };
        let (latents, timesteps) = run(rows).in_stage(Stage::Picture)?;
        let kind = rows.reference.synapse().in_stage(Stage::Picture)?;
        let sight = picture.invert(latents, &timesteps, kind, &Silent)?;
        let mut compare = || -> Result<()> {
            rows.compare("image", "image.inverted", &sight.inverted)?;
            let (velocity, seen) = picture.watch(&rows.reference.get("image.inverted")?, timesteps[0])?;
            rows.compare("image", "image.velocity", &velocity)?;
            for (layer, seen) in seen.iter().enumerate() {
                rows.compare("image", &format!("image.keys.{layer}"), &seen.keys)?;
                rows.compare("image", &format!("image.values.{layer}"), &seen.values)?;
            }
            if let Some(global) = self.synapse.global(&sight.clean)? {
                rows.compare("synapse", "synapse.global", &global)?;
            }
            Ok(())
        };
        compare().in_stage(Stage::Picture)?;
        Ok(sight)
    }

    fn check_music(&self, rows: &mut Rows, music: &Denoiser, texts: &[Tensor; 2], sight: &Sight) -> Result<()> {
        let reference = rows.reference;
        let guidance = reference.number("guidance")?;
        let fields = RequestFields { guidance, synapse: reference.synapse()?, ..Default::default() };
        let request = Request::new(fields).map_err(candle_core::Error::wrap)?;
        let seen = Seen { sight: Some(sight), steps: sight.timesteps.len(), is_anywhere: true };
        let conditions = self.conditions(&request, reference.number("seconds_per_beat")?, texts, &seen)?;
        if let Some(class) = &conditions.context.class {
            rows.compare("music", "music.class", class)?;
        }
        let mut sampler =
            Sampler::new(SamplerKind::Ddim, &Schedule::new(&self.manifest.music.schedule)?, sight.timesteps.len())?;
        let mut xs = reference.get("music.noise")?;
        let beside = self.beside_whole_window()?;
        for (i, &t) in sight.timesteps.iter().enumerate() {
            let said = Self::said(music, &xs, beside.as_ref(), t, &conditions, conditions.blends.get(i))?;
            if i == 0 {
                rows.compare("music", "music.velocity", &said)?;
            }
            xs = sampler.step(i, &conditions.guidance.guide(&said)?, &xs, None)?;
        }
        // A walk to notes takes decisions: in half types one falls the other way, and what follows goes with it.
        if rows.dtype != DType::F32 && self.plays_notes() {
            Ok(())
        } else {
            rows.compare("music", "music.latents", &xs)
        }
    }

    fn check_sound(&self, rows: &mut Rows, decoder: &Decoder) -> Result<()> {
        let latents = rows.reference.get("music.latents")?;
        match decoder {
            Decoder::Score(score) => {
                let bar = self.manifest.music.latent.window / 4;
                rows.compare("decoder", "decoder.agreed", &score.agreed(&latents, bar)?)?;
                rows.compare("decoder", "decoder.roll", &score.roll(&latents)?.unsqueeze(0)?)
            }
            Decoder::Wave(wave) => {
                rows.compare("decoder", "decoder.mel", &wave.mel(&latents)?.unsqueeze(0)?)?;
                let samples = wave.decode(&latents)?;
                let length = samples.len();
                rows.compare("decoder", "decoder.samples", &Tensor::from_vec(samples, (1, length), &self.device)?)
            }
        }
    }
}
