//! The encoder of T5: ids to token embeddings.
//!
//! Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", JMLR 2020,
//! as transformers 5.23.0 has it in `models/t5/modeling_t5.py`. Private fields and `vb.pp` carry the checkpoint's names.

use super::distance::RelativeAttentionBias;
use super::words::Piece;
use super::{FeedForward, T5Config};
use crate::ops::{Gate, GatedLinear, Linear, RmsNorm, attention_by_distance, leaky_relu, linear_no_bias, together};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// The network.
#[derive(Debug, Clone)]
pub(crate) struct T5Encoder {
    /// `(vocab_size, d_model)`.
    shared: Tensor,
    relative_attention_bias: RelativeAttentionBias,
    block: Vec<Block>,
    final_layer_norm: RmsNorm,
}

impl T5Encoder {
    /// Reads `shared` (or `encoder.embed_tokens`) and `encoder.*`.
    pub fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let embedding = if vb.contains_tensor("shared.weight") { "shared" } else { "encoder.embed_tokens" };
        let shared = vb.pp(embedding).get((config.vocab_size, config.d_model), "weight")?;
        let vb = vb.pp("encoder");
        // The first block's is all blocks'.
        let first = vb.pp("block.0.layer.0.SelfAttention.relative_attention_bias");
        Ok(Self {
            shared,
            relative_attention_bias: RelativeAttentionBias::new(config, first)?,
            block: (0..config.num_layers).map(|i| Block::new(config, vb.pp("block").pp(i))).collect::<Result<_>>()?,
            final_layer_norm: norm(config, vb.pp("final_layer_norm"))?,
        })
    }

    /// `l` pieces, padding among them, → `(1, l, d_model)`. Every one sees every other.
    pub(super) fn forward(&self, pieces: &[Piece]) -> Result<Tensor> {
        let rows: Vec<Tensor> = pieces.iter().map(|piece| self.embed(piece)).collect::<Result<_>>()?;
        let mut xs = Tensor::cat(&rows, 0)?.unsqueeze(0)?;
        let bias = self.relative_attention_bias.forward(pieces.len())?;
        for block in &self.block {
            xs = block.forward(&xs, &bias)?;
        }
        self.final_layer_norm.forward(&xs)
    }
}

impl T5Encoder {
    /// `(1, d_model)`. A blend is as long as what it is of, on the average.
    fn embed(&self, piece: &Piece) -> Result<Tensor> {
        let parts = match piece {
            Piece::Token(id) => return self.shared.narrow(0, *id as usize, 1),
            Piece::Blend(parts) => parts,
        };
        let (ids, shares): (Vec<u32>, Vec<f32>) = parts.iter().copied().unzip();
        let rows = self.shared.index_select(&Tensor::new(ids, self.shared.device())?, 0)?;
        let shares = Tensor::new(shares, self.shared.device())?.to_dtype(rows.dtype())?.unsqueeze(1)?;
        let sum = rows.broadcast_mul(&shares)?.sum_keepdim(0)?;
        let length = |xs: &Tensor| xs.sqr()?.sum_keepdim(1)?.sqrt();
        let wanted = length(&rows)?.mul(&shares)?.sum_keepdim(0)?;
        sum.broadcast_mul(&(wanted / (length(&sum)? + 1e-6)?)?)
    }
}

fn norm(config: &T5Config, vb: VarBuilder) -> Result<RmsNorm> {
    RmsNorm::new(config.d_model, config.layer_norm_epsilon, vb)
}

/// Self-attention and a feed-forward layer, each normalised before and with a residual around it.
#[derive(Debug, Clone)]
struct Block {
    attention_norm: RmsNorm,
    attention: SelfAttention,
    dense_norm: RmsNorm,
    dense: Dense,
}

impl Block {
    fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let (attention, dense) = (vb.pp("layer.0"), vb.pp("layer.1"));
        Ok(Self {
            attention: SelfAttention::new(config, attention.pp("SelfAttention"))?,
            attention_norm: norm(config, attention.pp("layer_norm"))?,
            dense: Dense::new(config, dense.pp("DenseReluDense"))?,
            dense_norm: norm(config, dense.pp("layer_norm"))?,
        })
    }

    /// `xs (1, l, d_model)` → the same shape.
    fn forward(&self, xs: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let xs = self.attention.forward_add(&self.attention_norm.forward(xs)?, bias, xs)?;
        self.dense.forward_add(&self.dense_norm.forward(&xs)?, &xs)
    }
}

#[derive(Debug, Clone)]
struct SelfAttention {
    heads: usize,
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
}

impl SelfAttention {
    fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let width = config.num_heads * config.d_kv;
        let project = |name: &str| linear_no_bias(config.d_model, width, vb.pp(name));
        Ok(Self {
            heads: config.num_heads,
            q: project("q")?,
            k: project("k")?,
            v: project("v")?,
            o: linear_no_bias(width, config.d_model, vb.pp("o"))?,
        })
    }

    fn forward_add(&self, xs: &Tensor, bias: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let [queries, keys, values] = together([&self.q, &self.k, &self.v], xs)?;
        let mixed = attention_by_distance(&queries, &keys, &values, self.heads, 1., bias)?;
        self.o.forward_add(&mixed, residual)
    }
}

/// Feed-forward layer.
#[derive(Debug, Clone)]
struct Dense {
    wi: Inner,
    wo: Linear,
}

#[derive(Debug, Clone)]
enum Inner {
    Plain(Linear),
    Gated(GatedLinear),
}

impl Dense {
    fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let (width, inner) = (config.d_model, config.d_ff);
        let gated = |gate| -> Result<Inner> {
            let weight = |name: &str| vb.pp(name).get((inner, width), "weight");
            GatedLinear::of((weight("wi_1")?, None), (weight("wi_0")?, None), gate).map(Inner::Gated)
        };
        let wi = match config.feed_forward_proj {
            FeedForward::Relu => Inner::Plain(linear_no_bias(width, inner, vb.pp("wi"))?),
            FeedForward::GatedGelu => gated(Gate::TanhGelu)?,
            FeedForward::GatedSilu => gated(Gate::Silu)?,
        };
        Ok(Self { wi, wo: linear_no_bias(inner, width, vb.pp("wo"))? })
    }

    fn forward_add(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let ys = match &self.wi {
            Inner::Plain(wi) => leaky_relu(&wi.forward(xs)?, 0.)?,
            Inner::Gated(wi) => wi.forward(xs)?,
        };
        self.wo.forward_add(&ys, residual)
    }
}
