//! Bundles: what a good one gives, and what is said of a bad one.

use candle_core::{DType, Device, Tensor};
use half::f16;
use melfusion::bundle::{Bundle, Guide};
use melfusion::decoder::DecoderConfig;
use melfusion::error::Error;
use melfusion::sampler::SamplerKind;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const STAGES: [&str; 5] = ["text", "image", "music", "synapse", "decoder"];

/// The manifest of a bundle too small to make music, without its table of files.
const MANIFEST: &str = include_str!("../fixtures/manifest.toml");

/// A good bundle in a folder of its own; `weights` are the numbers in every file of weights.
fn bundle_of(weights: &[f32]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for stage in STAGES {
        let values: Vec<f16> = weights.iter().map(|value| f16::from_f32(*value)).collect();
        let tensor = Tensor::from_vec(values, weights.len(), &Device::Cpu).unwrap();
        let tensors = HashMap::from([("layer.weight", tensor)]);
        candle_core::safetensors::save(&tensors, dir.path().join(format!("{stage}.safetensors"))).unwrap();
    }
    fs::write(dir.path().join("tokenizer.json"), "{}").unwrap();
    write_manifest(dir.path(), MANIFEST);
    dir
}

/// Writes the manifest with a table of the files as they are.
fn write_manifest(dir: &Path, head: &str) {
    let mut text = format!("{head}\n[files]\n");
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "manifest.toml");
    names.sort();
    for name in names {
        let bytes = fs::read(dir.join(&name)).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{name:?} = {{ sha256 = \"{hash}\", bytes = {} }}\n", bytes.len());
    }
    fs::write(dir.join("manifest.toml"), text).unwrap();
}

fn good() -> TempDir {
    bundle_of(&[0.5, -1.25, 3.0])
}

/// Changes the text of a manifest, once.
fn edit(dir: &Path, from: &str, to: &str) {
    let path = dir.join("manifest.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// Asserts that the problem lies with `file` and that the message has all of `words`.
#[track_caller]
fn assert_broken<T>(result: Result<T, Error>, file: &str, words: &[&str]) {
    let Err(error) = result else { panic!("no error") };
    let Error::Bundle { path, problem } = &error else { panic!("{error}") };
    assert!(path.ends_with(file), "{path:?} is not {file}");
    for word in words {
        assert!(problem.contains(word), "{problem:?} has no {word:?}");
    }
}

#[test]
fn a_good_bundle_opens_verifies_and_loads_as_f32() {
    let dir = good();
    let bundle = Bundle::open(dir.path()).unwrap();
    bundle.verify().unwrap();
    let manifest = bundle.manifest();
    assert_eq!((manifest.name.as_str(), manifest.sample_rate), ("tiny", 32_000));
    assert_eq!((manifest.defaults.steps, manifest.defaults.sampler), (20, SamplerKind::DpmSolver2m));
    assert_eq!((manifest.text.encoder.tokens, manifest.synapse.guide), (Some(4), Guide::TextAndPicture));
    assert!(matches!(manifest.decoder.config, DecoderConfig::Wave(_)));
    assert_eq!(bundle.location(), dir.path());
    assert_eq!(bundle.bytes("tokenizer.json").unwrap().as_ref(), b"{}");
    let weights = bundle.weights("music.safetensors", DType::F32, &Device::Cpu).unwrap();
    let values: Vec<f32> = weights.pp("layer").get(3, "weight").unwrap().to_vec1().unwrap();
    assert_eq!(values, [0.5, -1.25, 3.0]);
}

#[test]
fn a_manifest_survives_being_written_and_read() {
    let dir = good();
    let bundle = Bundle::open(dir.path()).unwrap();
    fs::write(dir.path().join("manifest.toml"), toml::to_string(bundle.manifest()).unwrap()).unwrap();
    assert_eq!(Bundle::open(dir.path()).unwrap().manifest(), bundle.manifest());
}

#[test]
fn the_hash_tells_bundles_apart_but_not_their_line_ends() {
    let (dir, same) = (good(), good());
    let hash = |dir: &TempDir| Bundle::open(dir.path()).unwrap().hash().to_string();
    let first = hash(&dir);
    assert_eq!(first.len(), 64);
    assert_eq!(first, hash(&same));
    assert_ne!(first, hash(&bundle_of(&[0.5, -1.25, 3.5])));
    let path = dir.path().join("manifest.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace('\n', "\r\n")).unwrap();
    assert_eq!(first, hash(&dir));
    edit(dir.path(), "trailing", "leading");
    assert_ne!(first, hash(&dir));
}

#[test]
fn a_missing_folder_or_manifest_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert_broken(Bundle::open(dir.path().join("nowhere")), "nowhere", &["no such folder", "give"]);
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["missing", "install"]);
    fs::write(dir.path().join("manifest.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["not text"]);
    fs::write(dir.path().join("manifest.toml"), vec![b'#'; 2 << 20]).unwrap();
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["megabyte"]);
}

#[test]
fn a_missing_file_is_named_when_the_bundle_is_opened() {
    let dir = good();
    fs::remove_file(dir.path().join("music.safetensors")).unwrap();
    assert_broken(Bundle::open(dir.path()), "music.safetensors", &["missing", "install"]);
    fs::create_dir(dir.path().join("music.safetensors")).unwrap();
    assert_broken(Bundle::open(dir.path()), "music.safetensors", &["not a file"]);
}

#[test]
fn a_truncated_or_longer_file_is_named_when_the_bundle_is_opened() {
    let dir = good();
    let path = dir.path().join("decoder.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_broken(Bundle::open(dir.path()), "decoder.safetensors", &["truncated", "install"]);
    fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
    assert_broken(Bundle::open(dir.path()), "decoder.safetensors", &["long", "install"]);
}

#[test]
fn a_file_truncated_after_opening_is_noticed() {
    let dir = good();
    let bundle = Bundle::open(dir.path()).unwrap();
    fs::write(dir.path().join("image.safetensors"), b"short").unwrap();
    assert_broken(bundle.bytes("image.safetensors"), "image.safetensors", &["truncated"]);
}

#[test]
fn a_changed_file_of_the_right_size_is_found_by_its_hash() {
    let dir = good();
    let path = dir.path().join("synapse.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let bundle = Bundle::open(dir.path()).unwrap();
    bundle.verify_file("music.safetensors").unwrap();
    assert_broken(bundle.verify(), "synapse.safetensors", &["SHA-256", "install"]);
}

#[test]
fn weights_that_are_not_finite_are_refused_when_loaded_and_when_verified() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let dir = bundle_of(&[1.0, value, 2.0]);
        let bundle = Bundle::open(dir.path()).unwrap();
        let loaded = bundle.weights("text.safetensors", DType::F32, &Device::Cpu);
        assert_broken(loaded, "text.safetensors", &["layer.weight", "not finite"]);
        assert_broken(bundle.verify_file("text.safetensors"), "text.safetensors", &["not finite"]);
    }
}

#[test]
fn numbers_that_are_not_finite_are_found_in_every_format_and_the_largest_are_allowed() {
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        for (value, good) in [(f64::NAN, false), (f64::INFINITY, false), (65504.0, true), (0.0, true)] {
            let dir = good_with_reference(&Tensor::new(&[1.0, value], &Device::Cpu).unwrap().to_dtype(dtype).unwrap());
            let bundle = Bundle::open(dir.path()).unwrap();
            assert_eq!(bundle.verify().is_ok(), good, "{value} as {dtype:?}");
        }
    }
}

fn good_with_reference(tensor: &Tensor) -> TempDir {
    let dir = good();
    let path = dir.path().join("reference.safetensors");
    candle_core::safetensors::save(&HashMap::from([("x", tensor.clone())]), path).unwrap();
    write_manifest(dir.path(), MANIFEST);
    dir
}

#[test]
fn only_verification_misses_a_file_that_no_stage_needs() {
    let dir = good_with_reference(&Tensor::new(&[1f32], &Device::Cpu).unwrap());
    fs::remove_file(dir.path().join("reference.safetensors")).unwrap();
    assert_broken(Bundle::open(dir.path()).unwrap().verify(), "reference.safetensors", &["missing"]);
}

#[test]
fn files_that_are_no_safetensors_are_refused() {
    let huge_header = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    let outside = br#"{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#;
    let outside = [&(outside.len() as u64).to_le_bytes()[..], outside, &[0; 8]].concat();
    for contents in [b"".to_vec(), b"no tensors".to_vec(), huge_header, outside] {
        let dir = good();
        fs::write(dir.path().join("music.safetensors"), contents).unwrap();
        write_manifest(dir.path(), MANIFEST);
        let bundle = Bundle::open(dir.path()).unwrap();
        assert_broken(bundle.verify(), "music.safetensors", &["safetensors", "install"]);
        let loaded = bundle.weights("music.safetensors", DType::F32, &Device::Cpu);
        assert_broken(loaded, "music.safetensors", &["safetensors"]);
    }
}

#[test]
fn an_unknown_key_is_named_wherever_it_stands() {
    for (from, to) in [
        ("name = ", "colour = \"red\"\nname = "),
        ("steps = ", "colour = 1\nsteps = "),
        ("tokenizer = ", "colour = 1\ntokenizer = "),
        ("\nsize = ", "\ncolour = 1\nsize = "),
        ("vocab_size = ", "colour = 1\nvocab_size = "),
        ("model_in_dim = 64", "model_in_dim = 64\ncolour = 1"),
        ("tempo_features = ", "colour = 1\ntempo_features = "),
        ("beta_schedule = ", "colour = 1\nbeta_schedule = "),
        ("guide = ", "colour = 1\nguide = "),
        ("channels = 8,", "channels = 8, colour = 1,"),
        ("bytes = ", "colour = 1, bytes = "),
    ] {
        let dir = good();
        edit(dir.path(), from, to);
        assert_broken(Bundle::open(dir.path()), "manifest.toml", &["unknown field", "colour"]);
    }
}

#[test]
fn a_syntax_error_is_named_with_its_line() {
    let dir = good();
    edit(dir.path(), "version = ", "version ");
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["line 3"]);
}

#[test]
fn a_newer_format_asks_for_a_newer_engine_whatever_else_it_holds() {
    let dir = good();
    edit(dir.path(), "format = 1", "format = 2\nunheard_of = true");
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["format 2", "update"]);
    edit(dir.path(), "format = 2", "");
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["no bundle's manifest"]);
}

#[test]
fn names_that_are_paths_are_refused() {
    for name in ["../secret", "/etc/passwd", "a/b", "a\\\\b", "..", ".hidden", "C:x", "", "a\\u0000b"] {
        let dir = good();
        edit(dir.path(), "\"tokenizer.json\" = {", &format!("\"{name}\" = {{"));
        edit(dir.path(), "tokenizer = \"tokenizer.json\"", &format!("tokenizer = \"{name}\""));
        assert_broken(Bundle::open(dir.path()), "manifest.toml", &["no paths"]);
    }
}

#[test]
fn a_stage_may_name_no_file_that_is_not_listed() {
    let dir = good();
    edit(dir.path(), "weights = \"image.safetensors\"", "weights = \"../image.safetensors\"");
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["../image.safetensors", "table of files"]);
    let bundle = Bundle::open(good().path()).map(|bundle| bundle.bytes("../x").map(|_| ()));
    assert_broken(bundle.unwrap_or_else(Err), "x", &["not listed"]);
}

#[test]
fn numbers_out_of_range_are_named() {
    for (from, to, word) in [
        ("sample_rate = 32000", "sample_rate = 1", "sample_rate"),
        ("sample_rate = 32000", "sample_rate = 44100", "its decoder gives 32000"),
        ("steps = 20", "steps = 0", "defaults.steps"),
        ("guidance = 3.0", "guidance = nan", "guidance"),
        ("window = 64", "window = 0", "music.latent.window"),
        ("in_channels = 20", "in_channels = 8", "music.unet"),
        ("steps_offset = 0", "steps_offset = 9", "music.schedule: steps_offset"),
        ("sha256 = \"", "sha256 = \"x", "SHA-256"),
    ] {
        let dir = good();
        edit(dir.path(), from, to);
        assert_broken(Bundle::open(dir.path()), "manifest.toml", &[word]);
    }
}

#[test]
fn a_decoder_has_the_fields_of_its_kind_and_older_kinds_are_refused() {
    let dir = good();
    let bundle = Bundle::open(dir.path()).unwrap();
    let DecoderConfig::Wave(config) = &bundle.manifest().decoder.config else { panic!("not a wave") };
    assert_eq!(config.vocoder.model_in_dim, 64);
    edit(dir.path(), "model_in_dim", "colour = 1\nmodel_in_dim");
    assert_broken(Bundle::open(dir.path()), "manifest.toml", &["unknown field", "colour"]);
    let dir = good();
    edit(dir.path(), "kind = \"wave\"", "kind = \"grid\"");
    assert_broken(
        Bundle::open(dir.path()),
        "manifest.toml",
        &["before 0.12.0", "spectrograms", "bundled model", "0.11.0"],
    );
}

#[test]
fn a_bundle_is_found_by_path_or_by_name_in_the_first_place_that_has_it() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (place, name) in [(&second, "tiny"), (&first, "tiny"), (&second, "other"), (&second, "mini")] {
        let folder = place.path().join(name);
        fs::rename(good().keep(), folder).unwrap();
    }
    let places = [first.path().to_path_buf(), second.path().to_path_buf()];
    let found = |name: Option<&str>| Bundle::find_in(name, &places).unwrap().location().to_path_buf();
    assert_eq!(found(Some("tiny")), first.path().join("tiny"));
    assert_eq!(found(Some("other")), second.path().join("other"));
    assert_eq!(found(None), second.path().join("mini"));
    let path = second.path().join("tiny");
    assert_eq!(found(path.to_str()), path);
    let listed: Vec<_> = Bundle::list_in(&places).into_iter().map(|b| b.unwrap().location().to_path_buf()).collect();
    let folders = [first.path().join("tiny"), second.path().join("mini"), second.path().join("other"), path];
    assert_eq!(&listed[..4], &folders);
    edit(&second.path().join("other"), "name = \"tiny\"", "name = \"film-large\"");
    assert_eq!(found(Some("film-large")), second.path().join("other"), "by the name in its manifest");
    assert_broken(Bundle::find_in(Some("nameless"), &places), "nameless", &["no bundle", "give the path"]);
    assert_broken(Bundle::find_in(Some("no/such"), &places), "no/such", &["no such folder"]);
}

#[test]
fn a_broken_bundle_is_listed_as_broken() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("bad")).unwrap();
    fs::write(place.path().join("bad/manifest.toml"), "format = 1").unwrap();
    let listed = Bundle::list_in(&[place.path().to_path_buf(), place.path().join("nowhere")]);
    assert_broken(listed.into_iter().next().unwrap(), "manifest.toml", &["missing field"]);
}

#[cfg(feature = "embed-mini")]
#[test]
fn the_built_in_bundle_is_the_one_in_the_repository() {
    let (built_in, folder) = (Bundle::mini().unwrap(), Bundle::open("bundles/mini").unwrap());
    built_in.verify().unwrap();
    folder.verify().unwrap();
    assert_eq!(built_in.hash(), folder.hash());
    for name in built_in.files() {
        assert_eq!(built_in.bytes(name).unwrap(), folder.bytes(name).unwrap(), "{name}");
    }
}

#[cfg(not(feature = "embed-mini"))]
#[test]
fn a_build_without_a_bundle_says_so() {
    assert_broken(Bundle::mini(), "mini", &["carries no bundle"]);
}
