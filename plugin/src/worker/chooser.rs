//! Chooses where clips are made: in a worker process that has a GPU, if there is one, else in this process.
//!
//! Chosen when a composer is needed, never before: looking for a GPU takes time. A worker that ends takes only its job
//! with it, and the next job starts another; if that ends, too, the job after it is made here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use melfusion::clip::{Latents, Recipe};
use melfusion::engine::Redecoding;
use melfusion::progress::Progress;
use melfusion::service::{Client, ENGINE, EngineState, PROTOCOL, Place, Program};
use melfusion::storyboard::Board;
use melfusion::{Clip, Error, Request};

use super::composer::{Composer, Loaded, Shipped, Source};
use super::settings::{Choice, Settings};

/// Workers that may end under a job, one after the other, before clips are made here.
const MOST_DEATHS: u32 = 2;

/// Chooses anew whenever a composer is needed.
pub struct Chooser {
    /// `None` is read from the user's file each time.
    settings: Option<Settings>,
    /// `None` is the user's own.
    place: Option<Place>,
    /// Workers that ended under their job since one was last done.
    deaths: Arc<AtomicU32>,
}

/// A worker, and whether it lives.
struct Mortal {
    client: Client,
    deaths: Arc<AtomicU32>,
}

impl Chooser {
    /// As the user's settings say.
    pub fn of_user() -> Self {
        Self { settings: None, place: None, deaths: Arc::default() }
    }

    /// As these settings say; a worker is found at `place`.
    pub fn new(settings: Settings, place: Place) -> Self {
        Self { settings: Some(settings), place: Some(place), ..Self::of_user() }
    }

    /// A program that would have a GPU.
    ///
    /// # Errors
    ///
    /// Why there is none, for people.
    fn gpu(settings: &Settings) -> Result<Program, String> {
        let program = program(settings).ok_or("There is no melfusion program to make clips on a GPU.")?;
        let path = program.path().display().to_string();
        let probe = program.probe().map_err(|error| sentence(&error))?;
        if (probe.engine.as_str(), probe.protocol) != (ENGINE, PROTOCOL) {
            return Err(format!("{path} is version {}, and this plugin {ENGINE}: install both anew.", probe.engine));
        }
        if probe.is_gpu { Ok(program) } else { Err(format!("{path} finds no GPU.")) }
    }

    fn auto(&self, settings: &Settings) -> Result<Loaded, Error> {
        if self.deaths.load(SeqCst) >= MOST_DEATHS {
            // Whoever unloads it and generates again has it tried again.
            self.deaths.store(0, SeqCst);
            return here(format!("The worker process ended under {MOST_DEATHS} clips, one after the other."));
        }
        let program = match Self::gpu(settings) {
            Ok(program) => program,
            Err(why) => return here(why),
        };
        self.worker(Some(program), String::new()).or_else(|error| match error {
            Error::Worker { .. } => here(sentence(&error)),
            error => Err(error),
        })
    }

    /// A worker composes.
    fn worker(&self, program: Option<Program>, why: String) -> Result<Loaded, Error> {
        let place = self.place.clone().map_or_else(Place::of_user, Ok)?;
        let client = Client::new(place, program, Some(Shipped::find()?.hash().into()));
        let facts = client.facts()?;
        client.load()?;
        let composer = Box::new(Mortal { client, deaths: self.deaths.clone() });
        Ok(Loaded { composer, bundle: facts.bundle, device: format!("{}, worker process", facts.device), why })
    }
}

impl Source for Chooser {
    fn hash(&self) -> Result<String, Error> {
        Shipped.hash()
    }

    fn describes_pictures(&self) -> bool {
        Shipped.describes_pictures()
    }

    fn load(&self) -> Result<Loaded, Error> {
        let settings = self.settings.clone().map_or_else(Settings::read, Ok)?;
        match settings.engine {
            Choice::Auto => self.auto(&settings),
            Choice::Host => here("Your settings say so.".into()),
            Choice::Worker => self.worker(program(&settings), "Your settings say so.".into()),
        }
    }
}

impl Mortal {
    /// Notes whether the worker is still there.
    fn note(&self, result: Result<Clip, Error>) -> Result<Clip, Error> {
        match &result {
            Ok(_) => self.deaths.store(0, SeqCst),
            Err(Error::Worker { .. }) => drop(self.deaths.fetch_add(1, SeqCst)),
            Err(_) => {}
        }
        result
    }
}

impl Composer for Mortal {
    fn generate(&self, request: &Request, progress: &dyn Progress) -> Result<Clip, Error> {
        self.note(self.client.generate(request, progress))
    }

    fn score(&self, board: &Board, cue: usize, progress: &dyn Progress) -> Result<Clip, Error> {
        self.note(self.client.score(board, cue, progress))
    }

    fn redecode(
        &self,
        latents: &Latents,
        recipe: &Recipe,
        to: Redecoding,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        self.note(self.client.redecode(latents, recipe, to, progress))
    }

    fn memory(&self) -> Option<u64> {
        match self.client.state() {
            EngineState::Loaded { memory } => Some(memory),
            EngineState::Loading | EngineState::Unloaded => Some(0),
        }
    }

    fn unload(&self) {
        self.client.unload();
    }
}

fn program(settings: &Settings) -> Option<Program> {
    settings.program.clone().map(Program::at).or_else(Program::find)
}

/// This process composes.
fn here(why: String) -> Result<Loaded, Error> {
    Ok(Loaded { why, ..Shipped.load()? })
}

fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
