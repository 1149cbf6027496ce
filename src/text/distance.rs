//! How far tokens are from each other, as T5's attention is told.

use super::T5Config;
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// One number per head and kind of distance: near ones are told apart, of far ones only the order of magnitude counts.
///
/// Source: transformers 5.23.0, `models/t5/modeling_t5.py`, `_relative_position_bucket`, of both directions.
#[derive(Debug, Clone)]
pub(super) struct RelativeAttentionBias {
    /// `(buckets, heads)`.
    weight: Tensor,
    buckets: usize,
    max_distance: usize,
}

impl RelativeAttentionBias {
    /// Reads `weight (buckets, heads)`.
    pub fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let buckets = config.relative_attention_num_buckets;
        let weight = vb.get((buckets, config.num_heads), "weight")?;
        Ok(Self { weight, buckets, max_distance: config.relative_attention_max_distance })
    }

    /// What is added to the scores of `l` tokens, `(heads, 2 l - 1)`: of key `j` and query `i` at `j - i + l - 1`.
    pub fn forward(&self, l: usize) -> Result<Tensor> {
        let before = (1..l).rev().map(|steps| self.bucket(steps, false));
        let buckets: Vec<u32> = before.chain((0..l).map(|steps| self.bucket(steps, true))).collect();
        self.weight.index_select(&Tensor::new(buckets, self.weight.device())?, 0)?.t()?.contiguous()
    }

    /// Of a key that stands `steps` after the query, or before it.
    fn bucket(&self, steps: usize, is_after: bool) -> u32 {
        let half = self.buckets / 2;
        let exact = half / 2;
        let bucket = if steps < exact {
            steps
        } else {
            // In f32, as the reference: at powers of two the logarithms decide by their last bit.
            let (steps, most) = (steps as f32 / exact as f32, self.max_distance as f32 / exact as f32);
            let beyond = steps.log(most) * (half - exact) as f32;
            (exact + (beyond as usize).min(half)).min(half.saturating_sub(1))
        };
        (bucket + if is_after && steps > 0 { half } else { 0 }) as u32
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    fn bias(buckets: usize, max_distance: usize) -> RelativeAttentionBias {
        let weight = Tensor::zeros((buckets, 1), DType::F32, &Device::Cpu).unwrap();
        RelativeAttentionBias { weight, buckets, max_distance }
    }

    /// Reference: `T5Attention._relative_position_bucket` of transformers 5.23.0 with 32 buckets up to 128.
    #[test]
    fn buckets_are_those_of_the_reference() {
        let bias = bias(32, 128);
        let cases = [(0, 0), (1, 1), (7, 7), (8, 8), (11, 8), (12, 9), (15, 9), (16, 10), (22, 10), (23, 11), (31, 11)];
        let far =
            [(32, 12), (45, 12), (46, 13), (63, 13), (64, 14), (90, 14), (91, 15), (127, 15), (128, 15), (511, 15)];
        for (steps, bucket) in cases.into_iter().chain(far) {
            assert_eq!(bias.bucket(steps, false), bucket, "{steps} before");
            assert_eq!(bias.bucket(steps, true), if steps == 0 { 0 } else { bucket + 16 }, "{steps} after");
        }
    }

    #[test]
    fn few_buckets_are_no_fault() {
        for buckets in 1..6 {
            let bias = bias(buckets, 20);
            assert!((0..600).all(|steps| (bias.bucket(steps, steps % 2 == 0) as usize) < buckets.max(1)), "{buckets}");
        }
    }

    #[test]
    fn every_distance_has_its_place() {
        let weight = Tensor::arange(0f32, 8., &Device::Cpu).unwrap().unsqueeze(1).unwrap();
        let bias = RelativeAttentionBias { weight, buckets: 8, max_distance: 20 };
        // Keys before the query, nearest last, the query itself, keys after it.
        assert_eq!(bias.forward(4).unwrap().to_vec2::<f32>().unwrap(), [[2., 2., 1., 0., 5., 6., 6.]]);
        assert_eq!(bias.forward(1).unwrap().to_vec2::<f32>().unwrap(), [[0.]]);
    }
}
