//! The mini bundle's stages, and networks of the public weights' kind.

use std::error::Error;

use candle_core::{DType, Device, Result};
use candle_nn::VarBuilder;
use melfusion::Bundle;
use melfusion::autoencoder::{Decoder, Encoder};
use melfusion::decoder::hifi_gan::HifiGan;
use melfusion::denoiser::{Context, Denoiser, Dit, Unet};
use melfusion::synapse::{Blend, KeyValue, Taps};
use melfusion::text::TextEncoder;

use super::{Variants, plain};
use crate::cases::Work;

/// Where a denoiser is evaluated.
const TIMESTEP: f64 = 500.0;
/// The music's, as in `mini.py`.
const NOISY: f64 = 900.0;

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
        _ => small(work, weights, &inputs),
    }
}

fn music(bundle: &Bundle, synapse: bool, inputs: &VarBuilder) -> Built {
    let music = &bundle.manifest().music;
    let denoiser = Denoiser::new(&music.denoiser, bundle.weights(&music.weights, DType::F32, &Device::Cpu)?)?;
    let size = (2, music.denoiser.in_channels(), music.latent.window, music.latent.rows);
    let xs = inputs.get(size, "latents")?;
    let tokens = inputs.get((2, 64, music.denoiser.text_width()), "tokens")?;
    let class = music.denoiser.class_width();
    let class = class.map(|width| inputs.get((2, width), "vector")).transpose()?;
    let context = Context { tokens, bias: None, class };
    if !synapse {
        return Ok(plain(move || denoiser.forward(&xs, NOISY, &context, &mut Taps::None)));
    }
    let widths = music.denoiser.decoder_widths();
    let shares = inputs.get((widths.len(), 2, 1, 1), "shares")?;
    let blend = |(layer, &width): (usize, &usize)| -> Result<Blend> {
        let tokens = |which: usize| inputs.get((1, 64, width), &format!("picture.{}", 2 * layer + which));
        let image = KeyValue { keys: tokens(0)?, values: tokens(1)?, grid: (8, 8) };
        Ok(Blend { image, alpha: shares.get(layer)? })
    };
    let blends = widths.iter().enumerate().map(blend).collect::<Result<Vec<_>>>()?;
    Ok(plain(move || denoiser.forward(&xs, NOISY, &context, &mut Taps::Blend(&blends))))
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
        Work::Dit { config, batch, columns, tokens } => {
            let dit = Dit::new(config, weights)?;
            let xs = inputs.get((*batch, config.in_channels(), *columns, config.row_channels.len()), "latents")?;
            let tokens = inputs.get((*batch, *tokens, config.text_width), "tokens")?;
            let class = Some(inputs.get((*batch, config.class_width), "vector")?);
            let context = Context { tokens, bias: None, class };
            Ok(plain(move || dit.forward(&xs, TIMESTEP, &context, &mut Taps::None)))
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
