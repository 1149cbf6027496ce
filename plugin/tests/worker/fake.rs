//! Stands in for the engine, behind the same messages: as fast as a test wants, and it fails on request.
//!
//! The prompt says what it does: `slow` waits for a permit before each step, `panic` panics and `error` fails after the
//! first step, `again` begins a second time as the engine does when a clip is broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, unbounded};
use melfusion::audio::Audio;
use melfusion::clip::{MorphRecipe, Recipe};
use melfusion::engine::Redecoding;
use melfusion::error::Stage;
use melfusion::progress::Progress;
use melfusion::service::{Job, Maker, Workshop};
use melfusion::storyboard::{Board, Transition};
use melfusion::{Bundle, Clip, Error, Request};
use melfusion_plugin::worker::composer::{Composer, Source};
use parking_lot::Mutex;

/// Hash of the fake's bundle.
pub const HASH: &str = "fake";

/// What a test sees of the fake, and how it steers it.
pub struct Script {
    /// What happened, in order.
    pub log: Mutex<Vec<String>>,
    pub loads: AtomicUsize,
    /// Its weights cannot be read.
    pub is_damaged: AtomicBool,
    pub redecodings: AtomicUsize,
    /// Whether the bundle hears pictures through words.
    pub describes_pictures: AtomicBool,
    permits: (Sender<()>, Receiver<()>),
}

pub struct Fake(Arc<Script>);

impl Script {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            log: Mutex::default(),
            loads: AtomicUsize::new(0),
            is_damaged: AtomicBool::new(false),
            redecodings: AtomicUsize::new(0),
            describes_pictures: AtomicBool::new(false),
            permits: unbounded(),
        })
    }

    pub fn source(self: &Arc<Self>) -> Box<Fake> {
        Box::new(Fake(self.clone()))
    }

    /// Lets slow generations do `steps` steps.
    pub fn permit(&self, steps: usize) {
        (0..steps).for_each(|_| self.permits.0.send(()).unwrap());
    }

    pub fn note(&self, what: impl Into<String>) {
        self.log.lock().push(what.into());
    }

    pub fn has(&self, what: &str) -> bool {
        self.log.lock().iter().any(|entry| entry == what)
    }

    /// Whether a generation has heard that it is no longer wanted.
    pub fn has_told(&self, prompt: &str) -> bool {
        let [told, over] = ["is told", "cancelled"].map(|what| format!("{prompt} {what}"));
        self.log.lock().iter().any(|entry| *entry == told || entry.starts_with(&over))
    }

    /// Nothing ends a step before its time; but it notes that it has heard that it is no longer wanted.
    fn await_permit(&self, prompt: &str, progress: &dyn Progress) {
        let mut is_told = false;
        while self.permits.1.recv_timeout(Duration::from_millis(1)).is_err() {
            if !is_told && progress.is_cancelled() {
                is_told = true;
                self.note(format!("{prompt} is told"));
            }
        }
    }

    fn run(&self, request: &Request, progress: &dyn Progress) -> Result<(), Error> {
        let prompt = &request.prompt;
        let steps = request.steps as usize;
        progress.step(Stage::Music, 0, steps);
        for step in 1..=steps {
            if progress.is_cancelled() {
                self.note(format!("{prompt} cancelled before step {step}"));
                return Err(Error::Cancelled);
            }
            if prompt.contains("slow") {
                self.await_permit(prompt, progress);
            }
            progress.step(Stage::Music, step, steps);
            self.note(format!("{prompt} step {step}"));
            if prompt.contains("panic") {
                panic!("on request");
            }
            if prompt.contains("error") {
                return Err(Error::Unsound { problem: "silence".into() });
            }
        }
        Ok(())
    }
}

impl Source for Fake {
    fn hash(&self) -> Result<String, Error> {
        Ok(HASH.into())
    }

    fn describes_pictures(&self) -> bool {
        self.0.describes_pictures.load(SeqCst)
    }

    fn load(&self, progress: &dyn Progress) -> Result<Composer, Error> {
        let script = self.0.clone();
        // Some bundle there has to be; nothing of it is read.
        let workshop = Workshop::of(Bundle::mini()?, "no device", move |_| {
            script.loads.fetch_add(1, SeqCst);
            if script.is_damaged.load(SeqCst) {
                return Err(Error::Bundle { path: "fake".into(), problem: "damaged; install it again".into() });
            }
            Ok(Arc::new(Fake(script.clone())))
        });
        let mut composer = Composer::here(workshop, String::new(), progress)?;
        composer.bundle = "fake 1".into();
        Ok(composer)
    }
}

impl Maker for Fake {
    fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        match job {
            Job::Generate(request) => self.generate(request, progress),
            Job::Score(board, cue) => self.score(board, *cue, progress),
            Job::Redecode(state, to) => self.redecode(&state.recipe, *to),
        }
    }
}

impl Fake {
    fn score(&self, board: &Board, cue: usize, progress: &dyn Progress) -> Result<Clip, Error> {
        let clip = self.generate(&board.request(cue), progress)?;
        let next = board.cues.get(cue + 1).map(|next| next.transition);
        let morph = match next {
            Some(Transition::Morph { bars }) => {
                let next = board.request(cue + 1);
                let picture_sha256 = next.picture.as_ref().map(|picture| picture.sha256().to_string());
                let (prompt, picture_words) = (next.prompt.clone(), next.picture_words.clone());
                Some(MorphRecipe { bars, prompt, picture_sha256, picture_words, influence: next.influence })
            }
            _ => None,
        };
        Ok(Clip { recipe: Recipe { morph, ..clip.recipe }, ..clip })
    }

    fn generate(&self, request: &Request, progress: &dyn Progress) -> Result<Clip, Error> {
        self.0.note(request.prompt.clone());
        self.0.run(request, progress)?;
        if request.prompt.contains("again") {
            self.0.run(request, progress)?;
        }
        progress.step(Stage::Sound, 0, 2);
        progress.step(Stage::Sound, 2, 2);
        self.0.note(format!("{} done", request.prompt));
        Ok(clip(recipe(request, HASH), request.sample_rate))
    }

    fn redecode(&self, recipe: &Recipe, to: Redecoding) -> Result<Clip, Error> {
        self.0.redecodings.fetch_add(1, SeqCst);
        if recipe.prompt.contains("panic in fit") {
            panic!("on request");
        }
        if recipe.prompt.contains("error in fit") {
            return Err(Error::Unsound { problem: "silence".into() });
        }
        let recipe = Recipe { bpm: to.bpm.unwrap(), key: to.key.or(recipe.key), ..recipe.clone() };
        Ok(clip(recipe, to.sample_rate))
    }
}

pub fn recipe(request: &Request, bundle_sha256: &str) -> Recipe {
    Recipe {
        engine: "0".into(),
        bundle: "fake".into(),
        bundle_sha256: bundle_sha256.into(),
        prompt: request.prompt.clone(),
        negative: String::new(),
        picture: None,
        picture_sha256: request.picture.as_ref().map(|picture| picture.sha256().to_string()),
        bars: request.bars,
        meter: request.meter,
        bpm: request.bpm,
        key: request.key,
        seed: request.seed,
        steps: request.steps,
        guidance: request.guidance,
        influence: request.influence,
        sampler: request.sampler,
        composed_bpm: request.bpm,
        morph: None,
        reading: None,
        impression: None,
        instruments: Vec::new(),
        parts: Vec::new(),
        keep: None,
        arrangement: Default::default(),
        picture_words: request.picture_words.clone(),
        synapse: Default::default(),
    }
}

/// A tone of the recipe's length.
pub fn clip(recipe: Recipe, rate: u32) -> Clip {
    let frames = (recipe.seconds() * f64::from(rate)).round() as usize;
    let sound: Vec<f32> = (0..frames).map(|i| 0.3 * (i as f32 * 0.05).sin()).collect();
    let latents = Clip::parse_state(&state(&recipe)).unwrap().latents;
    Clip { audio: Audio::mono(sound, rate), latents, recipe, score: None }
}

/// Latents of one number, and the recipe, as safetensors.
fn state(recipe: &Recipe) -> Vec<u8> {
    let header = serde_json::json!({
        "__metadata__": { "recipe": serde_json::to_string(recipe).unwrap() },
        "latents": { "dtype": "F16", "shape": [1, 1, 1, 1], "data_offsets": [0, 2] },
    });
    let header = header.to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0, 0x3c]);
    bytes
}
