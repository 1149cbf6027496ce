//! The engine with a diffusion transformer for its music: the mini bundle.
#![cfg(feature = "embed-mini")]

use std::sync::LazyLock;

use crate::laws::{distance, fingerprint, generate, lasts_exactly, needs_influence_to_see, picture};
use candle_core::Device;
use melfusion::bundle::Manifest;
use melfusion::denoiser::{DenoiserConfig, DitConfig};
use melfusion::device::{Memory, Placement};
use melfusion::request::RequestFields;
use melfusion::{Bundle, Engine};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| load(Memory::Resident));

fn load(memory: Memory) -> Engine {
    let placement = Placement { memory: Some(memory), ..Device::Cpu.into() };
    Engine::load(&Bundle::mini().unwrap(), placement).unwrap()
}

fn config() -> DitConfig {
    match manifest().music.denoiser {
        DenoiserConfig::Dit(config) => config,
        DenoiserConfig::Unet(_) => unreachable!("mini has a transformer"),
    }
}

fn manifest() -> Manifest {
    Bundle::mini().unwrap().manifest().clone()
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
        (refusal(&|_, dit| dit.planes = 24), "22 planes"),
        (refusal(&|_, dit| dit.row_channels.truncate(5)), "11 rows"),
        (refusal(&|manifest, _| manifest.music.latent.channels = 8), "8 channels"),
        (refusal(&|manifest, _| manifest.defaults.deep_steps = 2), "deep_steps should be 1"),
        (
            refusal(&|manifest, dit| {
                manifest.music.position.as_mut().unwrap().frequency = true;
                dit.planes = 24;
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
    let unet = include_str!("../fixtures/manifest.toml").to_string();
    let (start, end) = (unet.find("[music.unet]").unwrap(), unet.find("[music.schedule]").unwrap());
    let both = text.replacen("[music.dit]", &format!("{}[music.dit]", &unet[start..end]), 1);
    let problem = Manifest::parse(&both).unwrap_err();
    assert!(problem.contains("two denoisers; leave out [music.unet] or [music.dit]"), "{problem}");
    let none = [&unet[..start], &unet[end..]].concat();
    let problem = Manifest::parse(&none).unwrap_err();
    assert!(problem.contains("no denoiser; give it [music.unet] or [music.dit]"), "{problem}");
}
