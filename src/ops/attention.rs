//! Scaled dot-product attention.

use super::floats::{self, Floats};
use super::softmax;
use crate::kernels::{self, Heads, Isa, Scores};
use candle_core::{DType, Result, Tensor, bail};

/// Most scores that are held at once where there is no kernel of ours: 128 MB in 16 bits.
const MOST_SCORES: usize = 1 << 26;

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
    if !floats::is_multiplied_by_us(queries) {
        return materialised((queries, keys, values), heads, bias, MOST_SCORES);
    }
    let (b, m, _) = keys.dims3()?;
    let bias = match bias {
        Some(bias) => Some(bias.to_dtype(DType::F32)?.broadcast_as((b, m))?.contiguous()?),
        None => None,
    };
    let [keys, values] = [keys, values].map(|xs| xs.to_dtype(DType::F32));
    floats::in_f32(queries, |queries| {
        let bias = bias.as_ref().map(Floats::of).transpose()?;
        in_blocks(queries, &keys?, &values?, heads, bias.as_deref().map_or(Scores::Scaled, Scores::Biased))
    })
}

/// Multi-head self-attention whose scores are biased by how far a key is from a query.
///
/// - `queries`, `keys`, `values (b, n, c)`; `c` is split over `heads`.
/// - `scale` multiplies the products of queries and keys: 1 in T5, elsewhere one over the root of a head's width.
/// - `bias (heads, 2 n - 1)`: key `j` seen from query `i` is at `j - i + n - 1`.
/// - Returns `(b, n, c)`.
pub fn attention_by_distance(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    heads: usize,
    scale: f64,
    bias: &Tensor,
) -> Result<Tensor> {
    let n = queries.dim(1)?;
    if n == 0 || keys.dim(1)? != n || bias.dims() != [heads, 2 * n - 1] {
        bail!("{heads} heads with biases {:?} from {:?} to {:?}", bias.shape(), queries.shape(), keys.shape());
    }
    if !floats::is_multiplied_by_us(queries) {
        let distances = (0..n * n).map(|pair| (pair % n + n - 1 - pair / n) as u32).collect::<Vec<_>>();
        let distances = Tensor::from_vec(distances, n * n, bias.device())?;
        let bias = bias.contiguous()?.index_select(&distances, 1)?.reshape((1, heads, n, n))?;
        return scored(queries, keys, values, heads, scale, Some(&bias));
    }
    let [keys, values, bias] = [keys, values, bias].map(|xs| xs.to_dtype(DType::F32)?.contiguous());
    let bias = bias?;
    floats::in_f32(queries, |queries| {
        in_blocks(
            queries,
            &keys?,
            &values?,
            heads,
            Scores::ByDistance { bias: &Floats::of(&bias)?, scale: scale as f32 },
        )
    })
}

/// With our own kernel, which never holds all scores.
fn in_blocks(queries: &Tensor, keys: &Tensor, values: &Tensor, heads: usize, scores: Scores) -> Result<Tensor> {
    let (b, n, c) = queries.dims3()?;
    let m = keys.dim(1)?;
    if heads == 0 || c % heads != 0 || keys.dims() != [b, m, c] || values.dims() != [b, m, c] || m == 0 {
        bail!("{heads} heads of queries {:?}, keys {:?}, values {:?}", queries.shape(), keys.shape(), values.shape());
    }
    let size = Heads { batch: b, queries: n, keys: m, heads, width: c / heads };
    let [queries, keys, values] = [queries, keys, values].map(Tensor::contiguous);
    let (queries, keys, values) = (queries?, keys?, values?);
    let [q, k, v] = [&queries, &keys, &values].map(Floats::of);
    let ys = kernels::attention(Isa::best(), size, &q?, &k?, &v?, scores);
    Tensor::from_vec(ys, (b, n, c), queries.device())
}

/// With the scores of as many queries at once as memory is made for, for devices without a kernel of ours.
fn materialised(
    (queries, keys, values): (&Tensor, &Tensor, &Tensor),
    heads: usize,
    bias: Option<&Tensor>,
    most: usize,
) -> Result<Tensor> {
    let (b, n, c) = queries.dims3()?;
    let at_once = (most / (b * heads * keys.dim(1)?).max(1)).max(1);
    let bias = bias.map(|bias| bias.unsqueeze(1)?.unsqueeze(1)).transpose()?; // (b, 1, 1, m)
    let (scale, bias) = (1. / ((c / heads) as f64).sqrt(), bias.as_ref());
    if n <= at_once {
        return scored(queries, keys, values, heads, scale, bias);
    }
    let starts = (0..n).step_by(at_once);
    let parts = starts.map(|start| {
        let queries = queries.narrow(1, start, at_once.min(n - start))?;
        scored(&queries, keys, values, heads, scale, bias)
    });
    Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)
}

/// With all scores at once; `bias` has the rank of the scores `(b, heads, n, m)`.
fn scored(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    heads: usize,
    scale: f64,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (b, n, c) = queries.dims3()?;
    let width = c / heads;
    let split = |xs: &Tensor| -> Result<Tensor> {
        let m = xs.dim(1)?;
        xs.reshape((b, m, heads, width))?.transpose(1, 2)?.contiguous()
    };
    let scores = (split(queries)? * scale)?.matmul(&split(keys)?.t()?)?; // (b, heads, n, m)
    let scores = match bias {
        Some(bias) => scores.broadcast_add(bias)?,
        None => scores,
    };
    let mixed = softmax(&scores)?.matmul(&split(values)?)?; // (b, heads, n, width)
    mixed.transpose(1, 2)?.reshape((b, n, c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sampler::noise;
    use candle_core::Device;

    #[test]
    fn queries_in_parts_are_queries_at_once() {
        let tokens =
            |stream, count| noise(1, stream, (2, count, 8), &Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
        let (queries, keys, values) = (tokens(0, 11), tokens(1, 5), tokens(2, 5));
        let bias = (tokens(3, 5).narrow(2, 0, 1).unwrap().squeeze(2).unwrap() * 3.).unwrap();
        let run = |most| materialised((&queries, &keys, &values), 2, Some(&bias), most).unwrap();
        let whole = run(usize::MAX).to_vec3::<f64>().unwrap();
        for most in [0, 20, 41, 60, 200] {
            assert_eq!(run(most).to_vec3::<f64>().unwrap(), whole, "{most} scores at once");
        }
    }
}
