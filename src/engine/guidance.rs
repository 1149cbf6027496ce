//! Classifier-free guidance.

use candle_core::{Result, Tensor};

/// Classifier-free guidance: from the unconditional half past the conditional one. The only half there is, as it is.
pub(crate) fn guide(halves: &Tensor, guidance: f64) -> Result<Tensor> {
    if halves.dim(0)? == 1 {
        return Ok(halves.clone());
    }
    let (without, with) = (halves.narrow(0, 0, 1)?, halves.narrow(0, 1, 1)?);
    &without + ((with - &without)? * guidance)?
}

/// The guided output `(1, c, window, rows)` of both halves; of one half, that one.
pub(super) fn guided(halves: &Tensor, guidance: f64, rescaled: f64) -> Result<Tensor> {
    if halves.dim(0)? == 1 {
        return Ok(halves.clone());
    }
    rescale(guide(halves, guidance)?, &halves.narrow(0, 1, 1)?, rescaled)
}

/// Pulls the spread of the guided output back towards that of the conditional one; strong guidance inflates it.
///
/// Source: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", WACV 2024, section 3.4.
fn rescale(guided: Tensor, with: &Tensor, share: f64) -> Result<Tensor> {
    if share == 0.0 {
        return Ok(guided);
    }
    let spread = |xs: &Tensor| xs.flatten_all()?.var(0)?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>();
    let (wanted, found) = (spread(with)?.sqrt(), spread(&guided)?.sqrt());
    if found == 0.0 {
        return Ok(guided);
    }
    guided * (share * wanted / found + 1.0 - share)
}
