//! Every operation gives the same in every type: our kernels in f32, and what other devices and types fall through to.
//!
//! On the CPU f64 and f16 take the way that a GPU takes; bf16, which candle cannot multiply here, is ours, rounded.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use melfusion::ops::{
    Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, Gate, GatedLinear, GroupNorm, LayerNorm, RmsNorm, TimePadding,
    add_gated, attention, attention_by_distance, concatenate, from_tokens, geglu, gelu, leaky_relu, linear,
    linear_no_bias, mean, modulated_layer_norm, silu, softmax, together, tokens, upsample_nearest,
};
use melfusion::sampler::noise;

/// Types, and what may be lost in them, relative to the largest value.
const TYPES: [(DType, f64); 3] = [(DType::F64, 1e-5), (DType::F16, 1e-2), (DType::BF16, 6e-2)];

/// Random numbers, the same for the same shape and stream; exact in f16 and in bf16.
fn random(stream: u64, shape: &[usize], dtype: DType) -> Tensor {
    let values = noise(7, stream, shape, &Device::Cpu).unwrap();
    values.to_dtype(DType::BF16).unwrap().to_dtype(dtype).unwrap()
}

/// Weights by name, as `dtype`.
fn weights(shapes: &[(&str, &[usize])], dtype: DType) -> VarBuilder<'static> {
    let tensor = |(i, (name, shape)): (usize, &(&str, &[usize]))| {
        let scale = (shape.iter().skip(1).product::<usize>() as f64).powf(-0.5);
        let values = (random(100 + i as u64, shape, DType::F32) * scale).unwrap();
        (name.to_string(), values.to_dtype(DType::BF16).unwrap())
    };
    VarBuilder::from_tensors(shapes.iter().enumerate().map(tensor).collect(), dtype, &Device::Cpu)
}

fn relative_error(ours: &Tensor, reference: &Tensor) -> f64 {
    assert_eq!(ours.dims(), reference.dims());
    let values = |xs: &Tensor| xs.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let (ours, reference) = (values(ours), values(reference));
    assert!(ours.iter().all(|x| x.is_finite()));
    let largest = reference.iter().fold(0f64, |most, x| most.max(x.abs()));
    ours.iter().zip(&reference).fold(0f64, |most, (a, b)| most.max((a - b).abs())) / largest
}

/// What `run` makes in a type is what it makes in f32, and of that type.
#[track_caller]
fn agrees(name: &str, run: impl Fn(DType) -> Result<Vec<Tensor>>) {
    agrees_in(&TYPES, name, run);
}

#[track_caller]
fn agrees_in(types: &[(DType, f64)], name: &str, run: impl Fn(DType) -> Result<Vec<Tensor>>) {
    let reference = run(DType::F32).unwrap();
    for &(dtype, tolerance) in types {
        for (i, (ours, reference)) in run(dtype).unwrap().iter().zip(&reference).enumerate() {
            assert_eq!(ours.dtype(), dtype, "{name} {i}");
            let error = relative_error(ours, reference);
            assert!(error <= tolerance, "{name} {i} in {dtype:?} is off by {error:e}");
        }
    }
}

#[test]
fn convolutions_in_two_dimensions() {
    for (kernel, stride, time) in
        [(3, 1, TimePadding::Zero), (3, 1, TimePadding::Circular), (3, 2, TimePadding::Zero), (1, 1, TimePadding::Zero)]
    {
        agrees(&format!("conv2d {kernel} {stride} {time:?}"), |dtype| {
            let config = Conv2dConfig { stride, ..Conv2dConfig::same(kernel, time) };
            let vb = weights(&[("weight", &[12, 8, kernel, kernel]), ("bias", &[12])], dtype);
            let conv = Conv2d::new(8, 12, config, vb)?;
            let ys = conv.forward(&random(1, &[2, 8, 10, 6], dtype))?;
            let residual = random(2, ys.dims(), dtype);
            Ok(vec![conv.forward_add(&random(1, &[2, 8, 10, 6], dtype), &residual)?, ys])
        });
    }
}

#[test]
fn convolutions_in_one_dimension() {
    for dilation in [1, 3] {
        agrees(&format!("conv1d {dilation}"), |dtype| {
            let vb = weights(&[("weight", &[6, 6, 5]), ("bias", &[6])], dtype);
            let conv = Conv1d::new(6, 6, 5, dilation, vb)?;
            let xs = random(1, &[2, 6, 40], dtype);
            let rectified = conv.forward_leaky_relu(&xs, 0.1)?;
            Ok(vec![conv.forward(&xs)?, conv.forward_add(&xs, &random(2, &[2, 6, 40], dtype))?, rectified])
        });
    }
    agrees("conv_transpose1d", |dtype| {
        let vb = weights(&[("weight", &[8, 4, 16]), ("bias", &[4])], dtype);
        Ok(vec![ConvTranspose1d::new(8, 4, 16, 8, 4, vb)?.forward(&random(1, &[2, 8, 9], dtype))?])
    });
}

#[test]
fn linear_layers() {
    agrees("linear", |dtype| {
        let vb = weights(&[("weight", &[10, 16]), ("bias", &[10])], dtype);
        let (biased, plain) = (linear(16, 10, vb.clone())?, linear_no_bias(16, 10, vb)?);
        let xs = random(1, &[2, 7, 16], dtype);
        let [first, second] = together([&biased, &plain], &xs)?;
        let added = biased.forward_add(&xs, &random(2, &[2, 7, 10], dtype))?;
        // As a view of a map is: not contiguous.
        let turned = biased.forward(&random(3, &[2, 16, 7], dtype).transpose(1, 2)?)?;
        let bent = biased.forward_gelu(&xs)?;
        Ok(vec![biased.forward(&xs)?, plain.forward(&xs)?, first, second, added, turned, bent])
    });
    agrees("gated linear", |dtype| {
        let vb = weights(&[("weight", &[24, 16]), ("bias", &[24])], dtype);
        Ok(vec![GatedLinear::new(16, 12, vb)?.forward(&random(1, &[2, 7, 16], dtype))?])
    });
    for gate in [Gate::Gelu, Gate::TanhGelu, Gate::Silu] {
        agrees(&format!("linear gated by {gate:?}"), |dtype| {
            let vb = weights(&[("value", &[12, 16]), ("gate", &[12, 16])], dtype);
            let weight = |name| Ok::<_, candle_core::Error>((vb.get((12, 16), name)?, None));
            let layer = GatedLinear::of(weight("value")?, weight("gate")?, gate)?;
            Ok(vec![layer.forward(&random(1, &[2, 7, 16], dtype))?])
        });
    }
}

#[test]
fn normalisations() {
    agrees("group norm", |dtype| {
        let vb = weights(&[("weight", &[12]), ("bias", &[12])], dtype);
        let (norm, xs) = (GroupNorm::new(3, 12, 1e-5, vb)?, random(1, &[2, 12, 6, 5], dtype));
        let (before, modulation) = (random(2, &[2, 12], dtype), random(3, &[1, 24], dtype));
        Ok(vec![
            norm.forward(&xs)?,
            norm.forward_silu(&xs)?,
            norm.forward_added_silu(&xs, &before)?,
            norm.forward_modulated_silu(&xs, &modulation)?,
        ])
    });
    // candle has none in f64.
    agrees_in(&TYPES[1..], "layer norm", |dtype| {
        let vb = weights(&[("weight", &[20]), ("bias", &[20])], dtype);
        Ok(vec![LayerNorm::new(20, 1e-5, vb)?.forward(&random(1, &[2, 7, 20], dtype))?])
    });
    agrees("rms norm", |dtype| {
        let vb = weights(&[("weight", &[20])], dtype);
        Ok(vec![RmsNorm::new(20, 1e-6, vb)?.forward(&random(1, &[2, 7, 20], dtype))?])
    });
    agrees("modulated layer norm", |dtype| {
        let (xs, each) = (random(1, &[2, 7, 20], dtype), random(2, &[2, 2, 20], dtype));
        Ok(vec![modulated_layer_norm(&xs, 1e-6, &each)?, modulated_layer_norm(&xs, 1e-6, &each.narrow(0, 1, 1)?)?])
    });
}

#[test]
fn activations() {
    agrees("activations", |dtype| {
        let xs = random(1, &[2, 7, 20], dtype);
        Ok(vec![silu(&xs)?, gelu(&xs)?, leaky_relu(&xs, 0.1)?, geglu(&xs)?, softmax(&xs)?])
    });
}

#[test]
fn gated_sums() {
    agrees("gated sum", |dtype| {
        let xs = |stream| random(stream, &[2, 7, 20], dtype);
        let each = random(3, &[2, 20], dtype);
        Ok(vec![add_gated(&xs(1), &xs(2), &each)?, add_gated(&xs(1), &xs(2), &each.narrow(0, 1, 1)?)?])
    });
}

#[test]
fn moves_of_maps() {
    agrees("moves", |dtype| {
        let (a, b) = (random(1, &[2, 6, 5, 4], dtype), random(2, &[2, 3, 5, 4], dtype));
        let rows = tokens(&a)?;
        let sounds = [random(3, &[1, 4, 30], dtype), random(4, &[1, 4, 30], dtype), random(5, &[1, 4, 30], dtype)];
        Ok(vec![concatenate(&a, &b)?, upsample_nearest(&a, 10, 7)?, from_tokens(&rows, (5, 4))?, rows, mean(&sounds)?])
    });
}

#[test]
fn attentions() {
    agrees("attention", |dtype| {
        let xs = |stream, tokens| random(stream, &[2, tokens, 24], dtype);
        let bias = Tensor::new(&[[0f32, 0., -1e4, 0., 0.], [0., 0., 0., 0., -1e4]], &Device::Cpu)?.to_dtype(dtype)?;
        let (queries, keys, values) = (xs(1, 9), xs(2, 5), xs(3, 5));
        Ok(vec![attention(&queries, &keys, &values, 3, None)?, attention(&queries, &keys, &values, 3, Some(&bias))?])
    });
}

#[test]
fn attention_by_how_far_tokens_are_apart() {
    agrees("attention by distance", |dtype| {
        let xs = |stream| random(stream, &[2, 9, 24], dtype);
        let queries = (xs(1) * 0.3)?;
        let run = |scale| attention_by_distance(&queries, &xs(2), &xs(3), 3, scale, &random(4, &[3, 17], dtype));
        Ok(vec![run(1.)?, run(0.5)?])
    });
}
