//! The piece of music that every benchmark makes, and a way to make it that times its parts.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use melfusion::bundle::Defaults;
use melfusion::error::{Error, Stage};
use melfusion::image::Picture;
use melfusion::progress::Progress;
use melfusion::request::{Request, RequestFields};
use melfusion::{Clip, Engine};

/// What the words say.
pub const PROMPT: &str = "calm piano over soft strings";
/// Side of a picture in pixels; a storyboard frame is not larger by much.
const SIDE: u32 = 512;

/// Four bars of 4/4 at 120 bpm, which last eight seconds, at 48 kHz; steps, guidance and sampler are the bundle's.
pub fn request(defaults: &Defaults, picture: Picture) -> Result<Request, Error> {
    Request::new(RequestFields {
        prompt: PROMPT.into(),
        picture: Some(picture),
        bars: 4,
        bpm: 120.0,
        seed: 7,
        steps: defaults.steps as u32,
        guidance: defaults.guidance,
        sampler: defaults.sampler,
        ..Default::default()
    })
}

/// A picture unlike any of another `number`: what was learnt of those is of no use for it.
pub fn picture(number: usize) -> Result<Picture, Error> {
    let shade = |x: u32, y: u32| [(x / 2) as u8, (y / 2) as u8, ((x ^ y) / 4) as u8 ^ number as u8];
    Picture::from_rgb(SIDE, SIDE, (0..SIDE * SIDE).flat_map(|i| shade(i % SIDE, i / SIDE)).collect())
}

/// A part of a run, as far as [`Progress`] tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Both prompts through the text encoder.
    Text,
    /// Encoding, inverting and watching the picture.
    Picture,
    /// Gathering conditions, and all denoising steps.
    Music,
    /// Notes, and what plays them.
    Decoder,
    /// Resampling, loudness and checks.
    Finish,
}

/// How long each part of a run took; zero where it was not needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times([Duration; 5]);

impl Times {
    /// Of one part.
    pub fn of(&self, part: Part) -> Duration {
        self.0[part as usize]
    }

    /// Of the whole run.
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }
}

/// Makes the music of `request`, to the end, where there is a clip, or, if `until` names a part, to the end of that.
pub fn make(engine: &Engine, request: &Request, until: Option<Part>) -> Result<(Times, Option<Clip>), Error> {
    let watch =
        Stopwatch { until, laps: Mutex::new(Laps { last: Instant::now(), times: Times::default(), done: false }) };
    match engine.generate(request, &watch) {
        // What was broken at first and made again took twice its time.
        Ok(clip) if clip.recipe.seed != request.seed => Err(Error::Unsound { problem: "broken music".into() }),
        Ok(clip) => Ok((watch.times(), Some(clip))),
        Err(Error::Cancelled) => Ok((watch.times(), None)),
        Err(error) => Err(error),
    }
}

/// Counts the time between two reports of progress as that of the later one's part.
struct Stopwatch {
    until: Option<Part>,
    laps: Mutex<Laps>,
}

struct Laps {
    last: Instant,
    times: Times,
    /// Whether the part that ends the run is over.
    done: bool,
}

impl Stopwatch {
    fn times(self) -> Times {
        self.laps.into_inner().expect("no progress panics").times
    }
}

impl Progress for Stopwatch {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        let part = match stage {
            Stage::Load | Stage::Text => Part::Text,
            Stage::Picture => Part::Picture,
            Stage::Music => Part::Music,
            Stage::Sound if done < total => Part::Decoder,
            Stage::Sound => Part::Finish,
        };
        let mut laps = self.laps.lock().expect("no progress panics");
        let lap = laps.last.elapsed();
        laps.last += lap;
        laps.times.0[part as usize] += lap;
        laps.done |= self.until == Some(part) && done == total;
    }

    fn is_cancelled(&self) -> bool {
        self.laps.lock().expect("no progress panics").done
    }
}
