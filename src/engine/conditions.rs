//! What the music's denoiser is told, and how strongly.

use candle_core::{D, Result, Tensor};

use super::{Engine, Features, Guidance, Sight};
use crate::bundle::Guide;
use crate::denoiser::Context;
use crate::request::Request;
use crate::synapse::{Blend, KeyValue, pool_to_text};
use crate::text;

/// The picture that a clip is told of.
pub(crate) struct Seen<'a> {
    pub sight: Option<&'a Sight>,
    /// How many of its steps, the noisiest first, the music walks.
    pub steps: usize,
    /// Whether any scene of the clip has a picture: all of them are guided alike.
    pub is_anywhere: bool,
}

/// What stays the same through all steps of a run.
#[derive(Clone)]
pub(crate) struct Conditions {
    /// Words, tempo and picture of each part that a guided step asks of; the last is told everything.
    pub context: Context,
    /// What each step blends in, per decoder layer; empty without a picture.
    pub blends: Vec<Vec<Blend>>,
    /// Influence of that picture; 0 without one.
    pub influence: f64,
    /// How the parts are put together.
    pub guidance: Guidance,
}

impl Conditions {
    /// Those of the part that is told everything.
    pub(super) fn unguided(&self) -> Result<Self> {
        self.part(self.context.tokens.dim(0)?.saturating_sub(1))
    }

    /// Those of part `index` alone, without guidance.
    pub(super) fn part(&self, index: usize) -> Result<Self> {
        let parts = self.context.tokens.dim(0)?;
        let part = |xs: &Tensor| if xs.dim(0)? == parts { xs.narrow(0, index, 1) } else { Ok(xs.clone()) };
        let context = Context {
            tokens: part(&self.context.tokens)?,
            bias: self.context.bias.as_ref().map(part).transpose()?,
            class: self.context.class.as_ref().map(part).transpose()?,
        };
        let blend = |blend: &Blend| Ok(Blend { image: blend.image.clone(), alpha: part(&blend.alpha)? });
        let blends = self.blends.iter().map(|step| step.iter().map(blend).collect()).collect::<Result<_>>()?;
        Ok(Self { context, blends, influence: self.influence, guidance: Guidance::NONE })
    }
}

impl Engine {
    /// Gathers what the music's denoiser is told. `texts`: negative and prompt, each `(1, l, d)`.
    pub(crate) fn conditions(
        &self,
        request: &Request,
        seconds_per_beat: f64,
        texts: &[Tensor; 2],
        seen: &Seen,
    ) -> Result<Conditions> {
        let parts = self.parts(request, seen);
        let sees: Vec<bool> = parts.iter().map(|(_, sees)| *sees).collect();
        let texts: Vec<&Tensor> = parts.iter().map(|(text, _)| &texts[*text]).collect();
        let length = texts.iter().map(|t| t.dim(1)).collect::<Result<Vec<_>>>()?.into_iter().max().unwrap_or(0);
        let padded = texts.iter().map(|t| text::pad(t, length)).collect::<Result<Vec<_>>>()?;
        let tokens = Tensor::cat(&padded.iter().map(|(tokens, _)| tokens).collect::<Vec<_>>(), 0)?;
        let same = texts.iter().all(|t| t.dim(1).is_ok_and(|l| l == length));
        let bias =
            if same { None } else { Some(Tensor::cat(&padded.iter().map(|(_, bias)| bias).collect::<Vec<_>>(), 0)?) };
        let class = self.class_vector(&texts, seconds_per_beat, seen.sight, request.influence, &sees)?;
        let synapse = self.synapse.of_kind(request.synapse);
        let blends = |features| synapse.blends(&self.pool(features, length)?, request.influence, &sees);
        let (blends, influence) = match seen.sight {
            Some(sight) => {
                (sight.features.iter().take(seen.steps).map(blends).collect::<Result<_>>()?, request.influence)
            }
            None => (Vec::new(), 0.0),
        };
        let guidance = Guidance::new(request.guidance, self.manifest.defaults.word_guidance, influence);
        Ok(Conditions { context: Context { tokens, bias, class }, blends, influence, guidance })
    }

    /// Which of the two texts each part of a guided step is told, and whether it sees the picture.
    fn parts(&self, request: &Request, seen: &Seen) -> &'static [(usize, bool)] {
        let weighs_apart = seen.is_anywhere && self.manifest.defaults.word_guidance != 1.0;
        match self.manifest.synapse.guide {
            _ if request.guidance == 1.0 => &[(1, true)],
            Guide::TextAndPicture if weighs_apart => &[(0, false), (1, false), (1, true)],
            Guide::TextAndPicture => &[(0, false), (1, true)],
            Guide::Text => &[(0, true), (1, true)],
        }
    }

    /// Features as keys and values of the music's cross-attention, for a text of `length` tokens.
    fn pool(&self, features: &Features, length: usize) -> Result<Vec<KeyValue>> {
        match features {
            Features::KeysValues(layers) => {
                let pool = |layer| self.manifest.synapse.pool.apply(layer, length)?.to_device(&self.device);
                layers.iter().map(pool).collect()
            }
            Features::Outputs(layers) => {
                let width = self.manifest.music.denoiser.text_width();
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
        texts: &[&Tensor],
        seconds_per_beat: f64,
        sight: Option<&Sight>,
        influence: f64,
        sees: &[bool],
    ) -> Result<Option<Tensor>> {
        let music = &self.manifest.music;
        let Some(width) = music.denoiser.class_width() else { return Ok(None) };
        let tempo = tempo_features(music.tempo_features, seconds_per_beat, &self.device)?;
        let words = if music.text_features { texts[0].dim(D::Minus1)? } else { 0 };
        let picture = width.saturating_sub(words + tempo.dim(1)?);
        let global = match sight {
            Some(sight) => self.synapse.global(&sight.clean)?.map(|g| g * influence).transpose()?,
            None => None,
        };
        let blind = Tensor::zeros((1, picture), tempo.dtype(), &self.device)?;
        let row = |(text, sees): (&&Tensor, &bool)| {
            let seen = global.as_ref().filter(|_| *sees).unwrap_or(&blind).clone();
            let mut parts = if picture > 0 { vec![seen] } else { vec![] };
            if music.text_features {
                parts.push(text.mean(1)?);
            }
            parts.push(tempo.clone());
            Tensor::cat(&parts, 1)
        };
        let rows = texts.iter().zip(sees).map(row).collect::<Result<Vec<_>>>()?;
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
