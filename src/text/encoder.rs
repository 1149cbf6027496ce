//! The T5 encoder.

use super::t5::T5Encoder;
use super::words::Piece;
use super::{Reader, T5Config, TextConfig};
use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::t5::T5EncoderModel;
use std::sync::Arc;

/// Turns prompts into token embeddings.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    reader: Arc<Reader>,
    model: Model,
}

/// The network, as its device computes it best.
#[derive(Debug, Clone)]
enum Model {
    /// On the CPU, through our kernels.
    Kernels(T5Encoder),
    /// Elsewhere, as candle has it.
    Candle(T5EncoderModel, Device),
}

impl Model {
    fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        if vb.device().is_cpu() { T5Encoder::new(config, vb).map(Self::Kernels) } else { Self::of_candle(config, vb) }
    }

    fn of_candle(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let device = vb.device().clone();
        Ok(Self::Candle(T5EncoderModel::load(vb, &config.into())?, device))
    }

    /// `l` pieces → `(1, l, d_model)`.
    fn forward(&self, pieces: &[Piece]) -> Result<Tensor> {
        match self {
            Self::Kernels(model) => model.forward(pieces),
            // candle wants `&mut` for the cache that only decoders use; a clone shares the weights.
            Self::Candle(model, device) => {
                let ids: Vec<u32> = pieces.iter().map(Piece::token).collect();
                model.clone().forward(&Tensor::new(ids, device)?.unsqueeze(0)?)
            }
        }
    }
}

impl TextEncoder {
    /// Reads `shared` and `encoder.*` under `vb`; `tokenizer_json` is the content of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the tokenizer cannot be read or has more ids than the network.
    pub fn new(config: &TextConfig, tokenizer_json: &[u8], vb: VarBuilder) -> Result<Self> {
        Self::with_reader(config, Arc::new(Reader::new(config, tokenizer_json)?), vb)
    }

    /// As [`new`](Self::new), with a reader that may outlive the network.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape.
    pub fn with_reader(config: &TextConfig, reader: Arc<Reader>, vb: VarBuilder) -> Result<Self> {
        Ok(Self { reader, model: Model::new(&config.t5, vb)? })
    }

    /// See [`Reader::ids`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ids(&self, prompt: &str) -> Result<Vec<u32>> {
        self.reader.ids(prompt)
    }

    /// `prompt`, of any length and in any script, → `(1, l, d_model)`, `l` as [`TextEncoder::ids`] says. Words that captions do not
    /// have are told by others on the CPU alone; elsewhere by the first of those.
    ///
    /// # Errors
    ///
    /// The device's own, or that of [`TextEncoder::ids`].
    pub fn encode(&self, prompt: &str) -> Result<Tensor> {
        if let Some(known) = self.reader.known(prompt) {
            return Ok(known);
        }
        let tokens = self.model.forward(&self.reader.pieces(prompt)?)?;
        self.reader.keep(prompt, &tokens);
        Ok(tokens)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::FeedForward;
    use super::*;
    use candle_core::DType;
    use candle_nn::{Init, VarMap};

    /// Makes the tensors that a network asks for, of about the size that training leaves.
    fn weights(config: &T5Config) -> VarMap {
        let (map, width) = (VarMap::new(), config.num_heads * config.d_kv);
        let (model, inner) = (config.d_model, config.d_ff);
        let tensor = |name: &str, shape: &[usize]| {
            let init = Init::Randn { mean: 0.1, stdev: 0.4 };
            map.get(shape, &format!("{name}.weight"), init, DType::F32, &Device::Cpu).unwrap();
        };
        tensor("shared", &[config.vocab_size, model]);
        tensor("encoder.final_layer_norm", &[model]);
        for block in 0..config.num_layers {
            let (attention, dense) =
                (format!("encoder.block.{block}.layer.0"), format!("encoder.block.{block}.layer.1"));
            ["q", "k", "v"]
                .iter()
                .for_each(|name| tensor(&format!("{attention}.SelfAttention.{name}"), &[width, model]));
            tensor(&format!("{attention}.SelfAttention.o"), &[model, width]);
            tensor(&format!("{attention}.layer_norm"), &[model]);
            tensor(&format!("{dense}.layer_norm"), &[model]);
            let into = if config.feed_forward_proj == FeedForward::Relu { &["wi"][..] } else { &["wi_0", "wi_1"] };
            into.iter().for_each(|name| tensor(&format!("{dense}.DenseReluDense.{name}"), &[inner, model]));
            tensor(&format!("{dense}.DenseReluDense.wo"), &[model, inner]);
        }
        let buckets = [config.relative_attention_num_buckets, config.num_heads];
        tensor("encoder.block.0.layer.0.SelfAttention.relative_attention_bias", &buckets);
        map
    }

    #[test]
    fn a_blend_of_a_token_with_itself_is_that_token() {
        let config =
            serde_json::json!({"vocab_size": 9, "d_model": 24, "d_kv": 5, "d_ff": 31, "num_layers": 1, "num_heads": 3});
        let config: T5Config = serde_json::from_value(config).unwrap();
        let map = weights(&config);
        let model = Model::new(&config, VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu)).unwrap();
        let values =
            |piece| model.forward(&[Piece::Token(3), piece]).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let token = values(Piece::Token(5));
        assert!(apart(&token, &values(Piece::Blend(vec![(5, 0.7), (5, 0.3)]))) < 1e-4);
        let between = values(Piece::Blend(vec![(5, 0.8), (6, 0.2)]));
        let other = values(Piece::Token(6));
        assert!(apart(&token, &between) > 1e-3 && apart(&token, &between) < apart(&token, &other));
    }

    #[test]
    fn our_network_is_candles() {
        for kind in ["relu", "gated-gelu", "gated-silu"] {
            let config = serde_json::json!({
                "vocab_size": 40, "d_model": 24, "d_kv": 5, "d_ff": 31, "num_layers": 3, "num_heads": 3,
                "relative_attention_num_buckets": 8, "relative_attention_max_distance": 20, "feed_forward_proj": kind,
            });
            let config: T5Config = serde_json::from_value(config).unwrap();
            let map = weights(&config);
            let vb = || VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
            let pieces: Vec<Piece> = (0..37).map(|i| Piece::Token(i * 7 % 40)).collect();
            let ours = Model::new(&config, vb()).unwrap().forward(&pieces).unwrap();
            let candles = Model::of_candle(&config, vb()).unwrap().forward(&pieces).unwrap();
            let most = |xs: &Tensor| xs.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            let error = most(&(&ours - &candles).unwrap()) / most(&candles);
            assert!(error < 1e-5, "{kind}: {error:e}");
        }
    }
}
