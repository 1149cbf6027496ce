//! Which of the two keys at home notes are heard in.

use score::{Key, Mode};

use super::GridNote;

/// How well the degrees of the chromatic scale fit a key, from its tonic up.
///
/// Source: Krumhansl, *Cognitive Foundations of Musical Pitch* (1990), table 2.1 (Krumhansl and Kessler 1982).
const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
/// Semitones of the first six partials above their note; the nth is heard as one nth of the first.
const PARTIALS: [u8; 6] = [0, 12, 19, 24, 28, 31];

/// C major or A minor, whichever the notes are likelier in; without any but drums, C major.
///
/// Source: `bundles/mini/recipe/composer/listening.py`.
pub(super) fn key(notes: &[GridNote]) -> Key {
    let heard = chroma(notes);
    let [major, minor] = [Mode::Major, Mode::Minor].map(|mode| Key::new(mode.home(), mode));
    if likeness(&heard, &MAJOR, major) >= likeness(&heard, &MINOR, minor) { major } else { minor }
}

/// Loudness of each pitch class.
fn chroma(notes: &[GridNote]) -> [f64; 12] {
    let mut heard = [0.0; 12];
    for note in notes.iter().filter(|note| !note.part.is_drums()) {
        let loud = f64::from(note.velocity) * (note.columns as f64).sqrt();
        for (index, partial) in PARTIALS.iter().enumerate() {
            heard[usize::from(note.pitch + partial) % 12] += loud / (index + 1) as f64;
        }
    }
    heard
}

/// Correlation, but for the size of `heard`.
fn likeness(heard: &[f64; 12], profile: &[f64; 12], key: Key) -> f64 {
    let mean = profile.iter().sum::<f64>() / 12.0;
    let norm = profile.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>().sqrt();
    let degree = |class: usize| (class + 12 - usize::from(key.tonic())) % 12;
    heard.iter().enumerate().map(|(class, loud)| loud * (profile[degree(class)] - mean)).sum::<f64>() / norm
}
