//! Step rules. Every sampler's step is a weighted sum; the weights are worked out once, in f64.

use super::{Level, Prediction, Schedule};

/// `sample * x + output * model_output + previous * previous_x0 + noise * noise` is the next `x`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rule {
    pub sample: f64,
    pub output: f64,
    pub previous: f64,
    pub noise: f64,
    /// Factors of `x` and of the model's output in `x0`.
    pub data: [f64; 2],
    /// Factors of `x` and of `x0` that make the same as `sample` and `output` do: nothing is divided by `alpha`, and where the
    /// walk ends in no noise they are 0 and 1.
    pub clean: [f64; 2],
}

impl Rule {
    /// `sample * x + clean * x0`.
    fn from_clean(sample: f64, clean: f64, data: [f64; 2]) -> Self {
        let (of_sample, of_output) = (sample + clean * data[0], clean * data[1]);
        Self { sample: of_sample, output: of_output, data, clean: [sample, clean], ..Self::default() }
    }
}

/// Deterministic DDIM.
///
/// Each step goes to the next timestep of the walk and the last one to [`Schedule::clean`]. diffusers' always goes
/// `T / n` further, rounded down, which is the same for `leading`, and for `trailing` where `n` divides `T`.
pub(super) fn ddim(schedule: &Schedule, timesteps: &[usize]) -> Vec<Rule> {
    let end = schedule.clean();
    pairs(timesteps)
        .map(|(now, next)| {
            let (at, to) = (schedule.level(now), next.map_or(end, |t| schedule.level(t)));
            let [sample, output] = ddim_step(schedule.prediction(), at, to);
            let clean = [to.sigma / at.sigma, to.alpha - to.sigma * at.alpha / at.sigma];
            Rule { sample, output, data: schedule.prediction().data(at), clean, ..Rule::default() }
        })
        .collect()
}

/// Factors of `x` and of the model's output in `x` at level `to`, in either direction of time.
pub(super) fn ddim_step(prediction: Prediction, at: Level, to: Level) -> [f64; 2] {
    let (data, noise) = (prediction.data(at), prediction.noise(at));
    [0, 1].map(|i| to.alpha * data[i] + to.sigma * noise[i])
}

/// DPM-Solver++(2M), midpoint; first order at the first step and at the last, which goes to no noise at all.
///
/// Where the schedule ends in nothing but noise, `alpha` is 2⁻¹² there instead, to have a logarithm.
///
/// Source: diffusers 0.42.1, `scheduling_dpmsolver_multistep.py` with `algorithm_type = "dpmsolver++"`,
/// `solver_order = 2`, `final_sigmas_type = "zero"`. Rearranged so that no infinity occurs.
pub(super) fn dpm_solver_2m(schedule: &Schedule, timesteps: &[usize]) -> Vec<Rule> {
    let level = |t: usize| Level::from_alpha_squared(at_least_some(schedule.alphas_cumprod()[t]));
    let mut before = None;
    pairs(timesteps)
        .map(|(now, next)| {
            let (at, to) = (level(now), next.map_or(Level::CLEAN, level));
            let clean = to.alpha - to.sigma * at.alpha / at.sigma;
            let slope = match before.replace(at) {
                Some(before) if next.is_some() => 0.5 * (to.lambda() - at.lambda()) / (at.lambda() - before.lambda()),
                _ => 0.0,
            };
            let data = schedule.prediction().data(at);
            let rule = Rule::from_clean(to.sigma / at.sigma, clean * (1.0 + slope), data);
            Rule { previous: -clean * slope, ..rule }
        })
        .collect()
}

fn at_least_some(alpha_squared: f64) -> f64 {
    if alpha_squared == 0.0 { 2f64.powi(-24) } else { alpha_squared }
}

/// Ancestral DDPM with the smaller of the two fixed variances; the last step adds no noise and ends at `alpha = 1`.
///
/// Source: diffusers 0.42.1, `scheduling_ddpm.py` with `variance_type = "fixed_small"`; equation 7 of arXiv 2006.11239.
pub(super) fn ddpm(schedule: &Schedule, timesteps: &[usize]) -> Vec<Rule> {
    let alphas = schedule.alphas_cumprod();
    pairs(timesteps)
        .map(|(now, next)| {
            let (at, to) = (alphas[now], next.map_or(1.0, |t| alphas[t]));
            let alpha = at / to;
            let clean = to.sqrt() * (1.0 - alpha) / (1.0 - at);
            let sample = alpha.sqrt() * (1.0 - to) / (1.0 - at);
            let noise = ((1.0 - to) / (1.0 - at) * (1.0 - alpha)).sqrt();
            let data = schedule.prediction().data(Level::from_alpha_squared(at));
            Rule { noise, ..Rule::from_clean(sample, clean, data) }
        })
        .collect()
}

/// Every timestep with the one after it.
fn pairs(timesteps: &[usize]) -> impl Iterator<Item = (usize, Option<usize>)> {
    timesteps.iter().copied().zip(timesteps[1..].iter().copied().map(Some).chain([None]))
}
