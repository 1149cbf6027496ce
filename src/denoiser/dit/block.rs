//! One block: self-attention among columns, cross-attention to the words, MLP.

use super::DitConfig;
use super::config::HEAD;
use crate::ops::{
    Linear, add_gated, attention, attention_by_distance, linear, linear_no_bias, modulated_layer_norm, together,
};
use crate::synapse::{Blend, KeyValue};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Epsilon of every normalisation.
pub(super) const EPS: f64 = 1e-6;
/// Shift, scale and gate of the self-attention, then of the MLP.
pub(super) const MODULATIONS: usize = 6;

/// A block; its first and last part are modulated by what the denoiser is told of time and class.
#[derive(Debug, Clone)]
pub(super) struct Block {
    attn1: SelfAttention,
    attn2: CrossAttention,
    mlp: [Linear; 2],
    /// `(6, c)`, f32.
    scale_shift_table: Tensor,
    /// Of the normalisation before the cross-attention: zeros `(1, 2, c)`.
    unmodulated: Tensor,
}

impl Block {
    /// `inner`: width of the cross-attention.
    pub fn new(config: &DitConfig, inner: usize, vb: VarBuilder) -> Result<Self> {
        let (width, hidden, mlp) = (config.width, config.hidden, vb.pp("mlp"));
        Ok(Self {
            attn1: SelfAttention::new(config, vb.pp("attn1"))?,
            attn2: CrossAttention::new(config, inner, vb.pp("attn2"))?,
            mlp: [linear(width, hidden, mlp.pp(0))?, linear(hidden, width, mlp.pp(2))?],
            scale_shift_table: vb.get((MODULATIONS, width), "scale_shift_table")?.to_dtype(DType::F32)?,
            unmodulated: Tensor::zeros((1, 2, width), DType::F32, vb.device())?,
        })
    }

    /// What the cross-attention makes of `tokens (b, l, d)`, keys and values.
    pub fn keys_values(&self, tokens: &Tensor) -> Result<KeyValue> {
        let [keys, values] = together([&self.attn2.to_k, &self.attn2.to_v], tokens)?;
        Ok(KeyValue { keys, values, grid: (1, tokens.dim(1)?) })
    }

    /// `xs (b, t, c)` → the same shape; `modulation (b, 6, c)` in f32, `text` as [`Self::keys_values`] made it, `bias (b, l)`
    /// on the scores of its tokens.
    pub fn forward(
        &self,
        xs: &Tensor,
        modulation: &Tensor,
        (text, bias): (&KeyValue, Option<&Tensor>),
        blend: Option<&Blend>,
    ) -> Result<Tensor> {
        let modulation = modulation.broadcast_add(&self.scale_shift_table)?;
        let norm = |xs: &Tensor, first: usize| modulated_layer_norm(xs, EPS, &modulation.narrow(1, first, 2)?);
        let gate = |index: usize| modulation.narrow(1, index, 1)?.squeeze(1);
        let xs = add_gated(xs, &self.attn1.forward(&norm(xs, 0)?)?, &gate(2)?)?;
        let normed = modulated_layer_norm(&xs, EPS, &self.unmodulated)?;
        let xs = self.attn2.forward_add(&normed, (text, bias), blend, &xs)?;
        let hidden = self.mlp[0].forward_gelu(&norm(&xs, 3)?)?;
        add_gated(&xs, &self.mlp[1].forward(&hidden)?, &gate(5)?)
    }
}

/// Attention among columns, which know how far apart they are on the circle.
#[derive(Debug, Clone)]
struct SelfAttention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    /// Per window, the number of its columns `t` and what distances add to scores, `(heads, 2 t - 1)`.
    distance: Vec<(usize, Tensor)>,
}

impl SelfAttention {
    fn new(config: &DitConfig, vb: VarBuilder) -> Result<Self> {
        let width = config.width;
        let to_qkv = vb.pp("to_qkv");
        let (weight, bias) = (to_qkv.get((3 * width, width), "weight")?, to_qkv.get(3 * width, "bias")?);
        let third = |i: usize| -> Result<Linear> {
            let part = |xs: &Tensor| xs.narrow(0, i * width, width)?.contiguous();
            Linear::new(part(&weight)?, Some(part(&bias)?))
        };
        let distance = |&t: &usize| -> Result<(usize, Tensor)> {
            let learnt = vb.pp("distance").get((width / HEAD, t), &t.to_string())?;
            // Around the circle once: column `j` seen from `i` is `i - j` behind it, at `j - i + t - 1`.
            let around: Vec<u32> = (0..2 * t - 1).map(|at| ((2 * t - 1 - at) % t) as u32).collect();
            Ok((t, learnt.index_select(&Tensor::new(around, vb.device())?, 1)?))
        };
        Ok(Self {
            to_q: third(0)?,
            to_k: third(1)?,
            to_v: third(2)?,
            to_out: linear(width, width, vb.pp("to_out"))?,
            distance: config.windows.iter().map(distance).collect::<Result<_>>()?,
        })
    }

    /// `(b, t, c)` → `(b, t, c)`.
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (_, t, width) = xs.dims3()?;
        let Some((_, distance)) = self.distance.iter().find(|(window, _)| *window == t) else {
            let windows: Vec<usize> = self.distance.iter().map(|(window, _)| *window).collect();
            bail!("a DiT of windows of {windows:?} columns got {t}");
        };
        let [queries, keys, values] = together([&self.to_q, &self.to_k, &self.to_v], xs)?;
        let scale = (HEAD as f64).powf(-0.5);
        self.to_out.forward(&attention_by_distance(&queries, &keys, &values, width / HEAD, scale, distance)?)
    }
}

/// Attention of columns to words, as wide as the layers of the picture's model.
#[derive(Debug, Clone)]
struct CrossAttention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
}

impl CrossAttention {
    fn new(config: &DitConfig, inner: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            to_q: linear_no_bias(config.width, inner, vb.pp("to_q"))?,
            to_k: linear_no_bias(config.text_width, inner, vb.pp("to_k"))?,
            to_v: linear_no_bias(config.text_width, inner, vb.pp("to_v"))?,
            to_out: linear(inner, config.width, vb.pp("to_out"))?,
            heads: inner / HEAD,
        })
    }

    /// `xs (b, t, c)` ask; what comes of it is added to `residual (b, t, c)`.
    fn forward_add(
        &self,
        xs: &Tensor,
        (text, bias): (&KeyValue, Option<&Tensor>),
        blend: Option<&Blend>,
        residual: &Tensor,
    ) -> Result<Tensor> {
        let queries = self.to_q.forward(xs)?;
        let mixed = match blend {
            Some(blend) => {
                let (keys, values) = (blend.keys(&text.keys)?, blend.values(&text.values)?);
                attention(&queries, &keys, &values, self.heads, bias)?
            }
            None => attention(&queries, &text.keys, &text.values, self.heads, bias)?,
        };
        self.to_out.forward_add(&mixed, residual)
    }
}
