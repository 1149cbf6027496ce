//! The one engine that is in memory, and the bundles that there are.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::bundle::Bundle;
use crate::error::Error;
use crate::service::{Maker, Workshop};

/// Holds at most one engine; a client of another bundle has it changed.
pub struct Shelf {
    workshop: Workshop,
    held: Mutex<Option<(String, Arc<dyn Maker>)>>,
}

impl Shelf {
    /// Nothing is read yet.
    pub fn new(workshop: Workshop) -> Self {
        Self { workshop, held: Mutex::default() }
    }

    /// Where engines come from.
    pub fn workshop(&self) -> &Workshop {
        &self.workshop
    }

    /// The bundle of this hash, among those that can be found by name; the worker's own if there is none to look for.
    pub fn bundle(&self, sha256: Option<&str>) -> Option<Bundle> {
        let own = self.workshop.bundle().clone();
        let Some(sha256) = sha256 else { return Some(own) };
        let found = || Bundle::list().into_iter().flatten();
        std::iter::once(own).chain(found()).find(|bundle| bundle.hash() == sha256)
    }

    /// The engine of a bundle. If it has to be read, `loading` is told before (`false`) and after (`true`). Waits while
    /// another thread reads.
    pub fn engine(&self, bundle: &Bundle, loading: impl Fn(bool)) -> Result<Arc<dyn Maker>, Error> {
        let mut held = self.held.lock();
        if let Some((_, engine)) = held.as_ref().filter(|(hash, _)| hash == bundle.hash()) {
            return Ok(engine.clone());
        }
        // Two would need the memory of both.
        *held = None;
        loading(false);
        let engine = self.workshop.load(bundle)?;
        *held = Some((bundle.hash().into(), engine.clone()));
        loading(true);
        Ok(engine)
    }

    /// Lets go of the engine, and says whether there was one. Memory is free when the last job that has it ends.
    pub fn clear(&self) -> bool {
        self.held.lock().take().is_some()
    }

    /// Whether an engine is in memory; while one is being read, not yet.
    pub fn is_loaded(&self) -> bool {
        self.held.try_lock().is_some_and(|held| held.is_some())
    }
}
