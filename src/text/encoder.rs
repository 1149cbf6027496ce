//! The T5 encoder.

use super::TextConfig;
use super::words::Words;
use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::t5::T5EncoderModel;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::sync::Arc;

/// Prompts whose embeddings are kept: the empty one, which every guided clip asks for, and the last of a session.
const KEPT: usize = 8;

/// Turns prompts into token embeddings.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    words: Words,
    model: T5EncoderModel,
    device: Device,
    /// The latest last.
    recent: Arc<Mutex<Vec<(String, Tensor)>>>,
}

impl TextEncoder {
    /// Reads `shared` and `encoder.*` under `vb`; `tokenizer_json` is the content of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the tokenizer cannot be read or has more ids than the network.
    pub fn new(config: &TextConfig, tokenizer_json: &[u8], vb: VarBuilder) -> Result<Self> {
        let words = Words::new(config, tokenizer_json)?;
        let device = vb.device().clone();
        Ok(Self { words, model: T5EncoderModel::load(vb, &(&config.t5).into())?, device, recent: Arc::default() })
    }

    /// The token ids of `prompt`: at least one, at most [`TextConfig::limit`], closed by the end token and
    /// filled with padding where their number is fixed. What is too long is cut.
    ///
    /// # Errors
    ///
    /// The tokenizer has no token for a character and none for unknown ones.
    pub fn ids(&self, prompt: &str) -> Result<Vec<u32>> {
        self.words.ids(prompt)
    }

    /// `prompt` as the model reads it: a long one cut off, and slips of known words put right where the configuration says
    /// so.
    pub fn read<'a>(&self, prompt: &'a str) -> Cow<'a, str> {
        self.words.read(prompt)
    }

    /// `prompt`, of any length and in any script, → `(1, l, d_model)`, `l` as [`TextEncoder::ids`] says.
    ///
    /// # Errors
    ///
    /// The device's own, or that of [`TextEncoder::ids`].
    pub fn encode(&self, prompt: &str) -> Result<Tensor> {
        let mut recent = self.recent.lock();
        let entry = match recent.iter().position(|(known, _)| known == prompt) {
            Some(i) => recent.remove(i),
            None => (prompt.to_string(), self.compute(prompt)?),
        };
        if recent.len() == KEPT {
            recent.remove(0);
        }
        recent.push(entry.clone());
        Ok(entry.1)
    }

    fn compute(&self, prompt: &str) -> Result<Tensor> {
        let ids = Tensor::new(self.ids(prompt)?, &self.device)?.unsqueeze(0)?;
        // candle wants `&mut` for the cache that only decoders use; a clone shares the weights.
        self.model.clone().forward(&ids)
    }
}
