//! The engine on a bundle whose latents are notes: the wave bundle's networks, untrained for it, and a font made for tests.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use candle_core::{Device, Tensor};
use melfusion::audio::wav;
use melfusion::clip::{Recipe, State};
use melfusion::engine::{Instruments, Redecoding};
use melfusion::error::{Error, Stage};
use melfusion::progress::Silent;
use melfusion::request::RequestFields;
use melfusion::{Bundle, Clip, Engine};
use safetensors::{Dtype, tensor::TensorView};
use score::{Part, Score};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::font::orchestra;
use crate::laws::{self, Watch, bits, generate};

const WAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wave");
const BANK: &str = "toy.sf2";

static BUNDLE: LazyLock<TempDir> = LazyLock::new(bundle);
static ENGINE: LazyLock<Engine> = LazyLock::new(load);

fn load() -> Engine {
    Engine::load(&Bundle::open(BUNDLE.path()).unwrap(), Device::Cpu).unwrap()
}

/// A bar of sixteen columns: a window.
fn fields() -> RequestFields {
    RequestFields { prompt: "quiet strings".into(), bars: 1, bpm: 120.0, seed: 3, steps: 2, ..Default::default() }
}

/// Parts of one component: where it is large, pitches begin.
fn bundle() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(WAVE).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    let tensor = |shape: &[usize], make: &dyn Fn(usize) -> f32| {
        let values = (0..shape.iter().product()).map(make).collect::<Vec<f32>>();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let mut tensors = HashMap::from([("clip.numbers".into(), tensor(&[2, 6], &|i| if i == 1 { 40.0 } else { 0.2 }))]);
    let mut parts = String::new();
    for part in Part::ALL {
        let pitches = if part == Part::Drums { 7 } else { 12 };
        let width = if part == Part::Drums { pitches } else { 2 * pitches };
        // Each pitch wants another sign and size of the component.
        let slope = move |i: usize| [0.9, -0.7, 0.5, -0.3][(i + part.index()) % 4];
        tensors.insert(format!("{part}.mean"), tensor(&[width], &|_| 0.35));
        tensors.insert(format!("{part}.basis"), tensor(&[1, width], &slope));
        tensors.insert(format!("{part}.codes"), tensor(&[3, 6], &|i| (i as f32 * 1.7).sin()));
        tensors.insert(format!("{part}.dynamics"), tensor(&[2], &|i| [0.8, 0.1][i]));
        let (low, programs) = if part == Part::Drums { (36, "[0, 48]") } else { (60, "[0, 1]") };
        let high = low + pitches - 1;
        parts += &format!(
            "{{ name = \"{part}\", low = {low}, high = {high}, components = 1, programs = {programs}, sustains = {} }},\n",
            part != Part::Drums
        );
    }
    let weights = dir.path().join("decoder.safetensors");
    candle_core::safetensors::save(&tensors, &weights).unwrap();
    fs::write(dir.path().join(BANK), orchestra()).unwrap();
    let text = fs::read_to_string(dir.path().join("manifest.toml")).unwrap();
    let text = text.replace("window = 16, rows = 4", "window = 16, rows = 9");
    let (head, files) = (text.split("[decoder]").next().unwrap(), text.split("[files]").nth(1).unwrap());
    let others = files.lines().filter(|line| !line.contains("decoder.safetensors")).collect::<Vec<_>>().join("\n");
    let listed = ["decoder.safetensors", BANK].map(|name| listed(dir.path(), name)).join("\n");
    let decoder =
        format!("weights = \"decoder.safetensors\"\nkind = \"score\"\nbank = \"{BANK}\"\nparts = [\n{parts}]");
    fs::write(dir.path().join("manifest.toml"), format!("{head}[decoder]\n{decoder}\n\n[files]{others}\n{listed}\n"))
        .unwrap();
    dir
}

/// A file's line in the manifest.
fn listed(dir: &Path, name: &str) -> String {
    let bytes = fs::read(dir.join(name)).unwrap();
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name:?} = {{ sha256 = \"{hash}\", bytes = {} }}", bytes.len())
}

fn score(clip: &Clip) -> &Score {
    clip.score.as_ref().unwrap()
}

/// Writes a clip and reads its state again.
fn read_back(clip: &Clip) -> State {
    let file = tempfile::Builder::new().suffix(".wav").tempfile().unwrap();
    clip.write_wav(file.path(), wav::SampleFormat::Int24).unwrap();
    Clip::read_state(file.path()).unwrap()
}

#[test]
fn the_bundle_is_whole_with_its_soundfont() {
    Bundle::open(BUNDLE.path()).unwrap().verify().unwrap();
    let dir = bundle();
    fs::remove_file(dir.path().join(BANK)).unwrap();
    let error = Bundle::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains(BANK) && error.contains("missing"), "{error}");
    let mut font = orchestra();
    *font.last_mut().unwrap() ^= 1;
    fs::write(dir.path().join(BANK), font).unwrap();
    let Err(error) = Engine::load(&Bundle::open(dir.path()).unwrap(), Device::Cpu) else { panic!("not refused") };
    assert!(matches!(&error, Error::Bundle { problem, .. } if problem.contains("SHA-256")), "{error}");
}

#[test]
fn what_is_composed_is_a_score_that_is_heard() {
    let watch = Watch::new();
    let clip = ENGINE.generate(&laws::request(RequestFields { key: "D".parse().ok(), ..fields() }), &watch).unwrap();
    assert_eq!(watch.stages(), [Stage::Text, Stage::Music, Stage::Sound]);
    let score = score(&clip);
    assert_eq!((score.bars, score.bpm, score.key.to_string()), (1, 120.0, "D major".to_string()));
    assert!(score.notes.len() > 4 && score.players.iter().all(|player| player.dynamics_db.len() == 16));
    laws::lasts_exactly(
        &ENGINE,
        &fields(),
        &[(1, "4/4", 93.7, 48_000), (2, "3/4", 120.0, 44_100), (1, "6/8", 61.0, 22_050)],
    );
    let (seam, _, largest) = laws::steps(&clip);
    assert!(seam <= largest, "{seam} of {largest}");
}

#[test]
fn threads_change_no_sample_of_notes() {
    laws::threads_change_nothing("notes::threads_change_no_sample_of_notes", &generate(&ENGINE, fields()));
}

#[test]
fn notes_come_back_from_their_file() {
    let clip = generate(&ENGINE, RequestFields { key: "Bb minor".parse().ok(), ..fields() });
    assert_eq!(read_back(&clip), State::from(&clip));
    assert_eq!(Clip::parse_state(&clip.state()).unwrap(), State::from(&clip));
    // Older files have no notes.
    let old = Clip { score: None, ..clip };
    assert_eq!(read_back(&old), State::from(&old));
    assert!(old.state().len() > 100 && !String::from_utf8_lossy(&old.state()).contains("\"score\""));
}

#[test]
fn notes_are_played_again_at_any_tempo_and_in_any_key_and_drums_stay() {
    let clip = generate(&ENGINE, RequestFields { key: "C".parse().ok(), ..fields() });
    for (bpm, key, shift) in [(120.0, "C", 0), (61.3, "F#", -6), (187.9, "Bb", -2), (250.0, "F", 5)] {
        let key = key.parse().ok();
        let to = Redecoding { bpm: Some(bpm), key, sample_rate: 44_100 };
        let again = ENGINE.redecode(&read_back(&clip), to, &Silent).unwrap();
        assert_eq!(again.audio.frames(), (240.0 / bpm * 44_100.0_f64).round() as usize);
        assert_eq!((again.recipe.bpm, again.recipe.key, &again.latents), (bpm, key, &clip.latents));
        assert_eq!((score(&again).bpm, Some(score(&again).key)), (bpm, key));
        for part in Part::ALL {
            let moved = if part == Part::Drums { 0 } else { shift };
            let wanted: Vec<_> = score(&clip)
                .notes_of(part)
                .map(|n| (i32::from(n.pitch) + moved, n.velocity, n.start, n.length))
                .collect();
            let found: Vec<_> =
                score(&again).notes_of(part).map(|n| (i32::from(n.pitch), n.velocity, n.start, n.length)).collect();
            assert_eq!(found, wanted, "{part} in {key:?}");
        }
        // There and back again: nothing is lost on the way.
        let to = Redecoding { bpm: Some(120.0), key: "C".parse().ok(), ..Default::default() };
        let back = ENGINE.redecode(&State::from(&again), to, &Silent).unwrap();
        assert_eq!((bits(&back), &back.score), (bits(&clip), &clip.score));
    }
    let minor = Redecoding { key: "C minor".parse().ok(), ..Default::default() };
    assert!(matches!(ENGINE.redecode(&State::from(&clip), minor, &Silent), Err(Error::Request { what: "key", .. })));
}

#[test]
fn any_bundle_of_notes_plays_them_and_no_other_does() {
    let clip = generate(&ENGINE, fields());
    let mut state = State::from(&clip);
    state.recipe.bundle_sha256 = "0".repeat(64);
    let to = Redecoding::default();
    let again = ENGINE.redecode(&state, to, &Silent).unwrap();
    assert_eq!(bits(&again), bits(&clip));
    let wave = Engine::load(&Bundle::open(WAVE).unwrap(), Device::Cpu).unwrap();
    let Err(Error::Request { what, problem }) = wave.redecode(&state, to, &Silent) else { panic!("not refused") };
    assert!(what == "bundle" && problem.contains("plays no notes") && problem.contains("stretched"), "{problem}");
    // The other way round: what was painted is not this bundle's.
    let painted = generate(&wave, RequestFields { bpm: 187.3, ..fields() });
    let Err(Error::Request { what, problem }) = ENGINE.redecode(&State::from(&painted), to, &Silent) else {
        panic!("not refused")
    };
    assert!(what == "bundle" && problem.contains("stretched") && problem.contains("--bundle"), "{problem}");
}

/// As versions before 0.12.0 wrote them: sixteen rows of a spectrogram, and no notes.
fn of_spectrograms(recipe: &Recipe) -> State {
    let halves = [0; 2 * 16 * 64 * 16];
    let latents = TensorView::new(Dtype::F16, vec![1, 16, 64, 16], &halves).unwrap();
    let about = HashMap::from([("recipe".to_string(), serde_json::to_string(recipe).unwrap())]);
    Clip::parse_state(&safetensors::serialize([("latents", latents)], Some(about)).unwrap()).unwrap()
}

#[test]
fn latents_of_a_spectrogram_are_read_and_never_played() {
    let recipe = generate(&ENGINE, fields()).recipe;
    let to = Redecoding { bpm: Some(100.0), key: "D".parse().ok(), ..Default::default() };
    let refused = |recipe: &Recipe| match ENGINE.redecode(&of_spectrograms(recipe), to, &Silent) {
        Err(Error::Request { what, problem }) => (what, problem),
        other => panic!("{:?}", other.map(|clip| clip.recipe)),
    };
    let (what, problem) = refused(&Recipe { bundle_sha256: "0".repeat(64), ..recipe.clone() });
    assert!(what == "bundle" && problem.contains("stretched") && problem.contains("before 0.12.0"), "{problem}");
    assert_eq!(refused(&recipe).0, "clip", "a recipe that names this bundle changes nothing");
}

#[test]
fn a_score_that_is_given_is_played_as_it_is() {
    let clip = generate(&ENGINE, RequestFields { key: "D".parse().ok(), ..fields() });
    let asked = |fields| laws::request(RequestFields { prompt: String::new(), ..fields });
    let again = ENGINE.perform(&asked(fields()), score(&clip), &Silent).unwrap();
    assert_eq!((bits(&again), &again.score, again.recipe.key), (bits(&clip), &clip.score, clip.recipe.key));
    // Its latents are those of the notes, so that they are the same music when they are read.
    let to = Redecoding { sample_rate: again.audio.sample_rate(), ..Default::default() };
    assert!(ENGINE.redecode(&State { score: None, ..State::from(&again) }, to, &Silent).unwrap().score.is_some());
    let refused = |engine: &Engine, fields, score: &Score| match engine.perform(&asked(fields), score, &Silent) {
        Err(Error::Request { what: "score", problem }) => problem,
        other => panic!("{:?}", other.map(|clip| clip.recipe)),
    };
    let longer = RequestFields { bars: 2, ..fields() };
    assert!(refused(&ENGINE, longer, score(&clip)).contains("another length"));
    let wave = Engine::load(&Bundle::open(WAVE).unwrap(), Device::Cpu).unwrap();
    assert!(refused(&wave, fields(), score(&clip)).contains("plays no notes"));
    assert!(refused(&ENGINE, fields(), &score(&clip).transposed(24)).contains("plays 60 to 71"));
}

#[test]
fn a_recipe_that_its_notes_do_not_fit_is_refused() {
    let clip = generate(&ENGINE, fields());
    let refused = |change: &dyn Fn(&mut State)| {
        let mut state = State::from(&clip);
        change(&mut state);
        match ENGINE.redecode(&state, Redecoding { bpm: Some(100.0), ..Default::default() }, &Silent) {
            Err(Error::Request { what, .. }) => what,
            other => panic!("{:?}", other.map(|clip| clip.recipe)),
        }
    };
    assert_eq!(refused(&|state| state.recipe.bars = 2), "clip");
    assert_eq!(refused(&|state| state.recipe.bars = u32::MAX), "bars");
    assert_eq!(refused(&|state| state.recipe.bpm = 90.0), "clip");
    assert_eq!(refused(&|state| state.recipe.composed_bpm = f64::NAN), "bpm");
    // Without notes, they are read from the latents again.
    let bare = State { score: None, ..State::from(&clip) };
    assert_eq!(ENGINE.redecode(&bare, Redecoding::default(), &Silent).unwrap().score, clip.score);
}

#[test]
fn modes_that_no_bundle_was_told_of_are_refused() {
    let request = laws::request(RequestFields { key: "D dorian".parse().ok(), ..fields() });
    let Err(Error::Request { what, problem }) = ENGINE.generate(&request, &Silent) else { panic!("not refused") };
    assert!(what == "key" && problem.contains("ask for D minor"), "{problem}");
}

#[test]
fn the_users_own_instruments_are_heard_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.sf2");
    fs::write(&path, orchestra()).unwrap();
    let clip = generate(&ENGINE, fields());
    let mine = Instruments::open(&[(None, path.clone())]).unwrap();
    let engine = load().with_instruments(mine.clone()).unwrap();
    let own = engine.redecode(&State::from(&clip), Redecoding::default(), &Silent).unwrap();
    assert_eq!(bits(&own), bits(&clip), "the same samples");
    assert_eq!((own.recipe.instruments.as_slice(), clip.recipe.instruments.len()), (mine.recipe(), 0));
    assert_eq!(read_back(&own).recipe, own.recipe);
    // The bundle's font has one kit and four programs; what else is played is named.
    let told = ENGINE.stand_ins(&clip).unwrap();
    assert!(told.iter().all(|told| told.font == BANK && !told.from_bundle), "{told:?}");
    let players = score(&clip).players.iter();
    let lacking = players.filter(|player| player.instrument.is_kit() && player.instrument.number() != 0).count();
    assert_eq!(told.len(), lacking);
    let wave = Engine::load(&Bundle::open(WAVE).unwrap(), Device::Cpu).unwrap();
    let Err(error) = wave.with_instruments(mine) else { panic!("not refused") };
    assert!(error.to_string().contains("plays no notes"), "{error}");
}

#[test]
fn notes_have_a_spectrogram_of_their_sound() {
    let clip = generate(&ENGINE, fields());
    let (mel, bands) = ENGINE.mel(&clip).unwrap();
    assert_eq!(mel.len(), 16 * 8 * bands);
    assert!(mel.iter().all(|x| x.is_finite()));
    let other = ENGINE.redecode(&State::from(&clip), Redecoding { sample_rate: 32_000, ..Default::default() }, &Silent);
    let (again, _) = ENGINE.mel(&other.unwrap()).unwrap();
    let distance = mel.iter().zip(&again).map(|(a, b)| (a - b).abs()).sum::<f32>() / mel.len() as f32;
    assert!(distance < 0.3, "another rate is the same music: {distance}");
}

#[test]
fn latents_without_notes_are_given_two_chances_and_then_admitted() {
    let dir = bundle();
    let text = fs::read_to_string(dir.path().join("manifest.toml")).unwrap();
    fs::write(dir.path().join("manifest.toml"), text.replace("kind = \"score\"", "kind = \"score\"\nonset = 900.0"))
        .unwrap();
    let engine = Engine::load(&Bundle::open(dir.path()).unwrap(), Device::Cpu).unwrap();
    let watch = Watch::new();
    // Nobody is asked for, who would play however faint.
    let fields = RequestFields { prompt: "quiet".into(), ..fields() };
    let error = engine.generate(&laws::request(fields), &watch).map(drop).unwrap_err();
    assert!(matches!(&error, Error::Unsound { problem } if problem == "silence"), "{error}");
    assert_eq!(watch.seen().iter().filter(|report| **report == (Stage::Music, 0, 2)).count(), 2);
}

#[test]
fn a_damaged_score_is_refused_in_words() {
    let clip = generate(&ENGINE, fields());
    let state = clip.state();
    let damaged = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = state.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
        let mut state = state.clone();
        state[at..at + to.len()].copy_from_slice(to.as_bytes());
        Clip::parse_state(&state).unwrap_err().to_string()
    };
    assert!(damaged("\"notes\"", "\"motes\"").contains("damaged"));
    assert!(damaged("\"version\":1", "\"version\":9").contains("newer"));
}
