//! Keeps the one composer of the process: loaded when it is first needed, shared, and given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use melfusion::Error;
use melfusion::error::with_causes;
use melfusion::progress::Progress;
use parking_lot::Mutex;

use super::EngineState;
use super::composer::{Composer, Source};

/// The composer, if it is loaded, and where to get it.
pub struct Studio {
    source: Box<dyn Source>,
    held: Mutex<Held>,
    /// Whether the source's bundle hears pictures through words; looked at again when a composer has come or gone.
    describes: Mutex<Option<bool>>,
    /// Held while weights are read, so that they are read once.
    loading: Mutex<()>,
}

struct Held {
    state: State,
    /// When the composer was last asked for or given back.
    used: Instant,
}

enum State {
    Empty { reason: Option<String> },
    Loading,
    Ready(Arc<Composer>),
}

impl Studio {
    /// Touches nothing yet.
    pub fn new(source: Box<dyn Source>) -> Self {
        let held = Held { state: State::Empty { reason: None }, used: Instant::now() };
        Self { source, held: Mutex::new(held), describes: Mutex::default(), loading: Mutex::new(()) }
    }

    /// The composer, read now if it is not there. Waits if another thread is reading it.
    ///
    /// # Errors
    ///
    /// It cannot be read; [`state`](Self::state) then says why, too. Or `progress` says that nobody waits for it any more.
    pub fn get(&self, progress: &dyn Progress) -> Result<Arc<Composer>, Error> {
        if let Some(ready) = self.ready() {
            return Ok(ready);
        }
        let _one_at_a_time = self.loading.lock();
        if let Some(ready) = self.ready() {
            return Ok(ready);
        }
        self.set(State::Loading);
        match self.source.load(progress) {
            Ok(composer) => {
                let composer = Arc::new(composer);
                self.set(State::Ready(composer.clone()));
                Ok(composer)
            }
            Err(error) => {
                let reason = (!matches!(error, Error::Cancelled)).then(|| with_causes(&error));
                self.set(State::Empty { reason });
                Err(error)
            }
        }
    }

    /// Whether this studio's bundle has this hash.
    pub fn has_bundle(&self, sha256: &str) -> bool {
        self.source.hash().is_ok_and(|hash| hash == sha256)
    }

    /// Whether this studio's bundle composes notes and plays them.
    pub fn plays_notes(&self) -> bool {
        self.source.plays_notes()
    }

    /// Whether this studio's bundle hears pictures through words.
    pub fn describes_pictures(&self) -> bool {
        *self.describes.lock().get_or_insert_with(|| self.source.describes_pictures())
    }

    /// Whether a composer is there.
    pub fn is_loaded(&self) -> bool {
        matches!(self.held.lock().state, State::Ready(_))
    }

    /// What the editor shows.
    pub fn state(&self) -> EngineState {
        match &self.held.lock().state {
            State::Empty { reason } => EngineState::Unloaded { reason: reason.clone() },
            State::Loading => EngineState::Loading,
            State::Ready(composer) => EngineState::Loaded {
                bundle: composer.bundle.clone(),
                device: composer.device.clone(),
                why: composer.why.clone(),
                memory: composer.memory(),
            },
        }
    }

    /// Lets go of the composer; memory is free when the last job that has it ends. `reason` is for people.
    pub fn unload(&self, reason: Option<String>) {
        let mut held = self.held.lock();
        if matches!(held.state, State::Ready(_)) {
            let old = std::mem::replace(&mut held.state, State::Empty { reason });
            *self.describes.lock() = None;
            // Weights take a moment to free; nobody needs to wait for that.
            drop(held);
            if let State::Ready(composer) = &old {
                composer.unload();
            }
        }
    }

    /// Looks whether a job has shown that its composer is of no more use; the next one then gets another.
    pub fn heed<T>(&self, result: &Result<T, Error>) {
        if let Err(error @ (Error::Worker { .. } | Error::Panicked { .. })) = result {
            self.unload(Some(error.to_string()));
        }
    }

    /// A job has ended: idleness begins now.
    pub fn rest(&self) {
        self.held.lock().used = Instant::now();
    }

    /// Lets go of a composer that nobody has used for `idle`.
    pub fn release_after(&self, idle: Duration) {
        let held = self.held.lock();
        // Jobs hold an `Arc` of their own.
        let in_use = matches!(&held.state, State::Ready(composer) if Arc::strong_count(composer) > 1);
        let is_idle = !in_use && held.used.elapsed() >= idle;
        drop(held);
        if is_idle {
            self.unload(None);
        }
    }

    /// How long until [`release_after`](Self::release_after) has something to do, at most `idle`.
    pub fn idle_left(&self, idle: Duration) -> Duration {
        let held = self.held.lock();
        match held.state {
            State::Ready(_) => idle.saturating_sub(held.used.elapsed()),
            _ => idle,
        }
    }

    fn ready(&self) -> Option<Arc<Composer>> {
        let mut held = self.held.lock();
        held.used = Instant::now();
        match &held.state {
            State::Ready(composer) => Some(composer.clone()),
            _ => None,
        }
    }

    fn set(&self, state: State) {
        *self.held.lock() = Held { state, used: Instant::now() };
        *self.describes.lock() = None;
    }
}
