//! Scaled dot-product attention.

use super::softmax;
use candle_core::{Result, Tensor};

/// Multi-head attention.
///
/// - `queries (b, n, c)`, `keys (b, m, c)`, `values (b, m, c)`; `c` is split over `heads`.
/// - `bias (b, m)` is added to the scores of every head and query: 0 keeps a token, a large negative number hides it.
/// - Returns `(b, n, c)`.
pub fn attention(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    heads: usize,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (b, n, c) = queries.dims3()?;
    let width = c / heads;
    let split = |xs: &Tensor| -> Result<Tensor> {
        let m = xs.dim(1)?;
        xs.reshape((b, m, heads, width))?.transpose(1, 2)?.contiguous()
    };
    let scale = 1. / (width as f64).sqrt();
    let scores = (split(queries)? * scale)?.matmul(&split(keys)?.t()?)?; // (b, heads, n, m)
    let scores = match bias {
        Some(bias) => scores.broadcast_add(&bias.unsqueeze(1)?.unsqueeze(1)?)?,
        None => scores,
    };
    let mixed = softmax(&scores)?.matmul(&split(values)?)?; // (b, heads, n, width)
    mixed.transpose(1, 2)?.reshape((b, n, c))
}
