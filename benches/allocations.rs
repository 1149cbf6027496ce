//! Prints what operations and steps ask the allocator for, beside the values that they give.
//!
//! ```sh
//! RAYON_NUM_THREADS=1 cargo bench --bench allocations
//! ```
//!
//! The first call of everything packs weights and lengthens the threads' scratch memory; what later calls ask for is asked
//! for at every step.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::alloc::System;
use std::env;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use melfusion::Bundle;
use melfusion::denoiser::{Context, Denoiser};
use melfusion::ops::{Conv2d, Conv2dConfig, GroupNorm, TimePadding, attention, linear};
use melfusion::sampler::noise;
use melfusion::synapse::{Blend, KeyValue, Taps};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// An error of any kind, from another thread.
type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// Tokens of a prompt.
const TOKENS: usize = 64;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    if env::args().all(|argument| argument != "--bench") {
        return Ok(()); // Under `cargo test --benches` there is nothing to see.
    }
    println!("| | | allocations | kB | kB of the result |");
    println!("| --- | --- | ---: | ---: | ---: |");
    // On a thread of the pool, as the engine computes.
    let result = rayon::scope(|_| operations().map_err(Boxed::from).and_then(|()| steps()));
    result.map_err(|error| error.to_string().into())
}

/// Prints what `call` asks for the first two times, and the third if that differs from the second.
fn count(name: &str, mut call: impl FnMut() -> Result<Tensor>) -> Result<()> {
    let mut before = None;
    for time in ["first", "second", "third"] {
        let region = Region::new(ALLOCATOR);
        let result = call()?;
        let stats = region.change();
        let asked = (stats.allocations + stats.reallocations, stats.bytes_allocated);
        if before != Some(asked) {
            let kb = |bytes: usize| bytes as f64 / 1e3;
            let (size, (count, bytes)) = (result.elem_count() * size_of::<f32>(), asked);
            println!("| {name} | {time} | {count} | {:.0} | {:.0} |", kb(bytes), kb(size));
        }
        before = Some(asked);
    }
    Ok(())
}

fn operations() -> Result<()> {
    let weights = VarBuilder::zeros(DType::F32, &Device::Cpu);
    let map = noise(1, 0, (2, 64, 64, 16), &Device::Cpu)?.permute((0, 2, 3, 1))?.contiguous()?.permute((0, 3, 1, 2))?;
    let rows = noise(1, 1, (2, 256, 128), &Device::Cpu)?;
    let conv = |kernel| Conv2d::new(64, 64, Conv2dConfig::same(kernel, TimePadding::Circular), weights.clone());
    let (three, five) = (conv(3)?, conv(5)?);
    count("conv2d 3x3", || three.forward(&map))?;
    count("conv2d 5x5", || five.forward(&map))?;
    let norm = GroupNorm::new(16, 64, 1e-5, weights.clone())?;
    count("group_norm + silu", || norm.forward_silu(&map))?;
    let layer = linear(128, 128, weights)?;
    count("linear", || layer.forward(&rows))?;
    count("attention", || attention(&rows, &rows, &rows, 4, None))
}

fn steps() -> std::result::Result<(), Boxed> {
    let bundle = Bundle::mini()?;
    let music = &bundle.manifest().music;
    let denoiser = Denoiser::new(&music.denoiser, bundle.weights(&music.weights, DType::F32, &Device::Cpu)?)?;
    let size = (2, music.denoiser.in_channels(), music.latent.window, music.latent.rows);
    let latents = noise(1, 0, size, &Device::Cpu)?;
    let tokens = noise(1, 1, (2, TOKENS, music.denoiser.text_width()), &Device::Cpu)?;
    let class = music.denoiser.class_width();
    let class = class.map(|width| noise(1, 2, (2, width), &Device::Cpu)).transpose()?;
    let told = denoiser.prepare(&Context { tokens, bias: None, class })?;
    let blends = music.denoiser.decoder_widths().into_iter().map(blend).collect::<Result<Vec<_>>>()?;
    let step = |taps: &mut Taps| Ok(denoiser.forward_deep(&latents, 500.0, &told, taps)?.0);
    count("music, guided step", || step(&mut Taps::None))?;
    count("the same with synapse", || step(&mut Taps::Blend(&blends)))?;
    Ok(())
}

/// Of which only the second half sees anything.
fn blend(width: usize) -> Result<Blend> {
    let tokens = |stream| noise(2, stream, (1, TOKENS, width), &Device::Cpu);
    let image = KeyValue { keys: tokens(0)?, values: tokens(1)?, grid: (8, 8) };
    Ok(Blend { image, alpha: Tensor::new(&[[[0f32]], [[0.5]]], &Device::Cpu)? })
}
