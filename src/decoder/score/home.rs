//! Which of the two keys at home notes are heard in.

use score::{Key, Mode, chroma, likeness};

use super::GridNote;

/// C major or A minor, whichever the notes are likelier in; without any but drums, C major.
///
/// Source: `bundles/mini/recipe/composer/listening.py`.
pub(super) fn key(notes: &[GridNote]) -> Key {
    let pitched = notes.iter().filter(|note| !note.part.is_drums());
    let heard = chroma(pitched.map(|note| (note.pitch, note.velocity, note.columns as f64)));
    let [major, minor] = [Mode::Major, Mode::Minor].map(|mode| Key::new(mode.home(), mode));
    if likeness(&heard, major) >= likeness(&heard, minor) { major } else { minor }
}
