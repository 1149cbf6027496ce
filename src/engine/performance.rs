//! From a score to the sound of a clip.

use instruments::{Ensemble, Faders, Rendering};
use score::Score;

use super::finish::check;
use crate::audio::{Audio, Loudness};
use crate::error::Error;

/// Plays a score as a loop of its exact length, levelled and checked. Same arguments, same bytes, whatever the threads.
///
/// `seed` chooses one of many equal performances; `sample_rate` is in Hz, 8000..=192000. What still sounds at the end is in
/// the beginning.
///
/// # Errors
///
/// [`Error::Unsound`] if there is nothing to be heard, [`Error::File`] if a soundfont cannot play it, and
/// [`Error::Request`] if the rate is out of range.
pub fn render(score: &Score, ensemble: &Ensemble, seed: u64, sample_rate: u32) -> Result<Audio, Error> {
    if score.notes.is_empty() {
        return Err(Error::Unsound { problem: "silence".into() });
    }
    let rendering = Rendering { rate: sample_rate, seed, ..Rendering::default() };
    let mix = instruments::render(score, ensemble, &rendering)?.mix(&Faders::default());
    let frames = rendering.frames(score);
    check(&mix.left, &mix.right, frames)?;
    let mut audio = Audio::new(mix.left, mix.right, sample_rate);
    Loudness::default().apply(&mut audio);
    let [left, right] = audio.channels();
    check(left, right, frames)?;
    Ok(audio)
}

impl From<instruments::Error> for Error {
    fn from(error: instruments::Error) -> Self {
        match error {
            instruments::Error::Font { font, problem } => Self::File { path: font.into(), problem },
            instruments::Error::Rendering { what, problem } => Self::Request { what, problem },
            instruments::Error::NoInstrument { part, font } => {
                let problem = format!("has nothing that could play the {part}; use a General MIDI soundfont");
                Self::File { path: font.into(), problem }
            }
            other => Self::Request { what: "instruments", problem: other.to_string() },
        }
    }
}
