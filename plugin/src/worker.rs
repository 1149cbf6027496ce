//! One thread per process that composes for all instances, and one that fits their takes to the host.

pub mod fit;

use std::sync::Arc;

use crate::session::Session;

/// One instance's place at the worker. Dropping it cancels what it asked for, without waiting.
pub struct Seat {
    _session: Arc<Session>,
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
        /// Bytes of memory the process uses.
        memory: u64,
    },
}

impl Seat {
    /// Takes a place. Starts nothing yet: hosts make instances only to look at them.
    pub fn take(session: Arc<Session>) -> Self {
        Self { _session: session }
    }

    /// Starts the worker's threads, if they do not run; touches no model file. Called when the host activates.
    pub fn wake(&self) {}

    /// Queues a clip made from the session's brief. What is wrong with it, the status says.
    pub fn generate(&self) {}

    /// Ends this instance's generation within one denoising step, and takes queued ones back.
    pub fn cancel(&self) {}

    /// Queues a take to be heard in another key.
    pub fn transpose(&self, _take: u64, _key: Option<melfusion::request::Key>) {}

    /// What the engine is doing.
    pub fn engine(&self) -> EngineState {
        EngineState::Unloaded { reason: None }
    }

    /// Reads the bundle, in the background.
    pub fn load(&self) {}

    /// Gives the memory back as soon as no job needs it.
    pub fn unload(&self) {}
}
