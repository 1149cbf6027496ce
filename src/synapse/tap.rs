//! What passes between two denoisers, as plain data.

use candle_core::{Device, Result, Tensor};

/// Keys and values of one attention layer, projected and not yet split over heads.
#[derive(Debug, Clone)]
pub struct KeyValue {
    /// `(b, n, c)`.
    pub keys: Tensor,
    /// `(b, n, c)`.
    pub values: Tensor,
    /// Rows and columns that the `n` tokens lie on, row by row.
    pub grid: (usize, usize),
}

impl KeyValue {
    /// The same on another device.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(Self { keys: self.keys.to_device(device)?, values: self.values.to_device(device)?, grid: self.grid })
    }
}

/// What one cross-attention layer blends into its text.
#[derive(Debug, Clone)]
pub struct Blend {
    /// Of the picture, pooled to the text's `l` tokens; batch 1 or `b`.
    pub image: KeyValue,
    /// Share of the picture per batch entry, `(b, 1, 1)`, 0..=1. At 0 the text passes unchanged, bit for bit.
    pub alpha: Tensor,
}

impl Blend {
    /// The layer's keys, from the text's `(b, l, c)`.
    pub fn keys(&self, text: &Tensor) -> Result<Tensor> {
        self.mix(&self.image.keys, text)
    }

    /// The layer's values, from the text's `(b, l, c)`.
    pub fn values(&self, text: &Tensor) -> Result<Tensor> {
        self.mix(&self.image.values, text)
    }

    /// Two products rather than `text + a (image - text)`: exact at both ends.
    fn mix(&self, image: &Tensor, text: &Tensor) -> Result<Tensor> {
        let alpha = self.alpha.to_dtype(text.dtype())?;
        let rest = alpha.affine(-1., 1.)?;
        image.to_dtype(text.dtype())?.broadcast_mul(&alpha)? + text.broadcast_mul(&rest)?
    }
}

/// What happens at the transformers of a UNet's decoder, in order: `up_blocks.0.attentions.0`, `.1`, ..., then the next
/// level's; or in the last blocks of a [`Dit`](crate::denoiser::Dit), which only blends.
#[derive(Debug)]
pub enum Taps<'a> {
    /// Nothing.
    None,
    /// Keys and values of every self-attention are appended, one entry per transformer.
    Capture(&'a mut Vec<KeyValue>),
    /// What every cross-attention gives, `(b, n, c)`, is appended, one entry per transformer.
    CaptureOutputs(&'a mut Vec<Tensor>),
    /// Every cross-attention blends its entry in; one per transformer.
    Blend(&'a [Blend]),
}
