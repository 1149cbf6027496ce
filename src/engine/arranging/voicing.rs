//! Chords that are whole: of each that is asked for, the tones that tell it from others sound.

use std::ops::Range;

use score::{Chart, ChordSymbol, Part};

use super::Grid;
use crate::decoder::score::{GridNote, ScoreConfig};
use crate::error::Error;
use crate::request::Request;

/// Who adds what is missing, the first of them that plays.
const VOICES: [Part; 4] = [Part::Pad, Part::Keys, Part::Ostinato, Part::Mallets];

/// A chord in its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    columns: Range<usize>,
    /// Pitch classes at home that tell it from other chords.
    tones: Vec<u8>,
}

/// The chords of a chart on the columns.
pub fn spans(chart: &Chart, request: &Request, grid: Grid, home: i32) -> Result<Vec<Span>, Error> {
    let laid = chart.laid(request.bars, request.meter)?;
    let span = |chord: &ChordSymbol, ticks: &Range<u32>| Span {
        columns: (ticks.start / grid.ticks) as usize..(ticks.end / grid.ticks) as usize,
        tones: telling(chord).into_iter().map(|class| (i32::from(class) - home).rem_euclid(12) as u8).collect(),
    };
    Ok(laid.iter().filter_map(|laid| Some(span(laid.chord.as_ref()?, &laid.ticks))).collect())
}

/// Root, third or what stands for it, seventh or sixth, and a fifth that is not perfect.
fn telling(chord: &ChordSymbol) -> Vec<u8> {
    let has = |up: u8| chord.tones()[usize::from((chord.root() + up) % 12)];
    let first = |of: &[u8]| of.iter().copied().find(|up| has(*up));
    let fifth = if has(7) { None } else { first(&[6, 8]) };
    let found = [Some(0), first(&[4, 3, 5, 2]), fifth, first(&[10, 11, 9])];
    found.into_iter().flatten().map(|up| (chord.root() + up) % 12).collect()
}

/// Adds the tones that no part of the accompaniment has, in every two beats in which it plays.
pub fn complete(notes: &mut Vec<GridNote>, spans: &[Span], config: &ScoreConfig, grid: Grid) {
    for span in spans {
        for start in span.columns.clone().step_by(2 * grid.beat) {
            let piece = start..(start + 2 * grid.beat).min(span.columns.end);
            complete_piece(notes, (&piece, &span.tones), config, grid);
        }
    }
}

fn complete_piece(notes: &mut Vec<GridNote>, (piece, tones): (&Range<usize>, &[u8]), config: &ScoreConfig, grid: Grid) {
    let within = |note: &GridNote| overlap(note, piece, grid);
    let is_heard = |tone: &u8| {
        let is_harmony = |note: &&GridNote| note.part == Part::Bass || VOICES.contains(&note.part);
        notes.iter().filter(is_harmony).any(|note| note.pitch % 12 == *tone && within(note).is_some())
    };
    let missing: Vec<u8> = tones.iter().copied().filter(|tone| !is_heard(tone)).collect();
    // Who is longest there plays along with itself.
    let longest = |part: Part| {
        let own = notes.iter().filter(|note| note.part == part);
        own.filter_map(|note| Some((within(note)?, *note))).max_by_key(|(columns, note)| (columns.len(), note.pitch))
    };
    let Some((columns, model)) = VOICES.into_iter().find_map(longest) else { return };
    let own = &config.parts[model.part.index()];
    let nearest = |tone: &u8| {
        let pitches = (own.low..=own.high).filter(|pitch| pitch % 12 == *tone);
        pitches.min_by_key(|pitch| pitch.abs_diff(model.pitch))
    };
    for pitch in missing.iter().filter_map(nearest) {
        // What was added before goes on with the note that it goes with.
        let goes_on = |note: &&mut GridNote| {
            (note.part, note.pitch) == (model.part, pitch)
                && note.column + note.columns == columns.start
                && model.column < columns.start
        };
        match notes.iter_mut().find(goes_on) {
            Some(before) => before.columns += columns.len(),
            None => notes.push(GridNote { pitch, column: columns.start, columns: columns.len(), ..model }),
        }
    }
}

/// The columns of a span in which a note sounds, in a row from its beginning there.
fn overlap(note: &GridNote, span: &Range<usize>, grid: Grid) -> Option<Range<usize>> {
    // A note that goes round the loop's end sounds before its beginning, too.
    let rounds = [note.column as i64, note.column as i64 - grid.columns as i64];
    rounds.into_iter().find_map(|start| {
        let first = start.max(span.start as i64);
        let end = (start + note.columns as i64).min(span.end as i64);
        (first < end).then_some(first as usize..end as usize)
    })
}
