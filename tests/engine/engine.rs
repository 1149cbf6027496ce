//! The engine on a bundle of the paper's kind (`tests/golden/wave_bundle.py`): random weights, true to every stage.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::laws::{self, Watch, bits, distance, fingerprint, generate, picture, request};
use candle_core::{DType, Device};
use half::f16;
use melfusion::audio::wav;
use melfusion::check;
use melfusion::clip::State;
use melfusion::device::{Memory, Placement};
use melfusion::engine::Redecoding;
use melfusion::error::{Error, Stage};
use melfusion::progress::Silent;
use melfusion::request::{RequestFields, SamplerKind};
use melfusion::{Bundle, Clip, Engine};
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const WAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wave");
const REFERENCE: &str = "reference.safetensors";
const RATE: u32 = 16_000;

static ENGINE: LazyLock<Engine> = LazyLock::new(load);

fn load() -> Engine {
    Engine::load(&Bundle::open(WAVE).unwrap(), Device::Cpu).unwrap()
}

/// A second and a bit in a bar of 4/4.
fn fields() -> RequestFields {
    RequestFields {
        prompt: "quiet strings".into(),
        picture: Some(picture(1)),
        bars: 1,
        bpm: 187.3,
        seed: 3,
        steps: 2,
        sample_rate: RATE,
        ..Default::default()
    }
}

/// The bundle in a folder of its own, to be damaged.
fn copy() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(WAVE).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    dir
}

/// Changes `count` numbers of a tensor, from the first on; the file keeps its length and the manifest is told.
fn change(dir: &Path, file: &str, tensor: &str, count: usize, to: f32) {
    let path = dir.join(file);
    let mut bytes = fs::read(&path).unwrap();
    let (header, about) = SafeTensors::read_metadata(&bytes).unwrap();
    let info = about.info(tensor).unwrap_or_else(|| panic!("{file} has no tensor {tensor}"));
    let number = match info.dtype {
        Dtype::F16 => f16::from_f32(to).to_le_bytes().to_vec(),
        Dtype::F32 => to.to_le_bytes().to_vec(),
        other => panic!("{other:?}"),
    };
    let start = 8 + header + info.data_offsets.0;
    let end = (start + count * number.len()).min(8 + header + info.data_offsets.1);
    let before = hash(&bytes);
    bytes[start..end].chunks_mut(number.len()).for_each(|chunk| chunk.copy_from_slice(&number));
    if file != REFERENCE {
        edit_manifest(dir, &before, &hash(&bytes));
    }
    fs::write(path, bytes).unwrap();
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn edit_manifest(dir: &Path, from: &str, to: &str) {
    let path = dir.join("manifest.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn rows(dir: &Path) -> Vec<check::Row> {
    check::run(&Bundle::open(dir).unwrap(), Device::Cpu).unwrap().rows
}

fn failing(dir: &Path) -> Vec<String> {
    rows(dir).into_iter().filter(|row| !row.passes()).map(|row| row.tensor).collect()
}

#[test]
fn the_bundle_is_whole() {
    Bundle::open(WAVE).unwrap().verify().unwrap();
}

#[test]
fn every_stage_agrees_with_torch_diffusers_and_transformers() {
    let rows = rows(Path::new(WAVE));
    for row in &rows {
        assert!(row.error <= 1e-4 && row.passes(), "{}: {} is off by {:e}", row.stage, row.tensor, row.error);
    }
    let tensors: Vec<&str> = rows.iter().map(|row| row.tensor.as_str()).collect();
    let [text, image] = [["text.ids", "text.tokens"], ["image.latents", "image.inverted"]];
    let seen = ["image.velocity", "image.keys.0", "image.values.0", "image.keys.1", "image.values.1"];
    let more = ["image.keys.2", "image.values.2", "image.keys.3", "image.values.3"];
    let rest = ["music.velocity", "music.latents", "decoder.mel", "decoder.samples"];
    assert_eq!(tensors, [&text[..], &image, &seen, &more, &rest].concat());
}

#[test]
fn denoisers_compute_in_sixteen_bits_what_torch_does_in_thirty_two() {
    let bundle = Bundle::open(WAVE).unwrap();
    for dtype in [DType::F16, DType::BF16] {
        let report = check::run(&bundle, Placement { dtype, ..Device::Cpu.into() }).unwrap();
        assert_eq!((report.device.as_str(), report.dtype), ("cpu", dtype));
        for row in &report.rows {
            assert!(row.passes(), "{dtype:?}: {} is off by {:e}", row.tensor, row.error);
            // What is not a denoiser's is as exact as ever, and what is one's is not.
            let is_exact = ["text", "decoder"].contains(&row.stage);
            assert_eq!(row.error < 1e-4, is_exact, "{dtype:?}: {} is off by {:e}", row.tensor, row.error);
        }
    }
}

#[test]
fn a_clip_in_sixteen_bits_is_near_the_one_in_thirty_two() {
    let clip = generate(&ENGINE, fields());
    for (dtype, most) in [(DType::F16, 0.02), (DType::BF16, 0.2)] {
        let engine = Engine::load(&Bundle::open(WAVE).unwrap(), Placement { dtype, ..Device::Cpu.into() }).unwrap();
        let difference = distance(&clip, &generate(&engine, fields()));
        assert!(difference > 0.0 && difference < most, "{dtype:?} is off by {difference}");
    }
}

fn sparing(memory: Memory) -> Engine {
    let placement = Placement { memory: Some(memory), ..Device::Cpu.into() };
    Engine::load(&Bundle::open(WAVE).unwrap(), placement).unwrap()
}

#[test]
fn how_much_memory_there_is_changes_no_bit_of_a_clip_but_in_tiles() {
    let long = RequestFields { bars: 3, guidance: 2.0, ..fields() };
    let morphless = RequestFields { guidance: 1.0, picture: None, ..fields() };
    for fields in [fields(), long, morphless] {
        let clip = generate(&ENGINE, fields.clone());
        assert_eq!(ENGINE.memory(), Memory::Resident);
        for memory in [Memory::Staged, Memory::Halves] {
            let engine = sparing(memory);
            for _ in 0..2 {
                assert_eq!(fingerprint(&generate(&engine, fields.clone())), fingerprint(&clip), "{memory}");
            }
        }
        let tiled = generate(&sparing(Memory::Tiles), fields.clone());
        assert_eq!(tiled.latents, clip.latents);
        let difference = distance(&tiled, &clip);
        // Tiles of 16 columns and random weights; unrelated clips are 1.4 apart. What is long is always decoded in tiles.
        let is_long = fields.bars > 1;
        assert!(difference < 1.0 && (difference == 0.0) == is_long, "{difference}");
    }
}

#[test]
fn a_sparing_engine_shares_coarse_levels_and_redecodes_alike() {
    let dir = copy();
    edit_manifest(dir.path(), "[defaults]", "[defaults]\ndeep_steps = 2");
    weigh_words(dir.path(), 2.0);
    let load = |memory| {
        Engine::load(&Bundle::open(dir.path()).unwrap(), Placement { memory: Some(memory), ..Device::Cpu.into() })
            .unwrap()
    };
    let fields = RequestFields { steps: 4, ..fields() };
    let [resident, halves] = [Memory::Resident, Memory::Halves].map(|memory| generate(&load(memory), fields.clone()));
    assert_eq!(fingerprint(&halves), fingerprint(&resident));
    let to = Redecoding { sample_rate: RATE, ..Default::default() };
    let again = load(Memory::Staged).redecode(&State::from(&resident), to, &Silent).unwrap();
    assert_eq!(bits(&again), bits(&resident));
}

#[test]
fn a_file_that_is_damaged_while_its_component_is_away_is_found() {
    let dir = copy();
    let placement = Placement { memory: Some(Memory::Staged), ..Device::Cpu.into() };
    let engine = Engine::load(&Bundle::open(dir.path()).unwrap(), placement).unwrap();
    generate(&engine, fields());
    let path = dir.path().join("music.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    let error = engine.generate(&request(fields()), &Silent).unwrap_err();
    assert!(matches!(&error, Error::Bundle { problem, .. } if problem.contains("SHA-256")), "{error}");
}

#[test]
fn a_changed_weight_is_found_in_its_stage() {
    for (file, tensor, first) in [
        ("text", "encoder.final_layer_norm.weight", "text.tokens"),
        ("image", "vae.quant_conv.bias", "image.latents"),
        ("image", "unet.conv_in.bias", "image.inverted"),
        ("image", "empty_prompt", "image.inverted"),
        ("music", "unet.conv_in.bias", "music.velocity"),
        ("synapse", "alpha", "music.velocity"),
        ("decoder", "post_quant_conv.bias", "decoder.mel"),
        ("decoder", "vocoder.conv_pre.bias", "decoder.samples"),
    ] {
        let dir = copy();
        change(dir.path(), &format!("{file}.safetensors"), tensor, 1, 0.9);
        assert_eq!(failing(dir.path()).first().map(String::as_str), Some(first), "{file}: {tensor}");
    }
}

#[test]
fn a_changed_reference_is_found_in_its_row() {
    for (tensor, first) in [
        ("text.tokens", "text.tokens"),
        ("image.pixels", "image.latents"),
        ("image.velocity", "image.velocity"),
        ("image.values.3", "image.values.3"),
        ("music.noise", "music.velocity"),
        ("music.latents", "music.latents"),
        ("decoder.samples", "decoder.samples"),
    ] {
        for number in [5.0, f32::NAN] {
            let dir = copy();
            change(dir.path(), REFERENCE, tensor, 1, number);
            assert_eq!(failing(dir.path()).first().map(String::as_str), Some(first), "{tensor} = {number}");
        }
    }
}

#[test]
fn a_reference_that_cannot_be_read_is_named() {
    let dir = copy();
    let bundle = Bundle::open(dir.path()).unwrap();
    let path = dir.path().join(REFERENCE);
    let bytes = fs::read(&path).unwrap();
    for (contents, word) in [(&bytes[..bytes.len() / 2], "damaged"), (&[], "damaged")] {
        fs::write(&path, contents).unwrap();
        let error = check::run(&bundle, Device::Cpu).unwrap_err();
        assert!(
            matches!(&error, Error::Bundle { path, problem } if path.ends_with(REFERENCE) && problem.contains(word)),
            "{error}"
        );
    }
    fs::remove_file(&path).unwrap();
    let error = check::run(&bundle, Device::Cpu).unwrap_err();
    assert!(matches!(&error, Error::Bundle { problem, .. } if problem.contains("cannot be read")), "{error}");
}

#[test]
fn a_bundle_whose_stages_do_not_fit_is_refused_when_loaded() {
    for (from, to, words) in [
        ("rows = 4", "rows = 8", "music.latent.rows is 8, but the decoder's is 4"),
        ("kind = \"sequence\"", "kind = \"grid\", height = 4, width = 4", "wants text.tokens = 16"),
    ] {
        let dir = copy();
        edit_manifest(dir.path(), from, to);
        let Err(error) = Engine::load(&Bundle::open(dir.path()).unwrap(), Device::Cpu) else { panic!("{to} loads") };
        assert!(matches!(&error, Error::Bundle { problem, .. } if problem.contains(words)), "{error}");
    }
}

#[test]
fn a_clip_has_exactly_the_frames_of_its_music() {
    let shapes = [
        (1, "4/4", 187.3, 16_000),
        (2, "4/4", 96.0, 48_000),
        (1, "3/4", 61.7, 44_100),
        (3, "6/8", 133.33, 22_050),
        (1, "7/8", 299.9, 96_000),
        (1, "5/16", 300.0, 8_000),
        (1, "1/16", 300.0, 48_000),
        (2, "13/8", 101.01, 11_025),
    ];
    laws::lasts_exactly(&ENGINE, &fields(), &shapes);
}

#[test]
fn the_same_request_gives_the_same_bytes_with_any_number_of_threads() {
    let clip = generate(&ENGINE, fields());
    assert_eq!(fingerprint(&generate(&load(), fields())), fingerprint(&clip));
    laws::threads_change_nothing("engine::the_same_request_gives_the_same_bytes_with_any_number_of_threads", &clip);
}

#[test]
fn no_influence_is_no_picture_bit_for_bit() {
    laws::needs_influence_to_see(&ENGINE, &fields());
    for sampler in SamplerKind::ALL {
        laws::needs_influence_to_see(&ENGINE, &RequestFields { sampler, guidance: 1.0, ..fields() });
    }
}

#[test]
fn pictures_words_seeds_and_keys_are_heard() {
    let clip = generate(&ENGINE, fields());
    let others = [
        RequestFields { picture: Some(picture(2)), ..fields() },
        RequestFields { influence: 0.5, ..fields() },
        RequestFields { prompt: "dark drums in the morning".into(), ..fields() },
        RequestFields { negative: "rain".into(), ..fields() },
        RequestFields { key: "F# minor".parse().ok(), ..fields() },
        RequestFields { guidance: 1.0, ..fields() },
        RequestFields { seed: 4, ..fields() },
        RequestFields { steps: 3, ..fields() },
        RequestFields { prompt: String::new(), ..fields() },
    ];
    for other in others {
        let difference = distance(&clip, &generate(&ENGINE, other.clone()));
        assert!(difference > 1e-3, "{difference:e}: {other:?}");
    }
}

/// The bundle with other defaults.
fn with_defaults(lines: &str) -> Engine {
    let dir = copy();
    edit_manifest(dir.path(), "[defaults]", &format!("[defaults]\n{lines}"));
    Engine::load(&Bundle::open(dir.path()).unwrap(), Device::Cpu).unwrap()
}

#[test]
fn a_schedule_all_without_guidance_is_a_guidance_of_one() {
    let never = generate(&ENGINE, RequestFields { guidance: 1.0, ..fields() });
    let all = generate(&with_defaults("unguided = 1.0"), fields());
    assert_eq!(fingerprint(&all), fingerprint(&never));

    let half = generate(&with_defaults("unguided = 0.5"), fields());
    assert_ne!(fingerprint(&half), fingerprint(&never));
    assert_ne!(fingerprint(&half), fingerprint(&generate(&ENGINE, fields())));
}

/// The bundle, with guidance that strengthens the picture, and the words `times` as much.
fn with_word_guidance(times: f64) -> Engine {
    let dir = copy();
    weigh_words(dir.path(), times);
    Engine::load(&Bundle::open(dir.path()).unwrap(), Device::Cpu).unwrap()
}

fn weigh_words(dir: &Path, times: f64) {
    edit_manifest(dir, "guide = \"text\"", "guide = \"text_and_picture\"");
    edit_manifest(dir, "[defaults]", &format!("[defaults]\nword_guidance = {times:?}"));
}

#[test]
fn words_beside_a_picture_are_followed_as_the_bundle_says() {
    let [once, twice] = [1.0, 2.0].map(with_word_guidance);
    let apart = |fields: RequestFields| distance(&generate(&once, fields.clone()), &generate(&twice, fields));
    assert!(apart(fields()) > 1e-3);
    // Without a picture there is nothing beside them, and a guidance of one adds nothing that could be multiplied.
    let unseen = [RequestFields { picture: None, ..fields() }, RequestFields { influence: 0.0, ..fields() }];
    for fields in unseen.into_iter().chain([RequestFields { guidance: 1.0, ..fields() }]) {
        assert_eq!(apart(fields.clone()), 0.0, "{fields:?}");
    }
    let faint = apart(RequestFields { influence: 1e-6, ..fields() });
    assert!(faint < 1e-3, "{faint:e}: what is hardly seen hardly changes how words are followed");
}

#[test]
fn a_walk_ends_where_the_bundle_says() {
    let four = || RequestFields { steps: 4, ..fields() };
    let made = |unwalked: f64| fingerprint(&generate(&with_defaults(&format!("unwalked = {unwalked:?}")), four()));
    assert_eq!(made(0.0), fingerprint(&generate(&ENGINE, four())));
    assert_ne!(made(0.5), made(0.0));
    assert_ne!(made(1.0), made(0.5));
}

#[test]
fn coarse_levels_are_shared_by_as_many_steps_as_the_bundle_says() {
    let steps = |deep_steps: usize, steps| {
        fingerprint(&generate(
            &with_defaults(&format!("deep_steps = {deep_steps}")),
            RequestFields { steps, ..fields() },
        ))
    };
    assert_eq!(steps(1, 3), fingerprint(&generate(&ENGINE, RequestFields { steps: 3, ..fields() })));
    assert_eq!(steps(2, 1), steps(1, 1), "the first step has nothing to share");
    assert_ne!(steps(2, 3), steps(1, 3));
    assert_ne!(steps(3, 3), steps(2, 3));
    assert_eq!(steps(4, 3), steps(3, 3));
}

#[test]
fn every_sampler_makes_music_of_its_own() {
    let clips = SamplerKind::ALL.map(|sampler| generate(&ENGINE, RequestFields { sampler, steps: 4, ..fields() }));
    assert!(distance(&clips[0], &clips[1]) > 1e-3);
    assert!(distance(&clips[0], &clips[2]) > 1e-3);
    assert!(distance(&clips[1], &clips[2]) > 1e-3);
}

#[test]
fn a_run_can_be_cancelled_at_every_step_and_the_engine_stays_usable() {
    laws::can_be_cancelled_anywhere(&load, &fields(), 1);
}

#[test]
fn progress_tells_the_stages_in_their_order() {
    let (engine, watch) = (load(), Watch::new());
    engine.generate(&request(fields()), &watch).unwrap();
    assert_eq!(watch.stages(), [Stage::Text, Stage::Picture, Stage::Music, Stage::Sound]);
    assert!(watch.seen().contains(&(Stage::Music, 2, 2)));
}

#[test]
fn a_picture_is_looked_at_once() {
    let engine = load();
    let looks = |fields: RequestFields| {
        let watch = Watch::new();
        engine.generate(&request(fields), &watch).unwrap();
        watch.stages().contains(&Stage::Picture)
    };
    assert!(looks(fields()));
    assert!(!looks(fields()));
    assert!(!looks(RequestFields { prompt: "rain".into(), seed: 9, influence: 0.3, bars: 2, ..fields() }));
    assert!(!looks(RequestFields { picture: None, ..fields() }));
    assert!(looks(RequestFields { steps: 3, ..fields() }));
    assert!(looks(RequestFields { picture: Some(picture(2)), ..fields() }));
    assert!(!looks(fields()));
    // Cached or not, the same sound.
    assert_eq!(bits(&generate(&engine, fields())), bits(&generate(&load(), fields())));
}

#[test]
fn a_silent_model_is_given_two_chances_and_then_admitted() {
    let dir = copy();
    change(dir.path(), "decoder.safetensors", "vocoder.conv_post.weight", usize::MAX / 8, 0.0);
    change(dir.path(), "decoder.safetensors", "vocoder.conv_post.bias", 1, 0.0);
    let engine = Engine::load(&Bundle::open(dir.path()).unwrap(), Device::Cpu).unwrap();
    let watch = Watch::new();
    let error = engine.generate(&request(fields()), &watch).unwrap_err();
    assert!(matches!(&error, Error::Unsound { problem } if problem == "silence"), "{error}");
    assert_eq!(watch.seen().iter().filter(|report| **report == (Stage::Music, 0, 2)).count(), 2);
}

/// Writes a clip and reads its state again.
fn written(clip: &Clip) -> (TempDir, Clip) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.wav");
    clip.write_wav(&path, wav::SampleFormat::Float32).unwrap();
    let State { latents, recipe, score } = Clip::read_state(&path).unwrap();
    let audio = wav::read(&path).unwrap();
    (dir, Clip { audio, latents, recipe, score })
}

#[test]
fn a_clip_comes_back_from_its_file_and_is_decoded_to_the_same_sound() {
    let clip = generate(&ENGINE, RequestFields { key: "D".parse().ok(), ..fields() });
    let (_dir, read) = written(&clip);
    assert_eq!((bits(&read), &read.latents, &read.recipe), (bits(&clip), &clip.latents, &clip.recipe));
    for to in [
        Redecoding { sample_rate: RATE, ..Default::default() },
        Redecoding { bpm: Some(clip.recipe.bpm), key: clip.recipe.key, sample_rate: RATE },
    ] {
        let again = ENGINE.redecode(&State::from(&read), to, &Silent).unwrap();
        assert_eq!((bits(&again), again.recipe), (bits(&clip), clip.recipe.clone()));
    }
    let to = Redecoding { sample_rate: 44_100, ..Default::default() };
    let again = ENGINE.redecode(&State::from(&read), to, &Silent).unwrap();
    assert_eq!(again.audio.frames(), request(fields()).frames(44_100));
}

/// What is refused, and why.
#[track_caller]
fn refused(result: Result<Clip, Error>) -> (&'static str, String) {
    match result {
        Err(Error::Request { what, problem }) => (what, problem),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn a_clip_of_a_fixed_hop_is_bound_to_its_tempo_and_key() {
    let clip = generate(&ENGINE, fields());
    let redecode = |to| refused(ENGINE.redecode(&State::from(&clip), to, &Silent));
    let (what, problem) = redecode(Redecoding { bpm: Some(100.0), ..Default::default() });
    assert!(what == "bpm" && problem.contains("wave are bound to their tempo; generate it anew"), "{what}: {problem}");
    let (what, problem) = redecode(Redecoding { key: "D".parse().ok(), ..Default::default() });
    assert!(what == "key" && problem.contains("generate it anew"), "{what}: {problem}");
    assert_eq!(redecode(Redecoding { sample_rate: 0, ..Default::default() }).0, "sample rate");
}

#[test]
fn a_recipe_that_no_request_could_have_is_refused() {
    let clip = generate(&ENGINE, fields());
    let redecode = |change: &dyn Fn(&mut melfusion::clip::Recipe)| {
        let mut recipe = clip.recipe.clone();
        change(&mut recipe);
        refused(ENGINE.redecode(&State { recipe, ..State::from(&clip) }, Redecoding::default(), &Silent)).0
    };
    assert_eq!(redecode(&|recipe| recipe.bundle_sha256 = "0".repeat(64)), "bundle");
    for bpm in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
        assert_eq!(redecode(&|recipe| recipe.composed_bpm = bpm), "bpm");
        assert_eq!(redecode(&|recipe| recipe.bpm = bpm), "bpm");
    }
    assert_eq!(redecode(&|recipe| recipe.bars = u32::MAX), "bars");
    assert_eq!(redecode(&|recipe| recipe.bars = 0), "bars");
    assert_eq!(redecode(&|recipe| recipe.bars = 5), "clip");
}

#[test]
fn clips_loop_without_a_click() {
    for bpm in [187.3, 143.0, 111.1, 92.7] {
        for sample_rate in [RATE, 44_100] {
            let clip = generate(&ENGINE, RequestFields { bpm, sample_rate, ..fields() });
            let (seam, usual, largest) = laws::steps(&clip);
            assert!(seam <= largest && seam <= 5.0 * usual, "{bpm} bpm: {seam} where {usual} is usual");
        }
    }
}

#[test]
fn the_spectrogram_lasts_as_long_as_the_sound() {
    // 16 bands, 160 samples apart.
    let clip = generate(&ENGINE, fields());
    let (mel, bands) = ENGINE.mel(&clip).unwrap();
    let frames = (clip.audio.frames() as f64 / 160.0).round() as usize;
    assert_eq!((mel.len() / bands, bands), (frames, 16));
}
