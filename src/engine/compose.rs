//! The denoising loop of the music.

use candle_core::Tensor;

use super::arranging::Arranger;
use super::morph::Scene;
use super::orchestrate::shown;
use super::painter::Painter;
use super::{Constraints, Engine, Plan};
use crate::denoiser::DenoiserConfig;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::sampler::{Sampler, noise};

/// What is not left to the model.
#[derive(Clone, Copy, Default)]
pub(super) struct Bounds<'a> {
    /// What of the latents is known beforehand.
    pub known: Option<&'a Constraints>,
    /// What is asked of the notes.
    pub arranger: Option<&'a Arranger>,
}

impl Bounds<'_> {
    fn is_some(&self) -> bool {
        self.known.is_some() || self.arranger.is_some()
    }

    /// The clean latents that the model expects at a timestep, within these.
    fn edit(&self, clean: &Tensor, timestep: usize) -> candle_core::Result<Tensor> {
        let known = |latents: &Tensor| self.known.map_or_else(|| Ok(latents.clone()), |known| known.edit(latents));
        match self.arranger {
            // What is known is heard by what is arranged to it, and stays as it is.
            Some(arranger) => known(&arranger.edit(&known(clean)?, timestep)?),
            None => known(clean),
        }
    }
}

impl Engine {
    /// Noise to latents `(1, c, columns, rows)`; what of them is known beforehand is told the model and is so at the
    /// end, as is what is asked of the notes.
    pub(super) fn compose(
        &self,
        plan: &Plan,
        mut sampler: Sampler,
        (scenes, bounds): (&[Scene], Bounds<'_>),
        seed: u64,
        progress: &dyn Progress,
    ) -> std::result::Result<Tensor, Error> {
        let latent = &self.manifest.music.latent;
        let shape = (1, latent.channels, plan.columns, latent.rows);
        let timesteps = sampler.timesteps().to_vec();
        // A UNet is not told what is known; what it expects is edited all the same.
        let told = bounds.known.filter(|_| matches!(self.manifest.music.denoiser, DenoiserConfig::Dit(_)));
        let known = told.map(Constraints::known_input).transpose().in_stage(Stage::Music)?;
        let mut painter = Painter::new(self, self.music()?, plan, scenes, known.as_ref()).in_stage(Stage::Music)?;
        let mut xs = noise(seed, 0, shape, &self.device).in_stage(Stage::Music)?;
        progress.step(Stage::Music, 0, timesteps.len());
        for (i, &t) in timesteps.iter().enumerate() {
            xs = shown(told, xs, self.schedule.level(t).alpha).in_stage(Stage::Music)?;
            let output = painter.predict(&xs, t, i, progress)?;
            let fresh = if sampler.needs_noise() {
                Some(noise(seed, i as u64 + 1, shape, &self.device).in_stage(Stage::Music)?)
            } else {
                None
            };
            let step = if bounds.is_some() {
                sampler.step_edited(i, &output, &xs, fresh.as_ref(), |clean| bounds.edit(clean, t))
            } else {
                sampler.step(i, &output, &xs, fresh.as_ref())
            };
            xs = step.in_stage(Stage::Music)?;
            progress.step(Stage::Music, i + 1, timesteps.len());
        }
        Ok(xs)
    }
}
