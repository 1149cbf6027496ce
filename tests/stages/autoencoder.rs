//! The autoencoder agrees with diffusers' `AutoencoderKL` and loops where it is told to.

use crate::golden::{Golden, assert_close, relative_error};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use melfusion::autoencoder::{AutoencoderConfig, Decoder, Encoder, from_ldm, rename};
use std::collections::{HashMap, HashSet};

/// As `tests/golden/autoencoder.py` has it.
fn config(channels: usize, latent_channels: usize, scaling_factor: f64) -> AutoencoderConfig {
    AutoencoderConfig {
        in_channels: channels,
        out_channels: channels,
        latent_channels,
        block_out_channels: vec![8, 16, 16],
        layers_per_block: 1,
        norm_num_groups: 4,
        scaling_factor,
        mid_block_add_attention: true,
        circular_time: false,
    }
}

fn image() -> AutoencoderConfig {
    config(3, 4, 0.18215)
}

fn mel() -> AutoencoderConfig {
    config(1, 8, 0.9227914214134216)
}

fn load(name: &str) -> HashMap<String, Tensor> {
    let path = format!("{}/tests/golden/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn builder(tensors: HashMap<String, Tensor>) -> VarBuilder<'static> {
    VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
}

fn mel_weights() -> VarBuilder<'static> {
    builder(from_ldm(load("autoencoder_ldm"), 3).unwrap())
}

#[test]
fn pictures_encode_and_decode_as_in_diffusers() {
    let golden = Golden::open("autoencoder");
    let weights = golden.weights_under("image.weights");
    let encoder = Encoder::new(&image(), weights.clone()).unwrap();
    let decoder = Decoder::new(&image(), weights).unwrap();
    assert_close(&encoder.encode(&golden.get("image.pixels")).unwrap(), &golden.get("image.latents"), 1e-4);
    assert_close(&decoder.decode(&golden.get("image.latents")).unwrap(), &golden.get("image.decoded"), 1e-4);
}

#[test]
fn mels_encode_and_decode_as_in_diffusers_from_weights_under_latent_diffusion_names() {
    let golden = Golden::open("autoencoder");
    let encoder = Encoder::new(&mel(), mel_weights()).unwrap();
    let decoder = Decoder::new(&mel(), mel_weights()).unwrap();
    assert_close(&encoder.encode(&golden.get("mel.pixels")).unwrap(), &golden.get("mel.latents"), 1e-4);
    assert_close(&decoder.decode(&golden.get("mel.latents")).unwrap(), &golden.get("mel.decoded"), 1e-4);
}

#[test]
fn renaming_reaches_every_diffusers_key_and_leaves_it_there() {
    let renamed: HashSet<String> = load("autoencoder_ldm").keys().map(|key| rename(key, 3)).collect();
    let diffusers: HashSet<String> =
        load("autoencoder").keys().filter_map(|key| key.strip_prefix("image.weights.").map(String::from)).collect();
    assert_eq!(renamed, diffusers);
    assert!(diffusers.iter().all(|key| rename(key, 3) == *key));
}

#[test]
fn renaming_leaves_other_keys_alone() {
    let others = [
        "",
        ".",
        "encoder",
        "vocoder.ups.0.weight",
        "decoder.up.9.block.0.conv1.bias",
        "decoder.up.x.upsample.conv.bias",
    ];
    for key in others {
        assert_eq!(rename(key, 3), key);
        assert_eq!(rename(key, 0), key);
    }
}

#[test]
fn old_attention_names_of_diffusers_are_read() {
    let golden = Golden::open("autoencoder");
    let old = |key: &str| {
        let pairs = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];
        pairs.iter().fold(key.to_string(), |key, (new, old)| key.replace(new, old))
    };
    let weights = load("autoencoder");
    let weights =
        weights.iter().filter_map(|(k, v)| Some((old(k.strip_prefix("image.weights.")?), v.clone()))).collect();
    let encoder = Encoder::new(&image(), builder(weights)).unwrap();
    assert_close(&encoder.encode(&golden.get("image.pixels")).unwrap(), &golden.get("image.latents"), 1e-4);
}

#[test]
fn circular_time_turns_a_turned_input_into_a_turned_output() {
    let golden = Golden::open("autoencoder");
    let circular = AutoencoderConfig { circular_time: true, ..mel() };
    let encoder = Encoder::new(&circular, mel_weights()).unwrap();
    let decoder = Decoder::new(&circular, mel_weights()).unwrap();
    let (pixels, latents) = (golden.get("mel.pixels"), golden.get("mel.latents"));
    let whole = encoder.encode(&pixels).unwrap();
    let turned = encoder.encode(&pixels.roll(3 * 4, 2).unwrap()).unwrap();
    assert_close(&turned, &whole.roll(3, 2).unwrap(), 1e-4);
    let whole = decoder.decode(&latents).unwrap();
    let turned = decoder.decode(&latents.roll(3, 2).unwrap()).unwrap();
    assert_close(&turned, &whole.roll(3 * 4, 2).unwrap(), 1e-4);
    assert!(relative_error(&whole, &golden.get("mel.decoded")) > 1e-2, "circular padding has no effect");
}

#[test]
fn without_attention_no_attention_weights_are_read() {
    let mut weights = from_ldm(load("autoencoder_ldm"), 3).unwrap();
    weights.retain(|key, _| !key.contains("attentions"));
    let config = AutoencoderConfig { mid_block_add_attention: false, ..mel() };
    Encoder::new(&config, builder(weights.clone())).unwrap();
    Decoder::new(&config, builder(weights.clone())).unwrap();
    assert!(Encoder::new(&mel(), builder(weights)).is_err());
}

#[test]
fn a_configuration_that_cannot_be_is_an_error() {
    for config in [
        AutoencoderConfig { block_out_channels: vec![], ..image() },
        AutoencoderConfig { norm_num_groups: 0, ..image() },
        AutoencoderConfig { norm_num_groups: 3, ..image() },
    ] {
        let weights = Golden::open("autoencoder").weights_under("image.weights");
        assert!(Encoder::new(&config, weights.clone()).is_err());
        assert!(Decoder::new(&config, weights).is_err());
    }
}

#[test]
fn the_configuration_survives_toml_and_refuses_unknown_fields() {
    let written = toml::to_string(&mel()).unwrap();
    assert_eq!(toml::from_str::<AutoencoderConfig>(&written).unwrap(), mel());
    assert!(toml::from_str::<AutoencoderConfig>(&format!("{written}\nshift = 1.0")).is_err());
}
