//! What a UNet is told, as far as it can be computed before the first step.

use super::Context;
use super::level::{DownLevel, MidLevel, UpLevel};
use crate::synapse::KeyValue;
use candle_core::{DType, Result, Tensor, bail};

/// A [`Context`] with what one UNet's cross-attentions make of its prompt: keys and values, the same at every step.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Entries of the batch that was prepared for.
    batch: usize,
    bias: Option<Tensor>,
    pub(super) class: Option<Tensor>,
    /// Per level, finest first, and transformer.
    down: Vec<Vec<KeyValue>>,
    mid: KeyValue,
    /// Per level, coarsest first, and transformer.
    up: Vec<Vec<KeyValue>>,
}

impl Prepared {
    pub(super) fn new(
        context: &Context,
        dtype: DType,
        (down, mid, up): (&[DownLevel], &MidLevel, &[UpLevel]),
    ) -> Result<Self> {
        let cast = |xs: &Tensor| xs.to_dtype(dtype);
        let tokens = cast(&context.tokens)?;
        Ok(Self {
            batch: tokens.dim(0)?,
            bias: context.bias.as_ref().map(cast).transpose()?,
            class: context.class.as_ref().map(cast).transpose()?,
            down: down.iter().map(|level| level.keys_values(&tokens)).collect::<Result<_>>()?,
            mid: mid.keys_values(&tokens)?,
            up: up.iter().map(|level| level.keys_values(&tokens)).collect::<Result<_>>()?,
        })
    }

    /// Entries of the batch that it is for.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// What level `level` of the encoder is told.
    pub(super) fn down(&self, level: usize) -> Told<'_> {
        self.told(self.down.get(level).map_or(&[], Vec::as_slice))
    }

    /// What the level between encoder and decoder is told.
    pub(super) fn mid(&self) -> Told<'_> {
        self.told(std::slice::from_ref(&self.mid))
    }

    /// What level `level` of the decoder is told, 0 the coarsest.
    pub(super) fn up(&self, level: usize) -> Told<'_> {
        self.told(self.up.get(level).map_or(&[], Vec::as_slice))
    }

    fn told<'a>(&'a self, texts: &'a [KeyValue]) -> Told<'a> {
        Told { texts, bias: self.bias.as_ref() }
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
    /// Keys and values of the level's transformer `index`.
    pub fn text(&self, index: usize) -> Result<&'a KeyValue> {
        match self.texts.get(index) {
            Some(text) => Ok(text),
            None => bail!("this was prepared by another UNet"),
        }
    }
}
