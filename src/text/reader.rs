//! Prompts before the network, and those it has read.

use super::TextConfig;
use super::thesaurus::Placed;
use super::words::{MAX_PROMPT_BYTES, Piece, Words};
use candle_core::{Result, Tensor};
use parking_lot::Mutex;
use std::borrow::Cow;

/// Prompts whose embeddings are kept: the empty one, which every guided clip asks for, and the last of a session.
const KEPT: usize = 8;

/// Cuts prompts into tokens, and remembers what the network made of the last ones: all of a text encoder that is small.
#[derive(Debug)]
pub struct Reader {
    words: Words,
    /// The latest last.
    recent: Mutex<Vec<(String, Tensor)>>,
}

impl Reader {
    /// `tokenizer_json` is the content of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// It cannot be read or has more ids than the network.
    pub fn new(config: &TextConfig, tokenizer_json: &[u8]) -> Result<Self> {
        Ok(Self { words: Words::new(config, tokenizer_json)?, recent: Mutex::default() })
    }

    /// The token ids of `prompt`, of words that others tell the first one's: at least one, at most [`TextConfig::limit`], closed by the end token and
    /// filled with padding where their number is fixed. What is too long is cut.
    ///
    /// # Errors
    ///
    /// The tokenizer has no token for a character and none for unknown ones.
    pub fn ids(&self, prompt: &str) -> Result<Vec<u32>> {
        Ok(self.pieces(prompt)?.iter().map(Piece::token).collect())
    }

    /// As [`ids`](Self::ids), with words that captions do not have told by others.
    pub(super) fn pieces(&self, prompt: &str) -> Result<Vec<Piece>> {
        self.words.pieces(prompt)
    }

    /// The words of `text` that captions do not have, and by which others they are told.
    pub fn placed(&self, text: &str) -> Vec<Placed> {
        self.words.told_by_others(text)
    }

    /// `prompt` with slips of known words put right where the configuration says so, but no longer than any that is read.
    pub fn read<'a>(&self, prompt: &'a str) -> Cow<'a, str> {
        self.words.read(prompt)
    }

    /// The beginning of `prompt` that is looked at at all, and the rest, which no network reads.
    pub fn split<'a>(&self, prompt: &'a str) -> (&'a str, &'a str) {
        prompt.split_at(prompt.floor_char_boundary(MAX_PROMPT_BYTES))
    }

    /// How many bytes of a prompt that was [read](Self::read) come before the room that `tail` takes at its end. No word is
    /// cut, unless the prompt has but one.
    ///
    /// # Errors
    ///
    /// Those of [`ids`](Self::ids).
    pub fn end(&self, prompt: &str, tail: &str) -> Result<usize> {
        // Behind a word, as it will be: tokenizers give what stands first a token more.
        let tail = self.words.length(&format!("a{tail}"))?.saturating_sub(self.words.length("a")?);
        self.words.end(prompt, self.words.room().saturating_sub(tail))
    }

    /// The words of `text` that the network does not know: those that no caption of its training had where its tokens are
    /// their words, else those that it has no tokens for.
    pub fn unknown(&self, text: &str) -> Vec<String> {
        self.words.unknown(text)
    }

    /// What the network made of `prompt`, if it is one of the last that it read.
    pub fn known(&self, prompt: &str) -> Option<Tensor> {
        let mut recent = self.recent.lock();
        let at = recent.iter().position(|(known, _)| known == prompt)?;
        let entry = recent.remove(at);
        let tokens = entry.1.clone();
        recent.push(entry);
        Some(tokens)
    }

    pub(super) fn keep(&self, prompt: &str, tokens: &Tensor) {
        let mut recent = self.recent.lock();
        if recent.len() == KEPT {
            recent.remove(0);
        }
        recent.push((prompt.to_string(), tokens.clone()));
    }
}
