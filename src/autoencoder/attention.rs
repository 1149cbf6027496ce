//! Self-attention over all pixels of the coarsest level.

use super::AutoencoderConfig;
use crate::ops::{self, GroupNorm, Linear};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// One head as wide as the level, with a residual.
///
/// Source: diffusers 0.42.1, `models/attention_processor.py`, class `Attention` as `UNetMidBlock2D` builds it.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

/// Names of the four layers, and those that files from before diffusers 0.15 have (Stable Diffusion's among them).
const NAMES: [&str; 4] = ["to_q", "to_k", "to_v", "to_out.0"];
const OLD_NAMES: [&str; 4] = ["query", "key", "value", "proj_attn"];

impl Attention {
    pub(super) fn new(config: &AutoencoderConfig, channels: usize, vb: VarBuilder) -> Result<Self> {
        let [q, k, v, out] = if vb.contains_tensor("query.weight") { OLD_NAMES } else { NAMES };
        let layer = |name: &str| ops::linear(channels, channels, vb.pp(name));
        Ok(Self {
            group_norm: config.norm(channels, vb.pp("group_norm"))?,
            to_q: layer(q)?,
            to_k: layer(k)?,
            to_v: layer(v)?,
            to_out: layer(out)?,
        })
    }

    /// Same shape `(b, c, h, w)` out as in.
    pub(super) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = xs.dims4()?;
        let tokens = ops::tokens(&self.group_norm.forward(xs)?)?; // (b, h*w, c)
        let [q, k, v] = ops::together([&self.to_q, &self.to_k, &self.to_v], &tokens)?;
        let mixed = ops::attention(&q, &k, &v, 1, None)?;
        ops::from_tokens(&self.to_out.forward_add(&mixed, &ops::tokens(xs)?)?, (h, w))
    }
}
