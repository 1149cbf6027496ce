//! The way to a worker, for programs that want clips of it: another process, or threads of their own.

mod connection;
mod ticket;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::connection::{Connection, Refusal};
pub use self::ticket::Ticket;
use super::line;
use super::message::{EngineState, Facts, ToWorker, Wanted};
use super::server::Here;
use super::{Job, Place, Program, Workshop, lost};
use crate::clip::Clip;
use crate::error::Error;
use crate::progress::Progress;

/// How long a worker is looked for, and started, before there is none: one that is just ending has to be gone first.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Has clips made by a worker, as [`Engine`](crate::Engine) makes them: the same clips, the same errors. Shared between
/// threads; each call waits for its own clip.
///
/// A worker process is looked for at the first call, and started if there is none. If it ends while it works, the job
/// fails and says so, and the next call starts another. Dropping this withdraws what it asked for, and ends a worker that is
/// threads of this process.
pub struct Client {
    /// Never locked for longer than a look. Goes before the worker does.
    line: Mutex<Option<Arc<Connection>>>,
    /// Held while a worker is looked for.
    looking: Mutex<()>,
    worker: Worker,
}

/// Where the worker is.
enum Worker {
    /// A process.
    Process {
        place: Place,
        /// Starts it; `None` if only one that is there will do.
        program: Option<Program>,
        /// The bundle that is to compose; `None` is the worker's own.
        bundle: Option<Wanted>,
    },
    /// Threads of this process.
    Here(Here),
}

impl Client {
    /// Of a worker process. Looks for nothing yet. `bundle` is the one that is to compose; `None` is the worker's own.
    pub fn new(place: Place, program: Option<Program>, bundle: Option<Wanted>) -> Self {
        Self::of(Worker::Process { place, program, bundle })
    }

    /// Of a worker that is threads of this process, at low priority, and this client's alone. Reads no weights yet.
    ///
    /// # Errors
    ///
    /// [`Error::Stage`] if there are no threads to be had.
    pub fn here(workshop: Workshop) -> Result<Self, Error> {
        Ok(Self::of(Worker::Here(Here::start(workshop)?)))
    }

    fn of(worker: Worker) -> Self {
        Self { line: Mutex::default(), looking: Mutex::default(), worker }
    }

    /// What the worker says of itself.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if there is none and none can be started.
    pub fn facts(&self) -> Result<Facts, Error> {
        Ok(self.connect()?.facts().clone())
    }

    /// What the worker's engine is doing, as far as it is known.
    pub fn state(&self) -> EngineState {
        self.open_line().map_or(EngineState::Unloaded, |line| line.state())
    }

    /// Does a job and waits for the clip. If `progress` says that it is no longer wanted, this returns in a moment and the
    /// worker gives up within one denoising step. `progress` is called on the calling thread.
    ///
    /// # Errors
    ///
    /// As the engine's method for this job, [`Error::Worker`] if the worker ended, and [`Error::Panicked`].
    pub fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        self.persist(|| self.submit(job), |ticket| ticket.wait(progress))
    }

    /// Hands in a job and does not wait for it.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if there is no worker; [`Error::Request`] if the job is too large to be sent.
    pub fn submit(&self, job: &Job) -> Result<Ticket, Error> {
        Ticket::new(self.connect()?, job)
    }

    /// Has the weights read, and waits until they are. If `progress` says that nobody waits any more, they are read all the
    /// same.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if there is no worker; those of [`Engine::load`](crate::Engine::load).
    pub fn load(&self, progress: &dyn Progress) -> Result<(), Error> {
        self.persist(|| Ok(Ticket::load(self.connect()?)), |ticket| ticket.wait_load(progress))
    }

    /// Has the weights freed, if nobody else needs them.
    pub fn unload(&self) {
        if let Some(line) = self.open_line() {
            line.send(ToWorker::Unload);
        }
    }

    /// Asks again if need be: a worker may end of its own accord just as a job is on its way. What it has begun is not
    /// begun again: if it was the job that ended it, it would end the next one, too.
    fn persist<T>(
        &self,
        ask: impl Fn() -> Result<Ticket, Error>,
        wait: impl Fn(&mut Ticket) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut ticket = ask()?;
        match wait(&mut ticket) {
            Err(Error::Worker { .. }) if !ticket.is_answered() => wait(&mut ask()?),
            result => result,
        }
    }

    fn open_line(&self) -> Option<Arc<Connection>> {
        self.line.lock().clone().filter(|line| line.is_open())
    }

    fn connect(&self) -> Result<Arc<Connection>, Error> {
        let _one_at_a_time = self.looking.lock();
        if let Some(open) = self.open_line() {
            return Ok(open);
        }
        let open = Arc::new(self.look()?);
        *self.line.lock() = Some(open.clone());
        Ok(open)
    }

    fn look(&self) -> Result<Connection, Error> {
        match &self.worker {
            Worker::Process { place, program, bundle } => look(place, program.as_ref(), bundle.as_ref()),
            Worker::Here(here) => Connection::open(here.connect()?, None).map_err(|refusal| match refusal {
                Refusal::Final(reason) | Refusal::Ending(reason) => lost(reason),
            }),
        }
    }
}

/// Connects to the worker process that is there, or starts one.
fn look(place: &Place, program: Option<&Program>, bundle: Option<&Wanted>) -> Result<Connection, Error> {
    let began = Instant::now();
    loop {
        let reason = match place.connect().and_then(line::open) {
            Ok(line) => match Connection::open(line, bundle.cloned()) {
                Ok(connection) => return Ok(connection),
                Err(Refusal::Final(reason)) => return Err(lost(format!("refused this program: {reason}"))),
                Err(Refusal::Ending(reason)) => reason,
            },
            Err(error) => error.to_string(),
        };
        let Some(program) = program else {
            return Err(lost(format!("is not there ({reason}); start it with: melfusion worker")));
        };
        if began.elapsed() > PATIENCE {
            let log = place.log();
            return Err(lost(format!("cannot be reached ({reason}); what it said is in {}", log.display())));
        }
        program.start(place)?;
        if !place.can_be_found() {
            thread::sleep(LOOK);
        }
    }
}
