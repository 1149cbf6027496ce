//! The visual synapse: how music hears a picture.
//!
//! **The paper's part** (MeLFusion, CVPR 2024, figure 2) is the token blend. The keys and values of the
//! self-attention in the picture UNet's decoder replace a learnt share of the keys and values of the cross-attention
//! in the music UNet's decoder, layer by layer: `K = a K_image + (1 - a) K_text`, the same for `V`. The paper's
//! figure does not show how the picture's tokens come to the number of the text's; we average them ([`Pool`]).
//!
//! **Our part** is the global path: the values of a clean picture, averaged over all tokens, enter the music UNet's
//! time embedding as its class vector ([`Synapse::global`]). Measured: with the token blend alone a small model does
//! not hear the picture.
//!
//! ```text
//! picture UNet ─ Taps::Capture ─► [KeyValue] ─ Pool ─► Synapse::blends ─► Taps::Blend ─► music UNet
//!                                     └──────────────► Synapse::global ─► Context::class ─┘
//! ```

mod pool;
mod tap;

pub use pool::Pool;
pub use tap::{Blend, KeyValue, Taps};

use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;

/// What was learnt of how much each layer listens to the picture.
#[derive(Debug, Clone)]
pub struct Synapse {
    /// Share of the picture in every decoder layer, 0..=1, at full influence.
    alpha: Vec<f32>,
    /// Of the global path; a bundle may do without.
    statistics: Option<Statistics>,
}

/// Mean and standard deviation of the averaged values over the training pictures, each `(1, p)`.
#[derive(Debug, Clone)]
struct Statistics {
    mean: Tensor,
    std: Tensor,
}

impl Synapse {
    /// Reads `alpha (layers,)`, final shares and not what a sigmoid makes of them, and, where the bundle has a global
    /// path, `pooled_mean (p,)` and `pooled_std (p,)`.
    pub fn new(vb: VarBuilder) -> Result<Self> {
        let alpha = vb.get_unchecked_dtype("alpha", DType::F32)?.flatten_all()?.to_vec1()?;
        let statistics = if vb.contains_tensor("pooled_mean") { Some(Statistics::new(&vb)?) } else { None };
        Ok(Self { alpha, statistics })
    }

    /// Number of decoder layers it joins.
    pub fn layers(&self) -> usize {
        self.alpha.len()
    }

    /// What each decoder layer of the music UNet blends in.
    ///
    /// - `features`: of the picture, one per layer, pooled to the text's length ([`Pool::apply`]).
    /// - `influence`: 0..=1, multiplies every alpha.
    /// - `halves`: one per batch entry of the music UNet, whether it sees the picture.
    pub fn blends(&self, features: &[KeyValue], influence: f64, halves: &[bool]) -> Result<Vec<Blend>> {
        self.check(features)?;
        let blend = |(image, &alpha): (&KeyValue, &f32)| -> Result<Blend> {
            let share = (f64::from(alpha) * influence) as f32;
            let shares = halves.iter().map(|&sees| if sees { share } else { 0. }).collect();
            let alpha = Tensor::from_vec(shares, (halves.len(), 1, 1), image.keys.device())?;
            Ok(Blend { image: image.clone(), alpha: alpha.to_dtype(image.keys.dtype())? })
        };
        features.iter().zip(&self.alpha).map(blend).collect()
    }

    /// The global path's vector `(b, p)`, before influence scales it; none where the bundle has no such path.
    ///
    /// `clean`: features of the picture without noise, one per layer, as captured; `p` is the sum of their widths.
    pub fn global(&self, clean: &[KeyValue]) -> Result<Option<Tensor>> {
        let Some(statistics) = &self.statistics else {
            return Ok(None);
        };
        self.check(clean)?;
        let means = clean
            .iter()
            .map(|layer| layer.values.to_dtype(statistics.mean.dtype())?.mean(1))
            .collect::<Result<Vec<_>>>()?;
        let pooled = Tensor::cat(&means, 1)?.to_device(statistics.mean.device())?;
        Ok(Some(pooled.broadcast_sub(&statistics.mean)?.broadcast_div(&statistics.std)?))
    }

    fn check(&self, features: &[KeyValue]) -> Result<()> {
        if features.len() != self.alpha.len() {
            bail!("features of {} layers for a synapse of {}", features.len(), self.alpha.len());
        }
        Ok(())
    }
}

impl Statistics {
    fn new(vb: &VarBuilder) -> Result<Self> {
        let row = |name: &str| vb.get_unchecked(name)?.flatten_all()?.unsqueeze(0);
        let (mean, std) = (row("pooled_mean")?, row("pooled_std")?);
        let smallest: f32 = std.min_all()?.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.to_scalar()?;
        if smallest.is_nan() || smallest <= 0. {
            bail!("pooled_std has an entry of {smallest}, which nothing can be divided by");
        }
        Ok(Self { mean, std })
    }
}
