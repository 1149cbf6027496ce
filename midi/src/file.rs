//! What a file holds.

use std::collections::{BTreeMap, VecDeque};

use midly::{Header, MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use score::{Meter, TICKS_PER_QUARTER};

use crate::error::Error;
use crate::write::DRUMS;

/// Most notes of a file; more is no sketch.
const MAX_NOTES: usize = 200_000;

/// A MIDI file, its time in [`TICKS_PER_QUARTER`].
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The tracks that have notes; of a file with one track for all, each channel is one.
    pub tracks: Vec<Track>,
    /// Quarter notes per minute from a tick on.
    pub tempi: Vec<(u32, f64)>,
    /// Metres from a tick on.
    pub meters: Vec<(u32, Meter)>,
    /// Markers and cue points.
    pub markers: Vec<(u32, String)>,
    /// Where the last track ends.
    pub end: u32,
}

/// The notes of one track on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// As it is called, if it is.
    pub name: String,
    /// The first program that it chooses, 0..=127; of drums a kit.
    pub program: Option<u8>,
    /// Whether it is on the channel of drums.
    pub is_drums: bool,
    /// In order of their starts.
    pub notes: Vec<Played>,
}

/// A note of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Played {
    /// Where it begins, in ticks.
    pub start: u32,
    /// MIDI note, 0..=127.
    pub pitch: u8,
    /// How hard, 1..=127.
    pub velocity: u8,
    /// How long it is held, in ticks, at least 1.
    pub length: u32,
}

impl File {
    /// Reads a file's bytes.
    ///
    /// # Errors
    ///
    /// [`Error`] if they are no such file, or none that could be played.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let smf = Smf::parse(bytes).map_err(|error| Error::Damaged(error.to_string()))?;
        let clock = Clock::of(&smf.header)?;
        let mut file = Self { tracks: Vec::new(), tempi: Vec::new(), meters: Vec::new(), markers: Vec::new(), end: 0 };
        for track in &smf.tracks {
            file.add(track, &clock)?;
        }
        if file.tracks.is_empty() {
            return Err(Error::NoNotes);
        }
        file.tempi.sort_by_key(|(tick, _)| *tick);
        file.meters.sort_by_key(|(tick, _)| *tick);
        file.markers.sort();
        Ok(file)
    }

    /// How many notes there are.
    fn notes(&self) -> usize {
        self.tracks.iter().map(|track| track.notes.len()).sum()
    }

    fn add(&mut self, events: &[midly::TrackEvent], clock: &Clock) -> Result<(), Error> {
        let (mut tick, mut name) = (0u64, String::new());
        let mut channels: Vec<Channel> = (0..16).map(|_| Channel::default()).collect();
        for event in events {
            tick += u64::from(event.delta.as_int());
            let now = clock.tick(tick)?;
            match event.kind {
                TrackEventKind::Midi { channel, message } => {
                    channels[usize::from(channel.as_int())].take(now, message);
                }
                TrackEventKind::Meta(MetaMessage::TrackName(text)) if name.is_empty() => name = words(text),
                TrackEventKind::Meta(message) => self.meta(now, message),
                TrackEventKind::SysEx(_) | TrackEventKind::Escape(_) => (),
            }
        }
        let end = clock.tick(tick)?;
        self.end = self.end.max(end);
        for (index, channel) in channels.into_iter().enumerate() {
            if let Some((program, notes)) = channel.finish(end) {
                self.tracks.push(Track { name: name.clone(), program, is_drums: index == usize::from(DRUMS), notes });
            }
        }
        if self.notes() > MAX_NOTES {
            return Err(Error::TooLarge(format!("{} notes, {MAX_NOTES} are the limit", self.notes())));
        }
        Ok(())
    }

    fn meta(&mut self, now: u32, message: MetaMessage) {
        match message {
            MetaMessage::Tempo(micros) if micros.as_int() > 0 => {
                self.tempi.push((now, 60e6 / f64::from(micros.as_int())));
            }
            MetaMessage::TimeSignature(beats, power, _, _) if power < 8 => {
                // A metre that no score can have is left to whoever asks for the file's.
                self.meters.extend(Meter::new(beats.into(), 1 << power).ok().map(|meter| (now, meter)));
            }
            MetaMessage::Marker(text) | MetaMessage::CuePoint(text) => self.markers.push((now, words(text))),
            _ => (),
        }
    }
}

/// The file's own time.
struct Clock {
    per_quarter: u64,
}

impl Clock {
    fn of(header: &Header) -> Result<Self, Error> {
        match header.timing {
            Timing::Metrical(ticks) if ticks.as_int() > 0 => Ok(Self { per_quarter: ticks.as_int().into() }),
            Timing::Metrical(_) => Err(Error::Damaged("no ticks to a quarter note".into())),
            Timing::Timecode(..) => Err(Error::FilmFrames),
        }
    }

    /// A tick in [`TICKS_PER_QUARTER`], to the nearest.
    fn tick(&self, tick: u64) -> Result<u32, Error> {
        let moved = (tick * u64::from(TICKS_PER_QUARTER) + self.per_quarter / 2) / self.per_quarter;
        u32::try_from(moved).map_err(|_| Error::TooLarge("more time than can be counted".into()))
    }
}

/// What is going on on a channel.
#[derive(Debug, Default)]
struct Channel {
    program: Option<u8>,
    /// What is held on every key: start and velocity.
    held: BTreeMap<u8, VecDeque<(u32, u8)>>,
    notes: Vec<Played>,
}

impl Channel {
    fn take(&mut self, now: u32, message: MidiMessage) {
        match message {
            MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => {
                self.held.entry(key.as_int()).or_default().push_back((now, vel.as_int()));
            }
            MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => self.release(now, key.as_int()),
            MidiMessage::ProgramChange { program } if self.program.is_none() => self.program = Some(program.as_int()),
            _ => (),
        }
    }

    /// Ends the note of a key that is held longest.
    fn release(&mut self, now: u32, pitch: u8) {
        if let Some((start, velocity)) = self.held.get_mut(&pitch).and_then(VecDeque::pop_front) {
            self.notes.push(Played { start, pitch, velocity, length: (now - start).max(1) });
        }
    }

    /// Program and notes, if there are any; what is held to the end ends there.
    fn finish(mut self, end: u32) -> Option<(Option<u8>, Vec<Played>)> {
        for (pitch, held) in std::mem::take(&mut self.held) {
            let note = |(start, velocity)| Played { start, pitch, velocity, length: (end - start).max(1) };
            self.notes.extend(held.into_iter().map(note));
        }
        self.notes.sort_unstable();
        (!self.notes.is_empty()).then_some((self.program, self.notes))
    }
}

/// Text as UTF-8, which most files have, without what is not.
fn words(text: &[u8]) -> String {
    String::from_utf8_lossy(text).trim().to_string()
}
