//! The worker: composes for every client that connects, each in turn.

mod doors;
mod guest;
mod here;
mod lane;
mod shelf;
mod stay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use parking_lot::Mutex;

use self::guest::Guest;
pub use self::here::Here;
use self::lane::Lane;
use self::shelf::Shelf;
use self::stay::Stay;
use super::message::EngineState;
use super::{Failure, FromWorker, Place, Workshop, lost};
use crate::error::Error;

/// What a worker process is told when it starts.
pub struct Options {
    /// What composes.
    pub workshop: Workshop,
    /// Without a job before the weights are let go.
    pub unload_after: Duration,
    /// Without a job before the worker ends.
    pub exit_after: Duration,
    /// Share of the machine's memory, 0..=1: with less than that free, and no job, the weights are let go.
    pub keep_free: f64,
}

/// When a worker process lets go of its weights, and ends.
struct Limits {
    unload_after: Duration,
    exit_after: Duration,
    keep_free: f64,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Another one is there already; this one did nothing.
    Taken,
    /// Nobody needed it.
    Idle,
    /// It was asked to.
    Asked,
}

/// A worker's insides: who is there, what they wait for, and the engine. A process of its own at a [`Place`], or threads of
/// its client's: [`Client::here`](super::Client::here).
///
/// Two threads work: one composes, and one makes sound of latents again, so that a take that follows the host's tempo
/// does not wait for a composition.
pub struct Server {
    shelf: Shelf,
    composing: Lane,
    fitting: Lane,
    guests: Mutex<BTreeMap<u64, Arc<Guest>>>,
    next_guest: AtomicU64,
    is_ending: AtomicBool,
    stay: Stay,
}

impl Server {
    /// Works at `place` until nobody needs it or `is_asked_to_end`, which is asked now and then. `ready` is called once
    /// clients can connect.
    ///
    /// # Errors
    ///
    /// There can be no socket or no threads.
    pub fn run(
        place: &Place,
        options: Options,
        ready: impl FnOnce(),
        is_asked_to_end: impl Fn() -> bool,
    ) -> Result<Ending, Error> {
        place.prepare()?;
        let Some(lock) = place.lock()? else { return Ok(Ending::Taken) };
        let listener = place.listen(&lock)?;
        let Options { workshop, unload_after, exit_after, keep_free } = options;
        let server = Self::new(workshop);
        let no_threads = |error: std::io::Error| {
            lost(format!("has no threads to work with ({error}); close other programs and try again"))
        };
        let threads = server.start(listener).map_err(no_threads)?;
        ready();
        let ending = server.await_end(place, &Limits { unload_after, exit_after, keep_free }, is_asked_to_end);
        server.end(place, threads);
        Ok(ending)
    }

    fn new(workshop: Workshop) -> Arc<Self> {
        Arc::new(Self {
            shelf: Shelf::new(workshop),
            composing: Lane::default(),
            fitting: Lane::default(),
            guests: Mutex::default(),
            next_guest: AtomicU64::new(1),
            is_ending: AtomicBool::new(false),
            stay: Stay::default(),
        })
    }

    /// Whether a job is being done or waits.
    fn is_busy(&self) -> bool {
        self.composing.is_busy() || self.fitting.is_busy()
    }

    /// Takes everything back that `guest` has waiting, and stops what is being done for it.
    fn withdraw(&self, guest: &Guest) {
        guest.withdraw_all();
        for lane in [&self.composing, &self.fitting] {
            lane.forget(guest.id);
        }
        self.guests.lock().remove(&guest.id);
    }

    /// Tells every client what the engine is doing.
    fn announce(&self, state: EngineState) {
        let guests = self.guests.lock();
        guests.values().for_each(|guest| guest.tell(FromWorker::Engine(state)));
    }

    /// Frees the weights.
    fn unload(&self) {
        if self.shelf.clear() {
            self.announce(EngineState::Unloaded);
        }
    }

    /// No job begins any more, and those that wait are told so.
    fn dismiss(&self) {
        self.is_ending.store(true, SeqCst);
        for lane in [&self.composing, &self.fitting] {
            for order in lane.close() {
                order.guest.answer(order.job, Err(told_to_end()));
            }
        }
        self.guests.lock().values().for_each(|guest| guest.withdraw_all());
    }
}

fn told_to_end() -> Failure {
    Failure::Worker { problem: "was told to end before this was done; generate again, which starts another".into() }
}
