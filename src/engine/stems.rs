//! A clip's parts, each by itself.

use instruments::{Faders, Stereo};
use score::Part;

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

impl Engine {
    /// The parts of a clip, in the order of [`Part::ALL`]. They add up to the mix before the bus that compresses and limits it, at
    /// the clip's loudness, or below it where a stem would be beyond full scale. Rendered anew from the notes; same clip and
    /// soundfonts, same bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the clip has no notes, or the bundle cannot play them; [`Error::File`] if a soundfont cannot.
    pub fn stems(&self, clip: &Clip) -> Result<Vec<Stem>, Error> {
        let refuse = |problem: String| Error::Request { what: "stems", problem };
        let score = clip.score.as_ref().filter(|_| self.plays_notes()).ok_or_else(|| {
            let bundle = &clip.recipe.bundle;
            refuse(format!("there are none: the bundle {bundle} composes sound and no notes; choose one that does"))
        })?;
        let rate = clip.audio.sample_rate();
        let parts = performance::parts(score, &self.ensemble(score)?, clip.recipe.seed, rate)?;
        let sum = parts.sum(&Faders::default());
        let loud = |audio: &Audio| measure(audio).lufs;
        let gain_db = match (loud(&clip.audio), loud(&Audio::new(sum.left, sum.right, rate))) {
            (Some(wanted), Some(found)) => wanted - found,
            _ => 0.0,
        };
        let audio = |sound: Stereo| Audio::new(sound.left, sound.right, rate);
        let stems = parts.stems.into_iter().map(|stem| Stem { part: stem.part, audio: audio(stem.sound) });
        let mut stems: Vec<Stem> = stems.collect();
        let peak = stems.iter().map(|stem| stem.audio.peak()).fold(f32::MIN_POSITIVE, f32::max);
        let gain_db = gain_db.min(-20.0 * f64::from(peak).log10());
        stems.iter_mut().for_each(|stem| scale(&mut stem.audio, gain_db));
        Ok(stems)
    }
}
