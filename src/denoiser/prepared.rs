//! What a denoiser is told, and how much of that can be computed before the first step.

use crate::synapse::KeyValue;
use candle_core::{DType, Result, Tensor, bail};

/// What a denoiser is told beside the latents and the time; in any type of float, for it computes in its weights'.
#[derive(Debug, Clone)]
pub struct Context {
    /// The prompt, `(b, l, d)`.
    pub tokens: Tensor,
    /// Added to the attention scores of the prompt's tokens, `(b, l)`: 0 keeps one, -10000 hides it.
    pub bias: Option<Tensor>,
    /// Vector that joins the time embedding, `(b, p)` or `(1, p)`; exactly where the configuration has one.
    pub class: Option<Tensor>,
}

/// A [`Context`] with what one denoiser's cross-attentions make of its prompt: keys and values, the same at every step.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Entries of the batch that was prepared for.
    batch: usize,
    bias: Option<Tensor>,
    pub(super) class: Option<Tensor>,
    /// Per level, in the order that they are run in, and cross-attention.
    levels: Vec<Vec<KeyValue>>,
}

impl Prepared {
    /// `levels` makes keys and values of the prompt's tokens, which it gets as `dtype`.
    pub(super) fn new(
        context: &Context,
        dtype: DType,
        levels: impl FnOnce(&Tensor) -> Result<Vec<Vec<KeyValue>>>,
    ) -> Result<Self> {
        let cast = |xs: &Tensor| xs.to_dtype(dtype);
        let tokens = cast(&context.tokens)?;
        Ok(Self {
            batch: tokens.dim(0)?,
            bias: context.bias.as_ref().map(cast).transpose()?,
            class: context.class.as_ref().map(cast).transpose()?,
            levels: levels(&tokens)?,
        })
    }

    /// Entries of the batch that it is for.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// What level `index` is told, of those in the order that they are run in.
    pub(super) fn level(&self, index: usize) -> Result<Told<'_>> {
        match self.levels.get(index) {
            Some(texts) => Ok(Told { texts, bias: self.bias.as_ref() }),
            None => bail!("this was prepared by another denoiser"),
        }
    }
}

/// What a level is told of the prompt.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    texts: &'a [KeyValue],
    /// On the scores of the prompt's tokens, `(b, l)`.
    pub bias: Option<&'a Tensor>,
}

impl<'a> Told<'a> {
    /// Keys and values of the level's cross-attention `index`.
    pub fn text(&self, index: usize) -> Result<&'a KeyValue> {
        match self.texts.get(index) {
            Some(text) => Ok(text),
            None => bail!("this was prepared by another denoiser"),
        }
    }
}
