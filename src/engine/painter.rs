//! The music's denoiser over a whole piece, and what is saved of its work.
//!
//! Keys and values that the model makes of the words are made once, before the first step: that changes nothing. Three
//! savings change the music, all by the bundle's [`Defaults`](crate::bundle::Defaults); `cargo bench --bench savings` measures what
//! they change and what they cost. Two are here:
//!
//! - Near the clean end of the schedule there is no guidance, and the model is asked once (`unguided`).
//!   Source: Kynkäänniemi et al., "Applying Guidance in a Limited Interval", NeurIPS 2024.
//! - Several steps share what the UNet's coarser levels made ([`Deep`], `deep_steps`).
//!
//! The third is in the walk ([`Sampler::until`](crate::sampler::Sampler::until), `unwalked`).

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::conditions::Conditions;
use super::morph::Scene;
use super::{Engine, Guidance, Plan};
use crate::bundle::MusicManifest;
use crate::denoiser::{Deep, Denoiser, DenoiserConfig, Prepared};
use crate::device::Memory;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::synapse::{Blend, Taps};
use crate::windows::{Position, Pulse, Windows};

/// Runs the music's denoiser over all windows of a piece, step by step.
pub(super) struct Painter<'a> {
    engine: &'a Engine,
    music: Arc<Denoiser>,
    windows: Windows,
    /// Per window, what the denoiser is given beside latents.
    beside: Vec<Option<Tensor>>,
    /// Per window and scene, what is left of earlier steps.
    panes: Vec<Vec<Pane>>,
    scenes: Vec<Told<'a>>,
}

/// What the model is asked with in a scene, one evaluation for each of the conditions: all parts of guidance in one, or
/// where memory is short in one each, which gives the same.
struct Told<'a> {
    guided: Vec<Question<'a>>,
    unguided: [Question<'a>; 1],
    guidance: Guidance,
}

/// What one evaluation is told.
struct Question<'a> {
    conditions: Cow<'a, Conditions>,
    prepared: Prepared,
}

/// A scene in a window.
#[derive(Default)]
struct Pane {
    /// Its share in every column of the window `(1, 1, window, 1)`; `None` is all.
    weights: Option<Tensor>,
    is_absent: bool,
    /// One for each evaluation of the step that it is of.
    deep: Vec<Deep>,
    /// Steps that `deep` still serves.
    left: usize,
}

impl<'a> Painter<'a> {
    /// `known (1, channels + 2, columns, rows)` is what a [`Dit`](crate::denoiser::Dit) is told of the piece's latents, with the
    /// masks of notes and codes; `None` is nothing.
    pub fn new(
        engine: &'a Engine,
        music: Arc<Denoiser>,
        plan: &Plan,
        scenes: &'a [Scene],
        known: Option<&Tensor>,
    ) -> Result<Self> {
        let windows = if plan.circular {
            Windows::circular(plan.columns, plan.window)
        } else {
            Windows::linear(plan.columns, plan.window)
        };
        let beside = windows.starts().iter().enumerate().map(|(j, &start)| {
            let known = known.map(|known| windows.gather(known, j)).transpose()?;
            beside(&engine.manifest.music, start, (plan.window, plan.pulse), known, &engine.device)
        });
        let beside = beside.collect::<Result<_>>()?;
        let pane = |scene: &Scene, j| Pane::new(scene, &windows, j, &engine.device);
        let panes = (0..windows.starts().len()).map(|j| scenes.iter().map(|scene| pane(scene, j)).collect());
        let panes = panes.collect::<Result<_>>()?;
        let is_split = engine.memory() >= Memory::Halves;
        let scenes = scenes.iter().map(|scene| Told::new(scene, &music, is_split)).collect::<Result<_>>()?;
        Ok(Self { engine, music, beside, panes, windows, scenes })
    }

    /// The model's output for the whole piece at timestep `t`, the `i`th of the run; steps come in order.
    pub fn predict(
        &mut self,
        xs: &Tensor,
        t: usize,
        i: usize,
        progress: &dyn Progress,
    ) -> std::result::Result<Tensor, Error> {
        let mut outputs = Vec::with_capacity(self.panes.len());
        for j in 0..self.panes.len() {
            if progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let window = self.windows.gather(xs, j).in_stage(Stage::Music)?;
            outputs.push(self.window(&window, j, t, i).in_stage(Stage::Music)?);
        }
        self.windows.blend(&outputs).in_stage(Stage::Music)
    }

    /// The output `(1, c, window, rows)` for window `j`, of all scenes.
    fn window(&mut self, xs: &Tensor, j: usize, t: usize, i: usize) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        for scene in 0..self.scenes.len() {
            if self.panes[j][scene].is_absent {
                continue;
            }
            let output = self.scene(xs, (j, scene), t, i)?;
            let output = match &self.panes[j][scene].weights {
                Some(weights) => output.broadcast_mul(weights)?,
                None => output,
            };
            sum = Some(match sum {
                Some(sum) => (sum + output)?,
                None => output,
            });
        }
        match sum {
            Some(sum) => Ok(sum),
            None => bail!("a window without a scene"),
        }
    }

    /// What the model says of window `j` in one scene.
    fn scene(&mut self, xs: &Tensor, (j, scene): (usize, usize), t: usize, i: usize) -> Result<Tensor> {
        let manifest = &self.engine.manifest;
        let is_guided = t as f64 >= manifest.defaults.unguided * manifest.music.schedule.num_train_timesteps as f64;
        let told = &self.scenes[scene];
        let (questions, guidance) =
            if is_guided { (&told.guided[..], told.guidance) } else { (&told.unguided[..], Guidance::NONE) };
        let pane = &mut self.panes[j][scene];
        let batches = questions.iter().map(|question| question.prepared.batch());
        let is_shallow = pane.left > 0 && pane.deep.iter().map(Deep::batch).eq(batches);
        if is_shallow {
            pane.left -= 1;
        } else {
            (pane.deep, pane.left) = (Vec::new(), manifest.defaults.deep_steps - 1);
        }
        let mut said = Vec::with_capacity(questions.len());
        for (part, Question { conditions, prepared }) in questions.iter().enumerate() {
            let (input, t) = (input(xs, self.beside[j].as_ref(), conditions)?, t as f64);
            let mut taps = conditions.blends.get(i).map_or(Taps::None, |blends| Taps::Blend(blends));
            if is_shallow {
                let deep = &pane.deep[part];
                said.push(self.music.forward_shallow(&input, t, prepared, &mut taps, deep)?);
                continue;
            }
            let (output, deep) = self.music.forward_deep(&input, t, prepared, &mut taps)?;
            said.push(output);
            // Of the last steps' needs none is left that it could serve.
            if pane.left > 0 {
                pane.deep.extend(deep);
            }
        }
        guidance.rescaled(&Tensor::cat(&said, 0)?, manifest.defaults.guidance_rescale)
    }
}

impl<'a> Told<'a> {
    fn new(scene: &'a Scene, music: &Denoiser, is_split: bool) -> Result<Self> {
        let parts = scene.guided.context.tokens.dim(0)?;
        let question = |conditions: Cow<'a, Conditions>| -> Result<Question<'a>> {
            Ok(Question { prepared: music.prepare(&conditions.context)?, conditions })
        };
        let guided = match is_split && parts > 1 {
            true => (0..parts).map(|i| question(Cow::Owned(scene.guided.part(i)?))).collect::<Result<_>>()?,
            false => vec![question(Cow::Borrowed(&scene.guided))?],
        };
        let unguided = [question(Cow::Borrowed(&scene.unguided))?];
        Ok(Self { guided, unguided, guidance: scene.guided.guidance })
    }
}

impl Pane {
    fn new(scene: &Scene, windows: &Windows, j: usize, device: &Device) -> Result<Self> {
        let Some(weights) = &scene.weights else { return Ok(Self::default()) };
        let seen: Vec<f32> = (0..windows.window()).map(|i| weights[windows.column(j, i)]).collect();
        let is_absent = seen.iter().all(|weight| *weight == 0.0);
        let weights = Tensor::from_vec(seen, (1, 1, windows.window(), 1), device)?;
        Ok(Self { weights: Some(weights), is_absent, ..Self::default() })
    }
}

impl Engine {
    /// What the denoiser is given beside the latents of a piece of exactly one window, of which nothing is known.
    pub(crate) fn beside_whole_window(&self) -> Result<Option<Tensor>> {
        let music = &self.manifest.music;
        beside(music, 0, (music.latent.window, Pulse::COMMON), None, &self.device)
    }

    /// The denoiser's output per part of a guided step `(p, c, window, rows)`.
    pub(crate) fn said(
        music: &Denoiser,
        xs: &Tensor,
        beside: Option<&Tensor>,
        t: usize,
        conditions: &Conditions,
        blends: Option<&Vec<Blend>>,
    ) -> Result<Tensor> {
        let input = input(xs, beside, conditions)?;
        let mut taps = blends.map_or(Taps::None, |blends| Taps::Blend(blends));
        music.forward(&input, t as f64, &conditions.context, &mut taps)
    }
}

/// What the denoiser is given beside the latents of the `window` columns from `start` on, `(1, p, window, rows)`: what is `known`
/// of them, where it is told that, then where a column stands in bar and beat; none where there is neither.
fn beside(
    music: &MusicManifest,
    start: usize,
    (window, pulse): (usize, Pulse),
    known: Option<Tensor>,
    device: &Device,
) -> Result<Option<Tensor>> {
    let rows = music.latent.rows;
    let planes = |p: &Position| p.planes(start, window, rows, pulse, device);
    let planes = music.position.as_ref().map(planes).transpose()?;
    let known = match (&music.denoiser, known) {
        (DenoiserConfig::Unet(_), None) => None,
        (DenoiserConfig::Unet(_), Some(_)) => bail!("a UNet cannot be told what is known of the music"),
        (DenoiserConfig::Dit(_), Some(known)) => Some(known),
        (DenoiserConfig::Dit(dit), None) => {
            Some(Tensor::zeros((1, dit.channels + 2, window, rows), DType::F32, device)?)
        }
    };
    match (known, planes) {
        (Some(known), Some(planes)) => Tensor::cat(&[known, planes], 1).map(Some),
        (known, planes) => Ok(known.or(planes)),
    }
}

/// What the denoiser is given: latents and what is beside them, once per part.
fn input(xs: &Tensor, beside: Option<&Tensor>, conditions: &Conditions) -> Result<Tensor> {
    let input = match beside {
        Some(beside) => Tensor::cat(&[xs, beside], 1)?,
        None => xs.clone(),
    };
    input.repeat((conditions.context.tokens.dim(0)?, 1, 1, 1))
}

#[cfg(all(test, feature = "embed-mini"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::sampler::noise;

    /// The mini bundle's, and the same with a UNet.
    fn manifests() -> [MusicManifest; 2] {
        let bundle = Bundle::mini().unwrap();
        let dit = bundle.manifest().music.clone();
        let mut unet = dit.clone();
        unet.position.as_mut().unwrap().frequency = true;
        unet.denoiser = DenoiserConfig::Unet(bundle.manifest().image.unet.clone());
        [unet, dit]
    }

    #[test]
    fn a_transformer_is_told_before_the_planes_what_is_known_of_its_window_and_a_unet_nothing() {
        let ([unet, dit], device) = (manifests(), Device::Cpu);
        let (windows, at) = (Windows::circular(96, 64), (64, Pulse::COMMON));
        let (rows, planes) = (dit.latent.rows, dit.position.as_ref().unwrap().count());
        let told_of = dit.latent.channels + 2;
        let known = noise(1, 0, (1, told_of, 96, rows), &device).unwrap();
        let values = |xs: &Tensor| xs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (j, &start) in windows.starts().iter().enumerate() {
            let seen = windows.gather(&known, j).unwrap();
            let told = beside(&dit, start, at, Some(seen.clone()), &device).unwrap().unwrap();
            assert_eq!(told.dims(), [1, told_of + planes, 64, rows]);
            assert_eq!(values(&told.narrow(1, 0, told_of).unwrap()), values(&seen));
            let untold = beside(&dit, start, at, None, &device).unwrap().unwrap();
            assert!(values(&untold.narrow(1, 0, told_of).unwrap()).iter().all(|x| *x == 0.0));
            let place = |xs: &Tensor, first| values(&xs.narrow(1, first, planes).unwrap());
            assert_eq!(place(&told, told_of), place(&untold, told_of));
            let plain = beside(&unet, start, at, None, &device).unwrap().unwrap();
            assert_eq!((plain.dim(1).unwrap(), place(&plain, 2)), (2 + planes, place(&told, told_of)));
            assert!(beside(&unet, start, at, Some(seen), &device).is_err());
        }
    }
}
