//! What to make. A [`Request`] is valid by construction: whoever holds one need not check it again.

mod arrangement;
mod hit;
mod keep;

use std::fmt;
use std::ops::{Deref, RangeInclusive};

use serde::{Deserialize, Serialize};

pub use self::arrangement::{Arrangement, Theme};
pub use self::hit::Hit;
pub use self::keep::{Bars, Keep};
use crate::error::Error;
use crate::image::Picture;
pub use crate::sampler::SamplerKind;
pub use crate::synapse::SynapseKind;
use score::Part;
pub use score::{Chart, Key, Meter, Mode, Position, Register};

/// Longest clip, in seconds. Longer music is a storyboard of several clips.
pub const MAX_SECONDS: f64 = 600.0;
/// Longest prompt, in bytes. The text encoder reads far fewer; the rest only travels with the clip.
pub const MAX_PROMPT_BYTES: usize = 1 << 20;

/// Everything a request says, unchecked. Fill in what matters and take the rest from `default()`.
///
/// Is read back without its picture, as no more than a name and a hash of that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestFields {
    /// What to hear. May be empty: then the picture decides, and without a picture the seed.
    pub prompt: String,
    /// What not to hear. May be empty.
    pub negative: String,
    /// What to look at while composing.
    #[serde(skip_deserializing)]
    pub picture: Option<Picture>,
    /// What is said of the picture before the prompt; may be empty. `None` leaves it to the bundle, which either listens to
    /// pictures or has them described ([`Picture::words`]).
    pub picture_words: Option<String>,
    /// Length, 1..=64 bars.
    pub bars: u32,
    /// Length of a bar.
    pub meter: Meter,
    /// Tempo in quarter notes per minute whatever the meter, as DAWs count; 20..=300.
    pub bpm: f64,
    /// Key of the music; `None` leaves it to the model.
    pub key: Option<Key>,
    /// Where the noise starts. Same request, same seed: same clip.
    pub seed: u64,
    /// Denoising steps of a whole walk, 1..=200; a bundle may end it early
    /// ([`Defaults::unwalked`](crate::bundle::Defaults::unwalked)).
    pub steps: u32,
    /// How strictly the prompt is followed (classifier-free guidance), 0..=20; 1 is the model unguided.
    pub guidance: f64,
    /// How much the picture is heard, 0..=1; 0 is the same as no picture.
    pub influence: f64,
    /// Rate of the finished clip in Hz, 8000..=192000.
    pub sample_rate: u32,
    /// How noise is removed.
    pub sampler: SamplerKind,
    /// How the picture enters the music.
    pub synapse: SynapseKind,
    /// Parts that play, and no others; none leaves it to the model. Of a bundle that composes notes.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// Notes of another clip that stay as they are; of a bundle that composes notes.
    #[serde(default)]
    pub keep: Option<Keep>,
    /// What is asked of the notes beyond words; of a bundle that composes notes.
    #[serde(default)]
    pub arrangement: Arrangement,
}

impl Default for RequestFields {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            negative: String::new(),
            picture: None,
            picture_words: None,
            bars: 4,
            meter: Meter::default(),
            bpm: 96.0,
            key: None,
            seed: 0,
            steps: 20,
            guidance: 3.0,
            influence: 1.0,
            sample_rate: 48_000,
            sampler: SamplerKind::default(),
            synapse: SynapseKind::default(),
            parts: Vec::new(),
            keep: None,
            arrangement: Arrangement::default(),
        }
    }
}

/// A request that has been checked. Reads like its [fields](RequestFields), cannot be written to.
///
/// ```
/// use melfusion::request::{Request, RequestFields};
///
/// let request = Request::new(RequestFields {
///     prompt: "calm piano over soft strings".into(),
///     bpm: 120.0,
///     ..Default::default()
/// })?;
/// assert_eq!(request.seconds(), 8.0);
/// assert_eq!(request.frames(48_000), 384_000);
///
/// // Another take of the same.
/// let other = Request::new(RequestFields { seed: request.seed + 1, ..request.into_fields() })?;
/// # let _ = other;
/// # Ok::<(), melfusion::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Request(RequestFields);

impl Request {
    /// Checks every field. Chords without a key are in the key that they are likeliest in.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] names the first field out of range and the range.
    pub fn new(mut fields: RequestFields) -> Result<Self, Error> {
        check_length("prompt", &fields.prompt)?;
        check_length("negative prompt", &fields.negative)?;
        check_length("picture words", fields.picture_words.as_deref().unwrap_or_default())?;
        check_whole("bars", fields.bars, 1..=64)?;
        check("bpm", fields.bpm, 20.0..=300.0)?;
        check_whole("steps", fields.steps, 1..=200)?;
        check("guidance", fields.guidance, 0.0..=20.0)?;
        check("influence", fields.influence, 0.0..=1.0)?;
        check_whole("sample rate", fields.sample_rate, 8_000..=192_000)?;
        fields.keep.iter().try_for_each(|keep| keep.check(&fields))?;
        fields.arrangement.check(&fields)?;
        fields.key = fields.key.or_else(|| fields.arrangement.chords.as_ref().map(Chart::key));
        let request = Self(fields);
        let seconds = request.seconds();
        if seconds > MAX_SECONDS {
            return Err(refuse(
                "bars",
                format!(
                    "{} bars of {} at {} bpm last {seconds:.0} seconds; the limit is {MAX_SECONDS:.0}, \
                     so ask for fewer bars or a faster tempo",
                    request.bars, request.meter, request.bpm
                ),
            ));
        }
        Ok(request)
    }

    /// Gives the fields back, to change some and ask again.
    pub fn into_fields(self) -> RequestFields {
        self.0
    }

    /// Length in quarter notes; exact.
    pub fn quarters(&self) -> f64 {
        f64::from(self.bars) * self.meter.quarters()
    }

    /// Length in seconds, before it is rounded to frames.
    pub fn seconds(&self) -> f64 {
        self.quarters() * 60.0 / self.bpm
    }

    /// Length in frames at `rate` Hz, to the nearest frame.
    pub fn frames(&self, rate: u32) -> usize {
        (self.seconds() * f64::from(rate)).round() as usize
    }
}

impl Deref for Request {
    type Target = RequestFields;

    fn deref(&self) -> &RequestFields {
        &self.0
    }
}

fn check_length(what: &'static str, text: &str) -> Result<(), Error> {
    if text.len() <= MAX_PROMPT_BYTES {
        return Ok(());
    }
    let problem = format!("{} bytes are too many; the limit is {MAX_PROMPT_BYTES}", text.len());
    Err(refuse(what, problem))
}

fn check_whole(what: &'static str, value: u32, range: RangeInclusive<u32>) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(out_of_range(what, value, range.start(), range.end()))
}

fn check(what: &'static str, value: f64, range: RangeInclusive<f64>) -> Result<(), Error> {
    // NaN is in no range.
    if range.contains(&value) {
        return Ok(());
    }
    Err(out_of_range(what, value, range.start(), range.end()))
}

fn out_of_range<T: fmt::Display>(what: &'static str, value: T, low: &T, high: &T) -> Error {
    refuse(what, format!("{value} is out of range; give a number from {low} to {high}"))
}

fn refuse(what: &'static str, problem: String) -> Error {
    Error::Request { what, problem }
}
