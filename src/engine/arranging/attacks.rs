//! How often, and how strongly, notes begin.

use crate::decoder::score::{Decoded, PartRoll};

/// Value of an onset of usual loudness, and of one that is struck.
const USUAL: f64 = 0.85;
const STRUCK: f64 = 0.98;
/// Of the strongest pitch of a column, what others have that begin with it.
const TOGETHER: f64 = 0.6;
/// Sum of a part's beginnings, in columns, from which it plays.
const PLAYS: f64 = 1.0;
/// Log odds within which expectations are moved, and how often they are halved to find by how much.
const MOST_ODDS: f64 = 9.0;
const HALVINGS: usize = 30;
/// How much louder everything is at full intensity than at none: of velocity, and in dB.
const VELOCITY: f64 = 40.0;
const LOUDER_DB: f64 = 10.0;

/// Makes a part expect to begin in so many columns in all: the odds of every beginning are multiplied by one number.
pub fn expect(roll: &mut PartRoll, columns: usize) {
    let likely = |value: f64| (value / USUAL).clamp(1e-3, 1.0 - 1e-3);
    let moved = |value: f64, by: f64| {
        let chance = likely(value);
        1.0 / (1.0 + (1.0 - chance) / chance * libm::exp(-by))
    };
    let strongest: Vec<f64> = roll.begins.iter().map(|column| column.iter().copied().fold(0.0, f64::max)).collect();
    let (mut low, mut high) = (-MOST_ODDS, MOST_ODDS);
    for _ in 0..HALVINGS {
        let by = (low + high) / 2.0;
        let expected: f64 = strongest.iter().map(|value| moved(*value, by)).sum();
        if expected < columns as f64 { low = by } else { high = by }
    }
    let by = (low + high) / 2.0;
    for (column, strongest) in roll.begins.iter_mut().zip(strongest) {
        let factor = USUAL * moved(strongest, by) / strongest.max(1e-6);
        column.iter_mut().for_each(|value| *value = (*value * factor).min(1.0));
    }
}

/// Makes a part that plays begin in a column, strongly, in what is likeliest there.
pub fn accent(roll: &mut PartRoll, column: usize) {
    let strongest = |column: &[f64]| column.iter().copied().fold(0.0, f64::max);
    let plays: f64 = roll.begins.iter().map(|column| strongest(column)).sum();
    if plays < PLAYS {
        return;
    }
    // Of what only sounds on there, too.
    let likely: Vec<f64> = (0..roll.pitches)
        .map(|pitch| roll.begins[column][pitch].max(roll.sounds[column].get(pitch).copied().unwrap_or(0.0)))
        .collect();
    let most = strongest(&likely);
    for pitch in (0..roll.pitches).filter(|pitch| likely[*pitch] >= TOGETHER * most) {
        roll.begins[column][pitch] = STRUCK;
        if let Some(sounds) = roll.sounds[column].get_mut(pitch) {
            *sounds = 1.0;
        }
    }
}

/// Makes notes and players as loud as every column's intensity says.
pub fn intensify(decoded: &mut Decoded, intensity: &[f64]) {
    if intensity.is_empty() {
        return;
    }
    for note in &mut decoded.notes {
        let more = (intensity[note.column % intensity.len()] - 0.5) * VELOCITY;
        note.velocity = (f64::from(note.velocity) + more).round().clamp(1.0, 127.0) as u8;
    }
    for player in &mut decoded.players {
        for (level, intensity) in player.dynamics.iter_mut().zip(intensity) {
            let louder = libm::exp10f(((intensity - 0.5) * LOUDER_DB / 20.0) as f32);
            *level = (*level * louder).clamp(0.05, 1.0);
        }
    }
}
