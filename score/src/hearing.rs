//! How notes are heard: their pitch classes, and the keys that these suggest.

use crate::key::{Key, Mode};
use crate::note::Note;

/// How well the degrees of the chromatic scale fit a key, from its tonic up.
///
/// Source: Krumhansl, *Cognitive Foundations of Musical Pitch* (1990), table 2.1 (Krumhansl and Kessler 1982).
const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
/// Semitones of the first six partials above their note; the nth is heard as one nth of the first.
const PARTIALS: [u8; 6] = [0, 12, 19, 24, 28, 31];

/// Loudness of each pitch class, by the first partials of notes given as MIDI note, velocity and length in any unit.
pub fn chroma(notes: impl Iterator<Item = (u8, u8, f64)>) -> [f64; 12] {
    let mut heard = [0.0; 12];
    for (pitch, velocity, length) in notes {
        let loud = f64::from(velocity) * length.sqrt();
        for (index, partial) in PARTIALS.iter().enumerate() {
            heard[usize::from(pitch + partial) % 12] += loud / (index + 1) as f64;
        }
    }
    heard
}

/// How much a chroma is like a key, major or minor; of one chroma, the greatest is the likeliest key.
pub fn likeness(heard: &[f64; 12], key: Key) -> f64 {
    let profile = if key.mode().is_minor() { MINOR } else { MAJOR };
    let mean = profile.iter().sum::<f64>() / 12.0;
    let norm = profile.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>().sqrt();
    let degree = |class: usize| (class + 12 - usize::from(key.tonic())) % 12;
    heard.iter().enumerate().map(|(class, loud)| loud * (profile[degree(class)] - mean)).sum::<f64>() / norm
}

impl Key {
    /// The major or minor key that notes are likeliest in; of drums, and of nothing, C major.
    pub fn likeliest<'a>(notes: impl Iterator<Item = &'a Note>) -> Self {
        let pitched = notes.filter(|note| !note.part.is_drums());
        let heard = chroma(pitched.map(|note| (note.pitch, note.velocity, f64::from(note.length))));
        let keys =
            [Mode::Major, Mode::Minor].into_iter().flat_map(|mode| (0..12).map(move |tonic| Self::new(tonic, mode)));
        // The first of those that are as likely.
        let better = |best: Self, key: Self| if likeness(&heard, key) > likeness(&heard, best) { key } else { best };
        keys.reduce(better).unwrap_or_default()
    }
}
