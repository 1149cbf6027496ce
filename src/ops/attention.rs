//! Scaled dot-product attention.

use super::floats::{self, Floats};
use super::softmax;
use crate::kernels::{self, Heads, Isa};
use candle_core::{Result, Tensor, bail};

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
    if !floats::is_ours(queries) {
        return materialised(queries, keys, values, heads, bias);
    }
    let (b, n, c) = queries.dims3()?;
    let m = keys.dim(1)?;
    if heads == 0 || c % heads != 0 || keys.dims() != [b, m, c] || values.dims() != [b, m, c] || m == 0 {
        bail!("{heads} heads of queries {:?}, keys {:?}, values {:?}", queries.shape(), keys.shape(), values.shape());
    }
    let size = Heads { batch: b, queries: n, keys: m, heads, width: c / heads };
    let [queries, keys, values] = [queries, keys, values].map(Tensor::contiguous);
    let (queries, keys, values) = (queries?, keys?, values?);
    let bias = bias.map(|bias| bias.broadcast_as((b, m))?.contiguous()).transpose()?;
    let bias = bias.as_ref().map(Floats::of).transpose()?;
    let [q, k, v] = [&queries, &keys, &values].map(Floats::of);
    let ys = kernels::attention(Isa::best(), size, &q?, &k?, &v?, bias.as_deref());
    Tensor::from_vec(ys, (b, n, c), queries.device())
}

/// With all scores at once, for devices without a kernel of ours.
fn materialised(
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
