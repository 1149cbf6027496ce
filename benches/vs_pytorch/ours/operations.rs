//! Single operations of `melfusion::ops`.

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use melfusion::ops::{
    Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, GroupNorm, LayerNorm, TimePadding, attention, geglu, gelu, linear,
    silu, softmax, upsample_nearest,
};

use super::{Variants, layouts, plain};
use crate::cases::Work;

/// As PyTorch's layers have it.
const NORM_EPS: f64 = 1e-5;

/// Builds an operation; networks are refused.
pub fn build(work: &Work, weights: VarBuilder, inputs: VarBuilder) -> Result<Variants> {
    match *work {
        Work::Conv2d { .. } | Work::Conv1d { .. } | Work::ConvTranspose1d { .. } => convolution(work, weights, &inputs),
        Work::Linear { rows, inputs: from, outputs } => {
            let (layer, xs) = (linear(from, outputs, weights)?, inputs.get((1, rows, from), "xs")?);
            Ok(plain(move || layer.forward(&xs)))
        }
        Work::Attention { batch, queries, keys, heads, width } => {
            let tokens = |count, name| inputs.get((batch, count, heads * width), name);
            let (queries, values) = (tokens(queries, "queries")?, tokens(keys, "values")?);
            let keys = tokens(keys, "keys")?;
            Ok(plain(move || attention(&queries, &keys, &values, heads, None)))
        }
        Work::GroupNorm { batch, channels, groups, size, silu } => {
            let norm = GroupNorm::new(groups, channels, NORM_EPS, weights)?;
            let xs = inputs.get((batch, channels, size.0, size.1), "xs")?;
            layouts(xs, move |xs| if silu { norm.forward_silu(xs) } else { norm.forward(xs) })
        }
        Work::LayerNorm { rows, width } => {
            let (norm, xs) = (LayerNorm::new(width, NORM_EPS, weights)?, inputs.get((1, rows, width), "xs")?);
            Ok(plain(move || norm.forward(&xs)))
        }
        Work::Activation { function, rows, width } => {
            let (function, xs) = (activation(function)?, inputs.get((1, rows, width), "xs")?);
            Ok(plain(move || function(&xs)))
        }
        Work::Upsample { channels, size: (h, w) } => {
            layouts(inputs.get((1, channels, h, w), "xs")?, move |xs| upsample_nearest(xs, 2 * h, 2 * w))
        }
        _ => bail!("not an operation: {work:?}"),
    }
}

fn convolution(work: &Work, weights: VarBuilder, inputs: &VarBuilder) -> Result<Variants> {
    match *work {
        Work::Conv2d { batch, inputs: from, outputs, size, circular } => {
            let time = if circular { TimePadding::Circular } else { TimePadding::Zero };
            let conv = Conv2d::new(from, outputs, Conv2dConfig::same(3, time), weights)?;
            layouts(inputs.get((batch, from, size.0, size.1), "xs")?, move |xs| conv.forward(xs))
        }
        Work::Conv1d { channels, kernel, dilation, length } => {
            let conv = Conv1d::new(channels, channels, kernel, dilation, weights)?;
            layouts(inputs.get((1, channels, length), "xs")?, move |xs| conv.forward(xs))
        }
        Work::ConvTranspose1d { inputs: from, outputs, kernel, stride, length } => {
            let conv = ConvTranspose1d::new(from, outputs, kernel, stride, (kernel - stride) / 2, weights)?;
            layouts(inputs.get((1, from, length), "xs")?, move |xs| conv.forward(xs))
        }
        _ => bail!("not a convolution: {work:?}"),
    }
}

fn activation(name: &str) -> Result<fn(&Tensor) -> Result<Tensor>> {
    Ok(match name {
        "silu" => silu,
        "gelu" => gelu,
        "geglu" => geglu,
        "softmax" => softmax,
        _ => bail!("there is no activation {name}"),
    })
}
