//! A worker that is threads of its client's process.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::Server;
use super::doors::named;
use crate::error::{Error, Stage};
use crate::service::Workshop;
use crate::service::line::{self, Line};
use crate::service::message::{FromWorker, ToWorker};

/// A worker without a socket. Once it is dropped, which waits for a step under way, its threads no longer compute and its
/// weights are gone.
pub struct Here {
    server: Arc<Server>,
    lanes: Vec<JoinHandle<()>>,
}

impl Here {
    /// Starts its threads; reads nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::Stage`] if there are no threads to be had.
    pub fn start(workshop: Workshop) -> Result<Self, Error> {
        let server = Server::new(workshop);
        let lanes = server.start_lanes().map_err(|error| no_threads(&error))?;
        Ok(Self { server, lanes })
    }

    /// A line to it.
    ///
    /// # Errors
    ///
    /// [`Error::Stage`] if there is no thread to listen to it.
    pub fn connect(&self) -> Result<Line<ToWorker, FromWorker>, Error> {
        let (client, worker) = line::pair();
        let server = self.server.clone();
        named("mlfn-line-in").spawn(move || server.receive(worker)).map_err(|error| no_threads(&error))?;
        Ok(client)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.server.dismiss();
        self.lanes.drain(..).for_each(|thread| drop(thread.join()));
        // Whoever still listens keeps the worker, but not what it works with.
        self.server.shelf.clear();
    }
}

fn no_threads(error: &io::Error) -> Error {
    let problem = format!("no threads to compute with ({error}); close other programs and try again");
    Error::Stage { stage: Stage::Load, source: candle_core::Error::Msg(problem) }
}
