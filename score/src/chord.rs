//! Chords as read from notes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::note::TICKS_PER_QUARTER;
use crate::part::Part;
use crate::score::Score;

const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
/// What another chord must gain over a beat to be believed, so that passing notes do not make one.
const CHANGE: f32 = 0.25;
/// What a tone outside the chord costs beside one within, and what a tone of the chord that is missing costs.
const FOREIGN: f32 = 1.0;
const MISSING: f32 = 0.12;
/// What a melody counts beside accompaniment, as it passes through foreign notes.
const MELODY: f32 = 0.08;
/// Share of a beat from which a tone counts as there: more than a melody alone has.
const HEARD: f32 = 0.08;
/// What the root gains as the lowest note.
const ROOT_IN_BASS: f32 = 0.2;

/// Which tones stand on a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Major triad.
    Major,
    /// Minor triad.
    Minor,
    /// Root and fifth alone.
    Power,
    /// Diminished triad.
    Diminished,
    /// Augmented triad.
    Augmented,
    /// Second in place of the third.
    Sus2,
    /// Fourth in place of the third.
    Sus4,
    /// Major with minor seventh.
    Seventh,
    /// Major with major seventh.
    MajorSeventh,
    /// Minor with minor seventh.
    MinorSeventh,
    /// Minor with major seventh.
    MinorMajorSeventh,
    /// Diminished with minor seventh.
    HalfDiminished,
    /// Diminished with diminished seventh.
    DiminishedSeventh,
    /// Major with sixth.
    Sixth,
    /// Major with ninth.
    AddNinth,
    /// Minor with ninth.
    MinorAddNinth,
}

impl Quality {
    /// Every quality, simpler ones first.
    pub const ALL: [Self; 16] = [
        Self::Major,
        Self::Minor,
        Self::Power,
        Self::Diminished,
        Self::Augmented,
        Self::Sus4,
        Self::Sus2,
        Self::Seventh,
        Self::MajorSeventh,
        Self::MinorSeventh,
        Self::MinorMajorSeventh,
        Self::HalfDiminished,
        Self::DiminishedSeventh,
        Self::Sixth,
        Self::AddNinth,
        Self::MinorAddNinth,
    ];

    /// Its tones in semitones above the root.
    pub const fn tones(self) -> &'static [u8] {
        match self {
            Self::Major => &[0, 4, 7],
            Self::Minor => &[0, 3, 7],
            Self::Power => &[0, 7],
            Self::Diminished => &[0, 3, 6],
            Self::Augmented => &[0, 4, 8],
            Self::Sus2 => &[0, 2, 7],
            Self::Sus4 => &[0, 5, 7],
            Self::Seventh => &[0, 4, 7, 10],
            Self::MajorSeventh => &[0, 4, 7, 11],
            Self::MinorSeventh => &[0, 3, 7, 10],
            Self::MinorMajorSeventh => &[0, 3, 7, 11],
            Self::HalfDiminished => &[0, 3, 6, 10],
            Self::DiminishedSeventh => &[0, 3, 6, 9],
            Self::Sixth => &[0, 4, 7, 9],
            Self::AddNinth => &[0, 2, 4, 7],
            Self::MinorAddNinth => &[0, 2, 3, 7],
        }
    }

    /// How it is written after the root.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Major => "",
            Self::Minor => "m",
            Self::Power => "5",
            Self::Diminished => "dim",
            Self::Augmented => "aug",
            Self::Sus2 => "sus2",
            Self::Sus4 => "sus4",
            Self::Seventh => "7",
            Self::MajorSeventh => "maj7",
            Self::MinorSeventh => "m7",
            Self::MinorMajorSeventh => "m(maj7)",
            Self::HalfDiminished => "m7b5",
            Self::DiminishedSeventh => "dim7",
            Self::Sixth => "6",
            Self::AddNinth => "add9",
            Self::MinorAddNinth => "m(add9)",
        }
    }
}

/// A chord and where it sounds. Written as `Am7/G`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chord {
    /// Semitones above C, 0..=11.
    pub root: u8,
    /// What stands on it.
    pub quality: Quality,
    /// The lowest note, semitones above C, 0..=11.
    pub bass: u8,
    /// Where it begins, in ticks.
    pub start: u32,
    /// How long it lasts, in ticks.
    pub length: u32,
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", NAMES[usize::from(self.root % 12)], self.quality.suffix())?;
        if self.bass == self.root { Ok(()) } else { write!(f, "/{}", NAMES[usize::from(self.bass % 12)]) }
    }
}

/// What sounds in one beat.
struct Beat {
    /// Share of each pitch class; sums to one, or to nothing in silence.
    weights: [f32; 12],
    lowest: Option<u8>,
}

/// The likeliest chords of a score, with few changes (Viterbi over beats).
pub(crate) fn read(score: &Score) -> Vec<Chord> {
    let step = score.meter.beat_ticks();
    let length = if step < TICKS_PER_QUARTER { TICKS_PER_QUARTER.min(score.ticks()) } else { step };
    let beats: Vec<Beat> =
        (0..score.ticks()).step_by(length as usize).map(|start| beat(score, start, length)).collect();
    let path = likeliest(&beats);
    let mut chords: Vec<Chord> = Vec::new();
    for (index, (beat, state)) in beats.iter().zip(path).enumerate() {
        let Some(lowest) = beat.lowest else { continue };
        let start = index as u32 * length;
        let end = (start + length).min(score.ticks());
        let (root, quality) = ((state / Quality::ALL.len()) as u8, Quality::ALL[state % Quality::ALL.len()]);
        // A bass note outside the chord passes.
        let within = quality.tones().contains(&((lowest + 12 - root) % 12));
        let bass = if within { lowest } else { root };
        match chords.last_mut() {
            Some(last) if last.start + last.length == start && (last.root, last.quality) == (root, quality) => {
                last.length = end - last.start;
            }
            _ => chords.push(Chord { root, quality, bass, start, length: end - start }),
        }
    }
    chords
}

fn beat(score: &Score, start: u32, length: u32) -> Beat {
    let (mut harmony, mut melody, mut lowest) = ([0.0_f32; 12], [0.0_f32; 12], None);
    let round = score.ticks();
    for note in score.notes.iter().filter(|note| !note.part.is_drums()) {
        // A note may sound over the end into the beginning.
        let shared = overlap(note.start, note.length, start, length)
            + if note.start + note.length > round {
                overlap(0, note.start + note.length - round, start, length)
            } else {
                0
            };
        if shared == 0 {
            continue;
        }
        let melodic = matches!(note.part, Part::Lead | Part::Counter);
        let weights = if melodic { &mut melody } else { &mut harmony };
        weights[usize::from(note.pitch % 12)] += shared as f32 * f32::from(note.velocity);
        if shared * 3 >= length || note.start == start {
            lowest = Some(lowest.map_or(note.pitch, |low: u8| low.min(note.pitch)));
        }
    }
    Beat { weights: join(harmony, melody), lowest: lowest.map(|pitch| pitch % 12) }
}

/// Shares of both, doublings compressed.
fn join(harmony: [f32; 12], melody: [f32; 12]) -> [f32; 12] {
    let mut weights = shares(harmony.map(f32::sqrt));
    let melody = shares(melody.map(f32::sqrt));
    weights.iter_mut().zip(melody).for_each(|(weight, melody)| *weight += MELODY * melody);
    shares(weights)
}

fn shares(weights: [f32; 12]) -> [f32; 12] {
    let total: f32 = weights.iter().sum();
    if total > 0.0 { weights.map(|weight| weight / total) } else { weights }
}

fn overlap(start: u32, length: u32, other: u32, other_length: u32) -> u32 {
    (start + length).min(other + other_length).saturating_sub(start.max(other))
}

fn fit(beat: &Beat, state: usize) -> f32 {
    let (root, quality) = (state / Quality::ALL.len(), Quality::ALL[state % Quality::ALL.len()]);
    let Some(lowest) = beat.lowest else { return 0.0 };
    let within: f32 = quality.tones().iter().map(|tone| beat.weights[(root + usize::from(*tone)) % 12]).sum();
    let missing = quality.tones().iter().filter(|tone| beat.weights[(root + usize::from(**tone)) % 12] < HEARD).count();
    let bass = if usize::from(lowest) == root { ROOT_IN_BASS } else { 0.0 };
    within - FOREIGN * (1.0 - within) - MISSING * missing as f32 + bass
}

fn likeliest(beats: &[Beat]) -> Vec<usize> {
    let states = 12 * Quality::ALL.len();
    let mut best = vec![0.0_f32; states];
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(beats.len());
    for beat in beats {
        let top = argmax(&best);
        let came =
            (0..states).map(|state| if best[state] >= best[top] - CHANGE { state } else { top }).collect::<Vec<_>>();
        best = (0..states).map(|state| fit(beat, state) + best[state].max(best[top] - CHANGE)).collect();
        from.push(came);
    }
    let mut state = argmax(&best);
    let mut path = vec![0; beats.len()];
    for (index, came) in from.iter().enumerate().rev() {
        path[index] = state;
        state = came[state];
    }
    path
}

/// The first of the greatest.
fn argmax(values: &[f32]) -> usize {
    (0..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}
