//! Notes at home that nothing in their scale explains, moved into it.
//!
//! Borrowed chords and chromatic mediants, which several voices agree on, are no mistakes; a note outside the scale whose pitch
//! class nothing else plays in its half bar is one. The model makes some: it says of each pitch by itself how likely it is.
//!
//! Source: `bundles/mini/recipe/scale.py`.

use std::collections::{HashMap, HashSet};

use score::{Mode, Part};

use super::{GridNote, home};

/// Scales at home, as pitch classes: Ionian and Aeolian; Lydian and Dorian; Mixolydian and Phrygian.
const SCALES: [[u8; 7]; 3] = [[0, 2, 4, 5, 7, 9, 11], [0, 2, 4, 6, 7, 9, 11], [0, 2, 4, 5, 7, 9, 10]];
/// G sharp, of A minor.
const LEADING_TONE: u8 = 8;
/// Columns of the spans in which notes agree: half a bar of four.
const SPAN: usize = 8;

/// How many notes of a pitch class there are in a span.
type Support = HashMap<(usize, u8), usize>;

/// The notes of a loop of `columns` columns with unexplained ones moved by a semitone into the scale: where more of the same
/// sounds, else down. One that would double a note of its part is left out.
pub(super) fn settled(notes: Vec<GridNote>, columns: usize) -> Vec<GridNote> {
    let pitched: Vec<GridNote> = notes.iter().copied().filter(|note| note.part != Part::Drums).collect();
    let (scale, support) = (scale(&pitched), support(&pitched, columns));
    let at = |note: &GridNote, pitch: u8| -> usize {
        spans(note, columns).iter().map(|span| support.get(&(*span, pitch % 12)).copied().unwrap_or(0)).sum()
    };
    let is_strange = |note: &GridNote| {
        let is_alone = || spans(note, columns).iter().all(|span| support[&(*span, note.pitch % 12)] < 2);
        note.part != Part::Drums && !scale[usize::from(note.pitch % 12)] && is_alone()
    };
    let place = |note: &GridNote, pitch: u8| (note.part, pitch, note.column);
    let mut taken: HashSet<_> =
        notes.iter().filter(|note| !is_strange(note)).map(|note| place(note, note.pitch)).collect();
    let settle = |note: GridNote| -> Option<GridNote> {
        if !is_strange(&note) {
            return Some(note);
        }
        let near = [note.pitch.checked_sub(1), note.pitch.checked_add(1)].into_iter().flatten();
        let near: Vec<u8> = near.filter(|pitch| scale[usize::from(pitch % 12)]).collect();
        // The lower of two that are as likely.
        let pitch = near.into_iter().rev().max_by_key(|pitch| at(&note, *pitch))?;
        taken.insert(place(&note, pitch)).then_some(GridNote { pitch, ..note })
    };
    notes.into_iter().filter_map(settle).collect()
}

/// Which pitch classes are in the scale: of the modes at home the one that holds most of what sounds, in minor with the leading
/// tone.
fn scale(pitched: &[GridNote]) -> [bool; 12] {
    let mut weight = [0usize; 12];
    pitched.iter().for_each(|note| weight[usize::from(note.pitch % 12)] += note.columns);
    let held = |scale: &[u8; 7]| scale.iter().map(|class| weight[usize::from(*class)]).sum::<usize>();
    // The first of those that hold as much.
    let best = SCALES.iter().rev().max_by_key(|scale| held(scale)).expect("there are scales");
    let mut within = [false; 12];
    best.iter().for_each(|class| within[usize::from(*class)] = true);
    let is_minor = !pitched.is_empty() && home::key(pitched).mode() == Mode::Minor;
    within[usize::from(LEADING_TONE)] |= is_minor;
    within
}

fn support(pitched: &[GridNote], columns: usize) -> Support {
    let mut support = Support::new();
    for note in pitched {
        for span in spans(note, columns) {
            *support.entry((span, note.pitch % 12)).or_default() += 1;
        }
    }
    support
}

/// The spans in which a note sounds, each once.
fn spans(note: &GridNote, columns: usize) -> Vec<usize> {
    let mut spans: Vec<usize> =
        (note.column..note.column + note.columns).map(|column| column % columns / SPAN).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(part: Part, pitch: u8, column: usize, columns: usize) -> GridNote {
        GridNote { part, pitch, velocity: 80, column, columns }
    }

    /// C, F and G, a bar each, and a melody's note.
    fn chords() -> Vec<GridNote> {
        let chord = |(i, root): (usize, u8)| [0, 4, 7].map(|tone| note(Part::Pad, root + tone, 16 * i, 16));
        [60, 65, 55].into_iter().enumerate().flat_map(chord).collect()
    }

    #[test]
    fn a_lonely_note_outside_the_scale_is_moved_and_one_that_others_share_is_not() {
        let lonely = note(Part::Lead, 73, 4, 2);
        let found = settled([chords(), vec![lonely]].concat(), 64);
        // To the C that sounds there, not the D.
        assert_eq!(found.last(), Some(&note(Part::Lead, 72, 4, 2)));
        let shared = [note(Part::Lead, 70, 20, 2), note(Part::Counter, 58, 18, 6)];
        assert_eq!(settled([chords(), shared.to_vec()].concat(), 64)[9..], shared);
    }

    #[test]
    fn drums_and_what_is_in_the_scale_stay_and_nothing_is_doubled() {
        let plain = [chords(), vec![note(Part::Drums, 37, 3, 1), note(Part::Lead, 72, 4, 2)]].concat();
        assert_eq!(settled(plain.clone(), 64), plain);
        assert_eq!(settled([plain.clone(), vec![note(Part::Lead, 73, 4, 2)]].concat(), 64), plain);
    }
}
