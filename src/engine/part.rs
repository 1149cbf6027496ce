//! A component of the model, in memory when its turn comes.

use std::sync::{Arc, Weak};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use parking_lot::Mutex;

use crate::bundle::Bundle;
use crate::device::is_out_of_memory;
use crate::error::{Error, Stage};

/// A component that is loaded when it is asked for. Who holds it keeps it; beyond that it stays only if it is told to.
pub(crate) struct Part<T> {
    load: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    kept: Option<Arc<T>>,
    /// Two who ask at once share one.
    lent: Weak<T>,
}

impl<T> Part<T> {
    /// Loads nothing yet.
    pub fn new(load: impl Fn() -> Result<T, Error> + Send + Sync + 'static) -> Self {
        Self { load: Box::new(load), held: Mutex::new(Held { kept: None, lent: Weak::new() }) }
    }

    /// The component, which stays loaded where it is to be `kept`.
    ///
    /// # Errors
    ///
    /// It cannot be loaded.
    pub fn get(&self, kept: bool) -> Result<Arc<T>, Error> {
        let mut held = self.held.lock();
        let part = match held.lent.upgrade() {
            Some(part) => part,
            None => Arc::new((self.load)()?),
        };
        held.lent = Arc::downgrade(&part);
        held.kept = kept.then(|| part.clone());
        Ok(part)
    }

    /// Whether it is in memory.
    #[cfg(test)]
    pub fn is_loaded(&self) -> bool {
        self.held.lock().lent.strong_count() > 0
    }

    /// Lets it go, once nobody holds it.
    pub fn release(&self) {
        self.held.lock().kept = None;
    }
}

/// Reads weights of a bundle.
#[derive(Clone)]
pub(super) struct Loader {
    pub bundle: Bundle,
    pub device: Device,
}

impl Loader {
    /// What `build` makes of the weights in `file`, as `dtype`; `stage` is the component's name in messages.
    pub fn load<T>(
        &self,
        stage: &str,
        file: &str,
        dtype: DType,
        build: impl FnOnce(VarBuilder) -> candle_core::Result<T>,
    ) -> Result<T, Error> {
        let weights = self.bundle.weights(file, dtype, &self.device)?;
        build(weights).map_err(|error| self.misfit(stage, error))
    }

    /// Why `stage` cannot be built.
    pub fn misfit(&self, stage: &str, error: candle_core::Error) -> Error {
        if is_out_of_memory(&error) {
            return Error::Stage { stage: Stage::Load, source: error };
        }
        Error::Bundle {
            path: self.bundle.location().to_path_buf(),
            problem: format!("the {stage} weights do not fit the manifest ({error}); install the bundle again"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counted() -> (Part<usize>, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        (Part::new(move || Ok(counter.fetch_add(1, Ordering::SeqCst))), count)
    }

    #[test]
    fn a_kept_part_is_loaded_once() {
        let (part, count) = counted();
        assert_eq!([*part.get(true).unwrap(), *part.get(true).unwrap()], [0, 0]);
        part.release();
        assert_eq!(*part.get(true).unwrap(), 1);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_lent_part_leaves_with_its_last_borrower() {
        let (part, count) = counted();
        let (first, second) = (part.get(false).unwrap(), part.get(false).unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        let watched = Arc::downgrade(&first);
        drop((first, second));
        assert!(watched.upgrade().is_none());
        part.get(false).unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_cannot_be_loaded_is_tried_again() {
        let tries = AtomicUsize::new(0);
        let part = Part::new(move || match tries.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::Cancelled),
            _ => Ok(()),
        });
        assert!(part.get(true).is_err());
        part.get(true).unwrap();
    }
}
