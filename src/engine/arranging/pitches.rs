//! Which pitches a part may play: those of chords, of a scale, of a register.

use score::{ChordSymbol, Key, Laid, Part, Register};

use super::Grid;
use crate::decoder::score::{GridNote, PartConfig, PartRoll, ScoreConfig};
use crate::error::Error;
use crate::request::Request;

/// From which expectation a note that sounds on in another pitch begins there anew, and how strongly.
const HELD: f64 = 0.3;
const ANEW: f64 = 0.9;
/// Shortest rest of a note, in columns, that is played on in another pitch.
const SHORTEST: usize = 2;

/// Pitch classes at home, C first.
type Classes = [bool; 12];

/// Of every column of a part, where each pitch goes: to itself, to another, or nowhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Pitches {
    low: u8,
    /// Of what begins, `(columns)(pitches)`.
    begins: Vec<Vec<Option<u8>>>,
    /// Of what sounds on.
    sounds: Vec<Vec<Option<u8>>>,
}

/// What a column allows.
struct Allowed {
    begins: Classes,
    sounds: Classes,
}

/// Of every part where its pitches go; `None` where they stay.
pub fn of(request: &Request, grid: Grid, config: &ScoreConfig) -> Result<Vec<Option<Pitches>>, Error> {
    let asked = &request.arrangement;
    let laid = asked.chords.as_ref().map(|chart| chart.laid(request.bars, request.meter)).transpose()?;
    let home = request.key.map_or(0, Key::transposition);
    let scale = request.key.map_or(WHITE, scale_at_home);
    let rule = |part: Part| -> Result<Option<Pitches>, Error> {
        let own = &config.parts[part.index()];
        let register = asked.register.get(&part).map(|register| at_home(part, own, *register, home)).transpose()?;
        if part.is_drums() || (laid.is_none() && !asked.key_lock && register.is_none()) {
            return Ok(None);
        }
        let (low, high) = register.unwrap_or((own.low, own.high));
        let column = |column: usize| match laid.as_ref().map(|laid| chord_at(laid, column as u32 * grid.ticks)) {
            Some(laid) => of_chord(part, laid, (column, grid, home), &scale),
            None if asked.key_lock => Some(Allowed { begins: scale, sounds: scale }),
            None => Some(Allowed { begins: [true; 12], sounds: [true; 12] }),
        };
        let columns: Vec<Option<Allowed>> = (0..grid.columns).map(column).collect();
        let to = |of: fn(&Allowed) -> &Classes| -> Vec<Vec<Option<u8>>> {
            columns.iter().map(|column| targets(own, (low, high), column.as_ref().map(of))).collect()
        };
        Ok(Some(Pitches { low: own.low, begins: to(|it| &it.begins), sounds: to(|it| &it.sounds) }))
    };
    Part::ALL.into_iter().map(rule).collect()
}

/// The scale of modes at home.
const WHITE: Classes = [true, false, true, false, true, true, false, true, false, true, false, true];

fn scale_at_home(key: Key) -> Classes {
    let home = Key::new(key.mode().home(), key.mode());
    std::array::from_fn(|class| home.contains(class as u8))
}

/// A register's lowest and highest pitch at home, within what the part can play.
fn at_home(part: Part, own: &PartConfig, register: Register, home: i32) -> Result<(u8, u8), Error> {
    let low = (i32::from(register.low()) - home).max(own.low.into());
    let high = (i32::from(register.high()) - home).min(own.high.into());
    if high - low < 11 {
        let sounding = |pitch: u8| (i32::from(pitch) + home).clamp(0, 127);
        let known = format!("{}-{}", sounding(own.low), sounding(own.high));
        let known = known.parse::<Register>().map_or(known, |register| register.to_string());
        let problem =
            format!("{register} holds no octave of what the {part} can play, which is {known}; give one within");
        return Err(Error::Request { what: "register", problem });
    }
    Ok((low as u8, high as u8))
}

fn chord_at(laid: &[Laid], tick: u32) -> &Laid {
    &laid[laid.partition_point(|laid| laid.ticks.end <= tick).min(laid.len() - 1)]
}

/// What a part may play in a column of a chord; `None` is nothing.
fn of_chord(part: Part, laid: &Laid, (column, grid, home): (usize, Grid, i32), scale: &Classes) -> Option<Allowed> {
    let is_melody = matches!(part, Part::Lead | Part::Counter);
    let Some(chord) = &laid.chord else {
        return is_melody.then_some(Allowed { begins: *scale, sounds: *scale });
    };
    let tones = tones_at_home(chord, home);
    if is_melody {
        // A melody meets the chord on the beat and passes through the scale between.
        let passing = std::array::from_fn(|class| scale[class] || tones[class]);
        let begins = if column.is_multiple_of(grid.beat) { tones } else { passing };
        return Some(Allowed { begins, sounds: passing });
    }
    let bass = class_at_home(chord.bass(), home);
    let is_first = column as u32 * grid.ticks == laid.ticks.start;
    if part == Part::Bass {
        let with_bass = std::array::from_fn(|class| tones[class] || class == bass);
        let alone = std::array::from_fn(|class| class == bass);
        return Some(Allowed { begins: if is_first { alone } else { with_bass }, sounds: with_bass });
    }
    Some(Allowed { begins: tones, sounds: tones })
}

fn tones_at_home(chord: &ChordSymbol, home: i32) -> Classes {
    let tones = chord.tones();
    std::array::from_fn(|class| tones[class_at_home(class as u8, -home)])
}

fn class_at_home(class: u8, home: i32) -> usize {
    (i32::from(class) - home).rem_euclid(12) as usize
}

/// Where every pitch of a part goes: those that are allowed stay, others go to their like in the range, else to the nearest that is
/// allowed, the lower of two.
fn targets(part: &PartConfig, (low, high): (u8, u8), classes: Option<&Classes>) -> Vec<Option<u8>> {
    let pitches = part.low..=part.high;
    let Some(classes) = classes else { return vec![None; pitches.count()] };
    let is_allowed = |pitch: &u8| classes[usize::from(pitch % 12)];
    let target = |pitch: u8| {
        let octaves = (low..=high).filter(|other| other % 12 == pitch % 12);
        let within = octaves.min_by_key(|other| other.abs_diff(pitch)).unwrap_or(pitch.clamp(low, high));
        (low..=high).filter(is_allowed).min_by_key(|other| other.abs_diff(within))
    };
    pitches.map(target).collect()
}

impl Pitches {
    /// Moves what is expected to where it may be; what sounds on in another pitch than before begins there.
    pub fn edit(&self, roll: &mut PartRoll) {
        for column in 0..roll.begins.len().min(self.begins.len()) {
            let (to, on) = (&self.begins[column], &self.sounds[column]);
            let before = &self.sounds[(column + self.sounds.len() - 1) % self.sounds.len()];
            let mut begins = moved(&roll.begins[column], to, self.low);
            if !roll.sounds[column].is_empty() {
                for (pitch, value) in roll.sounds[column].iter().enumerate() {
                    let target = on[pitch].filter(|_| on[pitch] != before[pitch] && *value > HELD);
                    if let Some(at) = target.map(|target| usize::from(target - self.low)) {
                        begins[at] = begins[at].max(ANEW * value);
                    }
                }
                roll.sounds[column] = moved(&roll.sounds[column], on, self.low);
            }
            roll.begins[column] = begins;
        }
    }

    /// Notes of a part in the pitches where they may be; a note that may not go on goes on in another pitch.
    pub fn apply(&self, part: Part, notes: Vec<GridNote>) -> Vec<GridNote> {
        let (own, mut others): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.part == part);
        own.into_iter().for_each(|note| self.place(note, &mut others));
        others
    }

    fn place(&self, note: GridNote, placed: &mut Vec<GridNote>) {
        let at =
            |map: &[Vec<Option<u8>>], column: usize, pitch: u8| map[column % map.len()][usize::from(pitch - self.low)];
        let Some(pitch) = at(&self.begins, note.column, note.pitch) else { return };
        let goes_on = |step: &usize| at(&self.sounds, note.column + step, pitch) == Some(pitch);
        let columns = (1..note.columns).find(|step| !goes_on(step)).unwrap_or(note.columns);
        placed.push(GridNote { pitch, columns, ..note });
        let rest = note.columns - columns;
        if rest >= SHORTEST {
            let column = (note.column + columns) % self.sounds.len();
            self.place(GridNote { pitch, column, columns: rest, ..note }, placed);
        }
    }
}

/// Values of pitches where they go, the largest of those that meet.
fn moved(values: &[f64], to: &[Option<u8>], low: u8) -> Vec<f64> {
    let is_same = |(pitch, target): (usize, &Option<u8>)| *target == Some(low + pitch as u8);
    if to.iter().enumerate().all(is_same) {
        return values.to_vec();
    }
    let mut found: Vec<f64> = vec![0.0; values.len()];
    for (value, target) in values.iter().zip(to) {
        if let Some(at) = target.map(|target| usize::from(target - low)) {
            found[at] = found[at].max(*value);
        }
    }
    found
}
