//! The music UNet over a whole piece, and what is saved of its work.
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

use candle_core::{Device, Result, Tensor, bail};

use super::conditions::Conditions;
use super::morph::Scene;
use super::{Engine, Guidance, Plan};
use crate::denoiser::{Deep, Prepared, Unet};
use crate::device::Memory;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::synapse::{Blend, Taps};
use crate::windows::{Position, Pulse, Windows};

/// Runs the music UNet over all windows of a piece, step by step.
pub(super) struct Painter<'a> {
    engine: &'a Engine,
    music: Arc<Unet>,
    windows: Windows,
    /// Per window, where a column stands in bar and beat `(1, p, window, rows)`.
    planes: Vec<Option<Tensor>>,
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
    pub fn new(engine: &'a Engine, music: Arc<Unet>, plan: &Plan, scenes: &'a [Scene]) -> Result<Self> {
        let rows = engine.manifest.music.latent.rows;
        let windows = if plan.circular {
            Windows::circular(plan.columns, plan.window)
        } else {
            Windows::linear(plan.columns, plan.window)
        };
        let position = engine.manifest.music.position.as_ref();
        let planes = windows.starts().iter().map(|&start| {
            let planes = |p: &Position| p.planes(start, plan.window, rows, plan.pulse, &engine.device);
            position.map(planes).transpose()
        });
        let planes = planes.collect::<Result<_>>()?;
        let pane = |scene: &Scene, j| Pane::new(scene, &windows, j, &engine.device);
        let panes = (0..windows.starts().len()).map(|j| scenes.iter().map(|scene| pane(scene, j)).collect());
        let panes = panes.collect::<Result<_>>()?;
        let is_split = engine.memory() >= Memory::Halves;
        let scenes = scenes.iter().map(|scene| Told::new(scene, &music, is_split)).collect::<Result<_>>()?;
        Ok(Self { engine, music, planes, panes, windows, scenes })
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
            let (input, t) = (input(xs, self.planes[j].as_ref(), conditions)?, t as f64);
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
                pane.deep.push(deep);
            }
        }
        guidance.rescaled(&Tensor::cat(&said, 0)?, manifest.defaults.guidance_rescale)
    }
}

impl<'a> Told<'a> {
    fn new(scene: &'a Scene, music: &Unet, is_split: bool) -> Result<Self> {
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
    /// Position planes of a piece of exactly one window, where the bundle has any.
    pub(crate) fn whole_window_planes(&self) -> Result<Option<Tensor>> {
        let music = &self.manifest.music;
        let planes = |p: &Position| p.planes(0, music.latent.window, music.latent.rows, Pulse::COMMON, &self.device);
        music.position.as_ref().map(planes).transpose()
    }

    /// The UNet's output per part of a guided step `(p, c, window, rows)`.
    pub(crate) fn said(
        music: &Unet,
        xs: &Tensor,
        planes: Option<&Tensor>,
        t: usize,
        conditions: &Conditions,
        blends: Option<&Vec<Blend>>,
    ) -> Result<Tensor> {
        let input = input(xs, planes, conditions)?;
        let mut taps = blends.map_or(Taps::None, |blends| Taps::Blend(blends));
        music.forward(&input, t as f64, &conditions.context, &mut taps)
    }
}

/// What the UNet is given: latents and position planes, once per part.
fn input(xs: &Tensor, planes: Option<&Tensor>, conditions: &Conditions) -> Result<Tensor> {
    let input = match planes {
        Some(planes) => Tensor::cat(&[xs, planes], 1)?,
        None => xs.clone(),
    };
    input.repeat((conditions.context.tokens.dim(0)?, 1, 1, 1))
}
