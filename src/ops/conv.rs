//! Convolutions.

use super::floats::{self, Floats};
use super::leaky_relu;
use crate::kernels::{self, Activation, Isa, Shape, Size};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};
use std::sync::Arc;

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
pub struct Conv2d(Way2d);

#[derive(Debug, Clone)]
enum Way2d {
    Kernel(Arc<kernels::Conv>),
    Candle(candle_nn::Conv2d, Conv2dConfig),
}

impl Conv2d {
    /// Reads `weight (out, in, kernel, kernel)` and `bias (out,)`.
    pub fn new(inputs: usize, outputs: usize, config: Conv2dConfig, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get((outputs, inputs, config.kernel, config.kernel), "weight")?;
        let bias = vb.get(outputs, "bias")?;
        if floats::is_multiplied_by_us(&weight) {
            let shape = Shape {
                kernel: (config.kernel, config.kernel),
                stride: (config.stride, config.stride),
                dilation: (1, 1),
                before: (config.padding, config.padding),
                after: (config.padding, config.padding),
                is_circular: config.time == TimePadding::Circular,
            };
            return kernel(shape, inputs, outputs, &weight, &bias).map(Way2d::Kernel).map(Self);
        }
        let padding = match config.time {
            TimePadding::Zero => config.padding,
            TimePadding::Circular => 0,
        };
        let cfg = candle_nn::Conv2dConfig { stride: config.stride, padding, ..Default::default() };
        Ok(Self(Way2d::Candle(candle_nn::Conv2d::new(weight, Some(bias), cfg), config)))
    }

    /// `(b, in, h, w)` → `(b, out, h', w')`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Way2d::Kernel(kernel) => convolve(kernel, xs, None, None),
            Way2d::Candle(inner, config) if config.time == TimePadding::Zero || config.padding == 0 => {
                inner.forward(xs)
            }
            Way2d::Candle(inner, Conv2dConfig { padding: p, .. }) => {
                inner.forward(&pad_circular(xs, 2, *p)?.pad_with_zeros(3, *p, *p)?)
            }
        }
    }

    /// The convolution plus `residual (b, out, h', w')`.
    pub fn forward_add(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Way2d::Kernel(kernel) => convolve(kernel, xs, Some(residual), None),
            Way2d::Candle(..) => self.forward(xs)? + residual,
        }
    }
}

/// `weight (out, in, ..)` and `bias (out,)`, to be packed.
fn kernel(shape: Shape, inputs: usize, outputs: usize, weight: &Tensor, bias: &Tensor) -> Result<Arc<kernels::Conv>> {
    if shape.kernel.0 == 0 || shape.kernel.1 == 0 || shape.stride.0 == 0 || shape.stride.1 == 0 {
        bail!("a convolution of {:?} taps with a stride of {:?}", shape.kernel, shape.stride);
    }
    let (weight, bias) = (floats::to_vec(weight)?, floats::to_vec(bias)?);
    Ok(Arc::new(kernels::Conv::new(Isa::best(), shape, inputs, outputs, &weight, bias)))
}

fn convolve(
    kernel: &kernels::Conv,
    xs: &Tensor,
    residual: Option<&Tensor>,
    then: Option<Activation>,
) -> Result<Tensor> {
    let residual = residual.map(|residual| residual.to_dtype(DType::F32)).transpose()?;
    floats::in_f32(xs, |xs| convolve_f32(kernel, xs, residual.as_ref(), then))
}

fn convolve_f32(
    kernel: &kernels::Conv,
    xs: &Tensor,
    residual: Option<&Tensor>,
    then: Option<Activation>,
) -> Result<Tensor> {
    let (xs, size) = floats::channel_last(xs)?;
    if size.channels != kernel.inputs() {
        bail!("a convolution of {} channels got {}", kernel.inputs(), size.channels);
    }
    let outputs = kernel.outputs(size);
    if outputs.height == 0 || outputs.width == 0 {
        bail!("a map of {} x {} is smaller than a convolution's kernel", size.height, size.width);
    }
    let residual = residual.map(floats::channel_last).transpose()?;
    if let Some((_, other)) = residual.as_ref().filter(|(_, other)| *other != outputs) {
        bail!("a residual of {other:?} for a map of {outputs:?}");
    }
    let residual = residual.as_ref().map(|(residual, _)| Floats::of(residual)).transpose()?;
    floats::map(kernel.forward(&Floats::of(&xs)?, size, residual.as_deref(), then), outputs)
}

fn convolve_back(kernel: &kernels::ConvTranspose, xs: &Tensor) -> Result<Tensor> {
    let (xs, size) = floats::channel_last(&xs.unsqueeze(3)?)?;
    if size.channels != kernel.inputs() {
        bail!("a transposed convolution of {} channels got {}", kernel.inputs(), size.channels);
    }
    let values = kernel.forward(&Floats::of(&xs)?, size.batch, size.height);
    let channels = kernel.outputs();
    let height = values.len() / (size.batch * channels).max(1);
    floats::map(values, Size { height, channels, ..size })?.squeeze(3)
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
pub struct Conv1d(Way1d);

#[derive(Debug, Clone)]
enum Way1d {
    Kernel(Arc<kernels::Conv>),
    Candle(candle_nn::Conv1d),
}

impl Conv1d {
    /// Reads `weight (out, in, kernel)` and `bias (out,)`; keeps the length: padding `dilation * (kernel - 1) / 2`.
    pub fn new(inputs: usize, outputs: usize, taps: usize, dilation: usize, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get((outputs, inputs, taps), "weight")?;
        let bias = vb.get(outputs, "bias")?;
        let padding = dilation * (taps - 1) / 2;
        if floats::is_multiplied_by_us(&weight) {
            let shape = Shape {
                kernel: (taps, 1),
                stride: (1, 1),
                dilation: (dilation, 1),
                before: (padding, 0),
                after: (padding, 0),
                is_circular: false,
            };
            return kernel(shape, inputs, outputs, &weight, &bias).map(Way1d::Kernel).map(Self);
        }
        let cfg = candle_nn::Conv1dConfig { padding, dilation, ..Default::default() };
        Ok(Self(Way1d::Candle(candle_nn::Conv1d::new(weight, Some(bias), cfg))))
    }

    /// `(b, in, t)` → `(b, out, t)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Way1d::Kernel(kernel) => convolve(kernel, &xs.unsqueeze(3)?, None, None)?.squeeze(3),
            Way1d::Candle(inner) => inner.forward(xs),
        }
    }

    /// The convolution followed by [`leaky_relu`].
    pub fn forward_leaky_relu(&self, xs: &Tensor, slope: f64) -> Result<Tensor> {
        match &self.0 {
            Way1d::Kernel(kernel) => {
                let then = Activation::LeakyRelu(slope as f32);
                convolve(kernel, &xs.unsqueeze(3)?, None, Some(then))?.squeeze(3)
            }
            Way1d::Candle(_) => leaky_relu(&self.forward(xs)?, slope),
        }
    }

    /// The convolution plus `residual (b, out, t)`.
    pub fn forward_add(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Way1d::Kernel(kernel) => {
                convolve(kernel, &xs.unsqueeze(3)?, Some(&residual.unsqueeze(3)?), None)?.squeeze(3)
            }
            Way1d::Candle(_) => self.forward(xs)? + residual,
        }
    }
}

/// Transposed 1-D convolution with bias over `(b, c, t)`.
#[derive(Debug, Clone)]
pub struct ConvTranspose1d(WayBack);

#[derive(Debug, Clone)]
enum WayBack {
    Kernel(Arc<kernels::ConvTranspose>),
    Candle(candle_nn::ConvTranspose1d, usize),
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
        let weight = vb.get((inputs, outputs, kernel), "weight")?;
        let bias = vb.get(outputs, "bias")?;
        if kernel == 0 || stride == 0 || 2 * padding > kernel {
            bail!("a transposed convolution of {kernel} taps with a stride of {stride}, cut by {padding}");
        }
        if floats::is_multiplied_by_us(&weight) {
            let (weight, bias) = (floats::to_vec(&weight)?, floats::to_vec(&bias)?);
            let sizes = (inputs, outputs, kernel);
            let kernel = kernels::ConvTranspose::new(Isa::best(), sizes, stride, padding, &weight, &bias);
            return Ok(Self(WayBack::Kernel(Arc::new(kernel))));
        }
        // Only padding 0 takes candle's fast path (gemm and col2im); the result is trimmed instead.
        let cfg = candle_nn::ConvTranspose1dConfig { stride, ..Default::default() };
        Ok(Self(WayBack::Candle(candle_nn::ConvTranspose1d::new(weight, Some(bias), cfg), padding)))
    }

    /// `(b, in, t)` → `(b, out, (t - 1) * stride + kernel - 2 * padding)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.0 {
            WayBack::Kernel(kernel) => floats::in_f32(xs, |xs| convolve_back(kernel, xs)),
            WayBack::Candle(inner, padding) => {
                // One item at a time: candle 0.11.1 multiplies a transposed batch by a shared matrix as if it were not
                // transposed, so that every item after the first comes out wrong.
                let items = (0..xs.dim(0)?).map(|i| inner.forward(&xs.narrow(0, i, 1)?.contiguous()?));
                let ys = Tensor::cat(&items.collect::<Result<Vec<_>>>()?, 0)?;
                let len = ys.dim(2)? - 2 * padding;
                ys.narrow(2, *padding, len)?.contiguous()
            }
        }
    }
}
