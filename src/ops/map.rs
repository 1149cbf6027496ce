//! Moves of maps `(b, c, h, w)`, without changing values.

use super::floats::{self, Floats};
use crate::kernels::{self, Size};
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

/// At another size, each position the nearest of the old.
pub fn upsample_nearest(xs: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    if !floats::is_ours(xs) {
        return xs.contiguous()?.upsample_nearest2d(height, width);
    }
    let (xs, size) = floats::channel_last(xs)?;
    floats::map(kernels::upsample_nearest(&Floats::of(&xs)?, size, height, width), Size { height, width, ..size })
}
