//! The visual synapse: how music hears a picture.
//!
//! **The paper's part** (MeLFusion, CVPR 2024, figure 2) is the token blend. The keys and values of the
//! self-attention in the picture UNet's decoder replace a learnt share of the keys and values of the cross-attention
//! in the music UNet's decoder, or in the last blocks of a transformer, layer by layer: `K = a K_image + (1 - a) K_text`,
//! the same for `V`. The paper's figure does not show how the picture's tokens come to the number of the text's; we average
//! them ([`Pool`]).
//!
//! **Our part** is the global path: the values of a clean picture, averaged over all tokens, enter the denoiser's
//! time embedding as its class vector ([`Synapse::global`]). Measured: with the token blend alone a small model does
//! not hear the picture.
//!
//! **The published code** of MeLFusion does something else ([`SynapseKind::Official`]), here for comparison: it averages
//! what the picture's cross-attention gives over tokens *and channels* to the size of the text, and blends that into the
//! text before keys and values are made of it. Keys and values are linear in the text, so that this too is a blend of
//! keys and values: of those that the music's own layers make of the average.
//!
//! ```text
//! picture UNet ─ Taps::Capture ─► [KeyValue] ─ Pool ─► Synapse::blends ─► Taps::Blend ─► denoiser
//!                                     └──────────────► Synapse::global ─► Context::class ─┘
//! ```

mod impression;
mod pool;
mod tap;

pub use impression::{Impression, PictureReader, ReaderConfig};
pub use pool::{Pool, pool_to_text};
pub use tap::{Blend, KeyValue, Taps};

use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How a picture enters the music's cross-attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SynapseKind {
    /// Keys and values of the picture's self-attention, as in the paper.
    #[default]
    Paper,
    /// The output of its cross-attention, pooled into the text, as in the published code.
    Official,
}

impl SynapseKind {
    /// As typed and written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Official => "official",
        }
    }

    /// Whether it is the one that nothing need be said of.
    pub(crate) fn is_paper(&self) -> bool {
        *self == Self::Paper
    }
}

impl FromStr for SynapseKind {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        [Self::Paper, Self::Official]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("{text:?} is no way that a picture enters music; give paper or official"))
    }
}

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

    /// The same of another kind. What the paper calls alpha is a share; the published code makes a share of up to a fifth
    /// of either sign of it, `(2 sigmoid(alpha) - 1) / 5`.
    ///
    /// Source: MeLFusion c450b1d, `attention_processor.py:513`.
    pub fn of_kind(&self, kind: SynapseKind) -> Self {
        let share = |alpha: &f32| match kind {
            SynapseKind::Paper => *alpha,
            SynapseKind::Official => (2. / (1. + (-alpha).exp()) - 1.) / 5.,
        };
        Self { alpha: self.alpha.iter().map(share).collect(), statistics: self.statistics.clone() }
    }

    /// Whether no picture changes anything.
    pub fn is_deaf(&self) -> bool {
        self.statistics.is_none() && self.alpha.iter().all(|alpha| *alpha == 0.)
    }

    /// Number of decoder layers it joins.
    pub fn layers(&self) -> usize {
        self.alpha.len()
    }

    /// What each layer of the music's denoiser that sees blends in.
    ///
    /// - `features`: of the picture, one per layer, pooled to the text's length ([`Pool::apply`]).
    /// - `influence`: 0..=1, multiplies every alpha.
    /// - `sees`: one per batch entry of the denoiser, whether it sees the picture.
    pub fn blends(&self, features: &[KeyValue], influence: f64, sees: &[bool]) -> Result<Vec<Blend>> {
        self.check(features)?;
        let blend = |(image, &alpha): (&KeyValue, &f32)| -> Result<Blend> {
            let share = (f64::from(alpha) * influence) as f32;
            let shares = sees.iter().map(|&sees| if sees { share } else { 0. }).collect();
            let alpha = Tensor::from_vec(shares, (sees.len(), 1, 1), image.keys.device())?;
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
