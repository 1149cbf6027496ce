//! A part's notes as strikes at frames.

use std::collections::BTreeMap;

use score::{Note, Part, Score, TICKS_PER_QUARTER};

use crate::mix::Seat;
use crate::random::Random;
use crate::rendering::{Clock, Ending, Rendering};

/// Shortest time that a key is held, in seconds.
const SHORTEST_SECONDS: f64 = 0.005;

/// A key struck.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strike {
    pub(crate) frame: usize,
    /// Frames until it is let go.
    pub(crate) held: usize,
    pub(crate) key: u8,
    pub(crate) velocity: u8,
    /// Of the note, −1..=1; the tone's own comes on top.
    pub(crate) pan: f32,
    pub(crate) cutoff_cents: f32,
}

/// The strikes of a part in order of the notes.
pub(crate) fn strikes(score: &Score, part: Part, rendering: &Rendering, clock: &Clock) -> Vec<Strike> {
    let notes: Vec<&Note> = score.notes_of(part).collect();
    let mut strikes: Vec<Strike> = notes.iter().map(|note| strike(score, note, rendering, clock)).collect();
    shorten_repeated(&mut strikes, clock.frames, rendering.ending);
    strikes
}

/// The score as a performance: swing, and the deviations of time and velocity that [`render`](crate::render) plays by `seed`,
/// written into its notes, to the nearest tick. What would begin before the first tick begins there.
pub fn performed(score: &Score, seed: u64) -> Score {
    let rendering = Rendering { rate: 192_000, seed, ending: Ending::Ring, ..Rendering::default() };
    let clock = rendering.clock(score);
    let ticks_per_frame = score.bpm / 60.0 * f64::from(TICKS_PER_QUARTER) / f64::from(rendering.rate);
    let tick = |frame: usize| (frame as f64 * ticks_per_frame).round() as u32;
    let mut fields = score.clone().into_fields();
    fields.character.swing = 0.0;
    fields.notes.clear();
    for part in Part::ALL {
        for (note, strike) in score.notes_of(part).zip(strikes(score, part, &rendering, &clock)) {
            let start = tick(strike.frame).min(score.ticks() - 1);
            let length = tick(strike.held).clamp(1, score.ticks());
            fields.notes.push(Note { velocity: strike.velocity, start, length, ..*note });
        }
    }
    Score::new(fields).expect("what is moved within a score is a score")
}

fn strike(score: &Score, note: &Note, rendering: &Rendering, clock: &Clock) -> Strike {
    let (seat, finish) = (Seat::of(note.part), rendering.finish);
    let start = clock.frame(score, note.start);
    let end = clock.frame(score, note.start + note.length);
    // From what the composer wrote, so that another key is the same performance and one note's edit moves no other.
    let moment = Random::new(rendering.seed).with(note.part.index() as u64).with(note.start.into());
    let own = moment.with(note.pitch.into());
    // Notes of a chord are struck by the same hands.
    let late = 0.8 * moment.with(1).normal().clamp(-2.0, 2.0) + 0.2 * own.with(1).normal().clamp(-2.0, 2.0);
    let late = f64::from(late * seat.timing_ms * finish.humanising) / 1000.0 * f64::from(rendering.rate);
    let velocity = 0.6 * moment.with(2).normal().clamp(-2.0, 2.0) + 0.4 * own.with(2).normal().clamp(-2.0, 2.0);
    let velocity = (f32::from(note.velocity) + velocity * seat.velocity * finish.humanising).round().clamp(1.0, 127.0);
    let aside = (f32::from(note.pitch) - f32::from(seat.middle)) / 24.0 * seat.spread;
    let key = if note.part.is_drums() { i32::from(note.pitch) } else { i32::from(note.pitch) + rendering.semitones };
    Strike {
        frame: place(start, late, clock.frames, rendering.ending),
        held: (end - start).max((SHORTEST_SECONDS * f64::from(rendering.rate)) as usize),
        key: in_range(key),
        velocity: velocity as u8,
        pan: finish.width * (seat.pan + aside).clamp(-1.0, 1.0),
        cutoff_cents: -finish.touch * seat.touch_cents * (1.0 - velocity / 127.0),
    }
}

/// `start` moved; in a loop what would begin before its beginning is at the end of the round before.
fn place(start: usize, late: f64, frames: usize, ending: Ending) -> usize {
    let moved = start as i64 + late.round() as i64;
    match ending {
        Ending::Loop => moved.rem_euclid(frames as i64) as usize,
        Ending::Ring => moved.max(0) as usize,
    }
}

/// The nearest octave of a key that there is.
fn in_range(key: i32) -> u8 {
    match key {
        0..=127 => key as u8,
        128.. => (116 + (key - 128) % 12) as u8,
        _ => key.rem_euclid(12) as u8,
    }
}

/// A key that is struck again was let go before.
fn shorten_repeated(strikes: &mut [Strike], round: usize, ending: Ending) {
    let mut keys: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for (index, strike) in strikes.iter().enumerate() {
        keys.entry(strike.key).or_default().push(index);
    }
    for mut indices in keys.into_values() {
        indices.sort_by_key(|index| strikes[*index].frame);
        let frames: Vec<usize> = indices.iter().map(|index| strikes[*index].frame).collect();
        for (index, next) in indices.into_iter().zip(until_next(&frames, round, ending)) {
            if let Some(next) = next {
                strikes[index].held = strikes[index].held.min(next);
            }
        }
    }
}

/// Frames from each of `frames`, which grow, to the next later one, in a loop around its end.
pub(crate) fn until_next(frames: &[usize], round: usize, ending: Ending) -> Vec<Option<usize>> {
    let next = |frame: &usize| {
        let later = frames.get(frames.partition_point(|other| other <= frame));
        match (later, ending) {
            (Some(later), _) => Some(later - frame),
            (None, Ending::Loop) => Some(frames[0] + round - frame),
            (None, Ending::Ring) => None,
        }
    };
    // Few frames share a key or a class; a search among them is short.
    frames.iter().map(next).collect()
}
