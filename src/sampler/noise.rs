//! Reproducible noise.

use candle_core::{Device, Result, Shape, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use rand_distr::{Distribution, StandardNormal};

/// Standard normal noise, f32, the same for the same `seed`, `stream` and number of elements on every device.
///
/// It is made on the host, one element after another in row-major order. Streams of one seed are independent of each
/// other: one for the start of a walk and others for its steps, say.
pub fn noise(seed: u64, stream: u64, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
    let shape = shape.into();
    let mut generator = ChaCha12Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    let values: Vec<f32> = StandardNormal.sample_iter(generator).take(shape.elem_count()).collect();
    Tensor::from_vec(values, shape, device)
}
