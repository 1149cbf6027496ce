//! Times of every stage alone and of whole runs, on the bundle that the library carries.
//!
//! ```sh
//! cargo bench --bench stages                       # all of them
//! cargo bench --bench stages -- music              # those with `music` in their name
//! cargo bench --bench stages -- --save-baseline a  # to compare another state with, by `--baseline a`
//! ```
//!
//! The table in the README is the work of `cargo bench --bench table`.

mod piece;

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use melfusion::denoiser::{Context, Denoiser};
use melfusion::sampler::noise;
use melfusion::synapse::{Blend, KeyValue, Taps};
use melfusion::text::TextEncoder;
use melfusion::{Bundle, Engine};

use self::piece::Part;

type Outcome = Result<(), Box<dyn Error>>;
type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn main() -> Outcome {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let bundle = Bundle::mini()?;
    let engine = Engine::load(&bundle, Device::Cpu)?;
    in_group(&mut criterion, "load", |group| load(group, &bundle))?;
    in_group(&mut criterion, "text", |group| text(group, &bundle))?;
    in_group(&mut criterion, "picture", |group| picture(group, &engine))?;
    in_group(&mut criterion, "music", |group| {
        denoiser(group, &bundle)?;
        composition(group, &engine)
    })?;
    in_group(&mut criterion, "sound", |group| sound(group, &engine))?;
    in_group(&mut criterion, "clip", |group| clip(group, &engine))?;
    criterion.final_summary();
    Ok(())
}

fn in_group(criterion: &mut Criterion, name: &str, add: impl FnOnce(&mut Group) -> Outcome) -> Outcome {
    let mut group = criterion.benchmark_group(name);
    // Most of these take so long that one iteration is a sample.
    group.sampling_mode(SamplingMode::Flat);
    add(&mut group)?;
    group.finish();
    Ok(())
}

/// Reads and checks all weights.
fn load(group: &mut Group, bundle: &Bundle) -> Outcome {
    group
        .bench_function("bundle", |b| b.iter(|| Engine::load(bundle, Device::Cpu).expect("it has been loaded before")));
    Ok(())
}

fn text_encoder(bundle: &Bundle) -> Result<TextEncoder, Box<dyn Error>> {
    let text = &bundle.manifest().text;
    let weights = bundle.weights(&text.weights, DType::F32, &Device::Cpu)?;
    Ok(TextEncoder::new(&text.encoder, &bundle.bytes(&text.tokenizer)?, weights)?)
}

fn text(group: &mut Group, bundle: &Bundle) -> Outcome {
    let encoder = text_encoder(bundle)?;
    encoder.encode(piece::PROMPT)?;
    group.bench_function("prompt", |b| b.iter(|| encoder.encode(black_box(piece::PROMPT))));
    Ok(())
}

/// A picture that the engine has not seen: encoded, inverted and watched.
fn picture(group: &mut Group, engine: &Engine) -> Outcome {
    let mut part = timed(engine, Part::Picture, true);
    group.bench_function("encode and invert", |b| b.iter_custom(&mut part));
    Ok(())
}

/// One evaluation of the music's denoiser for both halves of the guidance, over one window.
fn denoiser(group: &mut Group, bundle: &Bundle) -> Outcome {
    let music = &bundle.manifest().music;
    let denoiser = Denoiser::new(&music.denoiser, bundle.weights(&music.weights, DType::F32, &Device::Cpu)?)?;
    let size = (2, music.denoiser.in_channels(), music.latent.window, music.latent.rows);
    let latents = noise(1, 0, size, &Device::Cpu)?;
    let tokens = text_encoder(bundle)?.encode(piece::PROMPT)?.repeat((2, 1, 1))?;
    let blends = blends(&music.denoiser.decoder_widths(), tokens.dim(1)?)?;
    let class = music.denoiser.class_width();
    let class = class.map(|width| noise(1, 1, (2, width), &Device::Cpu)).transpose()?;
    let context = Context { tokens, bias: None, class };
    let forward = |taps: &mut Taps| denoiser.forward(&latents, 500.0, &context, taps);
    forward(&mut Taps::Blend(&blends))?;
    group.bench_function("denoiser", |b| b.iter(|| forward(&mut Taps::None)));
    group.bench_function("denoiser with synapse", |b| b.iter(|| forward(&mut Taps::Blend(&blends))));
    Ok(())
}

/// One blend per decoder layer, for texts of `length` tokens; only the second half sees the picture.
fn blends(widths: &[usize], length: usize) -> candle_core::Result<Vec<Blend>> {
    let blend = |&width: &usize| {
        let tokens = |stream| noise(2, stream, (1, length, width), &Device::Cpu);
        let image = KeyValue { keys: tokens(0)?, values: tokens(1)?, grid: (1, length) };
        Ok(Blend { image, alpha: Tensor::new(&[[[0f32]], [[0.5]]], &Device::Cpu)? })
    };
    widths.iter().map(blend).collect()
}

/// All denoising steps, beside a picture that the engine knows.
fn composition(group: &mut Group, engine: &Engine) -> Outcome {
    let mut part = timed(engine, Part::Music, false);
    group.bench_function("compose", |b| b.iter_custom(&mut part));
    Ok(())
}

/// Latents to notes, and what plays them.
fn sound(group: &mut Group, engine: &Engine) -> Outcome {
    let mut part = timed(engine, Part::Decoder, false);
    group.bench_function("sound", |b| b.iter_custom(&mut part));
    Ok(())
}

/// From request to clip.
fn clip(group: &mut Group, engine: &Engine) -> Outcome {
    for (name, is_new) in [("new picture", true), ("known picture", false)] {
        let mut part = timed(engine, None, is_new);
        group.bench_function(name, |b| b.iter_custom(&mut part));
    }
    Ok(())
}

/// Times `part` of a run, or all of it, in the way that criterion wants; `is_new`: with another picture in each.
fn timed(engine: &Engine, part: impl Into<Option<Part>>, is_new: bool) -> impl FnMut(u64) -> Duration {
    let part = part.into();
    let mut number = 0;
    move |iterations| {
        let mut run = || {
            number += usize::from(is_new);
            let request = piece::request(&engine.manifest().defaults, piece::picture(number)?)?;
            let (times, _) = piece::make(engine, &request, part)?;
            Ok::<_, melfusion::Error>(part.map_or_else(|| times.total(), |part| times.of(part)))
        };
        (0..iterations).map(|_| run().expect("the piece can be made")).sum()
    }
}
