//! A clip's parts, each by itself.

use instruments::{Faders, Stems, Stereo};
use score::{Part, Score};

use super::{Engine, performance};
use crate::audio::Audio;
use crate::audio::loudness::{measure, scale};
use crate::clip::Clip;
use crate::error::Error;

/// One part's sound, as long as the clip.
#[derive(Debug, Clone)]
pub struct Stem {
    /// Whose.
    pub part: Part,
    /// With its place, dynamics and room.
    pub audio: Audio,
}

/// Seconds before its end by which what rings on of a clip is brought to its level, and the root mean square below which there is
/// nothing to bring.
const SEAM_SECONDS: f64 = 0.1;
const SILENT: f64 = 1e-5;

impl Engine {
    /// The parts of a clip, in the order of [`Part::ALL`]. They add up to the mix before the bus that compresses and limits it, at
    /// the clip's loudness, or below it where a stem would be beyond full scale. Rendered anew from the notes; same clip and
    /// soundfonts, same bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the clip has no notes, or the bundle cannot play them; [`Error::File`] if a soundfont cannot.
    pub fn stems(&self, clip: &Clip) -> Result<Vec<Stem>, Error> {
        let score = self.played(clip)?;
        let rate = clip.audio.sample_rate();
        let parts = performance::parts(score, &self.ensemble(score)?, clip.recipe.seed, rate)?;
        let gain_db = gain_db(clip, &parts);
        let mut stems = audible(parts);
        stems.iter_mut().for_each(|stem| scale(&mut stem.audio, gain_db));
        Ok(stems)
    }

    /// What rings on of the parts of a clip after its end, at the level of its [`stems`](Self::stems); nothing of one that ends.
    pub(super) fn ringing_stems(&self, clip: &Clip) -> Result<Vec<Stem>, Error> {
        let score = self.played(clip)?;
        if score.ends {
            return Ok(Vec::new());
        }
        let (ensemble, rate, seed) = (self.ensemble(score)?, clip.audio.sample_rate(), clip.recipe.seed);
        let gain_db = gain_db(clip, &performance::parts(score, &ensemble, seed, rate)?);
        let mut stems = audible(performance::ringing(score, &ensemble, seed, rate)?);
        for stem in &mut stems {
            stem.audio = after(&stem.audio, clip.audio.frames());
            scale(&mut stem.audio, gain_db);
        }
        Ok(stems)
    }

    /// What rings on of a clip after its end, at its level there; nothing of one that ends, or has no notes.
    pub(super) fn ringing(&self, clip: &Clip) -> Result<Option<Audio>, Error> {
        let Some(score) = clip.score.as_ref().filter(|score| self.plays_notes() && !score.ends) else {
            return Ok(None);
        };
        let (rate, frames) = (clip.audio.sample_rate(), clip.audio.frames());
        let parts = performance::ringing(score, &self.ensemble(score)?, clip.recipe.seed, rate)?;
        let sum = parts.sum(&Faders::default());
        let whole = Audio::new(sum.left, sum.right, rate);
        let seam = frames.saturating_sub((SEAM_SECONDS * f64::from(rate)) as usize)..frames;
        let level = |audio: &Audio| {
            let channels = audio.channels().map(|channel| &channel[seam.clone()]);
            let power: f64 = channels.into_iter().flatten().map(|x| f64::from(*x).powi(2)).sum();
            (power / (2 * seam.len()).max(1) as f64).sqrt()
        };
        let (wanted, found) = (level(&clip.audio), level(&whole));
        if found < SILENT {
            return Ok(None);
        }
        let mut tail = after(&whole, frames);
        scale(&mut tail, 20.0 * (wanted / found).log10());
        Ok(Some(tail))
    }

    /// The notes of a clip that can be played.
    fn played<'a>(&self, clip: &'a Clip) -> Result<&'a Score, Error> {
        clip.score.as_ref().filter(|_| self.plays_notes()).ok_or_else(|| {
            let bundle = &clip.recipe.bundle;
            let problem =
                format!("there are none: the bundle {bundle} composes sound and no notes; choose one that does");
            Error::Request { what: "stems", problem }
        })
    }
}

/// What brings the sum of a clip's parts to its loudness, and keeps each below full scale.
fn gain_db(clip: &Clip, parts: &Stems) -> f64 {
    let sum = parts.sum(&Faders::default());
    let loud = |audio: &Audio| measure(audio).lufs;
    let gain_db = match (loud(&clip.audio), loud(&Audio::new(sum.left, sum.right, parts.rate))) {
        (Some(wanted), Some(found)) => wanted - found,
        _ => 0.0,
    };
    let stems = parts.stems.iter().flat_map(|stem| [&stem.sound.left, &stem.sound.right]);
    let peak = stems.flatten().map(|x| x.abs()).fold(f32::MIN_POSITIVE, f32::max);
    gain_db.min(-20.0 * f64::from(peak).log10())
}

fn audible(parts: Stems) -> Vec<Stem> {
    let rate = parts.rate;
    let audio = |sound: Stereo| Audio::new(sound.left, sound.right, rate);
    parts.stems.into_iter().map(|stem| Stem { part: stem.part, audio: audio(stem.sound) }).collect()
}

/// A sound from a frame on.
fn after(audio: &Audio, frame: usize) -> Audio {
    let [left, right] = audio.channels().map(|channel| channel.get(frame..).unwrap_or(&[]).to_vec());
    Audio::new(left, right, audio.sample_rate())
}
