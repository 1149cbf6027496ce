//! What the music UNet is told, and how strongly.

use candle_core::{D, Result, Tensor};

use super::{Engine, Features, Sight};
use crate::bundle::Guide;
use crate::denoiser::Context;
use crate::request::Request;
use crate::synapse::{Blend, KeyValue, pool_to_text};
use crate::text;

/// What stays the same through all steps of a run.
#[derive(Clone)]
pub(crate) struct Conditions {
    /// Words, tempo and picture: the unconditional half first, unless guidance is off.
    pub context: Context,
    /// What each step blends in, per decoder layer; empty without a picture.
    pub blends: Vec<Vec<Blend>>,
    /// Influence of that picture; 0 without one.
    pub influence: f64,
    /// Strength of guidance; 1 has no unconditional half.
    pub guidance: f64,
}

impl Conditions {
    /// Those of the conditional half alone; as they are where there is no other.
    pub(super) fn unguided(&self) -> Result<Self> {
        self.half(self.context.tokens.dim(0)?.saturating_sub(1))
    }

    /// Those of half `index` alone, without guidance.
    pub(super) fn half(&self, index: usize) -> Result<Self> {
        let halves = self.context.tokens.dim(0)?;
        let half = |xs: &Tensor| if xs.dim(0)? == halves { xs.narrow(0, index, 1) } else { Ok(xs.clone()) };
        let context = Context {
            tokens: half(&self.context.tokens)?,
            bias: self.context.bias.as_ref().map(half).transpose()?,
            class: self.context.class.as_ref().map(half).transpose()?,
        };
        let blend = |blend: &Blend| Ok(Blend { image: blend.image.clone(), alpha: half(&blend.alpha)? });
        let blends = self.blends.iter().map(|step| step.iter().map(blend).collect()).collect::<Result<_>>()?;
        Ok(Self { context, blends, influence: self.influence, guidance: 1.0 })
    }
}

impl Engine {
    /// Gathers what the music UNet is told. `texts`: negative and prompt, each `(1, l, d)`; `seen`: a picture and how many of
    /// its steps, the noisiest first, the music walks.
    pub(crate) fn conditions(
        &self,
        request: &Request,
        seconds_per_beat: f64,
        texts: &[Tensor; 2],
        seen: Option<(&Sight, usize)>,
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
        let class =
            self.class_vector(texts, seconds_per_beat, seen.map(|(sight, _)| sight), request.influence, halves)?;
        let synapse = self.synapse.of_kind(request.synapse);
        let blends = |features| synapse.blends(&self.pool(features, length)?, request.influence, halves);
        let blends = match seen {
            Some((sight, steps)) => sight.features.iter().take(steps).map(blends).collect::<Result<_>>()?,
            None => Vec::new(),
        };
        let influence = if seen.is_some() { request.influence } else { 0.0 };
        Ok(Conditions { context: Context { tokens, bias, class }, blends, influence, guidance: request.guidance })
    }

    /// Features as keys and values of the music's cross-attention, for a text of `length` tokens.
    fn pool(&self, features: &Features, length: usize) -> Result<Vec<KeyValue>> {
        match features {
            Features::KeysValues(layers) => {
                let pool = |layer| self.manifest.synapse.pool.apply(layer, length)?.to_device(&self.device);
                layers.iter().map(pool).collect()
            }
            Features::Outputs(layers) => {
                let width = self.manifest.music.unet.cross_attention_dim;
                let pool = |layer| pool_to_text(layer, length, width)?.to_device(&self.device);
                let texts = layers.iter().map(pool).collect::<Result<Vec<_>>>()?;
                self.music().map_err(candle_core::Error::wrap)?.keys_values(&texts)
            }
        }
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
}

/// Sines, then cosines `(1, 2 * pairs)` of the grid beat's length in seconds; frequencies run evenly from 1 to 12 Hz.
fn tempo_features(pairs: usize, seconds_per_beat: f64, device: &candle_core::Device) -> Result<Tensor> {
    let step = if pairs > 1 { 11.0 / (pairs - 1) as f64 } else { 0.0 };
    let angles = (0..pairs).map(|i| std::f64::consts::TAU * seconds_per_beat * (1.0 + step * i as f64));
    let waves: Vec<f32> = angles.clone().map(|a| a.sin() as f32).chain(angles.map(|a| a.cos() as f32)).collect();
    Tensor::from_vec(waves, (1, 2 * pairs), device)
}
