//! What makes the sound: the engine, or in tests something that stands in for it.

use candle_core::Device;
use directories::ProjectDirs;
use melfusion::clip::{Latents, Recipe};
use melfusion::engine::Redecoding;
use melfusion::progress::Progress;
use melfusion::storyboard::Board;
use melfusion::{Bundle, Clip, Engine, Error, Request};

/// Makes clips. Shared by all instances and by two threads at once.
pub trait Composer: Send + Sync {
    /// As [`Engine::generate`].
    ///
    /// # Errors
    ///
    /// As there.
    fn generate(&self, request: &Request, progress: &dyn Progress) -> Result<Clip, Error>;

    /// As [`Engine::score`].
    ///
    /// # Errors
    ///
    /// As there.
    fn score(&self, board: &Board, cue: usize, progress: &dyn Progress) -> Result<Clip, Error>;

    /// As [`Engine::redecode`].
    ///
    /// # Errors
    ///
    /// As there.
    fn redecode(
        &self,
        latents: &Latents,
        recipe: &Recipe,
        to: Redecoding,
        progress: &dyn Progress,
    ) -> Result<Clip, Error>;

    /// Bytes of memory that it uses in a process of its own; `None` if it has none.
    fn memory(&self) -> Option<u64> {
        None
    }

    /// Nobody here needs it any more.
    fn unload(&self) {}
}

impl Composer for Engine {
    fn generate(&self, request: &Request, progress: &dyn Progress) -> Result<Clip, Error> {
        Self::generate(self, request, progress)
    }

    fn score(&self, board: &Board, cue: usize, progress: &dyn Progress) -> Result<Clip, Error> {
        Self::score(self, board, cue, progress)
    }

    fn redecode(
        &self,
        latents: &Latents,
        recipe: &Recipe,
        to: Redecoding,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        Self::redecode(self, latents, recipe, to, progress)
    }
}

/// A composer that is ready.
pub struct Loaded {
    /// Does the work.
    pub composer: Box<dyn Composer>,
    /// Name and version of the bundle.
    pub bundle: String,
    /// Where it computes.
    pub device: String,
    /// Why there, for people.
    pub why: String,
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

    /// Reads the weights.
    ///
    /// # Errors
    ///
    /// There are none, or they are damaged.
    fn load(&self) -> Result<Loaded, Error>;
}

/// The bundle `mini`, in this process: the user's own of that name if there is one, else the one that ships inside the
/// plugin.
pub struct Shipped;

impl Shipped {
    /// The bundle.
    ///
    /// # Errors
    ///
    /// The user's own is damaged.
    pub fn find() -> Result<Bundle, Error> {
        // Not the folder of the executable, which is the host's.
        let user = ProjectDirs::from("", "", "melfusion").map(|project| project.data_dir().join("bundles"));
        Bundle::find_in(None, &Vec::from_iter(user))
    }
}

impl Source for Shipped {
    fn hash(&self) -> Result<String, Error> {
        Ok(Self::find()?.hash().to_string())
    }

    fn describes_pictures(&self) -> bool {
        Self::find().is_ok_and(|bundle| bundle.manifest().image.words)
    }

    fn load(&self) -> Result<Loaded, Error> {
        let bundle = Self::find()?;
        let engine = Engine::load(&bundle, Device::Cpu)?;
        let manifest = bundle.manifest();
        let name = format!("{} {}", manifest.name, manifest.version);
        let device = "CPU, in this host".into();
        Ok(Loaded { composer: Box::new(engine), bundle: name, device, why: String::new() })
    }
}
