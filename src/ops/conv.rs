//! Convolutions.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// How the time axis (axis 2 of `(b, c, t, f)`) continues beyond its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimePadding {
    /// Silence.
    #[default]
    Zero,
    /// The other end: what comes out loops without a seam.
    Circular,
}

/// Shape of a 2-D convolution.
#[derive(Debug, Clone, Copy)]
pub struct Conv2dConfig {
    /// Kernel size, the same on both axes.
    pub kernel: usize,
    /// Stride, the same on both axes.
    pub stride: usize,
    /// Padding on each side of both axes.
    pub padding: usize,
    /// What the padding of axis 2 holds; axis 3 is always padded with zeros.
    pub time: TimePadding,
}

impl Conv2dConfig {
    /// Keeps the size: stride 1, padding `kernel / 2`.
    pub fn same(kernel: usize, time: TimePadding) -> Self {
        Self { kernel, stride: 1, padding: kernel / 2, time }
    }
}

/// 2-D convolution with bias over `(b, c, h, w)`.
#[derive(Debug, Clone)]
pub struct Conv2d {
    inner: candle_nn::Conv2d,
    config: Conv2dConfig,
}

impl Conv2d {
    /// Reads `weight (out, in, kernel, kernel)` and `bias (out,)`.
    pub fn new(inputs: usize, outputs: usize, config: Conv2dConfig, vb: VarBuilder) -> Result<Self> {
        let padding = match config.time {
            TimePadding::Zero => config.padding,
            TimePadding::Circular => 0,
        };
        let cfg = candle_nn::Conv2dConfig { stride: config.stride, padding, ..Default::default() };
        Ok(Self { inner: candle_nn::conv2d(inputs, outputs, config.kernel, cfg, vb)?, config })
    }

    /// `(b, in, h, w)` → `(b, out, h', w')`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        if self.config.time == TimePadding::Zero || self.config.padding == 0 {
            return self.inner.forward(xs);
        }
        let p = self.config.padding;
        let xs = pad_circular(xs, 2, p)?.pad_with_zeros(3, p, p)?;
        self.inner.forward(&xs)
    }
}

/// Puts the last `n` slices of `axis` before the first and the first `n` after the last; works for `n` beyond the length.
fn pad_circular(xs: &Tensor, axis: usize, n: usize) -> Result<Tensor> {
    let len = xs.dim(axis)? as i64;
    let index: Vec<u32> = (-(n as i64)..len + n as i64).map(|i| i.rem_euclid(len) as u32).collect();
    let index = Tensor::new(index, xs.device())?;
    xs.contiguous()?.index_select(&index, axis)
}

/// 1-D convolution with bias over `(b, c, t)`, zero padded.
#[derive(Debug, Clone)]
pub struct Conv1d {
    inner: candle_nn::Conv1d,
}

impl Conv1d {
    /// Reads `weight (out, in, kernel)` and `bias (out,)`; keeps the length: padding `dilation * (kernel - 1) / 2`.
    pub fn new(inputs: usize, outputs: usize, kernel: usize, dilation: usize, vb: VarBuilder) -> Result<Self> {
        let padding = dilation * (kernel - 1) / 2;
        let cfg = candle_nn::Conv1dConfig { padding, dilation, ..Default::default() };
        Ok(Self { inner: candle_nn::conv1d(inputs, outputs, kernel, cfg, vb)? })
    }

    /// `(b, in, t)` → `(b, out, t)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.inner.forward(xs)
    }
}

/// Transposed 1-D convolution with bias over `(b, c, t)`.
#[derive(Debug, Clone)]
pub struct ConvTranspose1d {
    inner: candle_nn::ConvTranspose1d,
    padding: usize,
}

impl ConvTranspose1d {
    /// Reads `weight (in, out, kernel)` and `bias (out,)`; PyTorch's padding `padding`.
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        // Only padding 0 takes candle's fast path (gemm and col2im); the result is trimmed instead.
        let cfg = candle_nn::ConvTranspose1dConfig { stride, ..Default::default() };
        Ok(Self { inner: candle_nn::conv_transpose1d(inputs, outputs, kernel, cfg, vb)?, padding })
    }

    /// `(b, in, t)` → `(b, out, (t - 1) * stride + kernel - 2 * padding)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        // One item at a time: candle 0.11.1 multiplies a transposed batch by a shared matrix as if it were not
        // transposed, so that every item after the first comes out wrong.
        let items = (0..xs.dim(0)?).map(|i| self.inner.forward(&xs.narrow(0, i, 1)?.contiguous()?));
        let ys = Tensor::cat(&items.collect::<Result<Vec<_>>>()?, 0)?;
        let len = ys.dim(2)? - 2 * self.padding;
        ys.narrow(2, self.padding, len)?.contiguous()
    }
}
