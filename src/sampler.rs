//! Noise schedules and the steps along them, in f64. Knows no model.
//!
//! A diffusion model is trained on `x = alpha * x0 + sigma * eps`, where `alpha² + sigma² = 1` and a *timestep* from 0
//! (almost clean) to 999 (almost noise) says how much of which. A [`Schedule`] knows `alpha` and `sigma` of every
//! timestep, a [`Sampler`] walks from noise to clean latents along some of them, and [`DdimInverse`] walks back.
//!
//! ```no_run
//! # use candle_core::{Device, Result, Tensor};
//! # use melfusion::sampler::{Sampler, SamplerKind, Schedule, ScheduleConfig, noise};
//! # fn run(config: &ScheduleConfig, model: impl Fn(&Tensor, usize) -> Result<Tensor>) -> Result<Tensor> {
//! let schedule = Schedule::new(config)?;
//! let mut sampler = Sampler::new(SamplerKind::DpmSolver2m, &schedule, 20)?;
//! let mut xs = noise(7, 0, (1, 16, 64, 16), &Device::Cpu)?;
//! for (i, timestep) in sampler.timesteps().to_vec().into_iter().enumerate() {
//!     let output = model(&xs, timestep)?;
//!     xs = sampler.step(i, &output, &xs, None)?;
//! }
//! # Ok(xs) }
//! ```

mod inversion;
mod noise;
mod prediction;
mod rule;
mod schedule;

pub use inversion::DdimInverse;
pub use noise::noise;
pub use prediction::Prediction;
pub use schedule::{BetaSchedule, Level, Schedule, ScheduleConfig, TimestepSpacing};

use candle_core::{Result, Tensor, bail};
use rule::Rule;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How to walk from noise to clean latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum SamplerKind {
    /// DPM-Solver++(2M): deterministic, second order, good in 20 steps.
    #[default]
    #[serde(rename = "dpm-solver-2m", alias = "dpm_solver_2m")]
    DpmSolver2m,
    /// DDIM with eta 0: deterministic, first order, invertible.
    #[serde(rename = "ddim")]
    Ddim,
    /// Ancestral DDPM, the paper's sampler: fresh noise at every step, wants 100 or 200 of them.
    #[serde(rename = "ddpm")]
    Ddpm,
}

impl SamplerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::DpmSolver2m, Self::Ddim, Self::Ddpm];

    /// The name in manifests and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::DpmSolver2m => "dpm-solver-2m",
            Self::Ddim => "ddim",
            Self::Ddpm => "ddpm",
        }
    }
}

impl fmt::Display for SamplerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name given is no sampler's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no sampler {0:?}; choose dpm-solver-2m, ddim or ddpm")]
pub struct UnknownSampler(String);

impl FromStr for SamplerKind {
    type Err = UnknownSampler;

    fn from_str(name: &str) -> std::result::Result<Self, UnknownSampler> {
        let wanted = name.trim().to_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|kind| kind.name() == wanted).ok_or_else(|| UnknownSampler(name.into()))
    }
}

/// A walk from noise to clean latents in a fixed number of steps.
#[derive(Debug, Clone)]
pub struct Sampler {
    kind: SamplerKind,
    /// Strictly descending.
    timesteps: Vec<usize>,
    /// One per timestep.
    rules: Vec<Rule>,
    /// The clean latents as the last step saw them; only where a rule looks back.
    previous: Option<Tensor>,
    /// The step that must come next, unless the walk begins anew.
    next: usize,
}

impl Sampler {
    /// Plans a walk of `steps` steps.
    ///
    /// # Errors
    ///
    /// `steps` is 0 or more than the schedule has timesteps.
    pub fn new(kind: SamplerKind, schedule: &Schedule, steps: usize) -> Result<Self> {
        Ok(Self::along(kind, schedule, Self::plan(kind, schedule, steps)?))
    }

    /// Plans the same walk cut short: the first step at or below timestep `end` goes straight to the clean latents that the
    /// model expects there, and is the last.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn until(end: usize, kind: SamplerKind, schedule: &Schedule, steps: usize) -> Result<Self> {
        let mut timesteps = Self::plan(kind, schedule, steps)?;
        let walked = timesteps.iter().position(|&t| t <= end).map_or(steps, |last| last + 1);
        timesteps.truncate(walked);
        Ok(Self::along(kind, schedule, timesteps))
    }

    fn plan(kind: SamplerKind, schedule: &Schedule, steps: usize) -> Result<Vec<usize>> {
        match kind {
            SamplerKind::DpmSolver2m => schedule.solver_timesteps(steps),
            SamplerKind::Ddim | SamplerKind::Ddpm => schedule.timesteps(steps),
        }
    }

    fn along(kind: SamplerKind, schedule: &Schedule, timesteps: Vec<usize>) -> Self {
        let rules = match kind {
            SamplerKind::DpmSolver2m => rule::dpm_solver_2m(schedule, &timesteps),
            SamplerKind::Ddim => rule::ddim(schedule, &timesteps),
            SamplerKind::Ddpm => rule::ddpm(schedule, &timesteps),
        };
        Self { kind, timesteps, rules, previous: None, next: 0 }
    }

    /// What it was made as.
    pub fn kind(&self) -> SamplerKind {
        self.kind
    }

    /// Where the model is to be evaluated, one timestep per step, strictly descending.
    pub fn timesteps(&self) -> &[usize] {
        &self.timesteps
    }

    /// Whether [`step`](Self::step) wants noise (at every step but the last).
    pub fn needs_noise(&self) -> bool {
        self.kind == SamplerKind::Ddpm
    }

    /// Step `i`: from `x` at timestep `i` and the model's output there to `x` at timestep `i + 1`, or to clean latents.
    ///
    /// All tensors have one shape; `noise` is standard normal. Steps come in order; step 0 begins anew.
    ///
    /// # Errors
    ///
    /// A step out of order, or no noise where some is needed.
    pub fn step(&mut self, i: usize, model_output: &Tensor, x: &Tensor, noise: Option<&Tensor>) -> Result<Tensor> {
        let output = self.output(i, model_output, x)?;
        let rule = self.rules[i];
        let ys = combine([rule.sample, rule.output], x, &output)?;
        self.go_on(i, ys, noise, || combine(rule.data, x, &output))
    }

    /// As [`step`](Self::step), with the clean latents that the model expects passed through `edit` on the way: the step goes
    /// where it would have gone had the model expected what `edit` returns, of the same shape. What `edit` leaves as it is goes
    /// exactly where it would have gone without; what it sets no longer depends on the model, and is kept exactly by a last
    /// step, unless the schedule ends DDIM short of clean latents ([`Schedule::clean`]).
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step), and those of `edit`.
    ///
    /// Source: "Fine-Grained Guidance" for symbolic music, ICML 2025, arXiv 2410.08435, which edits the noise to the same end.
    pub fn step_edited(
        &mut self,
        i: usize,
        model_output: &Tensor,
        x: &Tensor,
        noise: Option<&Tensor>,
        edit: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let output = self.output(i, model_output, x)?;
        let rule = self.rules[i];
        let expected = combine(rule.data, x, &output)?;
        let edited = edit(&expected)?;
        // From x0 to the output and on, rounding would be magnified where there is hardly any noise, or hardly any signal.
        let [untouched, set] = [combine([rule.sample, rule.output], x, &output)?, combine(rule.clean, x, &edited)?];
        let ys = edited.eq(&expected)?.where_cond(&untouched, &set)?;
        self.go_on(i, ys, noise, || Ok(edited))
    }

    /// The model's output for step `i` as `x` is stored.
    fn output(&self, i: usize, model_output: &Tensor, x: &Tensor) -> Result<Tensor> {
        if i != 0 && i != self.next || i >= self.rules.len() {
            bail!("step {i} of {} where step {} was due", self.rules.len(), self.next)
        }
        model_output.to_dtype(x.dtype())
    }

    /// Step `i` from what `x` and the model say of it; `x0` is for the step after it.
    fn go_on(
        &mut self,
        i: usize,
        mut ys: Tensor,
        noise: Option<&Tensor>,
        x0: impl FnOnce() -> Result<Tensor>,
    ) -> Result<Tensor> {
        let rule = self.rules[i];
        if let Some(previous) = self.previous.as_ref().filter(|_| rule.previous != 0.0) {
            ys = (ys + (previous * rule.previous)?)?;
        }
        if rule.noise != 0.0 {
            let Some(noise) = noise else { bail!("{} needs noise at step {i}", self.kind) };
            ys = (ys + (noise * rule.noise)?)?;
        }
        if self.kind == SamplerKind::DpmSolver2m {
            self.previous = Some(x0()?);
        }
        self.next = i + 1;
        Ok(ys)
    }
}

/// `coefficients[0] * x + coefficients[1] * output`.
fn combine(coefficients: [f64; 2], x: &Tensor, output: &Tensor) -> Result<Tensor> {
    (x * coefficients[0])? + (output * coefficients[1])?
}
