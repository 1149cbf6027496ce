//! Transformer over the positions of a level.

use super::UnetConfig;
use crate::ops::{
    GatedLinear, GroupNorm, LayerNorm, Linear, attention, from_tokens, linear, linear_no_bias, together, tokens,
};
use crate::synapse::{KeyValue, Taps};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// Epsilon of the group normalisation before a transformer, whatever the residual blocks use.
const GROUP_NORM_EPS: f64 = 1e-6;
/// Epsilon of the layer normalisations inside.
const LAYER_NORM_EPS: f64 = 1e-5;

/// Self-attention, cross-attention to the prompt and a feed-forward layer, around a residual.
///
/// Source: diffusers 0.42.1, `models/transformers/transformer_2d.py`.
#[derive(Debug, Clone)]
pub(super) struct Transformer {
    norm: GroupNorm,
    proj_in: Linear,
    block: Block,
    proj_out: Linear,
    /// Position among the decoder's transformers, where taps are; none elsewhere.
    layer: Option<usize>,
}

impl Transformer {
    pub fn new(
        channels: usize,
        heads: usize,
        layer: Option<usize>,
        config: &UnetConfig,
        vb: VarBuilder,
    ) -> Result<Self> {
        let project = |name: &str| pointwise(channels, config.use_linear_projection, vb.pp(name));
        Ok(Self {
            norm: GroupNorm::new(config.norm_num_groups, channels, GROUP_NORM_EPS, vb.pp("norm"))?,
            proj_in: project("proj_in")?,
            block: Block::new(channels, heads, config.cross_attention_dim, vb.pp("transformer_blocks.0"))?,
            proj_out: project("proj_out")?,
            layer,
        })
    }

    /// What the cross-attention makes of `tokens (b, l, d)`, keys and values.
    pub fn keys_values(&self, tokens: &Tensor) -> Result<KeyValue> {
        let attn2 = &self.block.attn2;
        let [keys, values] = together([&attn2.to_k, &attn2.to_v], tokens)?;
        Ok(KeyValue { keys, values, grid: (1, tokens.dim(1)?) })
    }

    /// `xs (b, c, t, f)` → the same shape; `text` as [`Self::keys_values`] made it, `bias (b, l)` on the scores of its tokens.
    pub fn forward(&self, xs: &Tensor, text: &KeyValue, bias: Option<&Tensor>, taps: &mut Taps) -> Result<Tensor> {
        let (_, _, t, f) = xs.dims4()?;
        let projected = self.proj_in.forward(&tokens(&self.norm.forward(xs)?)?)?; // (b, t * f, c)
        let mixed = match self.layer {
            Some(layer) => self.block.forward(&projected, (t, f), layer, (text, bias), taps)?,
            None => self.block.forward(&projected, (t, f), 0, (text, bias), &mut Taps::None)?,
        };
        from_tokens(&self.proj_out.forward_add(&mixed, &tokens(xs)?)?, (t, f))
    }
}

/// A linear layer over channels; checkpoints store it as such or as a 1x1 convolution.
fn pointwise(channels: usize, is_linear: bool, vb: VarBuilder) -> Result<Linear> {
    if is_linear {
        return linear(channels, channels, vb);
    }
    let weight = vb.get((channels, channels, 1, 1), "weight")?.reshape((channels, channels))?;
    Linear::new(weight, Some(vb.get(channels, "bias")?))
}

/// Source: diffusers 0.42.1, `models/attention.py`, `BasicTransformerBlock`.
#[derive(Debug, Clone)]
struct Block {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff: FeedForward,
}

impl Block {
    fn new(channels: usize, heads: usize, context: usize, vb: VarBuilder) -> Result<Self> {
        let norm = |name: &str| LayerNorm::new(channels, LAYER_NORM_EPS, vb.pp(name));
        Ok(Self {
            norm1: norm("norm1")?,
            attn1: Attention::new(channels, channels, heads, vb.pp("attn1"))?,
            norm2: norm("norm2")?,
            attn2: Attention::new(channels, context, heads, vb.pp("attn2"))?,
            norm3: norm("norm3")?,
            ff: FeedForward::new(channels, vb.pp("ff"))?,
        })
    }

    /// `xs (b, n, c)` → the same shape; its positions lie on `grid`, row by row.
    fn forward(
        &self,
        xs: &Tensor,
        grid: (usize, usize),
        layer: usize,
        (text, bias): (&KeyValue, Option<&Tensor>),
        taps: &mut Taps,
    ) -> Result<Tensor> {
        let normed = self.norm1.forward(xs)?;
        let attn1 = &self.attn1;
        let [queries, keys, values] = together([&attn1.to_q, &attn1.to_k, &attn1.to_v], &normed)?;
        let xs = attn1.forward_add(&queries, &keys, &values, None, xs)?;
        let (mut text_keys, mut text_values) = (text.keys.clone(), text.values.clone());
        match taps {
            Taps::None | Taps::CaptureOutputs(_) => {}
            Taps::Capture(captured) => captured.push(KeyValue { keys, values, grid }),
            Taps::Blend(blends) => {
                text_keys = blends[layer].keys(&text_keys)?;
                text_values = blends[layer].values(&text_values)?;
            }
        }
        let queries = self.attn2.to_q.forward(&self.norm2.forward(&xs)?)?;
        let xs = match taps {
            Taps::CaptureOutputs(captured) => {
                let output = self.attn2.forward(&queries, &text_keys, &text_values, bias)?;
                captured.push(output.clone());
                (output + xs)?
            }
            _ => self.attn2.forward_add(&queries, &text_keys, &text_values, bias, &xs)?,
        };
        self.ff.forward_add(&self.norm3.forward(&xs)?, &xs)
    }
}

/// Projections of multi-head attention.
#[derive(Debug, Clone)]
struct Attention {
    heads: usize,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl Attention {
    fn new(channels: usize, context: usize, heads: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            heads,
            to_q: linear_no_bias(channels, channels, vb.pp("to_q"))?,
            to_k: linear_no_bias(context, channels, vb.pp("to_k"))?,
            to_v: linear_no_bias(context, channels, vb.pp("to_v"))?,
            to_out: linear(channels, channels, vb.pp("to_out.0"))?,
        })
    }

    /// `queries (b, n, c)` ask, `keys` and `values (b, m, c)` answer, `bias (b, m)` hides.
    fn forward(&self, queries: &Tensor, keys: &Tensor, values: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        self.to_out.forward(&attention(queries, keys, values, self.heads, bias)?)
    }

    /// The same plus `residual (b, n, c)`.
    fn forward_add(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        bias: Option<&Tensor>,
        residual: &Tensor,
    ) -> Result<Tensor> {
        self.to_out.forward_add(&attention(queries, keys, values, self.heads, bias)?, residual)
    }
}

/// Gated feed-forward layer, four times as wide inside.
#[derive(Debug, Clone)]
struct FeedForward {
    proj: GatedLinear,
    out: Linear,
}

impl FeedForward {
    fn new(channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            proj: GatedLinear::new(channels, 4 * channels, vb.pp("net.0.proj"))?,
            out: linear(4 * channels, channels, vb.pp("net.2"))?,
        })
    }

    fn forward_add(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        self.out.forward_add(&self.proj.forward(xs)?, residual)
    }
}
