//! Configuration of the text encoder, in the words of transformers' `T5Config`.

use candle_nn::Activation;
use candle_transformers::models::t5;
use serde::{Deserialize, Serialize};

/// Configuration of a [`TextEncoder`](super::TextEncoder).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextConfig {
    /// Fixed number of tokens: shorter prompts are filled with padding, which the model reads like any other token.
    /// `None` is as many as the prompt has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// Most tokens of a prompt, the closing one among them, where their number is not fixed.
    #[serde(default = "max_tokens")]
    pub max_tokens: usize,
    /// Whether a word that is no token, but a slip of one, is read as that one, and words of no caption are said to be
    /// unknown; for tokenizers whose tokens are the words of the captions of `bundles/mini/recipe`.
    #[serde(default)]
    pub spelling: bool,
    /// The network.
    pub t5: T5Config,
}

impl TextConfig {
    /// Most tokens that come out.
    pub fn limit(&self) -> usize {
        self.tokens.unwrap_or(self.max_tokens)
    }
}

/// Configuration of a T5 encoder; names as in transformers' `config.json`, so that its numbers can be copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct T5Config {
    /// Rows of the embedding; at least the tokenizer's largest id plus one.
    pub vocab_size: usize,
    /// Width of a token.
    pub d_model: usize,
    /// Width of a head.
    pub d_kv: usize,
    /// Width between the two layers of a feed-forward block.
    pub d_ff: usize,
    /// Blocks.
    pub num_layers: usize,
    /// Heads of every block.
    pub num_heads: usize,
    /// Distances between tokens that are told apart.
    #[serde(default = "buckets")]
    pub relative_attention_num_buckets: usize,
    /// Distance, in tokens, beyond which all are alike.
    #[serde(default = "max_distance")]
    pub relative_attention_max_distance: usize,
    /// Epsilon of every normalisation.
    #[serde(default = "norm_eps")]
    pub layer_norm_epsilon: f64,
    /// Kind of the feed-forward blocks.
    #[serde(default)]
    pub feed_forward_proj: FeedForward,
    /// The token that fills.
    #[serde(default)]
    pub pad_token_id: u32,
    /// The token that closes a prompt.
    #[serde(default = "eos")]
    pub eos_token_id: u32,
}

/// Kind of a feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedForward {
    /// Linear, rectifier, linear: the first T5.
    #[default]
    Relu,
    /// Two linear layers multiplied, one through tanh-GELU: T5 1.1 and FLAN-T5.
    GatedGelu,
    /// Two linear layers multiplied, one through SiLU.
    GatedSilu,
}

impl From<&T5Config> for t5::Config {
    fn from(config: &T5Config) -> Self {
        let (gated, activation) = match config.feed_forward_proj {
            FeedForward::Relu => (false, Activation::Relu),
            FeedForward::GatedGelu => (true, Activation::NewGelu),
            FeedForward::GatedSilu => (true, Activation::Silu),
        };
        Self {
            vocab_size: config.vocab_size,
            d_model: config.d_model,
            d_kv: config.d_kv,
            d_ff: config.d_ff,
            num_layers: config.num_layers,
            num_heads: config.num_heads,
            relative_attention_num_buckets: config.relative_attention_num_buckets,
            relative_attention_max_distance: config.relative_attention_max_distance,
            layer_norm_epsilon: config.layer_norm_epsilon,
            feed_forward_proj: t5::ActivationWithOptionalGating { gated, activation },
            pad_token_id: config.pad_token_id as usize,
            eos_token_id: config.eos_token_id as usize,
            ..Self::default()
        }
    }
}

fn max_tokens() -> usize {
    512
}

fn buckets() -> usize {
    32
}

fn max_distance() -> usize {
    128
}

fn norm_eps() -> f64 {
    1e-6
}

fn eos() -> u32 {
    1
}
