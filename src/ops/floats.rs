//! The values of tensors, for kernels that know only slices.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor, bail};
use parking_lot::RwLockReadGuard;

use crate::kernels::Size;

/// Whether our own kernels compute with a tensor: f32 on the CPU.
pub(super) fn is_ours(xs: &Tensor) -> bool {
    xs.device().is_cpu() && xs.dtype() == DType::F32
}

/// Whether our own kernels multiply with weights of this kind: f32 on the CPU, and bf16, which candle cannot multiply there.
/// Of that, what passes between operations is rounded; inside they compute in f32, as a GPU's units accumulate.
pub(super) fn is_multiplied_by_us(weights: &Tensor) -> bool {
    is_ours(weights) || weights.device().is_cpu() && weights.dtype() == DType::BF16
}

/// `compute` with `xs` as f32; the result has the type of `xs` again.
pub(super) fn in_f32(xs: &Tensor, compute: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if xs.dtype() == DType::F32 {
        return compute(xs);
    }
    compute(&xs.to_dtype(DType::F32)?)?.to_dtype(xs.dtype())
}

/// The values of a contiguous tensor of f32 on the CPU.
pub(super) struct Floats<'a> {
    storage: RwLockReadGuard<'a, Storage>,
    range: Range<usize>,
}

impl<'a> Floats<'a> {
    /// Borrows them.
    pub fn of(xs: &'a Tensor) -> Result<Self> {
        let (storage, layout) = xs.storage_and_layout();
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("a kernel got strided values") };
        match &*storage {
            Storage::Cpu(CpuStorage::F32(_)) => Ok(Self { range: start..end, storage }),
            _ => bail!("a kernel of the CPU got {:?} on {:?}", xs.dtype(), xs.device().location()),
        }
    }
}

impl Deref for Floats<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.range.clone()],
            _ => &[],
        }
    }
}

/// All values of a tensor, in the order of its shape.
pub(super) fn to_vec(xs: &Tensor) -> Result<Vec<f32>> {
    xs.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
}

/// `(b, c, h, w)` as the same values in channel-last order, `(b, h, w, c)` and contiguous; copied only if they are not.
pub(super) fn channel_last(xs: &Tensor) -> Result<(Tensor, Size)> {
    let (batch, channels, height, width) = xs.dims4()?;
    Ok((xs.permute((0, 2, 3, 1))?.contiguous()?, Size { batch, height, width, channels }))
}

/// A map of a kernel as `(b, c, h, w)`, a view.
pub(super) fn map(values: Vec<f32>, size: Size) -> Result<Tensor> {
    let shape = (size.batch, size.height, size.width, size.channels);
    Tensor::from_vec(values, shape, &Device::Cpu)?.permute((0, 3, 1, 2))
}
