//! CLIP's text encoder, run once: Stable Diffusion's image branch always hears the empty prompt.
//!
//! Ours because candle-transformers' has private numbers and the wrong GELU for this model. Source: transformers 5.23.0,
//! `models/clip/modeling_clip.py`.

use super::bad;
use super::folder::Folder;
use super::json::Json;
use super::source::Source;
use super::unreadable;
use crate::error::Error;
use candle_core::{D, DType, Device, Result as CandleResult, Tensor};
use candle_nn::ops::{sigmoid, softmax};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear};
use serde::Deserialize;
use serde_json::Value;

/// Names as in `text_encoder/config.json`.
#[derive(Debug, Clone, Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    max_position_embeddings: usize,
    hidden_act: Activation,
    #[serde(default = "eps")]
    layer_norm_eps: f64,
}

fn eps() -> f64 {
    1e-5
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Activation {
    Gelu,
    QuickGelu,
}

/// The text encoder of a Stable Diffusion folder, looked at.
pub(super) struct Clip {
    config: Config,
    weights: Source,
    /// Of the empty prompt.
    ids: Vec<u32>,
}

impl Clip {
    pub fn open(folder: &Folder) -> Result<Self, Error> {
        let path = folder.need(&["text_encoder/config.json"])?;
        let keys = [
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
            "hidden_act",
            "layer_norm_eps",
        ];
        let config: Config = Json::read(&path)?.pick(&keys.map(|key| (key, key)))?;
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(bad(path, "has a hidden_size that does not split into its num_attention_heads"));
        }
        let weights = folder.need(&[
            "text_encoder/model.safetensors",
            "text_encoder/model.fp16.safetensors",
            "text_encoder/pytorch_model.bin",
            "text_encoder/pytorch_model.fp16.bin",
        ])?;
        // Newer files leave the prefix out.
        let short = |key: &str| Some(key.strip_prefix("text_model.").unwrap_or(key).to_string());
        let ids = empty_prompt(folder, config.max_position_embeddings)?;
        if let Some(id) = ids.iter().find(|id| **id as usize >= config.vocab_size) {
            let problem = format!("has only {} tokens, but the tokenizer beside it has one {id}", config.vocab_size);
            return Err(bad(path, problem));
        }
        Ok(Self { ids, config, weights: Source::open(&weights)?.renamed(short) })
    }

    /// Width of a token.
    pub fn width(&self) -> usize {
        self.config.hidden_size
    }

    /// The embedding of the empty prompt has this many tokens.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The embedding of the empty prompt, `(1, tokens, width)`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape.
    pub fn empty_prompt(&self) -> Result<Tensor, Error> {
        let vb = VarBuilder::from_backend(Box::new(&self.weights), DType::F32, Device::Cpu);
        encode(&self.config, &self.ids, vb).map_err(unreadable(self.weights.path()))
    }
}

/// Beginning, end and padding up to the longest prompt there can be.
fn empty_prompt(folder: &Folder, length: usize) -> Result<Vec<u32>, Error> {
    let vocabulary = Json::read(&folder.need(&["tokenizer/vocab.json"])?)?;
    let special = Json::read(&folder.need(&["tokenizer/special_tokens_map.json"])?)?;
    let id = |kind: &str| -> Result<u32, Error> {
        let token = match special.fields.get(kind) {
            Some(Value::String(token)) => token,
            Some(Value::Object(token)) => token.get("content").and_then(Value::as_str).unwrap_or_default(),
            _ => return Err(bad(&special.path, format!("names no {kind}; download it again"))),
        };
        let id = vocabulary.fields.get(token).and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| bad(&vocabulary.path, format!("has no token {token:?}, the {kind}; download it again")))
    };
    let mut ids = vec![id("bos_token")?, id("eos_token")?];
    ids.resize(length.max(2), id("pad_token")?);
    Ok(ids)
}

/// `(1, ids, width)`, layer by layer, so that only one layer's weights are in memory.
fn encode(config: &Config, ids: &[u32], vb: VarBuilder) -> CandleResult<Tensor> {
    let (width, n) = (config.hidden_size, ids.len());
    let norm = |vb: VarBuilder| layer_norm(width, config.layer_norm_eps, vb);
    let tokens: Embedding = embedding(config.vocab_size, width, vb.pp("embeddings.token_embedding"))?;
    let places = vb.pp("embeddings.position_embedding").get((config.max_position_embeddings, width), "weight")?;
    let mut xs = (tokens.forward(&Tensor::new(ids, vb.device())?)? + places.narrow(0, 0, n)?)?;
    drop(tokens);
    let later: Vec<f32> = (0..n * n).map(|i| if i % n > i / n { f32::NEG_INFINITY } else { 0. }).collect();
    let mask = Tensor::from_vec(later, (n, n), vb.device())?;
    for i in 0..config.num_hidden_layers {
        let vb = vb.pp("encoder.layers").pp(i);
        let seen = attend(config, &norm(vb.pp("layer_norm1"))?.forward(&xs)?, &mask, vb.pp("self_attn"))?;
        xs = (xs + seen)?;
        let ys = norm(vb.pp("layer_norm2"))?.forward(&xs)?;
        let ys = linear(width, config.intermediate_size, vb.pp("mlp.fc1"))?.forward(&ys)?;
        let ys = match config.hidden_act {
            Activation::Gelu => ys.gelu_erf()?,
            Activation::QuickGelu => (&ys * sigmoid(&(&ys * 1.702)?)?)?,
        };
        xs = (xs + linear(config.intermediate_size, width, vb.pp("mlp.fc2"))?.forward(&ys)?)?;
    }
    let last: LayerNorm = norm(vb.pp("final_layer_norm"))?;
    last.forward(&xs)?.unsqueeze(0)
}

/// Causal self-attention over `xs (n, width)`.
fn attend(config: &Config, xs: &Tensor, mask: &Tensor, vb: VarBuilder) -> CandleResult<Tensor> {
    let (width, heads) = (config.hidden_size, config.num_attention_heads);
    let project = |name: &str| -> CandleResult<Tensor> {
        let layer: Linear = linear(width, width, vb.pp(name))?;
        let (n, _) = xs.dims2()?;
        layer.forward(xs)?.reshape((n, heads, width / heads))?.transpose(0, 1)?.contiguous()
    };
    let scale = ((width / heads) as f64).powf(-0.5);
    let scores = (project("q_proj")? * scale)?.matmul(&project("k_proj")?.t()?.contiguous()?)?;
    let shares = softmax(&scores.broadcast_add(mask)?, D::Minus1)?;
    let seen = shares.matmul(&project("v_proj")?)?.transpose(0, 1)?.flatten_from(1)?;
    linear(width, width, vb.pp("out_proj"))?.forward(&seen)
}
