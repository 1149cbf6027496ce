//! The one engine that is in memory, and the bundles that there are.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Options;
use crate::bundle::Bundle;
use crate::device::Placement;
use crate::engine::Engine;
use crate::error::Error;

/// Holds at most one engine; a client of another bundle has it changed.
pub struct Shelf {
    placement: Placement,
    own: Bundle,
    held: Mutex<Option<(String, Arc<Engine>)>>,
}

impl Shelf {
    /// Nothing is read yet.
    pub fn new(options: &Options) -> Self {
        Self { placement: options.placement.clone(), own: options.bundle.clone(), held: Mutex::default() }
    }

    /// The bundle of this hash, among those that can be found by name; the worker's own if there is none to look for.
    pub fn bundle(&self, sha256: Option<&str>) -> Option<Bundle> {
        let Some(sha256) = sha256 else { return Some(self.own.clone()) };
        let found = || Bundle::list().into_iter().flatten();
        std::iter::once(self.own.clone()).chain(found()).find(|bundle| bundle.hash() == sha256)
    }

    /// The engine of a bundle. If it has to be read, `loading` is told before (`false`) and after (`true`). Waits while
    /// another thread reads.
    pub fn engine(&self, bundle: &Bundle, loading: impl Fn(bool)) -> Result<Arc<Engine>, Error> {
        let mut held = self.held.lock();
        if let Some((_, engine)) = held.as_ref().filter(|(hash, _)| hash == bundle.hash()) {
            return Ok(engine.clone());
        }
        // Two would need the memory of both.
        *held = None;
        loading(false);
        let engine = Arc::new(Engine::load(bundle, self.placement.clone())?);
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
