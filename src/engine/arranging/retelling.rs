//! A melody in another metre, key and mode.

use score::{Key, Note, Part, Player, Score, ScoreFields, TICKS_PER_QUARTER};

use super::super::keeping::within;
use super::Grid;
use crate::decoder::score::{Decoded, GridNote, GridPlayer, ScoreConfig};
use crate::error::Error;
use crate::request::{Request, Theme};

/// Ticks of a sixteenth.
const SIXTEENTH: u32 = TICKS_PER_QUARTER / 4;

/// The theme's lead in the bars of `request`: of each bar its own, from the beginning again where the theme is over, stretched to the
/// length of a bar; every degree of its scale is the same degree of the request's. At home.
pub fn retold(theme: &Theme, request: &Request, config: &ScoreConfig) -> Result<Score, Error> {
    let (was, source) = (theme.score.key, &theme.score);
    let mode = request.key.map_or(was.mode(), Key::mode);
    let home = Key::new(mode.home(), mode);
    let [from, to] = [source.ticks() / source.bars, (request.meter.quarters() * f64::from(TICKS_PER_QUARTER)) as u32];
    let range = &config.parts[Part::Lead.index()];
    let mut notes: Vec<Note> = Vec::new();
    let retelling = |tick: u32| {
        (f64::from(tick) * f64::from(to) / f64::from(from) / f64::from(SIXTEENTH)).round() as u32 * SIXTEENTH
    };
    for bar in 0..request.bars {
        let told = bar % source.bars;
        for note in source.notes_of(Part::Lead).filter(|note| note.start / from == told) {
            let start = retelling(note.start - told * from).min(to - SIXTEENTH);
            let pitch = in_mode(note.pitch, was, home);
            let Some(pitch) = within(pitch, range.low.into()..=range.high.into(), 12) else { continue };
            let length = retelling(note.length).max(SIXTEENTH).min(to * request.bars);
            notes.push(Note { pitch: pitch as u8, start: bar * to + start, length, ..*note });
        }
    }
    notes.sort_by_key(|note| (note.start, note.pitch));
    // Of two that are stretched to one place the first stays.
    notes.dedup_by_key(|note| note.start);
    // Whoever played it, or the nearest whom the model knows.
    let own = source.player(Part::Lead).map_or(range.programs[0], |player| player.instrument.number());
    let nearest = range.programs.iter().min_by_key(|program| program.abs_diff(own)).copied().unwrap_or(own);
    let instrument = score::Instrument::Program(nearest);
    let fields = ScoreFields {
        bars: request.bars,
        meter: request.meter,
        bpm: request.bpm,
        key: home,
        players: vec![Player::new(Part::Lead, instrument)],
        notes,
        ..Default::default()
    };
    Ok(Score::new(fields)?)
}

/// The theme itself in the place of the lead.
pub fn state(theme: &Score, decoded: &mut Decoded, grid: Grid) {
    decoded.notes.retain(|note| note.part != Part::Lead);
    decoded.notes.extend(theme.notes_of(Part::Lead).map(|note| GridNote {
        part: note.part,
        pitch: note.pitch,
        velocity: note.velocity,
        column: (note.start / grid.ticks) as usize % grid.columns,
        columns: ((note.length / grid.ticks) as usize).clamp(1, grid.columns),
    }));
    let lead = theme.player(Part::Lead).filter(|_| !decoded.players.iter().any(|player| player.part == Part::Lead));
    let player = |player: &Player| GridPlayer {
        part: player.part,
        instrument: player.instrument,
        dynamics: vec![1.0; grid.columns],
    };
    decoded.players.extend(lead.map(player));
}

/// A pitch of one key as the same degree of another; what lies between degrees stays above the lower.
fn in_mode(pitch: u8, from: Key, to: Key) -> i32 {
    let above = i32::from(pitch) - i32::from(from.tonic());
    let (octave, step) = (above.div_euclid(12), above.rem_euclid(12) as u8);
    let scale = from.mode().scale();
    let degree = scale.iter().rposition(|own| *own <= step).unwrap_or(0);
    let between = step - scale[degree];
    let up = i32::from(to.mode().scale()[degree]) + i32::from(between);
    // The nearer way from tonic to tonic.
    let tonic = i32::from(from.tonic()) + (i32::from(to.tonic()) - i32::from(from.tonic()) + 6).rem_euclid(12) - 6;
    tonic + 12 * octave + up
}
