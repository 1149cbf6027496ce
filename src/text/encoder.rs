//! The T5 encoder.

use super::{Reader, TextConfig};
use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::t5::T5EncoderModel;
use std::sync::Arc;

/// Turns prompts into token embeddings.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    reader: Arc<Reader>,
    model: T5EncoderModel,
    device: Device,
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
        let device = vb.device().clone();
        Ok(Self { reader, model: T5EncoderModel::load(vb, &(&config.t5).into())?, device })
    }

    /// See [`Reader::ids`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ids(&self, prompt: &str) -> Result<Vec<u32>> {
        self.reader.ids(prompt)
    }

    /// `prompt`, of any length and in any script, → `(1, l, d_model)`, `l` as [`TextEncoder::ids`] says.
    ///
    /// # Errors
    ///
    /// The device's own, or that of [`TextEncoder::ids`].
    pub fn encode(&self, prompt: &str) -> Result<Tensor> {
        if let Some(known) = self.reader.known(prompt) {
            return Ok(known);
        }
        let ids = Tensor::new(self.ids(prompt)?, &self.device)?.unsqueeze(0)?;
        // candle wants `&mut` for the cache that only decoders use; a clone shares the weights.
        let tokens = self.model.clone().forward(&ids)?;
        self.reader.keep(prompt, &tokens);
        Ok(tokens)
    }
}
