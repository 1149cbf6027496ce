//! What makes the clips of a worker, and where it comes from.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Job, panic_words};
use crate::bundle::Bundle;
use crate::clip::Clip;
use crate::device::Placement;
use crate::engine::Engine;
use crate::error::Error;
use crate::progress::Progress;

/// Does jobs, two at once where one of them only makes sound again. The engine, or in tests something that stands in for
/// it.
pub trait Maker: Send + Sync {
    /// Does one.
    ///
    /// # Errors
    ///
    /// As the engine's method for this job does.
    fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error>;
}

impl Maker for Engine {
    fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        match job {
            Job::Generate(request) => self.generate(request, progress),
            Job::Score(board, cue) => self.score(board, *cue, progress),
            Job::Redecode(state, to) => self.redecode(state, *to, progress),
        }
    }
}

/// Reads a bundle's weights.
type Load = dyn Fn(&Bundle) -> Result<Arc<dyn Maker>, Error> + Send + Sync;

/// Which bundle a worker composes with, and on what device.
pub struct Workshop {
    bundle: Bundle,
    device: String,
    is_gpu: bool,
    load: Box<Load>,
}

impl Workshop {
    /// The engine on a device, which people know by the name `device`. `bundle` is for clients that name no other.
    pub fn new(bundle: Bundle, placement: impl Into<Placement>, device: impl Into<String>) -> Self {
        let placement = placement.into();
        let is_gpu = !placement.device.is_cpu();
        let workshop = Self::of(bundle, device, move |bundle| Ok(Arc::new(Engine::load(bundle, placement.clone())?)));
        Self { is_gpu, ..workshop }
    }

    /// Whatever `load` gives, and no GPU.
    pub fn of(
        bundle: Bundle,
        device: impl Into<String>,
        load: impl Fn(&Bundle) -> Result<Arc<dyn Maker>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { bundle, device: device.into(), is_gpu: false, load: Box::new(load) }
    }

    /// The bundle for clients that name no other.
    pub(super) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The device's name for people.
    pub(super) fn device(&self) -> &str {
        &self.device
    }

    /// Whether the device is no CPU.
    pub(super) fn is_gpu(&self) -> bool {
        self.is_gpu
    }

    /// Reads the weights. A panic is a bundle that cannot be read.
    pub(super) fn load(&self, bundle: &Bundle) -> Result<Arc<dyn Maker>, Error> {
        catch_unwind(AssertUnwindSafe(|| (self.load)(bundle))).unwrap_or_else(|panic| {
            let words = panic_words(&*panic);
            let problem = format!("could not be read ({words}); choose another bundle or install it again");
            Err(Error::Bundle { path: bundle.location().into(), problem })
        })
    }
}
