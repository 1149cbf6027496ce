//! From a file to a score: which track is which part.

use score::{Instrument, Key, Meter, Note, Part, Player, Score, ScoreFields};

use crate::file::{File, Track};

/// Words in the names of tracks that say which part they are, the parts' own names aside.
const WORDS: [(&str, Part); 22] = [
    ("drum", Part::Drums),
    ("perc", Part::Drums),
    ("kit", Part::Drums),
    ("beat", Part::Drums),
    ("melod", Part::Lead),
    ("theme", Part::Lead),
    ("vocal", Part::Lead),
    ("voice", Part::Lead),
    ("solo", Part::Lead),
    ("chord", Part::Keys),
    ("piano", Part::Keys),
    ("organ", Part::Keys),
    ("guitar", Part::Keys),
    ("harmon", Part::Pad),
    ("string", Part::Pad),
    ("choir", Part::Pad),
    ("arp", Part::Ostinato),
    ("sequence", Part::Ostinato),
    ("harp", Part::Ostinato),
    ("bell", Part::Mallets),
    ("marimba", Part::Mallets),
    ("timpani", Part::Mallets),
];
/// Below this, as the mean MIDI note, one note at a time is a bass.
const LOW: f64 = 50.0;
/// Mean length in quarters from which notes together are held.
const HELD: f64 = 1.5;

/// What a score made of a file is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Bars from the beginning of the file; notes beyond are left out.
    pub bars: u32,
    /// Length of a bar.
    pub meter: Meter,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// The key; `None` is the likeliest of the notes.
    pub key: Option<Key>,
}

impl File {
    /// The part of every track, each part at most once: those that are `told`, by the index of the track; of the other tracks the
    /// likeliest that is left, by channel, name, program and how they are played. `None` where nothing is left that it could be.
    pub fn parts(&self, told: &[(usize, Part)]) -> Vec<Option<Part>> {
        let mut parts: Vec<Option<Part>> = vec![None; self.tracks.len()];
        for (track, part) in told {
            parts[*track] = Some(*part);
        }
        for index in 0..parts.len() {
            if parts[index].is_none() {
                let track = &self.tracks[index];
                parts[index] = guesses(track).into_iter().find(|part| !parts.contains(&Some(*part)));
            }
        }
        parts
    }

    /// Bars of a metre up to the end of the last note, at least 1.
    pub fn bars(&self, meter: Meter) -> u32 {
        let ends = self.tracks.iter().flat_map(|track| &track.notes).map(|note| note.start.saturating_add(note.length));
        ends.max().unwrap_or(1).div_ceil(meter.ticks(1)).max(1)
    }

    /// The score of tracks that are parts, and how many of their notes are beyond its bars. Tempo and metre are those of `frame`
    /// throughout; a track that says no instrument is a piano's, or the standard kit's.
    ///
    /// # Errors
    ///
    /// [`score::Error`] if bars or tempo are out of range, or the notes are too many.
    pub fn score(&self, parts: &[Option<Part>], frame: &Frame) -> Result<(Score, usize), score::Error> {
        let ticks = frame.meter.ticks(frame.bars);
        let mut fields = ScoreFields { bars: frame.bars, meter: frame.meter, bpm: frame.bpm, ..ScoreFields::default() };
        let mut beyond = 0;
        for (track, part) in self.tracks.iter().zip(parts) {
            let Some(part) = *part else { continue };
            let number = track.program.unwrap_or(0);
            let instrument = if part.is_drums() { Instrument::Kit(number) } else { Instrument::Program(number) };
            fields.players.push(Player::new(part, instrument));
            let within = track.notes.iter().filter(|note| note.start < ticks);
            let note = |note: &crate::Played| Note {
                part,
                pitch: note.pitch,
                velocity: note.velocity,
                start: note.start,
                length: note.length.min(ticks),
            };
            let before = fields.notes.len();
            fields.notes.extend(within.map(note));
            beyond += track.notes.len() - (fields.notes.len() - before);
        }
        fields.key = frame.key.unwrap_or_else(|| Key::likeliest(fields.notes.iter()));
        Ok((Score::new(fields)?, beyond))
    }
}

/// What a track could be, the likeliest first.
fn guesses(track: &Track) -> Vec<Part> {
    if track.is_drums {
        return vec![Part::Drums];
    }
    let name = track.name.to_lowercase();
    let own = Part::ALL.into_iter().filter(|part| name.contains(part.name()));
    let told = WORDS.iter().filter(|(word, _)| name.contains(word)).map(|(_, part)| *part);
    let played = match (track.program, is_monophonic(track), mean_pitch(track) < LOW) {
        (Some(32..=39), ..) | (_, true, true) => [Part::Bass, Part::Counter, Part::Lead],
        (Some(8..=14 | 47 | 98 | 112..=119), ..) => [Part::Mallets, Part::Ostinato, Part::Keys],
        (Some(48..=52 | 88..=95), false, _) => [Part::Pad, Part::Keys, Part::Ostinato],
        (_, true, false) => [Part::Lead, Part::Counter, Part::Ostinato],
        (_, false, _) if mean_length(track) >= HELD => [Part::Pad, Part::Keys, Part::Ostinato],
        (_, false, _) => [Part::Keys, Part::Ostinato, Part::Pad],
    };
    // A drum is none of the others' pitches.
    let others = Part::ALL.into_iter().filter(|part| !part.is_drums());
    own.chain(told).chain(played).chain(others).collect()
}

/// Whether hardly any note begins while another is held.
fn is_monophonic(track: &Track) -> bool {
    let together = track.notes.windows(2).filter(|pair| pair[1].start + 60 < pair[0].start + pair[0].length).count();
    together * 10 <= track.notes.len()
}

fn mean_pitch(track: &Track) -> f64 {
    track.notes.iter().map(|note| f64::from(note.pitch)).sum::<f64>() / track.notes.len() as f64
}

/// In quarter notes.
fn mean_length(track: &Track) -> f64 {
    let ticks: f64 = track.notes.iter().map(|note| f64::from(note.length)).sum();
    ticks / track.notes.len() as f64 / f64::from(score::TICKS_PER_QUARTER)
}
