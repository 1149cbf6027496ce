//! The engine with a diffusion transformer for its music: the mini bundle's other stages, and random weights.
#![cfg(feature = "embed-mini")]

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

use crate::laws::{distance, fingerprint, generate, lasts_exactly, needs_influence_to_see, picture};
use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use melfusion::bundle::{FileEntry, Manifest};
use melfusion::denoiser::{DenoiserConfig, Dit, DitConfig};
use melfusion::device::{Memory, Placement};
use melfusion::request::RequestFields;
use melfusion::sampler::noise;
use melfusion::{Bundle, Engine};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

static BUNDLE: LazyLock<TempDir> = LazyLock::new(bundle);
static ENGINE: LazyLock<Engine> = LazyLock::new(|| load(Memory::Resident));

fn load(memory: Memory) -> Engine {
    let placement = Placement { memory: Some(memory), ..Device::Cpu.into() };
    Engine::load(&Bundle::open(BUNDLE.path()).unwrap(), placement).unwrap()
}

/// As wide where the picture enters as the mini bundle's image model.
fn config() -> DitConfig {
    DitConfig {
        channels: 16,
        row_channels: vec![16, 12, 9, 16, 16, 16, 3, 16, 16, 16, 16, 16, 16, 16, 16, 16],
        row_codes: vec![3; 16],
        row_bits: vec![20; 6],
        row_onsets: vec![12; 6],
        planes: 10,
        class_width: 864,
        text_width: 192,
        windows: vec![64, 48],
        width: 64,
        hidden: 96,
        cross_widths: vec![32, 192, 192, 128, 128],
        picture_layers: 4,
        timesteps: 1000,
    }
}

/// Random weights under the names that `config` asks for.
fn weights(config: &DitConfig) -> HashMap<String, Tensor> {
    let created = VarMap::new();
    Dit::new(config, VarBuilder::from_varmap(&created, DType::F32, &Device::Cpu)).unwrap();
    let mut shapes: Vec<(String, Vec<usize>)> =
        created.data().lock().unwrap().iter().map(|(name, var)| (name.clone(), var.dims().to_vec())).collect();
    shapes.sort();
    let random = |(stream, (name, shape)): (usize, (String, Vec<usize>))| {
        let spread = if shape.len() > 1 { (*shape.last().unwrap() as f64).powf(-0.5) } else { 0.1 };
        let values = (noise(5, stream as u64, shape, &Device::Cpu).unwrap() * spread).unwrap();
        let values = match name.as_str() {
            "alphas" => {
                Tensor::from_vec((0..1000).rev().map(|t| t as f32 / 1000.0).collect(), 1000, &Device::Cpu).unwrap()
            }
            "rolls.variance" => (values.sqr().unwrap() + 0.1).unwrap(),
            _ => values,
        };
        (format!("dit.{name}"), values)
    };
    shapes.into_iter().enumerate().map(random).collect()
}

fn manifest() -> Manifest {
    let mut manifest = Bundle::mini().unwrap().manifest().clone();
    manifest.music.denoiser = DenoiserConfig::Dit(config());
    manifest.music.position.as_mut().unwrap().frequency = false;
    manifest
}

/// The mini bundle with another denoiser, in a folder of its own.
fn bundle() -> TempDir {
    let (dir, mini, mut manifest) = (tempfile::tempdir().unwrap(), Bundle::mini().unwrap(), manifest());
    for file in mini.files() {
        fs::write(dir.path().join(file), mini.bytes(file).unwrap()).unwrap();
    }
    let path = dir.path().join("music.safetensors");
    candle_core::safetensors::save(&weights(&config()), &path).unwrap();
    let bytes = fs::read(path).unwrap();
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    manifest.files.insert("music.safetensors".into(), FileEntry { sha256, bytes: bytes.len() as u64 });
    fs::write(dir.path().join("manifest.toml"), toml::to_string(&manifest).unwrap()).unwrap();
    dir
}

fn fields() -> RequestFields {
    RequestFields {
        prompt: "calm piano over soft strings".into(),
        picture: Some(picture(1)),
        bars: 2,
        bpm: 96.0,
        seed: 7,
        steps: 3,
        sample_rate: ENGINE.native_rate(),
        ..Default::default()
    }
}

#[test]
fn a_transformer_composes_the_same_in_any_memory_and_hears_what_it_is_told() {
    let clip = generate(&ENGINE, fields());
    for memory in [Memory::Resident, Memory::Staged, Memory::Halves] {
        assert_eq!(fingerprint(&generate(&load(memory), fields())), fingerprint(&clip), "{memory}");
    }
    for other in [
        RequestFields { picture: None, ..fields() },
        RequestFields { prompt: "loud drums".into(), ..fields() },
        RequestFields { seed: 8, ..fields() },
    ] {
        let other = generate(&ENGINE, other);
        assert!(distance(&clip, &other) > 1e-3);
    }
}

#[test]
fn a_transformer_without_influence_sees_nothing() {
    needs_influence_to_see(&ENGINE, &fields());
}

/// Less than a window, one of three beats, and several that overlap.
#[test]
fn pieces_of_any_length_go_through_a_transformers_windows() {
    let fields = RequestFields { steps: 1, picture: None, ..fields() };
    let rate = ENGINE.native_rate();
    let shapes = [(1, "4/4", 96.0, rate), (4, "3/4", 96.0, rate), (5, "3/4", 96.0, rate), (3, "5/4", 120.0, rate)];
    lasts_exactly(&ENGINE, &fields, &shapes);
}

#[test]
fn a_manifest_of_a_transformer_is_written_as_it_is_read() {
    let manifest = manifest();
    assert_eq!(Manifest::parse(&toml::to_string(&manifest).unwrap()).unwrap(), manifest);
}

#[test]
fn a_manifest_whose_denoiser_does_not_fit_says_what_should_be() {
    let refusal = |change: &dyn Fn(&mut Manifest, &mut DitConfig)| {
        let (mut manifest, mut dit) = (manifest(), config());
        change(&mut manifest, &mut dit);
        manifest.music.denoiser = DenoiserConfig::Dit(dit);
        Manifest::parse(&toml::to_string(&manifest).unwrap()).unwrap_err()
    };
    for (problem, word) in [
        (refusal(&|_, dit| dit.windows = vec![64]), "music.dit.windows should have 48"),
        (refusal(&|_, dit| dit.planes = 12), "10 planes"),
        (refusal(&|_, dit| dit.row_channels.truncate(9)), "16 rows"),
        (refusal(&|manifest, _| manifest.music.latent.channels = 8), "8 channels"),
        (refusal(&|manifest, _| manifest.defaults.deep_steps = 2), "deep_steps should be 1"),
        (
            refusal(&|manifest, dit| {
                manifest.music.position.as_mut().unwrap().frequency = true;
                dit.planes = 12;
            }),
            "frequency = false",
        ),
    ] {
        assert!(problem.contains(word), "{problem}");
    }
}

#[test]
fn music_has_exactly_one_denoiser() {
    let text = toml::to_string(&manifest()).unwrap();
    let unet = toml::to_string(&Bundle::mini().unwrap().manifest().clone()).unwrap();
    let (start, end) = (unet.find("[music.unet]").unwrap(), unet.find("[music.schedule]").unwrap());
    let both = text.replacen("[music.dit]", &format!("{}[music.dit]", &unet[start..end]), 1);
    let problem = Manifest::parse(&both).unwrap_err();
    assert!(problem.contains("two denoisers; leave out [music.unet] or [music.dit]"), "{problem}");
    let none = [&unet[..start], &unet[end..]].concat();
    let problem = Manifest::parse(&none).unwrap_err();
    assert!(problem.contains("no denoiser; give it [music.unet] or [music.dit]"), "{problem}");
}
