//! Normalisations, alone and fused with what follows them.

use super::floats::{self, Floats};
use super::silu;
use crate::kernels::{self, Affine, Isa, Then};
use candle_core::{D, DType, Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};
use std::sync::Arc;

/// Group normalisation over `(b, c, h, w)` with learnt scale and shift per channel.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    way: Way<candle_nn::GroupNorm>,
    groups: usize,
    eps: f64,
}

#[derive(Debug, Clone)]
enum Way<T> {
    Kernel(Arc<Affine>),
    Candle(T),
}

/// Scale and shift of a normalisation.
fn affine(weight: &Tensor, bias: &Tensor) -> Result<Arc<Affine>> {
    Ok(Arc::new(Affine { scale: floats::to_vec(weight)?, shift: floats::to_vec(bias)? }))
}

impl GroupNorm {
    /// Reads `weight (c,)` and `bias (c,)`.
    pub fn new(groups: usize, channels: usize, eps: f64, vb: VarBuilder) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            bail!("{channels} channels do not split into {groups} groups");
        }
        let (weight, bias) = (vb.get(channels, "weight")?, vb.get(channels, "bias")?);
        let way = if floats::is_ours(&weight) {
            Way::Kernel(affine(&weight, &bias)?)
        } else {
            Way::Candle(candle_nn::GroupNorm::new(weight, bias, channels, groups, eps)?)
        };
        Ok(Self { way, groups, eps })
    }

    /// Same shape out as in.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(affine) => self.run(affine, xs, None, None, false),
            Way::Candle(inner) => inner.forward(xs),
        }
    }

    /// The normalisation followed by [`silu`], as residual blocks want it.
    pub fn forward_silu(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(affine) => self.run(affine, xs, None, None, true),
            Way::Candle(inner) => silu(&inner.forward(xs)?),
        }
    }

    /// As [`Self::forward_silu`], of `xs` plus `before (b, c)`; `before` of one item serves all.
    pub fn forward_added_silu(&self, xs: &Tensor, before: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(affine) => self.run(affine, xs, Some(before), None, true),
            Way::Candle(inner) => {
                let before = before.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?;
                silu(&inner.forward(&xs.broadcast_add(&before)?)?)
            }
        }
    }

    /// As [`Self::forward_silu`], but `modulation (b, 2 c)` scales (by one more than it says), then shifts what is
    /// normalised; `modulation` of one item serves all.
    pub fn forward_modulated_silu(&self, xs: &Tensor, modulation: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(affine) => self.run(affine, xs, None, Some(modulation), true),
            Way::Candle(inner) => {
                let parts = modulation.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?.chunk(2, 1)?;
                let ys = inner.forward(xs)?.broadcast_mul(&(&parts[0] + 1.)?)?;
                silu(&ys.broadcast_add(&parts[1])?)
            }
        }
    }

    fn run(
        &self,
        affine: &Affine,
        xs: &Tensor,
        before: Option<&Tensor>,
        modulation: Option<&Tensor>,
        silu: bool,
    ) -> Result<Tensor> {
        let (xs, size) = floats::channel_last(xs)?;
        if size.channels != affine.scale.len() {
            bail!("a normalisation of {} channels got {}", affine.scale.len(), size.channels);
        }
        let rows = |rows: Option<&Tensor>, width| rows.map(|rows| self.rows(rows, size.batch, width)).transpose();
        let (before, modulation) = (rows(before, size.channels)?, rows(modulation, 2 * size.channels)?);
        let then = Then { modulation: modulation.as_deref(), silu };
        let norm = (self.groups, self.eps as f32);
        let ys = kernels::group_norm(Isa::best(), &Floats::of(&xs)?, size, norm, affine, before.as_deref(), then);
        floats::map(ys, size)
    }

    /// `(batch, width)`, from as much or from one row.
    fn rows(&self, rows: &Tensor, batch: usize, width: usize) -> Result<Vec<f32>> {
        floats::to_vec(&rows.broadcast_as((batch, width))?)
    }
}

/// Layer normalisation over the last dimension with learnt scale and shift.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    way: Way<candle_nn::LayerNorm>,
    eps: f64,
}

impl LayerNorm {
    /// Reads `weight (c,)` and `bias (c,)`.
    pub fn new(channels: usize, eps: f64, vb: VarBuilder) -> Result<Self> {
        let (weight, bias) = (vb.get(channels, "weight")?, vb.get(channels, "bias")?);
        let way = if floats::is_ours(&weight) {
            Way::Kernel(affine(&weight, &bias)?)
        } else {
            Way::Candle(candle_nn::LayerNorm::new(weight, bias, eps))
        };
        Ok(Self { way, eps })
    }

    /// Same shape out as in.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(affine) if xs.dim(D::Minus1)? == affine.scale.len() => {
                let xs = xs.contiguous()?;
                let ys =
                    kernels::layer_norm(Isa::best(), &Floats::of(&xs)?, self.eps as f32, std::slice::from_ref(affine));
                Tensor::from_vec(ys, xs.shape(), xs.device())
            }
            Way::Kernel(affine) => bail!("a normalisation of {} channels got {:?}", affine.scale.len(), xs.shape()),
            Way::Candle(inner) => inner.forward(xs),
        }
    }
}

/// Layer normalisation of `xs (b, n, c)` over `c`, without anything learnt; `modulation (b, 2, c)`, or one for all of the batch,
/// shifts by its first row what its second one scales, by one more than it says.
pub fn modulated_layer_norm(xs: &Tensor, eps: f64, modulation: &Tensor) -> Result<Tensor> {
    let ((b, _, c), (items, two, width)) = (xs.dims3()?, modulation.dims3()?);
    if (two, width) != (2, c) || items != 1 && items != b {
        bail!("a modulation of {:?} for {:?}", modulation.shape(), xs.shape());
    }
    if floats::is_multiplied_by_us(xs) {
        let values = floats::to_vec(modulation)?;
        let item = |item: &[f32]| {
            let (shift, scale) = item.split_at(c);
            Affine { scale: scale.iter().map(|x| x + 1.).collect(), shift: shift.to_vec() }
        };
        let items: Vec<Affine> = values.chunks_exact(2 * c).map(item).collect();
        return floats::in_f32(xs, |xs| {
            let xs = xs.contiguous()?;
            let ys = kernels::layer_norm(Isa::best(), &Floats::of(&xs)?, eps as f32, &items);
            Tensor::from_vec(ys, xs.shape(), xs.device())
        });
    }
    // In f32 at least: sums of f16 lose too much.
    let wide = if xs.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let (ys, modulation) = (xs.to_dtype(wide)?, modulation.to_dtype(wide)?);
    let ys = ys.broadcast_sub(&ys.mean_keepdim(D::Minus1)?)?;
    let ys = ys.broadcast_div(&(ys.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?)?;
    let (shift, scale) = (modulation.narrow(1, 0, 1)?, (modulation.narrow(1, 1, 1)? + 1.)?);
    ys.broadcast_mul(&scale)?.broadcast_add(&shift)?.to_dtype(xs.dtype())
}

/// Normalisation by the root of the mean square over the last dimension, with learnt scale.
#[derive(Debug, Clone)]
pub struct RmsNorm {
    way: WayRms,
    eps: f64,
}

#[derive(Debug, Clone)]
enum WayRms {
    Kernel(Arc<Vec<f32>>),
    Candle(Tensor),
}

impl RmsNorm {
    /// Reads `weight (c,)`.
    pub fn new(channels: usize, eps: f64, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get(channels, "weight")?;
        let way = match floats::is_ours(&weight) {
            true => WayRms::Kernel(Arc::new(floats::to_vec(&weight)?)),
            false => WayRms::Candle(weight),
        };
        Ok(Self { way, eps })
    }

    /// Same shape out as in.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.way {
            WayRms::Kernel(scale) if xs.dim(D::Minus1)? == scale.len() => {
                let xs = xs.contiguous()?;
                let ys = kernels::rms_norm(Isa::best(), &Floats::of(&xs)?, self.eps as f32, scale);
                Tensor::from_vec(ys, xs.shape(), xs.device())
            }
            WayRms::Kernel(scale) => bail!("a normalisation of {} channels got {:?}", scale.len(), xs.shape()),
            // Squares of f16 soon leave its range.
            WayRms::Candle(scale) => {
                let (dtype, xs) = (xs.dtype(), xs.to_dtype(DType::F32)?);
                let size = (xs.sqr()?.mean_keepdim(D::Minus1)? + self.eps)?.sqrt()?;
                xs.broadcast_div(&size)?.to_dtype(dtype)?.broadcast_mul(scale)
            }
        }
    }
}
