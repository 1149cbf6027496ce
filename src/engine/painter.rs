//! The music UNet over a whole piece, and what is saved of its work.
//!
//! Two savings, both by the bundle's [`Defaults`](crate::bundle::Defaults); `cargo bench --bench savings` measures what
//! they change and what they cost.
//!
//! - Near the clean end of the schedule there is no guidance, and so no unconditional half (`unguided`).
//!   Source: Kynkäänniemi et al., "Applying Guidance in a Limited Interval", NeurIPS 2024.
//! - Several steps share what the UNet's coarser levels made ([`Deep`], `deep_steps`).

use candle_core::{Device, Result, Tensor, bail};

use super::conditions::Conditions;
use super::guidance::guided;
use super::morph::Scene;
use super::{Engine, Plan};
use crate::denoiser::Deep;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::synapse::{Blend, Taps};
use crate::windows::{Position, Pulse, Windows};

/// Runs the music UNet over all windows of a piece, step by step.
pub(super) struct Painter<'a> {
    engine: &'a Engine,
    windows: Windows,
    /// Per window, where a column stands in bar and beat `(1, p, window, rows)`.
    planes: Vec<Option<Tensor>>,
    /// Per window and scene, what is left of earlier steps.
    panes: Vec<Vec<Pane>>,
    scenes: &'a [Scene],
}

/// A scene in a window.
#[derive(Default)]
struct Pane {
    /// Its share in every column of the window `(1, 1, window, 1)`; `None` is all.
    weights: Option<Tensor>,
    is_absent: bool,
    deep: Option<Deep>,
    /// Steps that `deep` still serves.
    left: usize,
}

impl<'a> Painter<'a> {
    pub fn new(engine: &'a Engine, plan: &Plan, scenes: &'a [Scene]) -> Result<Self> {
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
        Ok(Self { engine, planes, panes: panes.collect::<Result<_>>()?, windows, scenes })
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
        let Engine { manifest, music, .. } = self.engine;
        let is_guided = t as f64 >= manifest.defaults.unguided * manifest.music.schedule.num_train_timesteps as f64;
        let Scene { guided: with, unguided: without, .. } = &self.scenes[scene];
        let conditions = if is_guided { with } else { without };
        let pane = &mut self.panes[j][scene];
        let (input, t) = (input(xs, self.planes[j].as_ref(), conditions)?, t as f64);
        let mut taps = conditions.blends.get(i).map_or(Taps::None, |blends| Taps::Blend(blends));
        let batch = input.dim(0)?;
        let halves = match pane.deep.as_ref().filter(|deep| pane.left > 0 && deep.batch() == batch) {
            Some(deep) => {
                pane.left -= 1;
                music.forward_shallow(&input, t, &conditions.context, &mut taps, deep)?
            }
            None => {
                let (halves, deep) = music.forward_deep(&input, t, &conditions.context, &mut taps)?;
                (pane.deep, pane.left) = (Some(deep), manifest.defaults.deep_steps - 1);
                halves
            }
        };
        guided(&halves, conditions.guidance, manifest.defaults.guidance_rescale)
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
fn input(xs: &Tensor, planes: Option<&Tensor>, conditions: &Conditions) -> Result<Tensor> {
    let input = match planes {
        Some(planes) => Tensor::cat(&[xs, planes], 1)?,
        None => xs.clone(),
    };
    input.repeat((conditions.context.tokens.dim(0)?, 1, 1, 1))
}
