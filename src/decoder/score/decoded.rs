//! What latents say, and the score that it is.

use score::{Character, Instrument, Key, Meter, Note, Part, Player, Score, ScoreFields, TICKS_PER_QUARTER};

use super::{home, scale};

/// Most points of a player's dynamics.
const MOST_POINTS: usize = 1024;
/// Of a room's size; the recipe counts it as MIDI does.
const SPACE: f64 = 127.0;
/// Most that a score swings.
const MOST_SWING: f64 = 0.25;

/// What latents say: notes at home, in columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    /// Sixteenths of the grid, in all.
    pub columns: usize,
    /// In order of column, part and pitch.
    pub notes: Vec<GridNote>,
    /// Of every part that plays.
    pub players: Vec<GridPlayer>,
    /// Of the whole clip.
    pub numbers: Numbers,
}

/// A note whose time is counted in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridNote {
    /// Whose.
    pub part: Part,
    /// MIDI note; of drums a drum.
    pub pitch: u8,
    /// 1..=127.
    pub velocity: u8,
    /// Where it begins.
    pub column: usize,
    /// How long it is held, 1 to all columns; may go round the loop's end.
    pub columns: usize,
}

/// Who plays a part.
#[derive(Debug, Clone, PartialEq)]
pub struct GridPlayer {
    /// Which.
    pub part: Part,
    /// A kit for drums, a program for all others.
    pub instrument: Instrument,
    /// Linear gain of every column, 0.05..=1.
    pub dynamics: Vec<f32>,
}

/// Numbers of the whole clip, as the recipe counts them and the model guesses them: they may be out of range.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Numbers {
    /// −1 dark to 1 bright.
    pub brightness: f64,
    /// Size of the room, 0..=127.
    pub space: f64,
    /// Delay of the off-beat eighth in beats of the grid.
    pub swing: f64,
    /// Spread of humanised time in milliseconds.
    pub looseness_ms: f64,
    /// 0 sad to 1 glad.
    pub valence: f64,
    /// 0 calm to 1 driving.
    pub energy: f64,
}

impl Numbers {
    /// How many there are.
    pub const COUNT: usize = 6;

    /// Those of a score, in order; `None` where it says nothing.
    pub(super) fn of(score: &Score) -> [Option<f64>; Self::COUNT] {
        let Character { brightness, space, swing, .. } = score.character;
        let known = [f64::from(brightness), f64::from(space) * SPACE, f64::from(swing)].map(Some);
        [known[0], known[1], known[2], None, None, None]
    }
}

impl From<[f64; Numbers::COUNT]> for Numbers {
    fn from([brightness, space, swing, looseness_ms, valence, energy]: [f64; Numbers::COUNT]) -> Self {
        Self { brightness, space, swing, looseness_ms, valence, energy }
    }
}

/// What of a score is not in the latents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Length.
    pub bars: u32,
    /// Length of a bar.
    pub meter: Meter,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// Key to be heard in; `None` leaves the notes at home, in C major or A minor by what they sound like.
    pub key: Option<Key>,
}

impl Decoded {
    /// The same with notes that nothing explains moved into the scale.
    #[must_use]
    pub fn settled(self) -> Self {
        Self { notes: scale::settled(self.notes, self.columns), ..self }
    }

    /// The key at home that the notes are heard in: C major or A minor.
    pub fn key(&self) -> Key {
        home::key(&self.notes)
    }

    /// The score that this is, in the key of `frame`.
    ///
    /// # Errors
    ///
    /// [`score::Error`]: there are too many notes, or columns are no whole ticks.
    pub fn score(&self, frame: &Frame) -> Result<Score, score::Error> {
        let home = self.key();
        let fields =
            ScoreFields { bars: frame.bars, meter: frame.meter, bpm: frame.bpm, key: home, ..Default::default() };
        let round = Score::new(fields.clone())?.ticks();
        let ticks = u32::try_from(self.columns).ok().filter(|columns| *columns > 0 && round.is_multiple_of(*columns));
        let Some(ticks) = ticks.map(|columns| round / columns) else {
            let problem = format!("{} columns do not divide the {round} ticks of the clip", self.columns);
            return Err(score::Error { what: "columns", problem });
        };
        let score = Score::new(ScoreFields {
            players: self.players.iter().map(player).collect(),
            notes: self.notes.iter().map(|note| in_ticks(note, ticks)).collect(),
            character: self.character(ticks),
            ..fields
        })?;
        Ok(frame.key.map_or(score.clone(), |key| in_key(&score, key, None)))
    }

    fn character(&self, ticks: u32) -> Character {
        let Numbers { brightness, space, swing, .. } = self.numbers;
        Character {
            brightness: brightness.clamp(-1.0, 1.0) as f32,
            space: (space / SPACE).clamp(0.0, 1.0) as f32,
            swing: swing.clamp(0.0, MOST_SWING) as f32,
            // A beat of the grid is four columns, however long it lasts.
            swing_unit: TICKS_PER_QUARTER / ticks,
        }
    }
}

/// A score that is in the key `was`, or at home, in another key of the same mode; drums stay.
///
/// Counted from home, so that there and back is the same octave again.
pub fn in_key(score: &Score, key: Key, was: Option<Key>) -> Score {
    let moved = score.transposed(key.transposition() - was.map_or(0, Key::transposition));
    let fields = ScoreFields { key, ..moved.into_fields() };
    Score::new(fields).expect("a key changes nothing that is checked")
}

fn in_ticks(note: &GridNote, ticks: u32) -> Note {
    let GridNote { part, pitch, velocity, column, columns } = *note;
    Note { part, pitch, velocity, start: column as u32 * ticks, length: columns as u32 * ticks }
}

/// A point of dynamics for every column, or in very long clips for every few.
fn player(player: &GridPlayer) -> Player {
    let stride = player.dynamics.len().div_ceil(MOST_POINTS).max(1);
    let points = player.dynamics.iter().step_by(stride);
    let dynamics_db = points.map(|gain| 20.0 * libm::log10f(*gain)).collect();
    Player { dynamics_db, ..Player::new(player.part, player.instrument) }
}

/// A player's dynamics as linear gains, one for every column; none, where it has none of its own.
pub(super) fn curve_of(player: &Player, columns: usize) -> Option<Vec<f64>> {
    let points: Vec<f64> = player.dynamics_db.iter().map(|db| libm::exp10(f64::from(*db) / 20.0)).collect();
    let count = points.len();
    let at = |column: usize| {
        let place = column as f64 * count as f64 / columns as f64;
        let (index, between) = (place as usize % count, place.fract());
        points[index] * (1.0 - between) + points[(index + 1) % count] * between
    };
    (count > 0).then(|| (0..columns).map(at).collect())
}
