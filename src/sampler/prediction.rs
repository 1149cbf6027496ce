//! What a model's output means.

use super::{Level, combine};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// What a model's output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prediction {
    /// The velocity, `v = alpha * eps - sigma * x0`.
    #[serde(rename = "v_prediction")]
    Velocity,
    /// The noise, `eps`.
    #[serde(rename = "epsilon")]
    Epsilon,
}

impl Prediction {
    /// The clean latents and the noise, `(x0, eps)`, that `model_output` takes `x` at level `at` to be made of.
    pub fn split(self, at: Level, model_output: &Tensor, x: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((combine(self.data(at), x, model_output)?, combine(self.noise(at), x, model_output)?))
    }

    /// Factors of `x` and of the model's output in `x0`.
    pub(super) fn data(self, at: Level) -> [f64; 2] {
        match self {
            Self::Velocity => [at.alpha, -at.sigma],
            Self::Epsilon => [1.0 / at.alpha, -at.sigma / at.alpha],
        }
    }

    /// Factors of `x` and of the model's output in `eps`.
    pub(super) fn noise(self, at: Level) -> [f64; 2] {
        match self {
            Self::Velocity => [at.sigma, at.alpha],
            Self::Epsilon => [0.0, 1.0],
        }
    }
}
