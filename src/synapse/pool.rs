//! A picture's tokens, brought to the number of the text's.

use super::KeyValue;
use candle_core::{DType, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// How a picture's tokens are averaged to as many as the text has.
///
/// As PyTorch's `AdaptiveAvgPool`: output `i` of `m` is the mean of inputs `floor(i n / m)..ceil((i + 1) n / m)`, for
/// any sizes; with fewer inputs than outputs, inputs are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Pool {
    /// In two dimensions, to `height * width` tokens in rows: neighbours stay neighbours. For texts of fixed length.
    Grid {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// Along the row of all tokens, to whatever length the text has.
    Sequence,
}

impl Pool {
    /// `features (b, n, c)` → `(b, length, c)`, where `length` is the text's.
    ///
    /// # Errors
    ///
    /// A grid that has not `length` cells; tokens that are not on their own grid.
    pub fn apply(&self, features: &KeyValue, length: usize) -> Result<KeyValue> {
        let (n, (rows, columns)) = (features.keys.dim(1)?, features.grid);
        if rows * columns != n {
            bail!("{n} tokens do not lie on {rows} by {columns}");
        }
        let (matrix, grid) = match *self {
            Self::Grid { height, width } if height * width != length => {
                bail!("a pool of {height} by {width} cannot give a text's {length} tokens")
            }
            Self::Grid { height, width } => (grid_averages((height, width), (rows, columns)), (height, width)),
            Self::Sequence => (averages(length, n), (1, length)),
        };
        let matrix = Tensor::from_vec(matrix, (length, n), features.keys.device())?;
        // In f32: a mean of hundreds is worth more digits than what it is of.
        let pool = |xs: &Tensor| {
            let mean = matrix.broadcast_matmul(&xs.to_dtype(DType::F32)?.contiguous()?)?;
            mean.to_dtype(xs.dtype())
        };
        Ok(KeyValue { keys: pool(&features.keys)?, values: pool(&features.values)?, grid })
    }
}

/// A picture's `features (b, n, c)`, averaged over tokens and channels to the size of a text, `(b, length, width)`: what the
/// published code does with PyTorch's `AdaptiveAvgPool2d`.
///
/// # Errors
///
/// The device's own.
pub fn pool_to_text(features: &Tensor, length: usize, width: usize) -> Result<Tensor> {
    let (_, n, c) = features.dims3()?;
    let matrix = |outputs, inputs| {
        Tensor::from_vec(averages(outputs, inputs), (outputs, inputs), features.device())?.to_dtype(features.dtype())
    };
    let tokens = matrix(length, n)?.broadcast_matmul(&features.contiguous()?)?;
    tokens.broadcast_matmul(&matrix(width, c)?.t()?.contiguous()?)
}

/// Rows of weights that average `inputs` values to `outputs`, `(outputs, inputs)` flat.
fn averages(outputs: usize, inputs: usize) -> Vec<f32> {
    let mut matrix = vec![0.; outputs * inputs];
    for (i, row) in matrix.chunks_mut(inputs.max(1)).enumerate() {
        let (start, end) = (i * inputs / outputs, ((i + 1) * inputs).div_ceil(outputs));
        row[start..end].fill(1. / (end - start) as f32);
    }
    matrix
}

/// The same in two dimensions, from `inputs` to `outputs` (rows, columns): averages of averages.
fn grid_averages(outputs: (usize, usize), inputs: (usize, usize)) -> Vec<f32> {
    let (down, along) = (averages(outputs.0, inputs.0), averages(outputs.1, inputs.1));
    let mut matrix = Vec::with_capacity(down.len() * along.len());
    for row in down.chunks(inputs.0.max(1)) {
        for column in along.chunks(inputs.1.max(1)) {
            matrix.extend(row.iter().flat_map(|weight| column.iter().map(move |other| weight * other)));
        }
    }
    matrix
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use candle_core::Device;
    use rand::{Rng, SeedableRng};

    const CHANNELS: usize = 3;

    fn features(grid: (usize, usize), rng: &mut impl Rng) -> KeyValue {
        let n = grid.0 * grid.1;
        let mut random = || {
            let values: Vec<f32> = (0..n * CHANNELS).map(|_| rng.random_range(-1. ..1.)).collect();
            Tensor::from_vec(values, (1, n, CHANNELS), &Device::Cpu).unwrap()
        };
        KeyValue { keys: random(), values: random(), grid }
    }

    /// `AdaptiveAvgPool2d` as its documentation defines it.
    fn naive(xs: &Tensor, inputs: (usize, usize), outputs: (usize, usize)) -> Vec<Vec<f32>> {
        let xs: Vec<Vec<f32>> = xs.squeeze(0).unwrap().to_vec2().unwrap();
        let range = |i: usize, out: usize, len: usize| {
            let (i, out, len) = (i as f64, out as f64, len as f64);
            (i * len / out).floor() as usize..((i + 1.) * len / out).ceil() as usize
        };
        let mut pooled = vec![];
        for row in 0..outputs.0 {
            for column in 0..outputs.1 {
                let cells: Vec<&Vec<f32>> = range(row, outputs.0, inputs.0)
                    .flat_map(|r| range(column, outputs.1, inputs.1).map(move |c| r * inputs.1 + c))
                    .map(|cell| &xs[cell])
                    .collect();
                let mean = |c: usize| cells.iter().map(|cell| cell[c]).sum::<f32>() / cells.len() as f32;
                pooled.push((0..CHANNELS).map(mean).collect());
            }
        }
        pooled
    }

    fn assert_same(ours: &Tensor, reference: &[Vec<f32>]) {
        let ours: Vec<Vec<f32>> = ours.squeeze(0).unwrap().to_vec2().unwrap();
        assert_eq!(ours.len(), reference.len());
        for (a, b) in ours.iter().flatten().zip(reference.iter().flatten()) {
            assert!((a - b).abs() < 1e-5, "{a} is not {b}");
        }
    }

    #[test]
    fn pooling_averages_as_a_loop_does_for_any_sizes_up_and_down() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for _ in 0..100 {
            let mut size = || (rng.random_range(1..9), rng.random_range(1..9));
            let (inputs, outputs) = (size(), size());
            let features = features(inputs, &mut rng);
            let (height, width) = outputs;
            let ours = Pool::Grid { height, width }.apply(&features, height * width).unwrap();
            assert_eq!(ours.grid, outputs);
            assert_same(&ours.keys, &naive(&features.keys, inputs, outputs));
            assert_same(&ours.values, &naive(&features.values, inputs, outputs));

            let ours = Pool::Sequence.apply(&features, height).unwrap();
            assert_same(&ours.keys, &naive(&features.keys, (1, inputs.0 * inputs.1), (1, height)));
            assert_same(&ours.values, &naive(&features.values, (1, inputs.0 * inputs.1), (1, height)));
        }
    }

    #[test]
    fn pooling_to_a_text_averages_channels_too() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(10);
        for (n, length, width) in [(7, 3, 2), (4, 9, 5), (5, 5, 3)] {
            let features = features((1, n), &mut rng).keys;
            // Channels are columns of a picture of one channel, repeated to the three that the loop looks at.
            let plane = features.reshape((1, n * CHANNELS, 1)).unwrap().repeat((1, 1, CHANNELS)).unwrap();
            let reference = naive(&plane, (n, CHANNELS), (length, width));
            let pooled = pool_to_text(&features, length, width).unwrap();
            let pooled = pooled.reshape((1, length * width, 1)).unwrap().repeat((1, 1, CHANNELS)).unwrap();
            assert_same(&pooled, &reference);
        }
    }

    #[test]
    fn pooling_to_the_same_grid_changes_nothing() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(8);
        let features = features((3, 5), &mut rng);
        let pooled = Pool::Grid { height: 3, width: 5 }.apply(&features, 15).unwrap();
        assert_eq!(pooled.keys.to_vec3::<f32>().unwrap(), features.keys.to_vec3::<f32>().unwrap());
    }

    #[test]
    fn a_grid_that_does_not_fit_the_text_is_refused() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(9);
        let features = features((4, 4), &mut rng);
        assert!(Pool::Grid { height: 2, width: 2 }.apply(&features, 5).is_err());
    }

    #[test]
    fn pool_reads_from_a_manifest() {
        let grid: Pool = serde_json::from_str(r#"{"kind": "grid", "height": 8, "width": 4}"#).unwrap();
        assert_eq!(grid, Pool::Grid { height: 8, width: 4 });
        let sequence: Pool = serde_json::from_str(r#"{"kind": "sequence"}"#).unwrap();
        assert_eq!(sequence, Pool::Sequence);
    }
}
