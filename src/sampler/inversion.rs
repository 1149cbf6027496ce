//! From clean latents back to the noise they would have come from.

use super::{Schedule, combine, rule};
use candle_core::{Result, Tensor, bail};

/// DDIM backwards: the exact inverse of DDIM's rule on the same timesteps.
///
/// The walk begins with clean latents, at [`Schedule::clean`], and visits the timesteps in ascending order, so `n`
/// timesteps take `n` steps. Step `i` evaluates the model where it stands: at timestep 0 for the clean latents, then
/// at each timestep but the highest, where the walk ends. What stands at a timestep (features, say) comes from the
/// evaluation there; the highest needs one more evaluation, after the last step.
///
/// A model gives slightly different answers at the two ends of a step, so that going back and forth returns the
/// latents with an error; it shrinks with the number of steps.
///
/// Source: diffusers' `DDIMInverseScheduler` is alike, but evaluates the model at the timestep that it goes to.
#[derive(Debug, Clone)]
pub struct DdimInverse {
    /// Where the model is evaluated; ascending.
    timesteps: Vec<usize>,
    /// Factors of `x` and of the model's output.
    rules: Vec<[f64; 2]>,
}

impl DdimInverse {
    /// The inverse of the walk along `timesteps`, as a [`Sampler`](super::Sampler) has them: strictly descending.
    ///
    /// # Errors
    ///
    /// The timesteps do not descend, or are not the schedule's.
    pub fn new(schedule: &Schedule, timesteps: &[usize]) -> Result<Self> {
        let descends = timesteps.windows(2).all(|pair| pair[0] > pair[1]);
        if !descends || timesteps.iter().any(|t| *t >= schedule.alphas_cumprod().len()) {
            bail!("timesteps to invert should descend within the schedule: {timesteps:?}")
        }
        let mut at = schedule.clean();
        let rules = timesteps.iter().rev().map(|t| {
            let to = schedule.level(*t);
            rule::ddim_step(schedule.prediction(), std::mem::replace(&mut at, to), to)
        });
        let rules = rules.collect();
        let visited = timesteps.iter().skip(1).rev().copied();
        let timesteps = if timesteps.is_empty() { vec![] } else { [0].into_iter().chain(visited).collect() };
        Ok(Self { timesteps, rules })
    }

    /// Where the model is to be evaluated, one timestep per step: 0, then ascending to the last but one.
    pub fn timesteps(&self) -> &[usize] {
        &self.timesteps
    }

    /// Step `i`: from `x` and the model's output at `timesteps()[i]` to `x` at the next higher timestep of the walk.
    ///
    /// # Errors
    ///
    /// `i` is not below the number of steps; the device's own.
    pub fn step(&self, i: usize, model_output: &Tensor, x: &Tensor) -> Result<Tensor> {
        let Some(rule) = self.rules.get(i) else { bail!("step {i} of {}", self.rules.len()) };
        combine(*rule, x, &model_output.to_dtype(x.dtype())?)
    }
}
