//! Keeps the one composer of the process: loaded when it is first needed, shared, and given back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use melfusion::Error;
use melfusion::service::panic_words;
use parking_lot::Mutex;

use super::EngineState;
use super::composer::{Loaded, Source};

/// The composer, if it is loaded, and where to get it.
pub struct Studio {
    source: Box<dyn Source>,
    held: Mutex<Held>,
    /// Whether the source's bundle hears pictures through words; looked at again when a composer has come or gone.
    describes: Mutex<Option<bool>>,
    /// Held while weights are read, so that they are read once.
    loading: Mutex<()>,
    /// Bytes of memory that the composer's process uses, as last looked at.
    memory: AtomicU64,
}

struct Held {
    state: State,
    /// When the composer was last asked for or given back.
    used: Instant,
}

enum State {
    Empty { reason: Option<String> },
    Loading,
    Ready(Arc<Loaded>),
}

/// Why there is no composer.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] Error),
    /// Reading it panicked.
    #[error("the bundle could not be read ({0}); choose another bundle or install it again")]
    Panicked(String),
}

impl Studio {
    /// Touches nothing yet.
    pub fn new(source: Box<dyn Source>) -> Self {
        let held = Held { state: State::Empty { reason: None }, used: Instant::now() };
        Self {
            source,
            held: Mutex::new(held),
            describes: Mutex::default(),
            loading: Mutex::new(()),
            memory: AtomicU64::new(0),
        }
    }

    /// The composer, read now if it is not there. Waits if another thread is reading it.
    ///
    /// # Errors
    ///
    /// It cannot be read; [`state`](Self::state) then says why, too.
    pub fn get(&self) -> Result<Arc<Loaded>, LoadError> {
        if let Some(ready) = self.ready() {
            return Ok(ready);
        }
        let _one_at_a_time = self.loading.lock();
        if let Some(ready) = self.ready() {
            return Ok(ready);
        }
        self.set(State::Loading);
        let loaded = catch_unwind(AssertUnwindSafe(|| self.source.load()));
        let loaded = loaded.map_err(|panic| LoadError::Panicked(panic_words(&*panic))).and_then(|loaded| Ok(loaded?));
        match loaded {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                self.set(State::Ready(loaded.clone()));
                self.weigh();
                Ok(loaded)
            }
            Err(error) => {
                self.set(State::Empty { reason: Some(error.to_string()) });
                Err(error)
            }
        }
    }

    /// Whether this studio's bundle has this hash.
    pub fn has_bundle(&self, sha256: &str) -> bool {
        self.source.hash().is_ok_and(|hash| hash == sha256)
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
            State::Ready(loaded) => EngineState::Loaded {
                bundle: loaded.bundle.clone(),
                device: loaded.device.clone(),
                why: loaded.why.clone(),
                memory: self.memory.load(Relaxed),
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
            if let State::Ready(loaded) = &old {
                loaded.composer.unload();
            }
        }
    }

    /// Looks whether a job has shown that its composer is of no more use; the next one then gets another.
    pub fn heed<T>(&self, result: &Result<T, Error>) {
        if let Err(error @ Error::Worker { .. }) = result {
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
        let in_use = matches!(&held.state, State::Ready(loaded) if Arc::strong_count(loaded) > 1);
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

    /// Looks how much memory the composer's process uses.
    pub fn weigh(&self) {
        let elsewhere = match &self.held.lock().state {
            State::Ready(loaded) => loaded.composer.memory(),
            _ => None,
        };
        let here = || memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64);
        self.memory.store(elsewhere.unwrap_or_else(here), Relaxed);
    }

    fn ready(&self) -> Option<Arc<Loaded>> {
        let mut held = self.held.lock();
        held.used = Instant::now();
        match &held.state {
            State::Ready(loaded) => Some(loaded.clone()),
            _ => None,
        }
    }

    fn set(&self, state: State) {
        *self.held.lock() = Held { state, used: Instant::now() };
        *self.describes.lock() = None;
    }
}
