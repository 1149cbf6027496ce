//! The denoising loop of the music.

use candle_core::{D, Result, Tensor};

use super::painter::Painter;
use super::{Engine, Plan, Sight};
use crate::bundle::Guide;
use crate::denoiser::Context;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::request::Request;
use crate::sampler::{Sampler, noise};
use crate::synapse::{Blend, Taps};
use crate::text;
use crate::windows::{Position, Pulse};

/// What stays the same through all steps of a run.
pub(crate) struct Conditions {
    /// Words, tempo and picture: the unconditional half first, unless guidance is off.
    pub context: Context,
    /// What each step blends in, per decoder layer; empty without a picture.
    pub blends: Vec<Vec<Blend>>,
    /// Strength of guidance; 1 has no unconditional half.
    pub guidance: f64,
}

impl Conditions {
    /// Those of the conditional half alone; as they are where there is no other.
    pub(super) fn unguided(&self) -> Result<Self> {
        let halves = self.context.tokens.dim(0)?;
        let last = |xs: &Tensor| if xs.dim(0)? == halves { xs.narrow(0, halves - 1, 1) } else { Ok(xs.clone()) };
        let context = Context {
            tokens: last(&self.context.tokens)?,
            bias: self.context.bias.as_ref().map(last).transpose()?,
            class: self.context.class.as_ref().map(last).transpose()?,
        };
        let blend = |blend: &Blend| Ok(Blend { image: blend.image.clone(), alpha: last(&blend.alpha)? });
        let blends = self.blends.iter().map(|step| step.iter().map(blend).collect()).collect::<Result<_>>()?;
        Ok(Self { context, blends, guidance: 1.0 })
    }
}

impl Engine {
    /// Gathers what the music UNet is told. `texts`: negative and prompt, each `(1, l, d)`.
    pub(crate) fn conditions(
        &self,
        request: &Request,
        seconds_per_beat: f64,
        texts: &[Tensor; 2],
        sight: Option<&Sight>,
    ) -> Result<Conditions> {
        let halves: &[bool] = match (request.guidance == 1.0, self.manifest.synapse.guide) {
            (true, _) => &[true],
            (false, Guide::TextAndPicture) => &[false, true],
            (false, Guide::Text) => &[true, true],
        };
        let texts = &texts[2 - halves.len()..];
        let length = texts.iter().map(|t| t.dim(1)).collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or(0);
        let padded = texts.iter().map(|t| text::pad(t, length)).collect::<Result<Vec<_>>>()?;
        let tokens = Tensor::cat(&padded.iter().map(|(tokens, _)| tokens).collect::<Vec<_>>(), 0)?;
        let same = texts.iter().all(|t| t.dim(1).is_ok_and(|l| l == length));
        let bias =
            if same { None } else { Some(Tensor::cat(&padded.iter().map(|(_, bias)| bias).collect::<Vec<_>>(), 0)?) };
        let class = self.class_vector(texts, seconds_per_beat, sight, request.influence, halves)?;
        let pool = |features: &Vec<_>| {
            features.iter().map(|f| self.manifest.synapse.pool.apply(f, length)).collect::<Result<Vec<_>>>()
        };
        let blends = match sight {
            Some(sight) => sight
                .features
                .iter()
                .map(|f| self.synapse.blends(&pool(f)?, request.influence, halves))
                .collect::<Result<_>>()?,
            None => Vec::new(),
        };
        Ok(Conditions { context: Context { tokens, bias, class }, blends, guidance: request.guidance })
    }

    /// What joins the time embedding, `(b, p)`: the picture's global path, the mean of the words, the tempo; each where
    /// the bundle has it.
    fn class_vector(
        &self,
        texts: &[Tensor],
        seconds_per_beat: f64,
        sight: Option<&Sight>,
        influence: f64,
        halves: &[bool],
    ) -> Result<Option<Tensor>> {
        let music = &self.manifest.music;
        let Some(width) = music.unet.projection_class_embeddings_input_dim else { return Ok(None) };
        let tempo = tempo_features(music.tempo_features, seconds_per_beat, &self.device)?;
        let words = if music.text_features { texts[0].dim(D::Minus1)? } else { 0 };
        let picture = width.saturating_sub(words + tempo.dim(1)?);
        let global = match sight {
            Some(sight) => self.synapse.global(&sight.clean)?.map(|g| g * influence).transpose()?,
            None => None,
        };
        let blind = Tensor::zeros((1, picture), tempo.dtype(), &self.device)?;
        let row = |(text, sees): (&Tensor, &bool)| {
            let seen = global.as_ref().filter(|_| *sees).unwrap_or(&blind).clone();
            let mut parts = if picture > 0 { vec![seen] } else { vec![] };
            if music.text_features {
                parts.push(text.mean(1)?);
            }
            parts.push(tempo.clone());
            Tensor::cat(&parts, 1)
        };
        let rows = texts.iter().zip(halves).map(row).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&rows, 0).map(Some)
    }

    /// Noise to latents `(1, c, columns, rows)`.
    pub(crate) fn compose(
        &self,
        plan: &Plan,
        mut sampler: Sampler,
        conditions: &Conditions,
        seed: u64,
        progress: &dyn Progress,
    ) -> std::result::Result<Tensor, Error> {
        let latent = &self.manifest.music.latent;
        let shape = (1, latent.channels, plan.columns, latent.rows);
        let timesteps = sampler.timesteps().to_vec();
        let mut painter = Painter::new(self, plan, conditions).in_stage(Stage::Music)?;
        let mut xs = noise(seed, 0, shape, &self.device).in_stage(Stage::Music)?;
        progress.step(Stage::Music, 0, timesteps.len());
        for (i, &t) in timesteps.iter().enumerate() {
            let output = painter.predict(&xs, t, i, progress)?;
            let fresh = if sampler.needs_noise() {
                Some(noise(seed, i as u64 + 1, shape, &self.device).in_stage(Stage::Music)?)
            } else {
                None
            };
            xs = sampler.step(i, &output, &xs, fresh.as_ref()).in_stage(Stage::Music)?;
            progress.step(Stage::Music, i + 1, timesteps.len());
        }
        Ok(xs)
    }
}

/// Sines, then cosines `(1, 2 * pairs)` of the grid beat's length in seconds; frequencies run evenly from 1 to 12 Hz.
fn tempo_features(pairs: usize, seconds_per_beat: f64, device: &candle_core::Device) -> Result<Tensor> {
    let step = if pairs > 1 { 11.0 / (pairs - 1) as f64 } else { 0.0 };
    let angles = (0..pairs).map(|i| std::f64::consts::TAU * seconds_per_beat * (1.0 + step * i as f64));
    let waves: Vec<f32> = angles.clone().map(|a| a.sin() as f32).chain(angles.map(|a| a.cos() as f32)).collect();
    Tensor::from_vec(waves, (1, 2 * pairs), device)
}

impl Engine {
    /// Position planes of a piece of exactly one window, where the bundle has any.
    pub(crate) fn whole_window_planes(&self) -> Result<Option<Tensor>> {
        let music = &self.manifest.music;
        let planes = |p: &Position| p.planes(0, music.latent.window, music.latent.rows, Pulse::COMMON, &self.device);
        music.position.as_ref().map(planes).transpose()
    }

    /// The UNet's output per half `(b, c, window, rows)`.
    pub(crate) fn halves(
        &self,
        xs: &Tensor,
        planes: Option<&Tensor>,
        t: usize,
        conditions: &Conditions,
        blends: Option<&Vec<Blend>>,
    ) -> Result<Tensor> {
        let input = input(xs, planes, conditions)?;
        let mut taps = blends.map_or(Taps::None, |blends| Taps::Blend(blends));
        self.music.forward(&input, t as f64, &conditions.context, &mut taps)
    }
}

/// What the UNet is given: latents and position planes, once per half.
pub(super) fn input(xs: &Tensor, planes: Option<&Tensor>, conditions: &Conditions) -> Result<Tensor> {
    let input = match planes {
        Some(planes) => Tensor::cat(&[xs, planes], 1)?,
        None => xs.clone(),
    };
    input.repeat((conditions.context.tokens.dim(0)?, 1, 1, 1))
}

/// Classifier-free guidance: from the unconditional half past the conditional one. The only half there is, as it is.
pub(crate) fn guide(halves: &Tensor, guidance: f64) -> Result<Tensor> {
    if halves.dim(0)? == 1 {
        return Ok(halves.clone());
    }
    let (without, with) = (halves.narrow(0, 0, 1)?, halves.narrow(0, 1, 1)?);
    &without + ((with - &without)? * guidance)?
}

/// The guided output `(1, c, window, rows)` of both halves; of one half, that one.
pub(super) fn guided(halves: &Tensor, guidance: f64, rescaled: f64) -> Result<Tensor> {
    if halves.dim(0)? == 1 {
        return Ok(halves.clone());
    }
    rescale(guide(halves, guidance)?, &halves.narrow(0, 1, 1)?, rescaled)
}

/// Pulls the spread of the guided output back towards that of the conditional one; strong guidance inflates it.
///
/// Source: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", WACV 2024, section 3.4.
fn rescale(guided: Tensor, with: &Tensor, share: f64) -> Result<Tensor> {
    if share == 0.0 {
        return Ok(guided);
    }
    let spread = |xs: &Tensor| xs.flatten_all()?.var(0)?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>();
    let (wanted, found) = (spread(with)?.sqrt(), spread(&guided)?.sqrt());
    if found == 0.0 {
        return Ok(guided);
    }
    guided * (share * wanted / found + 1.0 - share)
}
