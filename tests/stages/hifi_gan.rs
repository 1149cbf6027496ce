//! HiFi-GAN agrees with transformers' `SpeechT5HifiGan`, alone and behind the autoencoder.

use crate::golden::{Golden, assert_close};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use melfusion::autoencoder::{AutoencoderConfig, from_ldm};
use melfusion::decoder::hifi_gan::{HifiGan, HifiGanConfig, to_speech_t5};
use melfusion::decoder::wave::{WaveConfig, WaveDecoder};
use std::collections::HashMap;

/// As `tests/golden/hifi_gan.py` has it.
fn config() -> HifiGanConfig {
    HifiGanConfig {
        model_in_dim: 16,
        sampling_rate: 16000,
        upsample_initial_channel: 16,
        upsample_rates: vec![5, 2],
        upsample_kernel_sizes: vec![11, 4],
        resblock_kernel_sizes: vec![3, 7],
        resblock_dilation_sizes: vec![vec![1, 3], vec![1, 5]],
        leaky_relu_slope: 0.1,
        normalize_before: false,
    }
}

fn wave_config() -> WaveConfig {
    let autoencoder = AutoencoderConfig {
        in_channels: 1,
        out_channels: 1,
        latent_channels: 8,
        block_out_channels: vec![8, 16, 16],
        layers_per_block: 1,
        norm_num_groups: 4,
        scaling_factor: 0.9227914214134216,
        mid_block_add_attention: true,
        circular_time: false,
    };
    WaveConfig { autoencoder, vocoder: config() }
}

fn load(name: &str) -> HashMap<String, Tensor> {
    let path = format!("{}/tests/golden/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

/// One file like Tango's: the autoencoder in latent-diffusion's layout, the vocoder under `vocoder.`.
fn wave_decoder() -> WaveDecoder {
    let mut tensors = load("autoencoder_ldm");
    for (key, tensor) in load("hifi_gan") {
        if let Some(key) = key.strip_prefix("plain.weights.") {
            tensors.insert(format!("vocoder.{key}"), tensor);
        }
    }
    let vb = VarBuilder::from_tensors(from_ldm(tensors, 3).unwrap(), DType::F32, &Device::Cpu);
    WaveDecoder::new(&wave_config(), vb).unwrap()
}

#[test]
fn samples_match_the_reference() {
    let golden = Golden::open("hifi_gan");
    let vocoder = HifiGan::new(&config(), golden.weights_under("plain.weights")).unwrap();
    assert_close(&vocoder.forward(&golden.get("mel")).unwrap(), &golden.get("plain.samples"), 1e-4);
}

/// Stages that give `5 t + 1` and `2 t + 1` samples: the reference has 243 for 24 frames, of which ours are the first 240.
#[test]
fn kernels_that_exceed_their_rates_by_odd_numbers_lose_only_the_end() {
    let golden = Golden::open("hifi_gan");
    let config = HifiGanConfig { upsample_kernel_sizes: vec![12, 5], ..config() };
    let vocoder = HifiGan::new(&config, golden.weights_under("uneven.weights")).unwrap();
    let samples = vocoder.forward(&golden.get("mel")).unwrap();
    let reference = golden.get("uneven.samples");
    assert_eq!((samples.dims(), reference.dims()), (&[2, 240][..], &[2, 243][..]));
    assert_close(&samples, &reference.narrow(1, 0, 240).unwrap(), 1e-4);
}

#[test]
fn files_of_transformers_load_with_their_names_and_normalisation() {
    let golden = Golden::open("hifi_gan");
    let weights = golden.weights_under("normalized.weights").rename_f(to_speech_t5);
    let config = HifiGanConfig { normalize_before: true, ..config() };
    let vocoder = HifiGan::new(&config, weights).unwrap();
    assert_close(&vocoder.forward(&golden.get("mel")).unwrap(), &golden.get("normalized.samples"), 1e-4);
}

#[test]
fn only_the_upsampler_is_renamed() {
    assert_eq!(to_speech_t5("ups.0.weight"), "upsampler.0.weight");
    assert_eq!(to_speech_t5("vocoder.ups.0.weight"), "vocoder.upsampler.0.weight");
    assert_eq!(to_speech_t5("resblocks.0.convs1.0.bias"), "resblocks.0.convs1.0.bias");
    assert_eq!(to_speech_t5("cups.0.bias"), "cups.0.bias");
}

#[test]
fn latents_become_the_samples_of_the_reference_mel() {
    let latents = Golden::open("autoencoder").get("mel.latents");
    let samples = wave_decoder().decode(&latents).unwrap();
    assert_eq!(samples.len(), latents.dim(2).unwrap() * wave_config().samples_per_latent());
    let samples = Tensor::new(samples, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    assert_close(&samples, &Golden::open("hifi_gan").get("wave.samples"), 1e-4);
}

#[test]
fn samples_never_leave_full_scale() {
    let latents = (Golden::open("autoencoder").get("mel.latents") * 1e4).unwrap();
    let samples = wave_decoder().decode(&latents).unwrap();
    assert!(samples.iter().all(|sample| sample.abs() <= 1.));
}

#[test]
fn latents_of_another_shape_are_an_error() {
    let decoder = wave_decoder();
    for shape in [(1, 8, 8, 3), (1, 4, 8, 4), (2, 8, 8, 4)] {
        let latents = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert!(decoder.decode(&latents).is_err(), "{shape:?}");
    }
}

#[test]
fn the_published_sizes_give_640_samples_per_latent() {
    let vocoder = HifiGanConfig { model_in_dim: 64, upsample_rates: vec![5, 4, 2, 2, 2], ..config() };
    let config = WaveConfig { vocoder, ..wave_config() };
    assert_eq!((config.samples_per_latent(), config.latent_rows(), config.sample_rate()), (640, 16, 16000));
}

#[test]
fn a_configuration_that_cannot_be_is_an_error() {
    for config in [
        HifiGanConfig { upsample_kernel_sizes: vec![4, 4], ..config() },
        HifiGanConfig { upsample_kernel_sizes: vec![11], ..config() },
        HifiGanConfig { upsample_rates: vec![0, 2], ..config() },
        HifiGanConfig { resblock_kernel_sizes: vec![], ..config() },
        HifiGanConfig { resblock_kernel_sizes: vec![2, 7], ..config() },
        HifiGanConfig { resblock_dilation_sizes: vec![vec![1]], ..config() },
        HifiGanConfig { upsample_initial_channel: 2, ..config() },
    ] {
        assert!(HifiGan::new(&config, Golden::open("hifi_gan").weights_under("plain.weights")).is_err());
    }
}

#[test]
fn the_configuration_survives_toml_and_refuses_unknown_fields() {
    let written = toml::to_string(&wave_config()).unwrap();
    assert_eq!(toml::from_str::<WaveConfig>(&written).unwrap(), wave_config());
    assert!(toml::from_str::<WaveConfig>(&format!("{written}\ngain = 1.0")).is_err());
}
