//! The one place where the stages meet: words and a picture become a [`Clip`].

mod arranging;
mod casting;
mod compose;
mod conditions;
mod constraints;
mod cues;
mod finish;
mod fit;
mod guidance;
mod keeping;
mod memory;
mod morph;
mod orchestra;
mod orchestrate;
mod outline;
mod painter;
mod part;
mod parts;
pub mod performance;
mod picture;
mod plan;
mod reading;
mod redecoding;
mod sights;
mod spectrogram;
mod stems;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use instruments::Bank;
use score::Score;

use crate::bundle::{Bundle, Manifest};
use crate::clip::{Clip, Latents, MorphRecipe, Recipe, State};
use crate::decoder::Decoder;
use crate::decoder::score::KnownRow;
use crate::denoiser::Denoiser;
use crate::device::Placement;
use crate::error::{Error, InStage, Stage};
use crate::progress::Progress;
use crate::request::{Keep, Meter, Request};
use crate::sampler::{Sampler, Schedule};
use crate::synapse::{Impression, PictureReader, Synapse};
use crate::text::{Reader, TextEncoder};

pub use self::casting::{Cast, Casting, Known, Substitution};
use self::compose::Bounds;
pub(crate) use self::conditions::Seen;
pub use self::constraints::{Constraints, Rows};
pub(crate) use self::guidance::Guidance;
use self::memory::Thrift;
pub(crate) use self::morph::Morph;
use self::morph::Scene;
pub use self::orchestra::{Instruments, StandIn};
use self::part::{Loader, Part};
pub(crate) use self::picture::{Features, PictureModel, Sight};
pub(crate) use self::plan::Plan;
pub use self::redecoding::Redecoding;
use self::sights::Sights;
pub use self::stems::Stem;

/// Most memory that the features of pictures may take.
const SIGHTS_BYTES: usize = 512 << 20;
/// Steps of the seed between a clip that came out broken and its second chance.
const RETRY_SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A loaded bundle, ready to compose. Shared freely between threads; each call runs on the thread that makes it.
pub struct Engine {
    pub(crate) device: Device,
    pub(crate) dtype: DType,
    pub(crate) manifest: Manifest,
    bundle_sha256: String,
    pub(crate) reader: Arc<Reader>,
    text: Part<TextEncoder>,
    picture: Part<PictureModel>,
    music: Part<Denoiser>,
    pub(crate) schedule: Schedule,
    pub(crate) synapse: Synapse,
    picture_reader: Option<PictureReader>,
    decoder: Part<Decoder>,
    bank: Part<Bank>,
    instruments: Instruments,
    sights: Sights,
    thrift: Thrift,
}

impl Engine {
    /// Reads the weights of a bundle: all of them, or where memory is short ([`Memory`](crate::device::Memory)) each
    /// component's when its turn comes.
    ///
    /// # Errors
    ///
    /// [`Error::Bundle`] if a file is missing, damaged or does not fit the manifest.
    pub fn load(bundle: &Bundle, placement: impl Into<Placement>) -> Result<Self, Error> {
        let Placement { device, dtype, memory } = placement.into();
        let manifest = bundle.manifest().clone();
        let loader = Loader { bundle: bundle.clone(), device: device.clone() };
        let schedule = Schedule::new(&manifest.music.schedule).map_err(|e| loader.misfit("schedule", e))?;
        let (synapse, picture_reader) = loader.load("synapse", &manifest.synapse.weights, DType::F32, |vb| {
            let reader = manifest.synapse.reader.as_ref().map(|config| PictureReader::new(config, &vb)).transpose()?;
            Ok((Synapse::new(vb)?, reader))
        })?;
        fit::check(&manifest, &synapse).map_err(|problem| Error::Bundle {
            path: bundle.location().to_path_buf(),
            problem: format!("{problem}; choose another bundle"),
        })?;
        let reader = Reader::new(&manifest.text.encoder, &bundle.bytes(&manifest.text.tokenizer)?);
        let reader = Arc::new(reader.map_err(|e| loader.misfit("text", e))?);
        let memory = memory.unwrap_or_else(|| memory::choose(&manifest, &device, dtype));
        let engine = Self {
            text: parts::text(&loader, reader.clone()),
            picture: parts::picture(&loader, dtype),
            music: parts::music(&loader, dtype),
            decoder: parts::decoder(&loader),
            bank: orchestra::bank(&loader),
            instruments: Instruments::default(),
            bundle_sha256: bundle.hash().to_string(),
            sights: Sights::new(SIGHTS_BYTES),
            thrift: Thrift::new(memory),
            device,
            dtype,
            manifest,
            reader,
            schedule,
            synapse,
            picture_reader,
        };
        engine.retrying(|| engine.load_what_stays())?;
        Ok(engine)
    }

    fn load_what_stays(&self) -> Result<(), Error> {
        if self.keeps() {
            let _all = (self.text()?, self.picture()?, self.music()?, self.decoder()?);
            let _bank = self.plays_notes().then(|| self.bank()).transpose()?;
        }
        Ok(())
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Type of the denoisers' numbers.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Composes a clip.
    ///
    /// The clip is `request.frames(request.sample_rate)` frames long. The same request gives the same bytes on one
    /// device, with any number of threads.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] within one denoising step of `progress` saying so; [`Error::Stage`] if the device fails;
    /// [`Error::Unsound`] if the music was broken with two seeds. The engine stays usable.
    pub fn generate(&self, request: &Request, progress: &dyn Progress) -> Result<Clip, Error> {
        self.generate_towards(request, None, progress)
    }

    /// As [`generate`](Self::generate); the end of the clip leans towards `morph`.
    pub(crate) fn generate_towards(
        &self,
        request: &Request,
        morph: Option<&Morph>,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        self.check_mode(request.key)?;
        self.check_notes_asked(request)?;
        let again = request.seed.wrapping_add(RETRY_SEED_STEP);
        let attempt = |seed| self.retrying(|| self.attempt(request, morph, seed, progress));
        in_pool(|| match attempt(request.seed) {
            Err(Error::Unsound { .. }) => attempt(again),
            result => result,
        })
    }

    /// Makes sound of a clip again, at another tempo or in another key: the same music, without a new diffusion. Notes
    /// are played again, by any bundle that plays notes; without them, the latents are decoded by the bundle that made them.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the latents are not this bundle's, it plays no notes, or its decoder is bound to tempo and key.
    pub fn redecode(&self, state: &State, to: Redecoding, progress: &dyn Progress) -> Result<Clip, Error> {
        self.check_redecoding(state, to)?;
        let State { latents, recipe, score } = state;
        let moved = Recipe { bpm: to.bpm.unwrap_or(recipe.bpm), key: to.key.or(recipe.key), ..recipe.clone() };
        let score = score.as_ref().map(|score| redecoding::moved(score, recipe, &moved)).transpose()?;
        let finish = |score| self.finish(latents.clone(), moved.clone(), score, to.sample_rate, progress);
        in_pool(|| self.retrying(|| finish(score.clone())))
    }

    /// Rate in Hz of the decoder, whose clips are not resampled where they have it; of one that plays notes, the usual rate.
    pub fn native_rate(&self) -> u32 {
        self.manifest.sample_rate
    }

    /// What stands before the prompt for the picture: what the request says, else what the picture looks like where the
    /// bundle wants that. `None` is nothing.
    pub fn picture_words(&self, request: &Request) -> Option<String> {
        let picture = request.picture.as_ref().filter(|_| request.influence > 0.0)?;
        let words = match &request.picture_words {
            Some(words) => words.trim().to_string(),
            None if self.manifest.image.words => picture.words(),
            None => return None,
        };
        Some(words).filter(|words| !words.is_empty())
    }

    /// What the bundle says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn attempt(
        &self,
        request: &Request,
        morph: Option<&Morph>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Clip, Error> {
        let plan = self.plan(request.bars, request.meter, request.bpm);
        let steps = request.steps as usize;
        let whole = Sampler::new(request.sampler, &self.schedule, steps).in_stage(Stage::Music)?;
        // A picture is walked through from end to end, however far the music goes.
        let walk = Walk { picture: whole.timesteps(), music: self.sampler(request)?.timesteps().len() };
        let scenes = self.scenes(&plan, request, morph, &walk, progress)?;
        let impression = self.impression(request, walk.picture)?;
        let recipe = Recipe { impression, ..self.recipe(request, morph, seed) };
        let outline = self.outline(request, morph, &plan, walk.picture)?;
        let casting = self.casting(request)?;
        let told = (&plan, &scenes[..], &recipe, &outline[..]);
        let (mut latents, mut score) = self.notes_for(request, told, casting.as_ref(), progress)?;
        let again = match casting.as_ref().zip(score.as_ref()) {
            Some((casting, score)) => {
                let energy = self.energy(request, walk.picture)?;
                self.assuming(&self.accompanied(casting, request, score, energy), score)
            }
            None => None,
        };
        if let Some(casting) = again {
            (latents, score) = self.notes_for(request, told, Some(&casting), progress)?;
        }
        let score = match score.as_ref().zip(request.keep.as_ref()) {
            Some((composed, keep)) => Some(keep.restore(composed, request.key)?),
            None => score,
        };
        self.finish(latents, recipe, score, request.sample_rate, progress)
    }

    /// Latents, and what they are where they are notes.
    fn notes_for(
        &self,
        request: &Request,
        (plan, scenes, recipe, outline): (&Plan, &[Scene], &Recipe, &[KnownRow]),
        casting: Option<&Casting>,
        progress: &dyn Progress,
    ) -> Result<(Latents, Option<Score>), Error> {
        let constraints = self.constraints(casting, (request.keep.as_ref(), outline), plan)?;
        let arranger = self.arranger(request, plan)?;
        let sampler = self.sampler(request)?;
        let bounds = Bounds { known: constraints.as_ref(), arranger: arranger.as_ref() };
        let latents = self.compose(plan, sampler, (scenes, bounds), recipe.seed, progress)?;
        let latents = Latents::from_tensor(&latents).in_stage(Stage::Music)?;
        let score = self.notes(&latents, recipe, casting, arranger.as_ref())?;
        Ok((latents, score))
    }

    /// How a request's noise is removed, from all of it to where the bundle ends.
    fn sampler(&self, request: &Request) -> Result<Sampler, Error> {
        let end = self.manifest.defaults.unwalked * self.manifest.music.schedule.num_train_timesteps as f64;
        Sampler::until(end as usize, request.sampler, &self.schedule, request.steps as usize).in_stage(Stage::Music)
    }

    /// What the model is told, and in which columns.
    fn scenes(
        &self,
        plan: &Plan,
        request: &Request,
        morph: Option<&Morph>,
        walk: &Walk,
        progress: &dyn Progress,
    ) -> Result<Vec<Scene>, Error> {
        progress.step(Stage::Text, 0, 1);
        let texts = self.read(request)?;
        // Before the picture, for which the text encoder may have to leave.
        let next_texts = morph.map(|morph| self.read(&morph.next)).transpose()?;
        progress.step(Stage::Text, 1, 1);
        let is_anywhere = self.sees(request) || morph.is_some_and(|morph| self.sees(&morph.next));
        let told = |request: &Request, texts: &[Tensor; 2]| {
            let sight = self.look(request, walk.picture, progress)?;
            let seen = Seen { sight: sight.as_deref(), steps: walk.music, is_anywhere };
            self.conditions(request, plan.seconds_per_beat, texts, &seen).in_stage(Stage::Text)
        };
        let own = told(request, &texts)?;
        let Some((morph, next_texts)) = morph.zip(next_texts) else { return Scene::only(own).in_stage(Stage::Music) };
        // Of unequal numbers of tokens there is no mean: then the picture changes and the words stay.
        let is_alike = texts.iter().zip(&next_texts).all(|(text, next)| next.dims() == text.dims());
        let next = told(&morph.next, if is_alike { &next_texts } else { &texts })?;
        Scene::between(&own, &next, plan, morph.bars).in_stage(Stage::Music)
    }

    fn plan(&self, bars: u32, meter: Meter, bpm: f64) -> Plan {
        Plan::new(&self.manifest.decoder.config, &self.manifest.music.latent, bars, meter, bpm)
    }

    /// A prompt's tokens `(1, l, d)`; the text encoder is asked only for what it has not read lately.
    pub(crate) fn encode(&self, prompt: &str) -> Result<Tensor, Error> {
        let tokens = match self.reader.known(prompt) {
            Some(tokens) => tokens,
            None => self.text()?.encode(prompt).in_stage(Stage::Text)?,
        };
        tokens.to_device(&self.device).in_stage(Stage::Text)
    }

    /// Whether the picture, if there is one, would change anything.
    fn sees(&self, request: &Request) -> bool {
        request.influence > 0.0 && !self.synapse.is_deaf() && request.picture.is_some()
    }

    /// The picture's features, from the cache if they are there; none where they would change nothing.
    fn look(
        &self,
        request: &Request,
        timesteps: &[usize],
        progress: &dyn Progress,
    ) -> Result<Option<Arc<Sight>>, Error> {
        let Some(picture) = request.picture.as_ref().filter(|_| self.sees(request)) else {
            return Ok(None);
        };
        if let Some(known) = self.sights.get(picture.sha256(), timesteps, request.synapse) {
            return Ok(Some(known));
        }
        let sight = self.picture()?.look(picture, timesteps, request.synapse, &self.device, progress)?;
        // Where memory is short, what a picture leaves behind waits on the host.
        let sight = if self.keeps() { sight } else { sight.to_device(&Device::Cpu).in_stage(Stage::Picture)? };
        let sight = Arc::new(sight);
        self.sights.put(picture.sha256(), timesteps, request.synapse, sight.clone());
        Ok(Some(sight))
    }

    /// What the picture that was just looked at shows to the music.
    fn impression(&self, request: &Request, timesteps: &[usize]) -> Result<Option<Impression>, Error> {
        let Some(picture) = request.picture.as_ref().filter(|_| self.sees(request)) else { return Ok(None) };
        let sight = self.sights.get(picture.sha256(), timesteps, request.synapse);
        let Some((reader, sight)) = self.picture_reader.as_ref().zip(sight) else { return Ok(None) };
        let global = self.synapse.global(&sight.clean).in_stage(Stage::Picture)?;
        global.map(|global| reader.read(&global).in_stage(Stage::Picture)).transpose()
    }

    fn recipe(&self, request: &Request, morph: Option<&Morph>, seed: u64) -> Recipe {
        let picture = request.picture.as_ref();
        let morph = morph.map(|Morph { bars, next }| MorphRecipe {
            bars: *bars,
            prompt: next.prompt.clone(),
            picture_sha256: next.picture.as_ref().map(|p| p.sha256().to_string()),
            picture_words: self.picture_words(next),
            influence: next.influence,
        });
        Recipe {
            engine: env!("CARGO_PKG_VERSION").into(),
            bundle: self.manifest.name.clone(),
            bundle_sha256: self.bundle_sha256.clone(),
            prompt: request.prompt.clone(),
            negative: request.negative.clone(),
            picture: picture.and_then(|p| p.name()?.file_name()).map(|name| name.to_string_lossy().into_owned()),
            picture_sha256: picture.map(|p| p.sha256().to_string()),
            bars: request.bars,
            meter: request.meter,
            bpm: request.bpm,
            key: request.key,
            seed,
            steps: request.steps,
            guidance: request.guidance,
            influence: request.influence,
            sampler: request.sampler,
            composed_bpm: request.bpm,
            picture_words: self.picture_words(request),
            synapse: request.synapse,
            morph,
            reading: self.reading(request).ok().filter(|r| r.remark(&request.prompt, &request.negative).is_some()),
            instruments: self.instruments.recipe().to_vec(),
            parts: request.parts.clone(),
            keep: request.keep.as_ref().map(Keep::recipe),
            arrangement: request.arrangement.recipe(),
            impression: None,
        }
    }
}

/// How far the two models go along the schedule.
struct Walk<'a> {
    /// The timesteps at which the picture is looked at, descending.
    picture: &'a [usize],
    /// How many of them, the noisiest first, the music is made at.
    music: usize,
}

/// Runs `work` on a thread of the rayon pool: from outside, each of its thousand parallel parts would be handed over and
/// waited for.
fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}
