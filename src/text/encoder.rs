//! The T5 encoder.

use super::t5::T5Encoder;
use super::{Reader, TextConfig};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use std::sync::Arc;

/// Turns prompts into token embeddings.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    reader: Arc<Reader>,
    model: T5Encoder,
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
        Ok(Self { reader, model: T5Encoder::new(&config.t5, vb)? })
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
        let tokens = self.model.forward(&self.ids(prompt)?)?;
        self.reader.keep(prompt, &tokens);
        Ok(tokens)
    }
}
