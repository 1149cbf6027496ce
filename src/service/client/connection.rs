//! A line to a worker that has said hello.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::service::ENGINE;
use crate::service::line::{self, Cutter, Incoming, Line, Outgoing};
use crate::service::message::{EngineState, Facts, FromWorker, ToWorker, Wanted};

/// How long a worker may take to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// How long to wait, when ending, for a worker that does not listen.
const FAREWELL: Duration = Duration::from_millis(100);

/// A line to a worker. Ends when it is dropped, or the worker.
pub struct Connection {
    facts: Facts,
    /// `None` once the last word is said.
    outgoing: Option<Outgoing<ToWorker>>,
    cutter: Cutter,
    shared: Arc<Shared>,
}

/// What the listening thread shares.
struct Shared {
    desk: Mutex<Desk>,
    state: Mutex<EngineState>,
}

/// Who waits for which job.
struct Desk {
    waiting: HashMap<u64, Sender<FromWorker>>,
    last: u64,
    /// Why there will be no more answers.
    lost: Option<String>,
}

/// Why there is no connection.
pub enum Refusal {
    /// Another worker would say the same.
    Final(String),
    /// It is ending; another one may be started.
    Ending(String),
}

impl Connection {
    /// Greets.
    pub fn open(line: Line<ToWorker, FromWorker>, bundle: Option<Wanted>) -> Result<Self, Refusal> {
        let no_thread = |error: std::io::Error| Refusal::Final(format!("there is no thread to talk to it ({error})"));
        let Line { outgoing, incoming, cutter } = line;
        outgoing.send(ToWorker::Hello { engine: ENGINE.into(), bundle });
        let desk = Desk { waiting: HashMap::new(), last: 0, lost: None };
        let shared = Arc::new(Shared { desk: Mutex::new(desk), state: Mutex::new(EngineState::Unloaded) });
        let (said, hello) = mpsc::channel();
        let listener = shared.clone();
        let listen = move || {
            let _ = said.send(greet(&incoming));
            listener.listen(&incoming);
        };
        thread::Builder::new().name("mlfn-line-in".into()).spawn(listen).map_err(no_thread)?;
        let facts = hello.recv_timeout(HELLO).unwrap_or_else(|_| {
            Err(Refusal::Final(format!(
                "it has said nothing for {} seconds; end it and generate again",
                HELLO.as_secs()
            )))
        });
        match facts {
            Ok(facts) => Ok(Self { facts, outgoing: Some(outgoing), cutter, shared }),
            Err(refusal) => {
                cutter.cut();
                Err(refusal)
            }
        }
    }

    /// What it said of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What its engine does.
    pub fn state(&self) -> EngineState {
        *self.shared.state.lock()
    }

    /// Whether answers may still come.
    pub fn is_open(&self) -> bool {
        self.shared.desk.lock().lost.is_none()
    }

    /// Why they may not.
    pub fn lost(&self) -> String {
        self.shared.desk.lock().lost.clone().unwrap_or_else(|| "ended".into())
    }

    /// Says something.
    pub fn send(&self, message: ToWorker) {
        if let Some(outgoing) = &self.outgoing {
            outgoing.send(message);
        }
    }

    /// Whether what makes up most of a message is short enough to be sent.
    pub fn fits(&self, most: &impl Serialize) -> bool {
        self.outgoing.as_ref().is_none_or(|outgoing| outgoing.fits(most))
    }

    /// A number for a job and where its answers will come; if the line has ended, none ever will.
    pub fn enrol(&self) -> (u64, Receiver<FromWorker>) {
        let (answers, answered) = mpsc::channel();
        let mut desk = self.shared.desk.lock();
        desk.last += 1;
        let job = desk.last;
        if desk.lost.is_none() {
            desk.waiting.insert(job, answers);
        }
        (job, answered)
    }

    /// No more is wanted of a job.
    pub fn forget(&self, job: u64) {
        self.shared.desk.lock().waiting.remove(&job);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.send(ToWorker::Goodbye);
        self.outgoing = None;
        self.cutter.await_flush(FAREWELL);
        self.cutter.cut();
    }
}

impl Shared {
    /// The listening thread.
    fn listen(&self, incoming: &Incoming<FromWorker>) {
        let reason = loop {
            match incoming.next() {
                Ok(FromWorker::Engine(state)) => *self.state.lock() = state,
                Ok(FromWorker::Refused { reason, .. }) => break format!("closed the line: {reason}"),
                Ok(FromWorker::Hello(_)) => {}
                Ok(message) => self.pass_on(message),
                Err(_) => {
                    break "ended while it worked on this, or was ended; generate again, which starts another".into();
                }
            }
        };
        let mut desk = self.desk.lock();
        desk.lost = Some(reason);
        // Whoever waits is told by this.
        desk.waiting.clear();
    }

    fn pass_on(&self, message: FromWorker) {
        let (FromWorker::Ready { job }
        | FromWorker::Progress { job, .. }
        | FromWorker::Sound { job, .. }
        | FromWorker::Clip { job, .. }
        | FromWorker::Failed { job, .. }) = message
        else {
            return;
        };
        let mut desk = self.desk.lock();
        if matches!(message, FromWorker::Ready { .. } | FromWorker::Clip { .. } | FromWorker::Failed { .. }) {
            if let Some(answers) = desk.waiting.remove(&job) {
                let _ = answers.send(message);
            }
        } else if let Some(answers) = desk.waiting.get(&job) {
            let _ = answers.send(message);
        }
    }
}

/// Reads the worker's first words.
fn greet(incoming: &Incoming<FromWorker>) -> Result<Facts, Refusal> {
    incoming.greet().map_err(|error| match error {
        line::GreetingError::Broken(error) => Refusal::Ending(error.to_string()),
        error => Refusal::Final(error.to_string()),
    })?;
    match incoming.next() {
        Ok(FromWorker::Hello(facts)) if facts.engine == ENGINE => Ok(facts),
        Ok(FromWorker::Hello(facts)) => {
            Err(Refusal::Final(format!("its engine is {} and this one {ENGINE}", facts.engine)))
        }
        Ok(FromWorker::Refused { reason, is_ending: false }) => Err(Refusal::Final(reason)),
        Ok(FromWorker::Refused { reason, is_ending: true }) => Err(Refusal::Ending(reason)),
        Ok(_) => Err(Refusal::Final("it does not say hello".into())),
        Err(error) => Err(Refusal::Ending(error.to_string())),
    }
}
