//! Public weights become a bundle that computes what PyTorch computes (`tests/golden/public.py`), or a clear error.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::laws::{bits, generate, picture, request};
use candle_core::Device;
use melfusion::check;
use melfusion::error::Error;
use melfusion::import::{Copied, Plan, Sources};
use melfusion::progress::Silent;
use melfusion::request::{RequestFields, SamplerKind, SynapseKind};
use melfusion::storyboard::{Board, BoardFields, Cue, TempoMap, Transition};
use melfusion::{Bundle, Engine};
use tempfile::TempDir;

const PUBLIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/public");

/// A copy of the public files, to be damaged, and room for bundles.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        copy(Path::new(PUBLIC), &desk.path("files"));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sources(&self, alpha: Option<&str>) -> Sources {
        let files = self.path("files");
        Sources {
            tango: files.join("tango"),
            stable_diffusion: files.join("stable_diffusion"),
            tokenizer: files.join("flan_t5"),
            alpha: alpha.map(|name| files.join(name)),
        }
    }

    /// Imports what is there, as it is.
    fn import(&self, alpha: Option<&str>) -> Result<Bundle, Error> {
        let folder = self.path("bundles/small");
        Plan::new(&self.sources(alpha), "small")?.write(&folder, &mut |_| Ok(()))?;
        Bundle::open(folder)
    }

    /// Asserts that the problem lies with `file` and that the message has all of `words`.
    #[track_caller]
    fn assert_refused(&self, file: &str, words: &[&str]) {
        let error = self.import(None).expect_err("imported");
        let Error::File { path, problem } = &error else { panic!("{error}") };
        assert!(path.ends_with(file), "{path:?} is not {file}: {problem}");
        for word in words {
            assert!(problem.contains(word), "{problem:?} has no {word:?}");
        }
        let left = fs::read_dir(self.path("bundles")).into_iter().flatten().count();
        assert_eq!(left, 0, "something is left behind");
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path("files").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.path("files").join(file)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every stage and a whole guided run against PyTorch.
fn matches(reference: &str, alpha: &str) {
    let desk = Desk::new();
    let bundle = desk.import(Some(alpha)).unwrap();
    bundle.verify().unwrap();
    fs::copy(desk.path("files").join(reference), bundle.location().join("reference.safetensors")).unwrap();
    let rows = check::run(&bundle, Device::Cpu).unwrap().rows;
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        assert!(row.passes(), "{} {}: {:e}", row.stage, row.tensor, row.error);
    }
}

#[test]
fn an_imported_bundle_computes_what_pytorch_computes() {
    matches("paper.safetensors", "alpha.safetensors");
}

#[test]
fn the_published_codes_synapse_computes_what_pytorch_computes() {
    matches("official.safetensors", "official_alpha.safetensors");
}

#[test]
fn the_two_kinds_of_synapse_are_not_the_same() {
    let desk = Desk::new();
    let bundle = desk.import(Some("alpha.safetensors")).unwrap();
    fs::copy(desk.path("files/official.safetensors"), bundle.location().join("reference.safetensors")).unwrap();
    let rows = check::run(&bundle, Device::Cpu).unwrap().rows;
    let error = |tensor: &str| rows.iter().find(|row| row.tensor == tensor).unwrap().error;
    assert!(error("music.velocity") > 1e-2, "other alphas make other music: {:e}", error("music.velocity"));
    assert!(error("image.velocity") < 1e-3);
}

#[test]
fn the_manifest_says_what_it_is_made_of() {
    let bundle = Desk::new().import(None).unwrap();
    let manifest = bundle.manifest();
    assert_eq!(manifest.name, "small");
    for licence in ["CC-BY-NC-SA-4.0", "OpenRAIL++-M", "Apache-2.0"] {
        assert!(manifest.licence.contains(licence), "{}", manifest.licence);
    }
    assert!(manifest.description.contains("NON-COMMERCIAL"));
    assert_eq!((manifest.defaults.sampler, manifest.defaults.steps), (SamplerKind::Ddpm, 100));
    assert_eq!((manifest.image.size, manifest.music.latent.rows, manifest.sample_rate), (64, 8, 16_000));
    assert!(manifest.image.words);
}

/// A second at two steps.
fn fields() -> RequestFields {
    let (bars, bpm, sample_rate, sampler) = (1, 240.0, 16_000, SamplerKind::Ddim);
    let prompt = "quiet strings".into();
    RequestFields { prompt, picture: Some(picture(1)), bars, bpm, steps: 2, sample_rate, sampler, ..Default::default() }
}

#[test]
fn without_trained_shares_the_picture_speaks_through_words_alone() {
    let desk = Desk::new();
    let engine = Engine::load(&desk.import(None).unwrap(), Device::Cpu).unwrap();
    let told = generate(&engine, fields());
    let words = picture(1).words();
    assert_eq!(told.recipe.picture_words.as_deref(), Some(words.as_str()));

    let typed = RequestFields { prompt: format!("{words}, quiet strings"), picture: None, ..fields() };
    assert_eq!(bits(&told), bits(&generate(&engine, typed)), "words before the prompt, and nothing else");

    let silent = generate(&engine, RequestFields { picture_words: Some("  ".into()), ..fields() });
    assert_eq!(silent.recipe.picture_words, None);
    let blind = generate(&engine, RequestFields { picture: None, ..fields() });
    assert_eq!(bits(&silent), bits(&blind));
    assert_ne!(bits(&told), bits(&blind));

    let own = RequestFields { picture_words: Some("night rain".into()), ..fields() };
    assert_eq!(engine.picture_words(&request(own.clone())).as_deref(), Some("night rain"));
    let unheard = RequestFields { influence: 0.0, ..own };
    assert_eq!(engine.picture_words(&request(unheard)), None);
}

#[test]
fn a_cue_of_a_board_says_of_its_picture_what_it_shall_and_remembers_it() {
    let engine = Engine::load(&Desk::new().import(None).unwrap(), Device::Cpu).unwrap();
    let cue = |start_bar: u32, words: Option<&str>| Cue {
        picture: Some(picture(start_bar)),
        picture_words: words.map(Into::into),
        start_bar,
        bars: 1,
        transition: Transition::Morph { bars: 1 },
        ..Cue::default()
    };
    let board = |words: [Option<&str>; 2]| {
        let cues = vec![cue(1, words[0]), cue(2, words[1])];
        let tempo = TempoMap::constant(240.0).unwrap();
        let (steps, sample_rate, sampler) = (2, 16_000, SamplerKind::Ddim);
        Board::new(BoardFields { tempo, steps, sample_rate, sampler, cues, ..BoardFields::default() }).unwrap()
    };
    let own = board([Some("night rain"), Some("neon")]);
    let clip = engine.score(&own, 0, &Silent).unwrap();
    let recipe = &clip.recipe;
    assert_eq!(recipe.picture_words.as_deref(), Some("night rain"));
    assert_eq!(recipe.morph.as_ref().and_then(|morph| morph.picture_words.as_deref()), Some("neon"));
    assert!(engine.is_score(&own, 0)(recipe));
    for other in [board([None, Some("neon")]), board([Some("night rain"), None]), board([Some("night rain"), Some("")])]
    {
        assert!(!engine.is_score(&other, 0)(recipe), "what is said of either picture makes another clip");
    }
    let found = engine.score(&board([None, None]), 1, &Silent).unwrap();
    assert_eq!(found.recipe.picture_words, Some(picture(2).words()));
    assert_ne!(bits(&found), bits(&engine.score(&own, 1, &Silent).unwrap()));
}

#[test]
fn with_trained_shares_the_picture_is_seen_in_either_way() {
    let desk = Desk::new();
    let engine = Engine::load(&desk.import(Some("alpha.safetensors")).unwrap(), Device::Cpu).unwrap();
    assert_eq!(engine.picture_words(&request(fields())), None);
    let paper = generate(&engine, fields());
    let official = generate(&engine, RequestFields { synapse: SynapseKind::Official, ..fields() });
    let blind = generate(&engine, RequestFields { picture: None, ..fields() });
    assert_ne!(bits(&paper), bits(&official));
    assert_ne!(bits(&official), bits(&blind));
    assert_eq!((paper.recipe.synapse, official.recipe.synapse), (SynapseKind::Paper, SynapseKind::Official));
}

#[test]
fn safetensors_serve_as_well_as_pickles() {
    let desk = Desk::new();
    let hash = |bundle: Bundle| bundle.hash().to_string();
    let pickled = hash(desk.import(None).unwrap());
    fs::remove_dir_all(desk.path("bundles")).unwrap();
    for part in ["main", "vae"] {
        let pickle = format!("tango/pytorch_model_{part}.bin");
        let path = desk.path("files").join(&pickle);
        let tensors = candle_core::pickle::read_all(&path).unwrap().into_iter().collect();
        candle_core::safetensors::save(&tensors, path.with_extension("safetensors")).unwrap();
        desk.remove(&pickle);
    }
    assert_eq!(pickled, hash(desk.import(None).unwrap()));
}

#[test]
fn what_is_missing_is_named_with_where_to_get_it() {
    for (file, origin) in [
        ("tango/pytorch_model_main.bin", "declare-lab/tango"),
        ("tango/pytorch_model_vae.bin", "declare-lab/tango"),
        ("stable_diffusion/unet/config.json", "stable-diffusion-2-1"),
        ("stable_diffusion/vae/diffusion_pytorch_model.safetensors", "stable-diffusion-2-1"),
        ("stable_diffusion/scheduler/scheduler_config.json", "stable-diffusion-2-1"),
        ("stable_diffusion/text_encoder/model.safetensors", "stable-diffusion-2-1"),
        ("stable_diffusion/tokenizer/vocab.json", "stable-diffusion-2-1"),
        ("flan_t5/tokenizer.json", "google/flan-t5-large"),
    ] {
        let desk = Desk::new();
        desk.remove(file);
        desk.assert_refused(file, &["download", origin]);
    }
    let desk = Desk::new();
    fs::remove_dir_all(desk.path("files/tango")).unwrap();
    desk.assert_refused("tango", &["no such folder", "declare-lab"]);
}

#[test]
fn what_does_not_fit_is_named() {
    let desk = Desk::new();
    desk.edit("tango/unet_config.json", "\"cross_attention_dim\": 16", "\"cross_attention_dim\": 24");
    desk.assert_refused("flan_t5", &["16 wide", "24 wide", "flan-t5-large"]);

    let desk = Desk::new();
    desk.edit("tango/unet_config.json", "\"norm_num_groups\": 2", "\"norm_num_groups\": 3");
    desk.assert_refused("tango/pytorch_model_main.bin", &["groups"]);

    let desk = Desk::new();
    desk.edit("tango/vae_config.json", "\"num_res_blocks\": 1", "\"num_res_blocks\": 2");
    desk.assert_refused("tango/pytorch_model_vae.bin", &["no tensor", "resnets.2"]);

    let desk = Desk::new();
    desk.edit("flan_t5/config.json", "\"num_layers\": 2", "\"num_layers\": 1");
    desk.assert_refused("tango/pytorch_model_main.bin", &["encoder.block.1.", "two different models"]);

    let desk = Desk::new();
    desk.edit("flan_t5/config.json", "\"d_ff\": 24", "\"d_ff\": 48");
    desk.assert_refused("tango/pytorch_model_main.bin", &["shape [24, 16]", "[48, 16]"]);

    let desk = Desk::new();
    desk.edit("stable_diffusion/unet/config.json", "\"dual_cross_attention\": false", "\"dual_cross_attention\": true");
    desk.assert_refused("stable_diffusion/unet/config.json", &["dual_cross_attention", "choose another"]);
}

#[test]
fn what_is_damaged_is_named() {
    for file in ["tango/pytorch_model_main.bin", "stable_diffusion/unet/diffusion_pytorch_model.safetensors"] {
        let desk = Desk::new();
        let path = desk.path("files").join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        desk.assert_refused(file, &["download it again"]);
        fs::write(&path, b"").unwrap();
        desk.assert_refused(file, &["download it again"]);
    }
    let desk = Desk::new();
    let path = desk.path("files/flan_t5");
    fs::rename(path.join("tokenizer.json"), path.join("spiece.model")).unwrap();
    desk.assert_refused("spiece.model", &["SentencePiece", "tokenizer.json"]);
}

#[test]
fn numbers_beyond_16_bits_are_refused_and_nothing_is_left() {
    let desk = Desk::new();
    let path = desk.path("files/tango/pytorch_model_vae.bin");
    let mut tensors: std::collections::HashMap<_, _> =
        candle_core::pickle::read_all(&path).unwrap().into_iter().collect();
    let bias = &tensors["vocoder.conv_post.bias"];
    tensors.insert("vocoder.conv_post.bias".into(), (bias.ones_like().unwrap() * 1e6).unwrap());
    candle_core::safetensors::save(&tensors, path.with_extension("safetensors")).unwrap();
    fs::remove_file(path).unwrap();
    desk.assert_refused("tango/pytorch_model_vae.safetensors", &["vocoder.conv_post.bias", "16 bits"]);
}

#[test]
fn a_folder_that_is_there_is_left_alone_and_a_stop_leaves_nothing() {
    let desk = Desk::new();
    let folder = desk.path("bundles/small");
    let plan = || Plan::new(&desk.sources(None), "small").unwrap();
    let mut seen = vec![];
    let stopped = plan().write(&folder, &mut |Copied { done, total }| {
        seen.push((done, total));
        if done * 2 > total { Err(Error::Cancelled) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert!(seen.len() > 100 && seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "progress is told as it is made");
    assert_eq!(fs::read_dir(desk.path("bundles")).unwrap().count(), 0);

    fs::create_dir_all(&folder).unwrap();
    let refused = plan().write(&folder, &mut |_| Ok(()));
    assert!(refused.is_err_and(|error| error.to_string().contains("is there already")));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

fn command(desk: &Desk, more: &[&str]) -> Output {
    let files = desk.path("files");
    Command::new(env!("CARGO_BIN_EXE_melfusion"))
        .args(["bundle", "import", "--tango"])
        .arg(files.join("tango"))
        .arg("--stable-diffusion")
        .arg(files.join("stable_diffusion"))
        .arg("--tokenizer")
        .arg(files.join("flan_t5/tokenizer.json"))
        .arg("--out")
        .arg(desk.path("bundles/small"))
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_command_shows_licences_first_and_wants_them_accepted() {
    let desk = Desk::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let asked = command(&desk, &[]);
    assert_eq!(asked.status.code(), Some(2));
    let (said, warned) = (text(&asked.stdout), text(&asked.stderr));
    let at = |word: &str| said.find(word).unwrap_or_else(|| panic!("no {word} in {said}"));
    assert!(at("NON-COMMERCIAL") < at("Stable Diffusion") && at("CC-BY-NC-SA-4.0") < 200, "{said}");
    assert!(warned.contains("--accept-licence"), "{warned}");
    assert!(!desk.path("bundles").exists());

    let done = command(&desk, &["--accept-licence"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let said = text(&done.stdout);
    assert!(said.find("NON-COMMERCIAL").unwrap() < said.find("writing").unwrap());
    Bundle::open(desk.path("bundles/small")).unwrap().verify().unwrap();

    let again = command(&desk, &["--accept-licence"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is there already"));
    let nameless = command(&desk, &["--accept-licence", "--name", "../up"]);
    assert!(nameless.status.code() == Some(2) && text(&nameless.stderr).contains("name: "));
}
