//! Who comes in: connections, greetings, and the threads that listen to them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use interprocess::local_socket::Listener;
use interprocess::local_socket::traits::Listener as _;
use rayon::ThreadPool;

use super::Server;
use super::guest::Guest;
use super::stay::FAREWELL;
use crate::bundle::Bundle;
use crate::service::frame::FrameError;
use crate::service::line::{self, Cutter, GreetingError, Incoming, Line, Outgoing};
use crate::service::message::{EngineState, Facts, FromWorker, ToWorker};
use crate::service::{ENGINE, pool};

/// How long a client may take to say hello.
const HELLO: Duration = Duration::from_secs(10);
/// Most clients at a time: each has two threads.
const MOST_GUESTS: usize = 64;

/// A server's threads, but for those of its clients.
pub struct Threads {
    pub door: JoinHandle<()>,
    pub lanes: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts the thread that lets clients in, and those that work.
    pub(super) fn start(self: &Arc<Self>, listener: Listener) -> io::Result<Threads> {
        let lanes = self.start_lanes()?;
        let server = self.clone();
        Ok(Threads { door: named("mlfn-door").spawn(move || server.let_in(&listener))?, lanes })
    }

    /// Starts the threads that work. They end once the lanes are closed.
    pub(super) fn start_lanes(self: &Arc<Self>) -> io::Result<Vec<JoinHandle<()>>> {
        let pools = [pool::composing(), pool::fitting()];
        let start = |(is_composing, pool): (bool, Result<ThreadPool, _>)| {
            let (server, pool) = (self.clone(), pool.map_err(io::Error::other)?);
            let work = move || server.work(if is_composing { &server.composing } else { &server.fitting }, &pool);
            named(if is_composing { "mlfn-compose" } else { "mlfn-fit" }).spawn(work)
        };
        let lanes: io::Result<_> = [true, false].into_iter().zip(pools).map(start).collect();
        // One alone would wait for ever.
        lanes.inspect_err(|_| self.dismiss())
    }

    fn let_in(self: &Arc<Self>, listener: &Listener) {
        while !self.is_ending.load(SeqCst) {
            match listener.accept() {
                Ok(stream) => {
                    let server = self.clone();
                    let receive = move || line::open(stream).into_iter().for_each(|line| server.receive(line));
                    // Without a thread nobody answers, which the client notices.
                    let _ = named("mlfn-line-in").spawn(receive);
                }
                // Too many files are open, or the like: it may pass.
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// The thread of one connection.
    pub(super) fn receive(self: &Arc<Self>, line: Line<FromWorker, ToWorker>) {
        let Line { outgoing, incoming, cutter } = line;
        incoming.set_patience(Some(HELLO));
        let guest = match self.welcome(&incoming, &outgoing, &cutter) {
            Ok(guest) => Arc::new(guest),
            Err(turned) => return self.turn_away(turned, outgoing, &cutter),
        };
        drop(outgoing);
        incoming.set_patience(None);
        self.guests.lock().insert(guest.id, guest.clone());
        // It may have begun to end before the guest was among those who are told.
        if self.is_ending.load(SeqCst) {
            guest.cutter.cut();
        }
        let reason = self.attend(&guest, &incoming);
        self.withdraw(&guest);
        if let Some(reason) = reason {
            guest.tell(FromWorker::Refused { reason, is_ending: false });
        }
        guest.fall_silent();
    }

    /// Listens to a client until it has gone, or says something that cannot be: then, what.
    fn attend(self: &Arc<Self>, guest: &Arc<Guest>, incoming: &Incoming<ToWorker>) -> Option<String> {
        loop {
            match incoming.next() {
                Ok(message) => match self.hear(guest, message) {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(reason) => return Some(reason.into()),
                },
                Err(FrameError::Closed | FrameError::Broken(_)) => return None,
                Err(error) => return Some(error.to_string()),
            }
        }
    }

    fn welcome(
        &self,
        incoming: &Incoming<ToWorker>,
        outgoing: &Outgoing<FromWorker>,
        cutter: &Cutter,
    ) -> Result<Guest, Turned> {
        incoming.greet().map_err(|error| Turned {
            is_other_version: matches!(error, GreetingError::Version(_)),
            reason: error.to_string(),
        })?;
        let (engine, wanted) = match incoming.next() {
            Ok(ToWorker::Hello { engine, bundle }) => (engine, bundle),
            Ok(_) => return turned("a client says hello first"),
            Err(error) => return turned(error.to_string()),
        };
        if engine != ENGINE {
            let reason = format!("the worker's engine is {ENGINE}, and the client's {engine}");
            return Err(Turned { reason, is_other_version: true });
        }
        let bundle = self.shelf.bundle(wanted.as_ref()).or_else(turned)?;
        if self.guests.lock().len() >= MOST_GUESTS {
            return turned(format!("the worker has {MOST_GUESTS} clients; close one"));
        }
        outgoing.send(FromWorker::Hello(self.facts(&bundle)));
        outgoing.send(FromWorker::Engine(if self.shelf.is_loaded() { self.loaded() } else { EngineState::Unloaded }));
        Ok(Guest::new(self.next_guest.fetch_add(1, Relaxed), bundle, outgoing.clone(), cutter.clone()))
    }

    fn facts(&self, bundle: &Bundle) -> Facts {
        let manifest = bundle.manifest();
        Facts {
            engine: ENGINE.into(),
            bundle: format!("{} {}", manifest.name, manifest.version),
            device: self.shelf.workshop().device().into(),
            is_gpu: self.shelf.workshop().is_gpu(),
            process: std::process::id(),
        }
    }

    /// Says why. A worker of another version than its clients is of no more use: it makes room if nobody uses it.
    fn turn_away(&self, turned: Turned, outgoing: Outgoing<FromWorker>, cutter: &Cutter) {
        let Turned { reason, is_other_version } = turned;
        let is_ending = is_other_version && self.guests.lock().is_empty() && !self.is_busy();
        outgoing.send(FromWorker::Refused { reason, is_ending });
        drop(outgoing);
        if is_ending {
            cutter.await_flush(FAREWELL);
            self.stay.leave();
        }
    }
}

/// Why a client was not let in.
struct Turned {
    reason: String,
    is_other_version: bool,
}

fn turned<T>(reason: impl Into<String>) -> Result<T, Turned> {
    Err(Turned { reason: reason.into(), is_other_version: false })
}

pub(super) fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.into())
}
