//! What makes the sound: a worker, which is threads of this process or another process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use candle_core::Device;
use directories::ProjectDirs;
use melfusion::progress::Progress;
use melfusion::service::{Client, EngineState, Job, Workshop};
use melfusion::{Bundle, Clip, Error};

/// A worker that is ready. Shared by all instances and by two threads at once. Where it is, only its words say.
pub struct Composer {
    client: Client,
    /// Name and version of the bundle.
    pub bundle: String,
    /// Where it computes.
    pub device: String,
    /// Why there, for people.
    pub why: String,
    deaths: Deaths,
}

/// How many jobs a worker has ended under since one was last done.
#[derive(Debug, Clone, Default)]
pub(super) struct Deaths(Arc<AtomicU32>);

impl Composer {
    /// Threads of this process, with the weights read.
    ///
    /// # Errors
    ///
    /// There are no threads, or the weights are damaged.
    pub fn here(workshop: Workshop, why: String, progress: &dyn Progress) -> Result<Self, Error> {
        Self::of(Client::here(workshop)?, "in this host", why, Deaths::default(), progress)
    }

    /// Threads of this process that compute on the CPU, with the weights read, and why there.
    pub(super) fn on_cpu(bundle: Bundle, why: String, progress: &dyn Progress) -> Result<Self, Error> {
        Self::here(Workshop::new(bundle, Device::Cpu, "CPU"), why, progress)
    }

    /// A worker process, with the weights read; where it ends under a job, that is noted.
    pub(super) fn elsewhere(
        client: Client,
        why: String,
        deaths: Deaths,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        Self::of(client, "worker process", why, deaths, progress)
    }

    fn of(client: Client, place: &str, why: String, deaths: Deaths, progress: &dyn Progress) -> Result<Self, Error> {
        let facts = client.facts()?;
        client.load(progress)?;
        Ok(Self { client, bundle: facts.bundle, device: format!("{}, {place}", facts.device), why, deaths })
    }

    /// Does a job and waits for its clip.
    ///
    /// # Errors
    ///
    /// As [`Client::run`].
    pub fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        let result = self.client.run(job, progress);
        self.deaths.note(&result);
        result
    }

    /// Bytes of memory that the process uses in which it computes, as it last said.
    pub fn memory(&self) -> u64 {
        match self.client.state() {
            EngineState::Loaded { memory } => memory,
            EngineState::Loading | EngineState::Unloaded => 0,
        }
    }

    /// Nobody here needs it any more.
    pub fn unload(&self) {
        self.client.unload();
    }
}

impl Deaths {
    fn note(&self, result: &Result<Clip, Error>) {
        match result {
            Ok(_) => self.forget(),
            Err(Error::Worker { .. } | Error::Panicked { .. }) => drop(self.0.fetch_add(1, SeqCst)),
            Err(_) => {}
        }
    }

    /// How many.
    pub(super) fn count(&self) -> u32 {
        self.0.load(SeqCst)
    }

    /// Begins anew.
    pub(super) fn forget(&self) {
        self.0.store(0, SeqCst);
    }
}

/// Where a composer comes from.
pub trait Source: Send + Sync {
    /// Hash of the bundle that [`load`](Self::load) would read, without reading its weights.
    ///
    /// # Errors
    ///
    /// There is none.
    fn hash(&self) -> Result<String, Error>;

    /// Whether that bundle hears pictures through words; not if there is none.
    fn describes_pictures(&self) -> bool {
        false
    }

    /// Whether that bundle composes notes and plays them; not if there is none.
    fn plays_notes(&self) -> bool {
        false
    }

    /// Reads the weights.
    ///
    /// # Errors
    ///
    /// There are none, or they are damaged; or `progress` says that nobody waits for them any more.
    fn load(&self, progress: &dyn Progress) -> Result<Composer, Error>;
}

/// The bundle that the user's settings name, else `mini`: the user's own of that name if there is one, else the one that
/// ships inside the plugin.
///
/// # Errors
///
/// There is none of that name, or the user's own is damaged.
pub(super) fn find(name: Option<&str>) -> Result<Bundle, Error> {
    // Not the folder of the executable, which is the host's.
    let user = ProjectDirs::from("", "", "melfusion").map(|project| project.data_dir().join("bundles"));
    Bundle::find_in(name, &Vec::from_iter(user))
}

/// The bundle `mini`, in this process.
pub struct Shipped;

impl Shipped {
    /// The bundle.
    ///
    /// # Errors
    ///
    /// The user's own is damaged.
    pub fn find() -> Result<Bundle, Error> {
        find(None)
    }
}

impl Source for Shipped {
    fn hash(&self) -> Result<String, Error> {
        Ok(Self::find()?.hash().to_string())
    }

    fn describes_pictures(&self) -> bool {
        Self::find().is_ok_and(|bundle| bundle.manifest().image.words)
    }

    fn plays_notes(&self) -> bool {
        Self::find().is_ok_and(|bundle| bundle.manifest().decoder.config.bank().is_some())
    }

    fn load(&self, progress: &dyn Progress) -> Result<Composer, Error> {
        Composer::on_cpu(Self::find()?, String::new(), progress)
    }
}
