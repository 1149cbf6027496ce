//! The form of a clip: hits, an ending, and parts that enter and leave.

use score::{Key, Part};

use super::Grid;
use super::attacks;
use crate::decoder::score::{GridNote, PartRoll};

/// Velocity of a hit, and how long one that is added lasts, in beats.
const STRUCK: u8 = 118;
const HIT_BEATS: usize = 1;
/// Drums that a hit adds where drums play: bass drum and crash cymbal.
const HIT_DRUMS: [u8; 2] = [36, 49];
/// Of the last bar, how much the last notes last.
const LAST: f64 = 0.75;
/// Who enters first.
const ORDER: [Part; 8] =
    [Part::Pad, Part::Keys, Part::Ostinato, Part::Mallets, Part::Bass, Part::Lead, Part::Counter, Part::Drums];
/// Of a build's sections, where everybody plays from, and what share of them is left in the last.
const PEAK: f64 = 0.6;
const LEFT: f64 = 0.5;

/// Makes a part expect to begin for the last time with the last bar, and to hold that.
pub fn expect_end(roll: &mut PartRoll, grid: Grid) {
    let first = grid.columns - grid.bar;
    attacks::accent(roll, first);
    let held = first + (grid.bar as f64 * LAST) as usize;
    for column in first + 1..grid.columns {
        roll.begins[column].fill(0.0);
        for pitch in 0..roll.sounds[column].len() {
            let is_struck = roll.begins[first][pitch] > 0.5;
            roll.sounds[column][pitch] = if is_struck && column < held { 1.0 } else { 0.0 };
        }
    }
}

/// Ends the music with the last bar: everybody strikes its first beat once more and holds.
pub fn end(notes: &mut Vec<GridNote>, grid: Grid) {
    let first = grid.columns - grid.bar;
    notes.retain(|note| note.column <= first);
    notes.iter_mut().for_each(|note| note.columns = note.columns.min(grid.columns - note.column));
    cut(notes, first);
    let missing =
        parts(notes).into_iter().filter(|part| !notes.iter().any(|note| note.part == *part && note.column == first));
    let last: Vec<GridNote> = missing
        .flat_map(|part| {
            let before = notes.iter().filter(|note| note.part == part).map(|note| note.column).max();
            notes.iter().filter(move |note| note.part == part && Some(note.column) == before)
        })
        .map(|note| GridNote { column: first, ..*note })
        .collect();
    notes.extend(last);
    let held = ((grid.bar as f64 * LAST) as usize).max(1);
    for note in notes.iter_mut().filter(|note| note.column == first && !note.part.is_drums()) {
        note.columns = held;
    }
}

/// The last bar's notes on the tonic's triad.
pub fn on_tonic(notes: Vec<GridNote>, key: Key, grid: Grid) -> Vec<GridNote> {
    let third = if key.mode().is_minor() { 3 } else { 4 };
    let home = key.mode().home();
    let degree = |pitch: u8| (pitch + 24 - home) % 12;
    let nearest = |note: &GridNote| {
        let is_allowed = |pitch: &u8| match note.part {
            Part::Bass => degree(*pitch) == 0,
            _ => [0, third, 7].contains(&degree(*pitch)),
        };
        (note.pitch.saturating_sub(6)..=note.pitch.saturating_add(6).min(127))
            .filter(is_allowed)
            .min_by_key(|pitch| pitch.abs_diff(note.pitch))
    };
    let last = |note: &GridNote| note.column >= grid.columns - grid.bar && !note.part.is_drums();
    let place = |note: GridNote| {
        if last(&note) { GridNote { pitch: nearest(&note).unwrap_or(note.pitch), ..note } } else { note }
    };
    notes.into_iter().map(place).collect()
}

/// An accent of everybody who plays.
pub fn hit(notes: &mut Vec<GridNote>, column: usize, grid: Grid) {
    let mut added = Vec::new();
    for part in parts(notes) {
        let begins_there = |note: &&GridNote| note.part == part && note.column == column;
        if notes.iter().any(|note| begins_there(&note)) {
            continue;
        }
        let own: Vec<&GridNote> = notes.iter().filter(|note| note.part == part).collect();
        let sounding: Vec<&GridNote> = own.iter().copied().filter(|note| sounds_at(note, column, grid)).collect();
        // What is next where nothing sounds.
        let away = |note: &GridNote| (note.column + grid.columns - column) % grid.columns;
        let next = own.iter().map(|note| away(note)).min();
        let chosen = if sounding.is_empty() {
            own.into_iter().filter(|note| Some(away(note)) == next).collect()
        } else {
            sounding
        };
        let until = |note: &GridNote| match (note.column + note.columns + grid.columns - column) % grid.columns {
            left if sounds_at(note, column, grid) && left > 0 => left,
            _ => (HIT_BEATS * grid.beat).min(next.filter(|next| *next > 0).unwrap_or(grid.beat)),
        };
        added.extend(chosen.into_iter().map(|note| GridNote { column, columns: until(note).max(1), ..*note }));
        if part.is_drums() {
            added.retain(|note| !note.part.is_drums());
            let drum = |pitch| GridNote { part, pitch, velocity: STRUCK, column, columns: 1 };
            added.extend(HIT_DRUMS.map(drum));
        }
    }
    cut(notes, column);
    notes.extend(added);
    notes.iter_mut().filter(|note| note.column == column).for_each(|note| note.velocity = note.velocity.max(STRUCK));
}

fn sounds_at(note: &GridNote, column: usize, grid: Grid) -> bool {
    (column + grid.columns - note.column) % grid.columns < note.columns
}

/// Ends what sounds into a column from before it; drums ring.
fn cut(notes: &mut [GridNote], column: usize) {
    for note in notes.iter_mut().filter(|note| note.column < column && !note.part.is_drums()) {
        note.columns = note.columns.min(column - note.column);
    }
}

/// Who plays, in the order in which they enter.
fn parts(notes: &[GridNote]) -> Vec<Part> {
    ORDER.into_iter().filter(|part| notes.iter().any(|note| note.part == *part)).collect()
}

/// Has parts enter one after another, and most of them leave for the last section. A section is four bars, of short clips two or one.
pub fn build(notes: &mut Vec<GridNote>, grid: Grid) {
    let bars = grid.columns / grid.bar;
    let length = match bars {
        8.. => 4,
        4.. => 2,
        _ => 1,
    };
    let (sections, players) = (bars.div_ceil(length), parts(notes));
    let section_of = |note: &GridNote| note.column / (length * grid.bar);
    let plays: Vec<usize> = (0..sections)
        .map(|section| {
            let wanted = playing(section, sections, players.len());
            // A section in which those would rest has the next, too.
            let is_heard = |count: &usize| {
                let has = |note: &GridNote| players[..*count].contains(&note.part) && section_of(note) == section;
                notes.iter().any(has)
            };
            (wanted..=players.len()).find(is_heard).unwrap_or(players.len())
        })
        .collect();
    let is_in = |note: &GridNote| players[..plays[section_of(note)]].contains(&note.part);
    notes.retain(is_in);
    for note in notes.iter_mut() {
        let at = players.iter().position(|part| *part == note.part).unwrap_or(0);
        let section = section_of(note);
        let leaves = (section + 1..sections).find(|later| plays[*later] <= at).unwrap_or(sections);
        note.columns = note.columns.min((leaves * length * grid.bar).min(grid.columns) - note.column);
    }
}

/// How many of `players` play in a section.
fn playing(section: usize, sections: usize, players: usize) -> usize {
    let share = |part: f64| ((players as f64 * part).ceil() as usize).clamp(1, players.max(1));
    if sections > 2 && section + 1 == sections {
        return share(LEFT);
    }
    let peak = (PEAK * sections as f64).ceil().max(1.0);
    share(((section + 1) as f64 / peak).min(1.0))
}
