//! The denoising loop of the music.

use candle_core::Tensor;

use super::morph::Scene;
use super::painter::Painter;
use super::{Engine, Plan};
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::sampler::{Sampler, noise};

impl Engine {
    /// Noise to latents `(1, c, columns, rows)`.
    pub(super) fn compose(
        &self,
        plan: &Plan,
        mut sampler: Sampler,
        scenes: &[Scene],
        seed: u64,
        progress: &dyn Progress,
    ) -> std::result::Result<Tensor, Error> {
        let latent = &self.manifest.music.latent;
        let shape = (1, latent.channels, plan.columns, latent.rows);
        let timesteps = sampler.timesteps().to_vec();
        let mut painter = Painter::new(self, self.music()?, plan, scenes, None).in_stage(Stage::Music)?;
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
