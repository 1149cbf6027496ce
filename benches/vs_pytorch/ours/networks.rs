//! The mini bundle's stages, networks of the public weights' kind, and whole clips.

use std::error::Error;
use std::fs;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use melfusion::autoencoder::{Decoder, Encoder};
use melfusion::decoder::hifi_gan::HifiGan;
use melfusion::decoder::{DecoderConfig, GridConfig, GridDecoder};
use melfusion::denoiser::{Context, Unet};
use melfusion::request::{Request, RequestFields};
use melfusion::synapse::{Blend, KeyValue, Taps};
use melfusion::text::TextEncoder;
use melfusion::{Bundle, Engine};

use super::{Done, Variants, plain};
use crate::cases::{ClipWork, Work};
use crate::piece;

/// Where a UNet is evaluated.
const TIMESTEP: f64 = 500.0;

type Built = std::result::Result<Variants, Box<dyn Error>>;

/// Builds a network; operations are refused.
pub fn build(work: &Work, weights: VarBuilder, inputs: VarBuilder) -> Built {
    let bundle = Bundle::mini()?;
    let of_bundle = |file: &str| bundle.weights(file, DType::F32, &Device::Cpu);
    let manifest = bundle.manifest();
    match work {
        Work::Music { synapse } => music(&bundle, *synapse, &inputs),
        Work::Image => {
            let weights = of_bundle(&manifest.image.weights)?;
            let tokens = weights.get_unchecked(&manifest.image.context)?;
            let unet = Unet::new(&manifest.image.unet, weights.pp("unet"))?;
            let (xs, context) = (inputs.get((1, 4, 16, 16), "latents")?, Context { tokens, bias: None, class: None });
            Ok(plain(move || unet.forward(&xs, TIMESTEP, &context, &mut Taps::Capture(&mut Vec::new()))))
        }
        Work::Picture { .. } => {
            let encoder = Encoder::new(&manifest.image.vae, of_bundle(&manifest.image.weights)?.pp("vae"))?;
            let pixels = inputs.get((1, 3, manifest.image.size, manifest.image.size), "pixels")?;
            Ok(plain(move || encoder.encode(&pixels)))
        }
        Work::Text { prompt } => {
            let text = &manifest.text;
            let encoder = TextEncoder::new(&text.encoder, &bundle.bytes(&text.tokenizer)?, of_bundle(&text.weights)?)?;
            let mut prompts = prompts(prompt);
            Ok(plain(move || encoder.encode(&prompts())))
        }
        Work::Codec => {
            let grid = GridDecoder::new(grid(&bundle)?, of_bundle(&manifest.decoder.weights)?)?;
            let latent = manifest.music.latent;
            let latents = inputs.get((1, latent.channels, latent.window, latent.rows), "latents")?;
            Ok(plain(move || grid.codec().decode(&latents)))
        }
        Work::Vocoder { samples } => {
            let grid = GridDecoder::new(grid(&bundle)?, of_bundle(&manifest.decoder.weights)?)?;
            vocoder(grid, *samples, &inputs)
        }
        Work::Clip(clip) => whole(&bundle, clip),
        _ => small(work, weights, &inputs),
    }
}

fn grid(bundle: &Bundle) -> std::result::Result<&GridConfig, Box<dyn Error>> {
    match &bundle.manifest().decoder.config {
        DecoderConfig::Grid(config) => Ok(config),
        DecoderConfig::Score(_) | DecoderConfig::Wave(_) => Err("the mini bundle is on the grid".into()),
    }
}

fn music(bundle: &Bundle, synapse: bool, inputs: &VarBuilder) -> Built {
    let music = &bundle.manifest().music;
    let unet = Unet::new(&music.unet, bundle.weights(&music.weights, DType::F32, &Device::Cpu)?.pp("unet"))?;
    let xs = inputs.get((2, music.unet.in_channels, music.latent.window, music.latent.rows), "latents")?;
    let tokens = inputs.get((2, 64, music.unet.cross_attention_dim), "tokens")?;
    let class = music.unet.projection_class_embeddings_input_dim;
    let class = class.map(|width| inputs.get((2, width), "vector")).transpose()?;
    let context = Context { tokens, bias: None, class };
    if !synapse {
        return Ok(plain(move || unet.forward(&xs, TIMESTEP, &context, &mut Taps::None)));
    }
    let widths = music.unet.decoder_widths();
    let shares = inputs.get((widths.len(), 2, 1, 1), "shares")?;
    let blend = |(layer, &width): (usize, &usize)| -> Result<Blend> {
        let tokens = |which: usize| inputs.get((1, 64, width), &format!("picture.{}", 2 * layer + which));
        let image = KeyValue { keys: tokens(0)?, values: tokens(1)?, grid: (8, 8) };
        Ok(Blend { image, alpha: shares.get(layer)? })
    };
    let blends = widths.iter().enumerate().map(blend).collect::<Result<Vec<_>>>()?;
    Ok(plain(move || unet.forward(&xs, TIMESTEP, &context, &mut Taps::Blend(&blends))))
}

fn vocoder(grid: GridDecoder, samples: usize, inputs: &VarBuilder) -> Built {
    let mel: Vec<f32> = inputs.get((512, grid.config().bands), "mel")?.flatten_all()?.to_vec1()?;
    Ok(plain(move || Tensor::from_vec(grid.vocoder().render(&mel, samples, 0.0)?, samples, &Device::Cpu)))
}

fn small(work: &Work, weights: VarBuilder, inputs: &VarBuilder) -> Built {
    match work {
        Work::Unet { config, batch, size, tokens } => {
            let unet = Unet::new(config, weights)?;
            let xs = inputs.get((*batch, config.in_channels, size.0, size.1), "latents")?;
            let tokens = inputs.get((*batch, *tokens, config.cross_attention_dim), "tokens")?;
            let context = Context { tokens, bias: None, class: None };
            Ok(plain(move || unet.forward(&xs, TIMESTEP, &context, &mut Taps::None)))
        }
        Work::MelDecoder { config, size } => {
            let decoder = Decoder::new(config, weights)?;
            let latents = inputs.get((1, config.latent_channels, size.0, size.1), "latents")?;
            Ok(plain(move || decoder.decode(&latents)))
        }
        Work::HifiGan { config, frames } => {
            let vocoder = HifiGan::new(config, weights)?;
            let mel = inputs.get((1, config.model_in_dim, *frames), "mel")?;
            Ok(plain(move || vocoder.forward(&mel)))
        }
        _ => Err(format!("not a network: {work:?}").into()),
    }
}

/// `first`, then prompts that have not been read before: the encoder remembers the last ones.
fn prompts(first: &'static str) -> impl FnMut() -> String {
    let mut number = 0;
    move || {
        number += 1;
        if number == 1 { first.into() } else { format!("{first} {number}") }
    }
}

/// A clip; each new picture is unlike the ones before, but for the first, which the other side has too.
fn whole(bundle: &Bundle, work: &ClipWork) -> Built {
    let engine = if work.savings { Engine::load(bundle, Device::Cpu)? } else { without_savings(bundle)? };
    let known = work.known;
    let mut number = 0;
    let mut prompts = prompts(work.prompt);
    let call = move || {
        let made = piece::picture(number)
            .and_then(|picture| piece::request(&engine.manifest().defaults, picture))
            .and_then(|request| Request::new(RequestFields { prompt: prompts(), ..request.into_fields() }))
            .and_then(|request| piece::make(&engine, &request, None));
        number += usize::from(!known);
        let (times, clip) = made.map_err(candle_core::Error::wrap)?;
        let state = clip.map(|clip| clip.state()).unwrap_or_default();
        let latents = candle_core::safetensors::load_buffer(&state, &Device::Cpu)?.remove("latents");
        let Some(latents) = latents else { candle_core::bail!("a clip without latents") };
        Ok(Done { answer: latents.to_dtype(DType::F32)?, times: Some(times) })
    };
    Ok(vec![("plain", Box::new(call))])
}

/// The bundle with one guidance at every step, all of the UNet in each and every step walked, as the other side has it.
fn without_savings(bundle: &Bundle) -> std::result::Result<Engine, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for file in bundle.files() {
        fs::write(folder.path().join(file), bundle.bytes(file)?)?;
    }
    let mut manifest = bundle.manifest().clone();
    let defaults = &mut manifest.defaults;
    (defaults.word_guidance, defaults.unguided) = (1.0, 0.0);
    (defaults.unwalked, defaults.deep_steps) = (0.0, 1);
    fs::write(folder.path().join("manifest.toml"), toml::to_string(&manifest)?)?;
    Ok(Engine::load(&Bundle::open(folder.path())?, Device::Cpu)?)
}
