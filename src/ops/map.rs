//! Moves of maps `(b, c, h, w)`, without changing values.

use super::floats::{self, Floats};
use crate::kernels::{self, Isa, Size};
use candle_core::{Result, Tensor, bail};

/// Positions as tokens: `(b, c, h, w)` → `(b, h * w, c)`. A view of what our convolutions and normalisations make.
pub fn tokens(xs: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = xs.dims4()?;
    xs.permute((0, 2, 3, 1))?.contiguous()?.reshape((b, h * w, c))
}

/// Tokens as positions: `(b, h * w, c)` → `(b, c, h, w)`, a view.
pub fn from_tokens(tokens: &Tensor, (h, w): (usize, usize)) -> Result<Tensor> {
    let (b, _, c) = tokens.dims3()?;
    tokens.reshape((b, h, w, c))?.permute((0, 3, 1, 2))
}

/// The channels of two maps side by side.
pub fn concatenate(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if !floats::is_ours(left) {
        return Tensor::cat(&[left, right], 1);
    }
    let ((left, size), (right, other)) = (floats::channel_last(left)?, floats::channel_last(right)?);
    if (Size { channels: size.channels, ..other }) != size {
        bail!("maps of {size:?} and {other:?} side by side");
    }
    let ys = kernels::concatenate(&Floats::of(&left)?, &Floats::of(&right)?, size.positions());
    floats::map(ys, Size { channels: size.channels + other.channels, ..size })
}

/// The mean of several tensors `(b, c, t)`, laid out as convolutions leave them.
pub fn mean(all: &[Tensor]) -> Result<Tensor> {
    let Some(first) = all.first() else { bail!("the mean of nothing") };
    if !floats::is_ours(first) {
        let sum = all[1..].iter().try_fold(first.clone(), |sum, xs| sum + xs)?;
        return sum / all.len() as f64;
    }
    if let Some(other) = all.iter().find(|xs| xs.shape() != first.shape()) {
        bail!("the mean of {:?} and {:?}", first.shape(), other.shape());
    }
    let lying = all.iter().map(|xs| xs.transpose(1, 2)?.contiguous()).collect::<Result<Vec<_>>>()?;
    let values = lying.iter().map(Floats::of).collect::<Result<Vec<_>>>()?;
    let ys = kernels::mean(Isa::best(), &values.iter().map(|values| &**values).collect::<Vec<_>>());
    Tensor::from_vec(ys, lying[0].shape(), first.device())?.transpose(1, 2)
}

/// At another size, each position the nearest of the old.
pub fn upsample_nearest(xs: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    if !floats::is_ours(xs) {
        return xs.contiguous()?.upsample_nearest2d(height, width);
    }
    let (xs, size) = floats::channel_last(xs)?;
    floats::map(kernels::upsample_nearest(&Floats::of(&xs)?, size, height, width), Size { height, width, ..size })
}
