//! Prompts of unequal length in one batch.

use candle_core::{Result, Tensor};

/// Added to the attention scores of a hidden token; as in diffusers, finite also in f16.
const HIDDEN: f64 = -1e4;

/// Lengthens `tokens (1, l, d)` to `n` tokens.
///
/// Returns `(1, n, d)`, zeros at the end, and the bias `(1, n)` for the attention's scores: 0 for a token of the
/// prompt, -1e4 for one that was added.
///
/// # Errors
///
/// `n` is less than `l`, or the device's own.
pub fn pad(tokens: &Tensor, n: usize) -> Result<(Tensor, Tensor)> {
    let (b, l, _) = tokens.dims3()?;
    if n < l {
        candle_core::bail!("{l} tokens do not fit into {n}")
    }
    let keep = Tensor::zeros((b, l), tokens.dtype(), tokens.device())?;
    if n == l {
        // A GPU refuses to fill a tensor of no elements.
        return Ok((tokens.clone(), keep));
    }
    let hide = Tensor::full(HIDDEN, (b, n - l), tokens.device())?.to_dtype(tokens.dtype())?;
    Ok((tokens.pad_with_zeros(1, 0, n - l)?, Tensor::cat(&[keep, hide], 1)?))
}
