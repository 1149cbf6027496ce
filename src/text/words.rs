//! Prompt to token ids.

use super::TextConfig;
use super::spelling::Spelling;
use candle_core::{Error, Result};
use std::borrow::Cow;
use tokenizers::Tokenizer;

/// Most bytes of a prompt that are read; 32 for each of T5's 512 tokens. Bounds the time that any prompt takes.
const MAX_PROMPT_BYTES: usize = 16 * 1024;

/// Cuts prompts into tokens.
#[derive(Debug, Clone)]
pub(super) struct Words {
    tokenizer: Tokenizer,
    spelling: Option<Spelling>,
    /// Ids at most, `eos` among them; not 0.
    limit: usize,
    /// Fills up to `limit`; `None` leaves prompts as short as they are.
    pad: Option<u32>,
    eos: u32,
}

impl Words {
    /// `tokenizer_json` is the content of a `tokenizer.json`.
    pub(super) fn new(config: &TextConfig, tokenizer_json: &[u8]) -> Result<Self> {
        let mut tokenizer = Tokenizer::from_bytes(tokenizer_json).map_err(Error::wrap)?;
        // `ids` truncates, closes and pads, whatever the file says.
        tokenizer.with_padding(None).with_truncation(None).map_err(Error::wrap)?;
        let largest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        let largest = largest.max(config.t5.eos_token_id).max(config.t5.pad_token_id);
        if largest as usize >= config.t5.vocab_size {
            candle_core::bail!("the tokenizer has ids up to {largest}, vocab_size is {}", config.t5.vocab_size)
        }
        if config.limit() == 0 {
            candle_core::bail!("a prompt of at most 0 tokens has no room for the closing one")
        }
        Ok(Self {
            spelling: config.spelling.then(|| Spelling::new(&tokenizer)),
            tokenizer,
            limit: config.limit(),
            pad: config.tokens.map(|_| config.t5.pad_token_id),
            eos: config.t5.eos_token_id,
        })
    }

    /// At least one id, at most `limit`; the last but the padding is `eos`.
    pub(super) fn ids(&self, prompt: &str) -> Result<Vec<u32>> {
        let encoding = self.tokenizer.encode_fast(self.read(prompt).as_ref(), false).map_err(Error::wrap)?;
        let mut ids: Vec<u32> = encoding.get_ids().iter().copied().take(self.limit - 1).collect();
        ids.push(self.eos);
        if let Some(pad) = self.pad {
            ids.resize(self.limit, pad);
        }
        Ok(ids)
    }

    /// `prompt` as it is read: no longer than is read, and without slips.
    pub(super) fn read<'a>(&self, prompt: &'a str) -> Cow<'a, str> {
        let prompt = &prompt[..prompt.floor_char_boundary(MAX_PROMPT_BYTES)];
        match &self.spelling {
            Some(spelling) => spelling.correct(prompt).into(),
            None => prompt.into(),
        }
    }
}
