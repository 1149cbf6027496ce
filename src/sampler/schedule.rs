//! How much noise there is at which timestep, and which timesteps a walk visits.

use super::Prediction;
use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_2;

/// How the noise grows from one timestep to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// Evenly from `beta_start` to `beta_end`.
    Linear,
    /// Square roots evenly: latent diffusion, and so Stable Diffusion and Tango.
    ScaledLinear,
    /// Squared cosine; ignores `beta_start` and `beta_end`. Its last `alpha` is nearly zero.
    SquaredcosCapV2,
}

/// Which timesteps a walk of `n` steps visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    /// From the clean end in steps of `T / n`, rounded down; never reaches the last timestep.
    Leading,
    /// From the last timestep in steps of `T / n`: begins where there is only noise.
    Trailing,
    /// From the last timestep to the first, both included.
    Linspace,
}

/// A noise schedule; names, values and defaults as in diffusers' `scheduler_config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Timesteps the model was trained on, `T`.
    #[serde(default = "num_train_timesteps")]
    pub num_train_timesteps: usize,
    /// How the noise grows.
    pub beta_schedule: BetaSchedule,
    /// First beta, 0..1.
    #[serde(default = "beta_start")]
    pub beta_start: f64,
    /// Last beta, 0..1.
    #[serde(default = "beta_end")]
    pub beta_end: f64,
    /// Stretch the schedule so that nothing of the latents is left at the last timestep.
    #[serde(default)]
    pub rescale_betas_zero_snr: bool,
    /// What the model's output means.
    pub prediction_type: Prediction,
    /// Which timesteps a walk visits.
    pub timestep_spacing: TimestepSpacing,
    /// Added to every timestep where the spacing is `leading`; 0 or 1.
    #[serde(default)]
    pub steps_offset: usize,
    /// DDIM ends at `alpha = 1` instead of at the first timestep's.
    #[serde(default = "set_alpha_to_one")]
    pub set_alpha_to_one: bool,
}

fn num_train_timesteps() -> usize {
    1000
}

fn beta_start() -> f64 {
    0.0001
}

fn beta_end() -> f64 {
    0.02
}

fn set_alpha_to_one() -> bool {
    true
}

/// The two sides of `x = alpha * x0 + sigma * eps`; `alpha² + sigma² = 1`, both in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// How much of the latents.
    pub alpha: f64,
    /// How much of the noise.
    pub sigma: f64,
}

impl Level {
    /// No noise at all.
    pub const CLEAN: Self = Self { alpha: 1.0, sigma: 0.0 };

    /// From `alpha²`, which diffusers calls `alphas_cumprod`.
    pub fn from_alpha_squared(alpha_squared: f64) -> Self {
        Self { alpha: alpha_squared.sqrt(), sigma: (1.0 - alpha_squared).sqrt() }
    }

    /// Half the logarithm of the signal-to-noise ratio; infinite where there is no noise.
    pub(super) fn lambda(self) -> f64 {
        (self.alpha / self.sigma).ln()
    }
}

/// A noise schedule: a [`Level`] for every timestep.
#[derive(Debug, Clone)]
pub struct Schedule {
    config: ScheduleConfig,
    /// `alpha²` of every timestep: strictly descending, 0 only at the very end.
    alphas_cumprod: Vec<f64>,
}

impl Schedule {
    /// Works the levels out.
    ///
    /// # Errors
    ///
    /// Numbers out of range, or an epsilon-prediction of a schedule that ends in nothing but noise.
    pub fn new(config: &ScheduleConfig) -> Result<Self> {
        check(config)?;
        let mut alphas_cumprod = Vec::with_capacity(config.num_train_timesteps);
        let mut product = 1.0;
        for beta in betas(config) {
            product *= 1.0 - beta;
            alphas_cumprod.push(product);
        }
        if config.rescale_betas_zero_snr {
            rescale_to_zero_snr(&mut alphas_cumprod);
        }
        Ok(Self { config: config.clone(), alphas_cumprod })
    }

    /// What it was made from.
    pub fn config(&self) -> &ScheduleConfig {
        &self.config
    }

    /// What the model's output means.
    pub fn prediction(&self) -> Prediction {
        self.config.prediction_type
    }

    /// `alpha²` of every timestep.
    pub fn alphas_cumprod(&self) -> &[f64] {
        &self.alphas_cumprod
    }

    /// The level at `timestep`.
    ///
    /// # Panics
    ///
    /// `timestep` is not below `num_train_timesteps`.
    pub fn level(&self, timestep: usize) -> Level {
        Level::from_alpha_squared(self.alphas_cumprod[timestep])
    }

    /// Where DDIM ends and its inverse begins: no noise, or the first timestep's (`set_alpha_to_one = false`).
    pub fn clean(&self) -> Level {
        if self.config.set_alpha_to_one { Level::CLEAN } else { self.level(0) }
    }

    /// `steps` timesteps, strictly descending.
    ///
    /// # Errors
    ///
    /// `steps` is 0 or more than there are timesteps.
    ///
    /// Source: diffusers 0.42.1, `scheduling_ddim.py`, `set_timesteps`; `scheduling_ddpm.py` agrees.
    pub fn timesteps(&self, steps: usize) -> Result<Vec<usize>> {
        self.check_steps(steps, 0)?;
        let total = self.config.num_train_timesteps;
        let at = |i| match self.config.timestep_spacing {
            TimestepSpacing::Leading => i * (total / steps) + self.config.steps_offset,
            TimestepSpacing::Trailing => trailing(total, steps, i),
            TimestepSpacing::Linspace if steps == 1 => 0,
            TimestepSpacing::Linspace => linspace(total, steps - 1, i),
        };
        Ok((0..steps).rev().map(at).collect())
    }

    /// `steps` timesteps, strictly descending, as DPM-Solver wants them: it goes on to no noise at all, so that
    /// `leading` and `linspace` leave the cleanest timestep out.
    ///
    /// # Errors
    ///
    /// `steps` is 0 or more than there are timesteps to choose from.
    ///
    /// Source: diffusers 0.42.1, `scheduling_dpmsolver_multistep.py`, `set_timesteps`.
    pub fn solver_timesteps(&self, steps: usize) -> Result<Vec<usize>> {
        let total = self.config.num_train_timesteps;
        let left_out = match self.config.timestep_spacing {
            TimestepSpacing::Trailing => 0,
            TimestepSpacing::Leading | TimestepSpacing::Linspace => 1,
        };
        self.check_steps(steps, left_out)?;
        let at = |i| match self.config.timestep_spacing {
            TimestepSpacing::Leading => i * (total / (steps + 1)) + self.config.steps_offset,
            TimestepSpacing::Trailing => trailing(total, steps, i - 1),
            TimestepSpacing::Linspace => linspace(total, steps, i),
        };
        Ok((1..=steps).rev().map(at).collect())
    }

    fn check_steps(&self, steps: usize, left_out: usize) -> Result<()> {
        let offset = match self.config.timestep_spacing {
            TimestepSpacing::Leading => self.config.steps_offset,
            TimestepSpacing::Trailing | TimestepSpacing::Linspace => 0,
        };
        let most = self.config.num_train_timesteps.saturating_sub(offset + left_out);
        if steps == 0 || steps > most {
            bail!("{steps} sampling steps; this schedule has room for 1 to {most}")
        }
        Ok(())
    }
}

fn check(config: &ScheduleConfig) -> Result<()> {
    let valid = |beta: f64| beta > 0.0 && beta < 1.0;
    if !(2..=1_000_000).contains(&config.num_train_timesteps) {
        bail!("num_train_timesteps = {}; it should be 2 to 1000000", config.num_train_timesteps)
    }
    if !valid(config.beta_start) || !valid(config.beta_end) || config.beta_start > config.beta_end {
        bail!("beta_start and beta_end should rise between 0 and 1")
    }
    if config.steps_offset > 1 {
        bail!("steps_offset = {}; it should be 0 or 1", config.steps_offset)
    }
    if config.rescale_betas_zero_snr && config.prediction_type == Prediction::Epsilon {
        bail!("rescale_betas_zero_snr needs prediction_type v_prediction: noise alone says nothing of the latents")
    }
    Ok(())
}

fn betas(config: &ScheduleConfig) -> Vec<f64> {
    let total = config.num_train_timesteps;
    let between = |from: f64, to: f64, i: usize| from + (to - from) * i as f64 / (total - 1) as f64;
    let alpha_bar = |i: usize| {
        let time = i as f64 / total as f64;
        ((time + 0.008) / 1.008 * FRAC_PI_2).cos().powi(2)
    };
    let beta = |i| match config.beta_schedule {
        BetaSchedule::Linear => between(config.beta_start, config.beta_end, i),
        BetaSchedule::ScaledLinear => between(config.beta_start.sqrt(), config.beta_end.sqrt(), i).powi(2),
        BetaSchedule::SquaredcosCapV2 => (1.0 - alpha_bar(i + 1) / alpha_bar(i)).min(0.999),
    };
    (0..total).map(beta).collect()
}

/// Moves `alpha` so that the last is 0 and the first stays. Source: algorithm 1 of arXiv 2305.08891.
fn rescale_to_zero_snr(alphas_cumprod: &mut [f64]) {
    let (Some(first), Some(last)) = (alphas_cumprod.first(), alphas_cumprod.last()) else {
        return;
    };
    let (first, last) = (first.sqrt(), last.sqrt());
    for alpha_squared in alphas_cumprod {
        *alpha_squared = ((alpha_squared.sqrt() - last) * first / (first - last)).powi(2);
    }
}

/// The `i`-th of `steps` timesteps from the clean end, the last of which is `total - 1`.
fn trailing(total: usize, steps: usize, i: usize) -> usize {
    let from_the_end = (steps - 1 - i) as f64 * (total as f64 / steps as f64);
    (total as f64 - from_the_end).round_ties_even() as usize - 1
}

/// The `i`-th of `intervals + 1` even points from 0 to `total - 1`.
fn linspace(total: usize, intervals: usize, i: usize) -> usize {
    (i as f64 * ((total - 1) as f64 / intervals as f64)).round_ties_even() as usize
}
