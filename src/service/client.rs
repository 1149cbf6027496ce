//! The way to a worker, for programs that want clips of it.

mod connection;
mod ticket;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::connection::{Connection, Refusal};
pub use self::ticket::Ticket;
use super::message::{EngineState, Facts, ToWorker};
use super::{Job, Place, Program, lost};
use crate::clip::{Clip, Latents, Recipe};
use crate::engine::Redecoding;
use crate::error::Error;
use crate::progress::Progress;
use crate::request::Request;
use crate::storyboard::Board;

/// How long a worker is looked for, and started, before there is none: one that is just ending has to be gone first.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Has clips made by a worker, as [`Engine`](crate::Engine) makes them: the same calls, the same clips, the same errors.
/// Shared between threads; each call waits for its own clip.
///
/// The worker is looked for at the first call, and started if there is none. If it ends while it works, the job fails and
/// says so, and the next call starts another. Dropping this withdraws what it asked for.
pub struct Client {
    place: Place,
    /// Starts a worker; `None` if only one that is there will do.
    program: Option<Program>,
    bundle_sha256: Option<String>,
    /// Never locked for longer than a look.
    line: Mutex<Option<Arc<Connection>>>,
    /// Held while a worker is looked for.
    looking: Mutex<()>,
}

impl Client {
    /// Looks for nothing yet. `bundle_sha256` is the bundle that is to compose; `None` is the worker's own.
    pub fn new(place: Place, program: Option<Program>, bundle_sha256: Option<String>) -> Self {
        Self { place, program, bundle_sha256, line: Mutex::default(), looking: Mutex::default() }
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

    /// As [`Engine::generate`](crate::Engine::generate).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Worker`] if the worker ended.
    pub fn generate(&self, request: &Request, progress: &dyn Progress) -> Result<Clip, Error> {
        self.run(&Job::Generate(request.clone()), progress)
    }

    /// As [`Engine::score`](crate::Engine::score).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Worker`] if the worker ended; [`Error::Board`] if there is no such cue.
    pub fn score(&self, board: &Board, index: usize, progress: &dyn Progress) -> Result<Clip, Error> {
        self.run(&Job::Score(board.clone(), index), progress)
    }

    /// As [`Engine::redecode`](crate::Engine::redecode).
    ///
    /// # Errors
    ///
    /// As there, and [`Error::Worker`] if the worker ended.
    pub fn redecode(
        &self,
        latents: &Latents,
        recipe: &Recipe,
        to: Redecoding,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        self.run(&Job::Redecode(latents.clone(), Box::new(recipe.clone()), to), progress)
    }

    /// Hands in a job and does not wait for it.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if there is no worker; [`Error::Request`] if the job is too large to be sent.
    pub fn submit(&self, job: &Job) -> Result<Ticket, Error> {
        Ticket::new(self.connect()?, job)
    }

    /// Has the weights read.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if there is no worker.
    pub fn load(&self) -> Result<(), Error> {
        self.connect()?.send(ToWorker::Load);
        Ok(())
    }

    /// Has the weights freed, if nobody else needs them.
    pub fn unload(&self) {
        if let Some(line) = self.open_line() {
            line.send(ToWorker::Unload);
        }
    }

    fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        let mut ticket = self.submit(job)?;
        // A worker may end of its own accord just as a job is on its way. What it has begun is not begun again: if it
        // was the job that ended it, it would end the next one, too.
        match ticket.wait(progress) {
            Err(Error::Worker { .. }) if !ticket.is_answered() => self.submit(job)?.wait(progress),
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

    /// Connects to the worker that is there, or starts one.
    fn look(&self) -> Result<Connection, Error> {
        let began = Instant::now();
        loop {
            let reason = match self.place.connect() {
                Ok(stream) => match Connection::open(stream, self.bundle_sha256.clone()) {
                    Ok(connection) => return Ok(connection),
                    Err(Refusal::Final(reason)) => return Err(lost(format!("refused this program: {reason}"))),
                    Err(Refusal::Ending(reason)) => reason,
                },
                Err(error) => error.to_string(),
            };
            let Some(program) = &self.program else {
                return Err(lost(format!("is not there ({reason}); start it with: melfusion worker")));
            };
            if began.elapsed() > PATIENCE {
                let log = self.place.log();
                return Err(lost(format!("cannot be reached ({reason}); what it said is in {}", log.display())));
            }
            program.start(&self.place)?;
            if !self.place.can_be_found() {
                thread::sleep(LOOK);
            }
        }
    }
}
