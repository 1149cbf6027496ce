//! The diffusion time, as a vector.

use super::UnetConfig;
use crate::ops::{Linear, linear, silu};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Longest period of the sinusoids, in steps of the training schedule.
const MAX_PERIOD: f64 = 10_000.;

/// Sinusoids of the timestep, two linear layers, and the class vector added.
#[derive(Debug, Clone)]
pub(super) struct TimeEmbedding {
    width: usize,
    flip_sin_to_cos: bool,
    freq_shift: f64,
    linear_1: Linear,
    linear_2: Linear,
    class_embedding: Option<Linear>,
}

impl TimeEmbedding {
    /// Reads `time_embedding.*` and, where the configuration has a class vector, `class_embedding.*`.
    pub fn new(config: &UnetConfig, vb: &VarBuilder) -> Result<Self> {
        let (width, out) = (config.block_out_channels[0], config.time_width());
        let class_embedding = match config.projection_class_embeddings_input_dim {
            Some(inputs) => Some(linear(inputs, out, vb.pp("class_embedding"))?),
            None => None,
        };
        let vb = vb.pp("time_embedding");
        Ok(Self {
            width,
            flip_sin_to_cos: config.flip_sin_to_cos,
            freq_shift: config.freq_shift,
            linear_1: linear(width, out, vb.pp("linear_1"))?,
            linear_2: linear(out, out, vb.pp("linear_2"))?,
            class_embedding,
        })
    }

    /// `class (b, p)` → `(b, d)`, or `(1, d)` without a class; already through the activation that every residual
    /// block applies first.
    pub fn forward(&self, timestep: f64, class: Option<&Tensor>) -> Result<Tensor> {
        let mut waves = sinusoids(timestep, self.width, self.freq_shift);
        if !self.flip_sin_to_cos {
            waves.rotate_left(self.width / 2);
        }
        let waves = Tensor::from_vec(waves, (1, self.width), self.linear_1.device())?;
        let time = self.linear_1.forward(&waves.to_dtype(self.linear_1.dtype())?)?;
        let time = self.linear_2.forward(&silu(&time)?)?;
        let time = match (&self.class_embedding, class) {
            (Some(embedding), Some(class)) => embedding.forward(class)?.broadcast_add(&time)?,
            (None, None) => time,
            (Some(_), None) => bail!("this UNet wants a class vector and got none"),
            (None, Some(_)) => bail!("this UNet takes no class vector and got one"),
        };
        silu(&time)
    }
}

/// Cosines, then as many sines of a timestep, `width` in all.
///
/// In f64, because phases reach 1000 radians.
pub(super) fn sinusoids(timestep: f64, width: usize, freq_shift: f64) -> Vec<f32> {
    let half = width / 2;
    let exponent = -MAX_PERIOD.ln() / (half as f64 - freq_shift);
    let phases: Vec<f64> = (0..half).map(|i| timestep * (exponent * i as f64).exp()).collect();
    let sines = phases.iter().map(|phase| phase.sin() as f32);
    phases.iter().map(|phase| phase.cos() as f32).chain(sines).collect()
}
