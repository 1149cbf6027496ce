//! One client, as the worker sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use parking_lot::Mutex;

use super::Server;
use super::lane::{Lane, Order};
use crate::bundle::Bundle;
use crate::clip::Clip;
use crate::error::Error;
use crate::service::line::{Cutter, Outgoing};
use crate::service::message::{EngineState, FromWorker, ToWorker};
use crate::service::{Failure, Job, Maker, Parcel, pool};

/// Frames of a clip that are sent at a time.
const PART: usize = 1 << 17;
/// Jobs that a client may have waiting.
const MOST_JOBS: usize = 1000;

/// A client that has said hello.
pub struct Guest {
    pub id: u64,
    /// What composes for it.
    pub bundle: Bundle,
    pub cutter: Cutter,
    /// `None` once the last word is said.
    outgoing: Mutex<Option<Outgoing<FromWorker>>>,
    /// Jobs that are not answered yet, and whether they were cancelled.
    open: Mutex<BTreeMap<u64, Arc<AtomicBool>>>,
}

impl Guest {
    pub fn new(id: u64, bundle: Bundle, outgoing: Outgoing<FromWorker>, cutter: Cutter) -> Self {
        Self { id, bundle, cutter, outgoing: Mutex::new(Some(outgoing)), open: Mutex::default() }
    }

    /// Says something, if anyone listens.
    pub fn tell(&self, message: FromWorker) {
        if let Some(outgoing) = &*self.outgoing.lock() {
            outgoing.send(message);
        }
    }

    /// Says nothing more: what was said is still being sent.
    pub fn fall_silent(&self) {
        *self.outgoing.lock() = None;
    }

    /// A job that is to be answered; where it is noted that it was cancelled.
    fn enter(&self, job: u64) -> Result<Arc<AtomicBool>, &'static str> {
        let withdrawn = Arc::new(AtomicBool::new(false));
        let mut open = self.open.lock();
        if open.len() >= MOST_JOBS {
            return Err("a client may have a thousand jobs waiting and no more");
        }
        if open.contains_key(&job) {
            return Err("a client numbers its jobs each differently");
        }
        open.insert(job, withdrawn.clone());
        Ok(withdrawn)
    }

    /// Answers a job, once and for all.
    pub fn answer(&self, job: u64, result: Result<Clip, Failure>) {
        if self.open.lock().remove(&job).is_none() {
            return;
        }
        match result {
            Ok(clip) => self.deliver(job, clip),
            Err(failure) => self.tell(FromWorker::Failed { job, failure }),
        }
    }

    /// As [`answer`](Self::answer), of what asked for the weights.
    fn answer_load(&self, job: u64, result: Result<(), Failure>) {
        match result {
            Ok(()) if self.open.lock().remove(&job).is_some() => self.tell(FromWorker::Ready { job }),
            Ok(()) => {}
            Err(failure) => self.answer(job, Err(failure)),
        }
    }

    /// No job of this client is wanted any more.
    pub fn withdraw_all(&self) {
        self.open.lock().values().for_each(|withdrawn| withdrawn.store(true, SeqCst));
    }

    fn deliver(&self, job: u64, clip: Clip) {
        let [left, right] = clip.audio.channels();
        for (left, right) in left.chunks(PART).zip(right.chunks(PART)) {
            self.tell(FromWorker::Sound { job, left: left.into(), right: right.into() });
        }
        self.tell(FromWorker::Clip {
            job,
            sample_rate: clip.audio.sample_rate(),
            shape: clip.latents.shape(),
            latents: clip.latents.to_halves().into(),
            recipe: Box::new(clip.recipe),
            score: clip.score.map(Box::new),
        });
    }
}

impl Server {
    /// Does what a client says; `false` if that was its last word.
    ///
    /// # Errors
    ///
    /// No more is heard from it, and why.
    pub(super) fn hear(self: &Arc<Self>, guest: &Arc<Guest>, message: ToWorker) -> Result<bool, &'static str> {
        match message {
            ToWorker::Hello { .. } => return Err("a client says hello once"),
            ToWorker::Submit { job, parcel } => self.take_in(guest, job, parcel)?,
            ToWorker::Cancel { job } => self.cancel(guest, job),
            ToWorker::Load { job } => self.load_for(guest, job)?,
            // Others may be about to need them.
            ToWorker::Unload if self.guests.lock().len() == 1 && !self.is_busy() => self.unload(),
            ToWorker::Unload => {}
            ToWorker::Goodbye => return Ok(false),
        }
        Ok(true)
    }

    fn take_in(&self, guest: &Arc<Guest>, job: u64, parcel: Parcel) -> Result<(), &'static str> {
        let withdrawn = guest.enter(job)?;
        self.stay.rest();
        match Job::try_from(parcel) {
            Ok(work) => {
                let lane = if work.is_composed() { &self.composing } else { &self.fitting };
                let order = Order { guest: guest.clone(), job, work, withdrawn };
                if !lane.push(order) {
                    return Err("the worker is ending");
                }
            }
            Err(error) => guest.answer(job, Err(Failure::from(&error))),
        }
        Ok(())
    }

    fn cancel(&self, guest: &Guest, job: u64) {
        let withdrawn = guest.open.lock().get(&job).cloned();
        let Some(withdrawn) = withdrawn else { return };
        withdrawn.store(true, SeqCst);
        let remove = |lane: &Lane| lane.remove(guest.id, job).is_some();
        // What is being done answers for itself.
        if remove(&self.composing) || remove(&self.fitting) {
            guest.answer(job, Err(Failure::Cancelled));
        }
    }

    /// Reads the weights, while the client may say more.
    fn load_for(self: &Arc<Self>, guest: &Arc<Guest>, job: u64) -> Result<(), &'static str> {
        guest.enter(job)?;
        self.stay.rest();
        let (server, reader) = (self.clone(), guest.clone());
        let load = move || {
            pool::lower_priority();
            let loaded = server.engine_for(&reader, |_| {});
            server.stay.rest();
            reader.answer_load(job, loaded.map(drop).map_err(|error| Failure::from(&error)));
        };
        if thread::Builder::new().name("mlfn-load".into()).spawn(load).is_err() {
            // The first job reads them.
            guest.answer_load(job, Ok(()));
        }
        Ok(())
    }

    /// The engine of a client's bundle. If it has to be read, everyone is told, and so is `loading`: before (`false`) and
    /// after (`true`).
    pub(super) fn engine_for(&self, guest: &Guest, loading: impl Fn(bool)) -> Result<Arc<dyn Maker>, Error> {
        let engine = self.shelf.engine(&guest.bundle, |is_loaded| {
            loading(is_loaded);
            self.announce(if is_loaded { self.loaded() } else { EngineState::Loading });
        });
        engine.inspect_err(|_| self.announce(EngineState::Unloaded))
    }
}
