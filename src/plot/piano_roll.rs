//! A score as a piano roll: a bar for every note, a colour for every part.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use score::{Note, Part, Score};

use super::canvas::{Area, Drawn, panel, write};
use super::colours::{BAR, BEAT, PARTS};

/// Rows of drums, below those of the pitches.
const DRUM_ROWS: i32 = 12;
/// Semitones shown beyond the lowest and the highest note.
const MARGIN: i32 = 2;
/// Smallest range of pitches, in semitones.
const LEAST_RANGE: i32 = 24;
/// Width of a letter of the names, in pixels.
const LETTER: i32 = 9;

/// Draws the notes over the clip's length; who plays stands above, in the colours of the parts.
pub fn draw(area: &Area<'_>, score: &Score, across: &Range<i32>, rows: &Range<i32>) -> Drawn {
    panel(area, across.clone(), rows.clone())?;
    let pitches = pitches(score);
    let height = |row: i32| rows.end - 1 - row * rows.len() as i32 / (pitches.len() as i32 + DRUM_ROWS);
    for octave in pitches.clone().filter(|pitch| pitch % 12 == 0) {
        let y = height(octave - pitches.start + DRUM_ROWS);
        area.draw(&PathElement::new([(across.start, y), (across.end - 1, y)], BEAT))?;
    }
    area.draw(&PathElement::new([(across.start, height(DRUM_ROWS)), (across.end - 1, height(DRUM_ROWS))], BAR))?;
    let x = |tick: u32| {
        let part = f64::from(tick) / f64::from(score.ticks());
        across.start + (part * (across.len() - 1) as f64).round() as i32
    };
    for note in &score.notes {
        let row = if note.part.is_drums() {
            i32::from(note.pitch) * (DRUM_ROWS - 1) / 127
        } else {
            i32::from(note.pitch) - pitches.start + DRUM_ROWS
        };
        for (start, end) in stretches(note, score.ticks()) {
            let corners = [(x(start), height(row + 1) + 1), ((x(end) - 2).max(x(start) + 2), height(row) - 1)];
            let colour = PARTS[note.part.index()].mix(0.35 + 0.65 * f64::from(note.velocity) / 127.0);
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
    }
    Ok(())
}

/// How wide the names of who plays are.
pub fn players_width(score: &Score) -> i32 {
    score.players.iter().map(|player| width(player.instrument.name())).sum()
}

fn width(name: &str) -> i32 {
    LETTER * name.len() as i32 + 14
}

/// Who plays, from the right end of a line towards the left.
pub fn players(area: &Area<'_>, score: &Score, (right, y): (i32, i32)) -> Drawn {
    let mut end = right;
    for player in score.players.iter().rev() {
        let name = player.instrument.name();
        write(area, name, (end, y), 17, &PARTS[player.part.index()], HPos::Right)?;
        end -= width(name);
    }
    Ok(())
}

/// A note that goes round the loop's end is two.
fn stretches(note: &Note, ticks: u32) -> Vec<(u32, u32)> {
    let end = note.start + note.length;
    if end <= ticks { vec![(note.start, end)] } else { vec![(note.start, ticks), (0, end - ticks)] }
}

/// The pitches that are shown, of all parts but drums.
fn pitches(score: &Score) -> Range<i32> {
    let played = || score.notes.iter().filter(|note| note.part != Part::Drums).map(|note| i32::from(note.pitch));
    let (low, high) = (played().min().unwrap_or(60) - MARGIN, played().max().unwrap_or(60) + MARGIN + 1);
    let missing = (LEAST_RANGE - (high - low)).max(0);
    low - missing / 2..high + missing - missing / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_goes_round_is_drawn_at_both_ends() {
        let note = |start, length| Note { part: Part::Lead, pitch: 60, velocity: 90, start, length };
        assert_eq!(stretches(&note(100, 50), 400), [(100, 150)]);
        assert_eq!(stretches(&note(380, 50), 400), [(380, 400), (0, 30)]);
    }
}
