//! Linear layers.

use super::floats::{self, Floats};
use super::{gelu, silu};
use crate::kernels::{self, Activation, Epilogue, Isa, Packed};
use candle_core::{D, DType, Device, Result, Tensor, bail};
use candle_nn::{Module, VarBuilder};
use std::sync::Arc;

/// `x W^T + b` over the last dimension.
#[derive(Debug, Clone)]
pub struct Linear {
    way: Way,
    device: Device,
    dtype: DType,
}

#[derive(Debug, Clone)]
enum Way {
    Kernel(Arc<Kernel>),
    Candle(candle_nn::Linear),
}

#[derive(Debug)]
struct Kernel {
    weights: Packed,
    bias: Option<Vec<f32>>,
}

impl Kernel {
    /// `(.., in)` → `(.., out)`, plus `residual (.., out)`, through `then`.
    fn forward(&self, xs: &Tensor, residual: Option<&Tensor>, then: Option<Activation>) -> Result<Tensor> {
        let residual = residual.map(|residual| residual.to_dtype(DType::F32)).transpose()?;
        floats::in_f32(xs, |xs| self.forward_f32(xs, residual.as_ref(), then))
    }

    fn forward_f32(&self, xs: &Tensor, residual: Option<&Tensor>, then: Option<Activation>) -> Result<Tensor> {
        let mut shape = xs.dims().to_vec();
        match shape.last_mut() {
            Some(last) if *last == self.weights.depth() => *last = self.weights.columns(),
            _ => bail!("a linear layer of {} inputs got {:?}", self.weights.depth(), xs.shape()),
        }
        if let Some(residual) = residual.filter(|residual| residual.dims() != shape) {
            bail!("a residual of {:?} for {shape:?}", residual.shape());
        }
        let (xs, residual) = (xs.contiguous()?, residual.map(Tensor::contiguous).transpose()?);
        let residual = residual.as_ref().map(Floats::of).transpose()?;
        let epilogue = Epilogue { bias: self.bias.as_deref(), residual: residual.as_deref(), then };
        let ys = kernels::linear(&Floats::of(&xs)?, &self.weights, epilogue);
        Tensor::from_vec(ys, shape, xs.device())
    }
}

impl Linear {
    /// From `weight (out, in)` and `bias (out,)`.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Result<Self> {
        let (device, dtype) = (weight.device().clone(), weight.dtype());
        let way = if floats::is_multiplied_by_us(&weight) {
            let (outputs, inputs) = weight.dims2()?;
            let values = floats::to_vec(&weight)?;
            let weights = Packed::new(Isa::best(), inputs, outputs, |i, o| values[o * inputs + i]);
            let bias = bias.as_ref().map(floats::to_vec).transpose()?;
            Way::Kernel(Arc::new(Kernel { weights, bias }))
        } else {
            Way::Candle(candle_nn::Linear::new(weight, bias))
        };
        Ok(Self { way, device, dtype })
    }

    /// Where its weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Type of its weights.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Same rank out as in, `(.., in)` → `(.., out)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(kernel) => kernel.forward(xs, None, None),
            // candle 0.11.1 multiplies every batch entry but the first wrongly when the left matrix is transposed.
            Way::Candle(inner) => inner.forward(&xs.contiguous()?),
        }
    }

    /// The layer followed by [`gelu`].
    pub fn forward_gelu(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(kernel) => kernel.forward(xs, None, Some(Activation::Gelu)),
            Way::Candle(_) => gelu(&self.forward(xs)?),
        }
    }

    /// The layer plus `residual (.., out)`.
    pub fn forward_add(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match &self.way {
            Way::Kernel(kernel) => kernel.forward(xs, Some(residual), None),
            Way::Candle(_) => self.forward(xs)? + residual,
        }
    }
}

/// Several layers over the same `xs (.., in)`, side by side.
pub fn together<const N: usize>(layers: [&Linear; N], xs: &Tensor) -> Result<[Tensor; N]> {
    let mut kernels = Vec::with_capacity(N);
    for layer in layers {
        match &layer.way {
            Way::Kernel(kernel) if xs.dim(D::Minus1)? == kernel.weights.depth() => kernels.push(&**kernel),
            Way::Kernel(kernel) => bail!("a linear layer of {} inputs got {:?}", kernel.weights.depth(), xs.shape()),
            Way::Candle(_) => {}
        }
    }
    let Ok(kernels) = <[&Kernel; N]>::try_from(kernels) else {
        return all(layers.map(|layer| layer.forward(xs)));
    };
    let dtype = xs.dtype();
    let xs = xs.to_dtype(DType::F32)?.contiguous()?;
    let values = kernels::linears(&Floats::of(&xs)?, kernels.map(|k| (&k.weights, k.bias.as_deref())));
    let mut shape = xs.dims().to_vec();
    shape.pop();
    let mut columns = kernels.iter().map(|kernel| kernel.weights.columns());
    all(values.map(|values| {
        let shape = [&shape[..], &[columns.next().unwrap_or_default()]].concat();
        Tensor::from_vec(values, shape, xs.device())?.to_dtype(dtype)
    }))
}

/// All of them, or the first error.
fn all<const N: usize>(results: [Result<Tensor>; N]) -> Result<[Tensor; N]> {
    let tensors: Vec<Tensor> = results.into_iter().collect::<Result<_>>()?;
    tensors.try_into().map_err(|_| candle_core::Error::msg("as many tensors as results"))
}

/// Reads `weight (out, in)` and `bias (out,)`.
pub fn linear(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    Linear::new(vb.get((outputs, inputs), "weight")?, Some(vb.get(outputs, "bias")?))
}

/// Reads `weight (out, in)`.
pub fn linear_no_bias(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    Linear::new(vb.get((outputs, inputs), "weight")?, None)
}

/// What the half of a [`GatedLinear`] that gates goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Gaussian error linear unit, exact.
    Gelu,
    /// Gaussian error linear unit, approximated with a hyperbolic tangent.
    TanhGelu,
    /// `x * sigmoid(x)`.
    Silu,
}

impl Gate {
    fn activation(self) -> Activation {
        match self {
            Self::Gelu => Activation::Gelu,
            Self::TanhGelu => Activation::TanhGelu,
            Self::Silu => Activation::Silu,
        }
    }

    /// Any shape.
    fn forward(self, xs: &Tensor) -> Result<Tensor> {
        match self {
            Self::Gelu => gelu(xs),
            Self::TanhGelu => xs.gelu(),
            Self::Silu => silu(xs),
        }
    }
}

/// Two linear layers over the same values, one of which gates the other: an activation and a product after them, in one.
#[derive(Debug, Clone)]
pub struct GatedLinear(WayGated);

#[derive(Debug, Clone)]
enum WayGated {
    Kernel(Arc<Kernel>),
    Candle { value: candle_nn::Linear, gate: candle_nn::Linear, gating: Gate },
}

impl GatedLinear {
    /// Reads `weight (2 out, in)` and `bias (2 out,)`, whose second half gates the first through [`Gate::Gelu`].
    pub fn new(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Self> {
        let (weight, bias) = (vb.get((2 * outputs, inputs), "weight")?, vb.get(2 * outputs, "bias")?);
        let half = |i: usize| -> Result<_> {
            Ok((weight.narrow(0, i * outputs, outputs)?, Some(bias.narrow(0, i * outputs, outputs)?)))
        };
        Self::of(half(0)?, half(1)?, Gate::Gelu)
    }

    /// From `weight (out, in)` and `bias (out,)` of either layer; both or neither have a bias.
    pub fn of(value: (Tensor, Option<Tensor>), gate: (Tensor, Option<Tensor>), gating: Gate) -> Result<Self> {
        if value.0.shape() != gate.0.shape() || value.1.is_some() != gate.1.is_some() {
            bail!("a layer of {:?} gated by one of {:?}, or only one has a bias", value.0.shape(), gate.0.shape());
        }
        if !floats::is_multiplied_by_us(&value.0) {
            let [value, gate] = [value, gate].map(|(weight, bias)| candle_nn::Linear::new(weight, bias));
            return Ok(Self(WayGated::Candle { value, gate, gating }));
        }
        let (outputs, inputs) = value.0.dims2()?;
        let (values, gates) = (floats::to_vec(&value.0)?, floats::to_vec(&gate.0)?);
        let entry = |i: usize, o: usize| match o.checked_sub(outputs) {
            Some(o) => gates[o * inputs + i],
            None => values[o * inputs + i],
        };
        let weights = Packed::gated(Isa::best(), inputs, outputs, gating.activation(), entry);
        let bias = match (value.1, gate.1) {
            (Some(value), Some(gate)) => Some([floats::to_vec(&value)?, floats::to_vec(&gate)?].concat()),
            _ => None,
        };
        Ok(Self(WayGated::Kernel(Arc::new(Kernel { weights, bias }))))
    }

    /// `(.., in)` → `(.., out)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match &self.0 {
            WayGated::Kernel(kernel) => kernel.forward(xs, None, None),
            WayGated::Candle { value, gate, gating } => {
                let xs = xs.contiguous()?;
                value.forward(&xs)? * gating.forward(&gate.forward(&xs)?)?
            }
        }
    }
}
