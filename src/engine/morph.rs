//! A clip whose end leans towards another picture and other words.
//!
//! The model is asked with the conditions of several *scenes*: the clip's own, the other cue's, and one between, whose
//! features are interpolated. What it says of each is mixed column by column, so that the clip's earlier bars are told
//! nothing of what comes, whatever the length of the model's window.

use candle_core::{Result, Tensor};

use super::conditions::Conditions;
use super::plan::Plan;
use crate::denoiser::Context;
use crate::request::Request;
use crate::synapse::{Blend, KeyValue};

/// Shares of the other cue's conditions that the model is asked with; what lies between is mixed of two neighbours.
const SHARES: [f64; 3] = [0.0, 0.5, 1.0];

/// What a clip leans towards.
#[derive(Debug, Clone)]
pub(crate) struct Morph {
    /// Last bars of the clip that do.
    pub bars: u32,
    /// The next cue's. Its words, picture and influence count.
    pub next: Request,
}

/// Conditions, and where on the canvas they hold.
pub(super) struct Scene {
    pub guided: Conditions,
    pub unguided: Conditions,
    /// Share in every column of the canvas; of all scenes they sum to one. `None` is the only scene there is.
    pub weights: Option<Vec<f32>>,
}

impl Scene {
    /// The scene of a clip that stays what it is.
    pub fn only(conditions: Conditions) -> Result<Vec<Self>> {
        Ok(vec![Self { unguided: conditions.unguided()?, guided: conditions, weights: None }])
    }

    /// Scenes from `own` to `next` over the last `bars` bars of a piece.
    pub fn between(own: &Conditions, next: &Conditions, plan: &Plan, bars: u32) -> Result<Vec<Self>> {
        let lean: Vec<f64> = (0..plan.columns).map(|column| plan.lean(column, bars)).collect();
        let scene = |(i, &share): (usize, &f64)| {
            let guided = own.towards(next, share)?;
            let weights = lean.iter().map(|lean| hat(i, *lean)).collect();
            Ok(Self { unguided: guided.unguided()?, guided, weights: Some(weights) })
        };
        SHARES.iter().enumerate().map(scene).collect()
    }
}

/// Weight of `SHARES[i]` where the conditions shall have `share` of the other cue's.
fn hat(i: usize, share: f64) -> f32 {
    let step = SHARES[1] - SHARES[0];
    (1.0 - (share - SHARES[i]).abs() / step).max(0.0) as f32
}

impl Conditions {
    /// Everything that is told, with `share` (0..=1) of `next`'s; both have as many tokens.
    fn towards(&self, next: &Self, share: f64) -> Result<Self> {
        let context = Context {
            tokens: mixed(&self.context.tokens, &next.context.tokens, share)?,
            bias: self.context.bias.clone(),
            class: match (&self.context.class, &next.context.class) {
                (Some(own), Some(next)) => Some(mixed(own, next, share)?),
                (own, _) => own.clone(),
            },
        };
        let blends = self.blends_towards(next, share)?;
        let influence = (1.0 - share) * self.influence + share * next.influence;
        Ok(Self { context, blends, influence, guidance: self.guidance.towards(next.guidance, share) })
    }

    /// Pictures count by their influence: the mean of two blended texts is a text into which the mean is blended.
    fn blends_towards(&self, next: &Self, share: f64) -> Result<Vec<Vec<Blend>>> {
        let (own, other) = ((1.0 - share) * self.influence, share * next.influence);
        let faded = |blends: &[Vec<Blend>], by: f64| -> Result<Vec<Vec<Blend>>> {
            let blend = |blend: &Blend| Ok(Blend { image: blend.image.clone(), alpha: (&blend.alpha * by)? });
            blends.iter().map(|step| step.iter().map(blend).collect()).collect()
        };
        if self.blends.is_empty() || own == 0.0 {
            return faded(&next.blends, share);
        }
        if next.blends.is_empty() || other == 0.0 {
            return faded(&self.blends, 1.0 - share);
        }
        let weight = other / (own + other);
        let blend = |(a, b): (&Blend, &Blend)| {
            let image = KeyValue {
                keys: mixed(&a.image.keys, &b.image.keys, weight)?,
                values: mixed(&a.image.values, &b.image.values, weight)?,
                grid: a.image.grid,
            };
            Ok(Blend { image, alpha: mixed(&a.alpha, &b.alpha, share)? })
        };
        let step = |(a, b): (&Vec<Blend>, &Vec<Blend>)| a.iter().zip(b).map(blend).collect();
        self.blends.iter().zip(&next.blends).map(step).collect()
    }
}

/// Two products: exact at both ends.
fn mixed(a: &Tensor, b: &Tensor, share: f64) -> Result<Tensor> {
    (a * (1.0 - share))? + (b * share)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_all_scenes_sum_to_one_and_give_the_share() {
        for share in [0.0, 0.1, 0.5, 0.7, 1.0] {
            let weights: Vec<f64> = (0..SHARES.len()).map(|i| f64::from(hat(i, share))).collect();
            let given: f64 = weights.iter().zip(SHARES).map(|(weight, share)| weight * share).sum();
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-6 && (given - share).abs() < 1e-6, "{share}");
        }
    }
}
