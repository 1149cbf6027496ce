//! The one engine that is in memory, and the bundles that there are.

use std::iter;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::bundle::Bundle;
use crate::error::Error;
use crate::service::message::Wanted;
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

    /// The bundle that a client wants, among those that can be found by name and then in its folder; the worker's own if
    /// it wants none.
    ///
    /// # Errors
    ///
    /// There is none of its hash, and what to do.
    pub fn bundle(&self, wanted: Option<&Wanted>) -> Result<Bundle, String> {
        let own = self.workshop.bundle().clone();
        let Some(Wanted { sha256, folder }) = wanted else { return Ok(own) };
        let listed = iter::once_with(Bundle::list).flatten().flatten();
        let there = folder.iter().filter_map(|folder| Bundle::open(folder).ok());
        iter::once(own).chain(listed).chain(there).find(|bundle| bundle.hash() == sha256).ok_or_else(|| {
            format!("the worker finds no bundle whose hash is {sha256}; install it where the program looks")
        })
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
