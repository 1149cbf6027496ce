//! One thread per process that composes for all instances, and one that fits their takes to the host.
//!
//! ```text
//! Seat (one per instance) ─ queue, in turn ─► composer thread ─ Job ─► Composer ─► Take ─► session ─► player
//!      │                                          │ one for all: Studio
//!      └─ transpositions, host's tempo ─► fitter thread, 20 rounds a second ─► one fit at a time ─► Fits ─ adopt ─► session
//! ```
//!
//! The [`Composer`](composer::Composer) has a [`melfusion::service`] make the clips: threads of this process, or a worker
//! process that has a GPU. [`chooser`] decides, at the first job; from there on it is the same messages, and only the
//! words in the engine's panel differ.
//!
//! The threads start when a host activates an instance and end when the last instance is gone. They, and those that compute,
//! run at low priority: see [`pool`]. A job that fails or panics fails alone.

pub mod ask;
mod chair;
pub mod chooser;
pub mod composer;
mod costs;
pub mod fit;
mod fits;
mod fitter;
mod generation;
pub mod mix;
mod order;
mod resample;
pub mod settings;
mod stretch;
pub mod studio;
pub mod tempo;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::{io, thread};

use crossbeam::channel::{self, Receiver, Sender};
use melfusion::error::with_causes;
use melfusion::progress::Silent;
use melfusion::request::Key;
use melfusion::service::pool;
use melfusion::service::queue::Queue;
use parking_lot::Mutex;

use self::ask::Strengths;
use self::chair::Chair;
use self::chooser::Chooser;
use self::composer::Source;
use self::costs::Costs;
use self::order::{Order, show_places};
use self::studio::Studio;
use crate::session::{Notice, Place, Session};

/// One instance's place at the worker. Dropping it cancels what it asked for, without waiting.
///
/// None of its methods may be called while the session's `project` or `status` is locked.
pub struct Seat {
    session: Arc<Session>,
    chair: Arc<Chair>,
    worker: Arc<Worker>,
}

/// The engine, for all instances.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineState {
    /// No weights in memory. `reason` says why, if loading failed.
    Unloaded {
        /// For people.
        reason: Option<String>,
    },
    /// Weights are being read.
    Loading,
    /// Ready.
    Loaded {
        /// Name and version of the bundle.
        bundle: String,
        /// Where it computes.
        device: String,
        /// Why there.
        why: String,
        /// Bytes of memory that the process uses in which it computes, after its last job.
        memory: u64,
    },
}

/// How long the worker waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two rounds of the fitter.
    pub round: Duration,
    /// Rounds for which a tempo must not move before takes are fitted to it.
    pub settled_rounds: u32,
    /// Without a job before the engine is let go.
    pub idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { round: Duration::from_millis(50), settled_rounds: 4, idle: Duration::from_secs(600) }
    }
}

/// The threads, the engine and who waits for them. There is one per process; tests make their own.
pub struct Worker {
    studio: Studio,
    timing: Timing,
    queue: Mutex<Queue<Order>>,
    house: Mutex<House>,
    costs: Mutex<Costs>,
    next_id: AtomicU64,
    /// Held by the composer thread: a new one begins when the one before has ended.
    composing: Mutex<()>,
    /// As `composing`, of the fitter thread.
    fitting: Mutex<()>,
}

/// Who is there.
#[derive(Default)]
struct House {
    chairs: Vec<Arc<Chair>>,
    shift: Option<Shift>,
}

/// What the threads wait at; they end when it is dropped.
struct Shift {
    calls: Sender<Call>,
    _rounds: Sender<()>,
}

/// What wakes the composer thread.
enum Call {
    /// There is one more order in the queue.
    Compose,
    /// Read the bundle, for this instance.
    Load(Arc<Chair>),
    /// Let go of it.
    Unload,
}

static SHARED: LazyLock<Arc<Worker>> = LazyLock::new(|| Worker::new(Box::new(Chooser::of_user()), Timing::default()));

impl Seat {
    /// Takes a place. Starts nothing yet: hosts make instances only to look at them.
    pub fn take(session: Arc<Session>) -> Self {
        Self::take_at(&SHARED, session)
    }

    /// As [`take`](Self::take), at another worker than the process's own.
    pub fn take_at(worker: &Arc<Worker>, session: Arc<Session>) -> Self {
        let chair = Arc::new(Chair::new(worker.next_id.fetch_add(1, Relaxed), &session));
        worker.house.lock().chairs.push(chair.clone());
        Self { session, chair, worker: worker.clone() }
    }

    /// Starts the worker's threads, if they do not run; touches no model file. Called when the host activates.
    pub fn wake(&self) {
        self.chair.allow_calls(true);
        let _ = self.calls();
    }

    /// Called when the host deactivates: from now on it may drop the instance, and is not called any more.
    pub fn rest(&self) {
        self.chair.allow_calls(false);
    }

    /// Queues a clip made from the session's brief. What is wrong with it, the status says.
    pub fn generate(&self) {
        self.generate_with(self.strengths());
    }

    /// As [`generate`](Self::generate), whatever the parameters say.
    pub fn generate_with(&self, strengths: Strengths) {
        if let Some(calls) = self.calls() {
            self.worker.order(&self.chair, &self.session, (strengths, None), &calls);
        }
    }

    /// Queues the storyboard's cues that have no current take, in order; if all have one, all of them anew.
    pub fn generate_board(&self) {
        self.generate_board_with(self.strengths());
    }

    /// As [`generate_board`](Self::generate_board), whatever the parameters say.
    pub fn generate_board_with(&self, strengths: Strengths) {
        if let Some(calls) = self.calls() {
            self.worker.order_board(&self.chair, &self.session, strengths, &calls);
        }
    }

    /// Queues a take of one cue; if it has one that is current, from another seed.
    pub fn generate_cue(&self, cue: u64) {
        if let Some(calls) = self.calls() {
            ask::reseed(&self.session, cue);
            self.worker.order(&self.chair, &self.session, (self.strengths(), Some(cue)), &calls);
        }
    }

    fn strengths(&self) -> Strengths {
        self.session.params().map(|params| params.strengths()).unwrap_or_default()
    }

    /// Ends this instance's generation within one denoising step, and takes queued ones back. What is done stays.
    pub fn cancel(&self) {
        self.chair.withdraw();
        let mut queue = self.worker.queue.lock();
        queue.remove(self.chair.id);
        self.chair.show(None);
        self.chair.show_queued(Vec::new());
        show_places(&queue);
    }

    /// Queues a take to be heard in another key; `None` is the one it was made in.
    pub fn transpose(&self, take: u64, key: Option<Key>) {
        let taken = self.session.project.lock().take(take).cloned();
        let Some(taken) = taken else { return };
        match fit::check_key(&taken.recipe, key) {
            Ok(()) => {
                self.session.tell(Place::Takes, None);
                self.chair.wish(take, key);
                let _ = self.calls();
            }
            Err(problem) => complain(&self.session, Place::Takes, problem),
        }
    }

    /// Has all takes heard as they were fitted to the host's tempo, if they are. The project changes: nothing else that has to
    /// do with the tempo changes it.
    pub fn adopt(&self) {
        self.chair.adopt();
        let _ = self.calls();
    }

    /// What the engine is doing.
    pub fn engine(&self) -> EngineState {
        self.worker.studio.state()
    }

    /// Whether its bundle hears pictures through words.
    pub fn describes_pictures(&self) -> bool {
        self.worker.studio.describes_pictures()
    }

    /// Reads the bundle, in the background.
    pub fn load(&self) {
        self.call(Call::Load(self.chair.clone()));
    }

    /// Gives the memory back as soon as no job needs it.
    pub fn unload(&self) {
        self.call(Call::Unload);
    }

    fn call(&self, call: Call) {
        if let Some(calls) = self.calls() {
            let _ = calls.send(call);
        }
    }

    /// The way to the composer thread. `None`, and a notice, if there can be no thread.
    fn calls(&self) -> Option<Sender<Call>> {
        match self.worker.start() {
            Ok(calls) => Some(calls),
            Err(error) => {
                let problem = format!("the worker cannot start ({error}); close other programs and try again");
                complain(&self.session, Place::Engine, problem);
                None
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.chair.leave();
        let mut house = self.worker.house.lock();
        house.chairs.retain(|chair| chair.id != self.chair.id);
        if house.chairs.is_empty() {
            house.shift = None;
        }
        drop(house);
        let mut queue = self.worker.queue.lock();
        queue.forget(self.chair.id);
        show_places(&queue);
    }
}

impl Worker {
    /// Starts no thread yet.
    pub fn new(source: Box<dyn Source>, timing: Timing) -> Arc<Self> {
        Arc::new(Self {
            studio: Studio::new(source),
            timing,
            queue: Mutex::default(),
            house: Mutex::default(),
            costs: Mutex::default(),
            next_id: AtomicU64::new(1),
            composing: Mutex::default(),
            fitting: Mutex::default(),
        })
    }

    /// What the engine is doing.
    pub fn engine(&self) -> EngineState {
        self.studio.state()
    }

    /// Whether the threads are there, or about to be.
    pub fn is_running(&self) -> bool {
        self.house.lock().shift.is_some()
    }

    /// Waits until no thread is left. For tests, after the last seat is gone.
    pub fn join(&self) {
        drop(self.composing.lock());
        drop(self.fitting.lock());
    }

    /// Starts the threads, if they do not run.
    fn start(self: &Arc<Self>) -> io::Result<Sender<Call>> {
        let mut house = self.house.lock();
        if let Some(shift) = &house.shift {
            return Ok(shift.calls.clone());
        }
        let (calls, called) = channel::unbounded();
        let (rounds, over) = channel::bounded(0);
        let (composer, fitter) = (self.clone(), self.clone());
        named("melfusion-composer").spawn(move || composer.compose_all(&called))?;
        named("melfusion-fitter").spawn(move || fitter.go_rounds(&over))?;
        house.shift = Some(Shift { calls: calls.clone(), _rounds: rounds });
        Ok(calls)
    }

    /// The composer thread.
    fn compose_all(&self, called: &Receiver<Call>) {
        let _alone = self.composing.lock();
        pool::lower_priority();
        loop {
            match called.recv_timeout(self.patience()) {
                Ok(Call::Compose) => self.compose_next(),
                Ok(Call::Load(chair)) => self.load_for(&chair),
                Ok(Call::Unload) => self.studio.unload(None),
                Err(channel::RecvTimeoutError::Timeout) => self.studio.release_after(self.timing.idle),
                Err(channel::RecvTimeoutError::Disconnected) => break,
            }
        }
        // Unless others have come meanwhile.
        if !self.is_running() {
            self.studio.unload(None);
        }
    }

    /// How long the composer thread waits for a call before it looks whether the engine is idle.
    fn patience(&self) -> Duration {
        self.studio.idle_left(self.timing.idle).max(self.timing.round)
    }

    fn load_for(&self, chair: &Chair) {
        match (chair.session(), self.studio.get(&Silent)) {
            (Some(session), Ok(_)) => session.tell(Place::Engine, None),
            (Some(session), Err(error)) => complain(&session, Place::Engine, with_causes(&error)),
            (None, _) => {}
        }
    }

    /// Everyone who is there, without keeping them.
    fn chairs(&self) -> Vec<Arc<Chair>> {
        self.house.lock().chairs.clone()
    }
}

/// Says at `place` what went wrong.
fn complain(session: &Session, place: Place, problem: impl ToString) {
    session.tell(place, Some(Notice { place, text: problem.to_string(), is_error: true }));
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.into())
}
