//! What time and class vector say to every column alike.

use super::DitConfig;
use super::block::MODULATIONS;
use crate::denoiser::time::sinusoids;
use crate::ops::{Linear, linear, silu};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Embeddings of time and class vector, and the modulation that all blocks share.
///
/// Source: Chen et al., "PixArt-alpha", ICLR 2024, section 2.3.
#[derive(Debug, Clone)]
pub(super) struct Conditioning {
    time: [Linear; 2],
    class_embedding: [Linear; 2],
    modulation: Linear,
    /// Of the last normalisation, `(2, c)`, f32.
    scale_shift_table: Tensor,
    width: usize,
}

/// At one time; in f32, for one more than a small number has no room in 16 bits.
pub(super) struct Modulation {
    /// Shift, scale and gate of both modulated parts of every block, before its own are added, `(b, 6, c)`.
    pub blocks: Tensor,
    /// Shift and scale of the last normalisation, `(b, 2, c)`.
    pub last: Tensor,
}

impl Conditioning {
    /// Reads `time.*`, `class_embedding.*`, `modulation.*` and `scale_shift_table`.
    pub fn new(config: &DitConfig, vb: &VarBuilder) -> Result<Self> {
        let width = config.width;
        let two = |inputs: usize, vb: VarBuilder| -> Result<[Linear; 2]> {
            Ok([linear(inputs, width, vb.pp(0))?, linear(width, width, vb.pp(2))?])
        };
        Ok(Self {
            time: two(width, vb.pp("time"))?,
            class_embedding: two(config.class_width, vb.pp("class_embedding"))?,
            modulation: linear(width, MODULATIONS * width, vb.pp("modulation"))?,
            scale_shift_table: vb.get((2, width), "scale_shift_table")?.to_dtype(DType::F32)?,
            width,
        })
    }

    /// For a class vector `(b, p)` or `(1, p)`.
    pub fn forward(&self, timestep: f64, class: Option<&Tensor>) -> Result<Modulation> {
        let Some(class) = class else { bail!("a DiT wants a class vector and got none") };
        let waves = Tensor::from_vec(sinusoids(timestep, self.width, 0.), (1, self.width), class.device())?;
        let time = through(&self.time, &waves.to_dtype(class.dtype())?)?;
        let told = through(&self.class_embedding, class)?.broadcast_add(&time)?;
        let blocks = self.modulation.forward(&silu(&told)?)?.reshape(((), MODULATIONS, self.width))?;
        let last = told.to_dtype(DType::F32)?.unsqueeze(1)?.broadcast_add(&self.scale_shift_table)?;
        Ok(Modulation { blocks: blocks.to_dtype(DType::F32)?, last })
    }
}

fn through(layers: &[Linear; 2], xs: &Tensor) -> Result<Tensor> {
    layers[1].forward(&silu(&layers[0].forward(xs)?)?)
}
