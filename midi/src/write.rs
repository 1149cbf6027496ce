//! From scores to a file.

use std::collections::BTreeMap;

use midly::num::{u15, u24};
use midly::{Format, Header, MetaMessage, Smf, Timing, TrackEvent};
use score::{Chord, Instrument, Note, Part, Player, TICKS_PER_QUARTER};

use crate::fifths::signature;
use crate::song::Song;
use crate::track::{EXPRESSION, TrackWriter, VOLUME};

/// Channel of drums in General MIDI, counted from 0.
pub(crate) const DRUMS: u8 = 9;
/// Volume of a part at its usual level.
const USUAL_VOLUME: f32 = 100.0;
/// MIDI clocks in a quarter note.
const CLOCKS: u32 = 24;

/// The bytes of a type 1 file: a track that conducts (tempo, metre, key, a marker for every section and every chord), then one for
/// each part that plays anywhere, in the order of [`Part::ALL`], named after part and instrument.
///
/// A note that sounds over its section's end ends there, so that every section ends on its bar line.
pub fn write(song: &Song) -> Vec<u8> {
    let chord = |start: u32, chord: Chord| (start + chord.start, chord.to_string());
    let chords =
        song.sections.iter().flat_map(|section| section.score.chords().into_iter().map(|it| chord(section.start, it)));
    let chords: Vec<(u32, String)> = chords.collect();
    let names: Vec<(Part, String)> = Part::ALL.into_iter().filter_map(|part| Some((part, name(part, song)?))).collect();
    let mut tracks = vec![conductor(song, &chords)];
    tracks.extend(names.iter().map(|(part, name)| played(*part, name, song)));
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS_PER_QUARTER as u16)));
    let mut bytes = Vec::new();
    // Writing to memory has no way to fail.
    Smf { header, tracks }.write_std(&mut bytes).expect("a vector takes all that is written");
    bytes
}

/// Tempo, metre, key and markers.
fn conductor<'a>(song: &Song<'a>, chords: &'a [(u32, String)]) -> Vec<TrackEvent<'a>> {
    let mut track = TrackWriter::named(song.title);
    for (tick, bpm) in &song.tempi {
        track.meta(
            *tick,
            MetaMessage::Tempo(u24::new((60e6 / bpm).round().clamp(1.0, f64::from(u24::max_value().as_int())) as u32)),
        );
    }
    for section in &song.sections {
        let (sharps, is_minor) = signature(section.score.key);
        let meter = section.score.meter;
        // A dotted beat where three of the metre's notes are one.
        let beat = if meter.unit() >= 8 && meter.beats().is_multiple_of(3) { 3 } else { 1 };
        let clocks = CLOCKS * 4 / meter.unit() * beat;
        let (beats, power) = (meter.beats() as u8, meter.unit().ilog2() as u8);
        track.meta(section.start, MetaMessage::TimeSignature(beats, power, clocks as u8, 8));
        track.meta(section.start, MetaMessage::KeySignature(sharps, is_minor));
        track.meta(section.start, MetaMessage::Marker(section.name.as_bytes()));
    }
    chords.iter().for_each(|(tick, chord)| track.meta(*tick, MetaMessage::Marker(chord.as_bytes())));
    track.finish(song.ticks())
}

/// What a part plays in all sections.
fn played<'a>(part: Part, name: &'a str, song: &Song) -> Vec<TrackEvent<'a>> {
    let (mut track, channel) = (TrackWriter::named(name), channel(part));
    let mut before: Option<(Instrument, u8)> = None;
    for section in &song.sections {
        let Some(player) = section.score.player(part) else { continue };
        let loudest = player.dynamics_db.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let loudest = if loudest.is_finite() { loudest } else { 0.0 };
        let volume = controller(USUAL_VOLUME, player.level_db + loudest);
        if before != Some((player.instrument, volume)) {
            track.program(section.start, channel, player.instrument.number());
            track.control(section.start, channel, VOLUME, volume);
            before = Some((player.instrument, volume));
        }
        swell(&mut track, channel, player, section.start, section.score.ticks(), loudest);
        let notes: Vec<&Note> = section.score.notes_of(part).collect();
        for (note, end) in notes.iter().zip(ends(&notes, section.score.ticks())) {
            track.note(section.start + note.start, section.start + end, channel, note.pitch, note.velocity);
        }
    }
    track.finish(song.ticks())
}

/// The dynamics of a player as expression, below their loudest.
fn swell(track: &mut TrackWriter, channel: u8, player: &Player, start: u32, ticks: u32, loudest: f32) {
    let (points, mut before) = (player.dynamics_db.len() as u64, None);
    if points == 0 {
        track.control(start, channel, EXPRESSION, 127);
    }
    for (index, db) in player.dynamics_db.iter().enumerate() {
        let value = controller(127.0, db - loudest);
        if before.replace(value) != Some(value) {
            let tick = index as u64 * u64::from(ticks) / points;
            track.control(start + tick as u32, channel, EXPRESSION, value);
        }
    }
}

/// Where notes in order of their starts end: by the end of the section, and where their key is struck again.
fn ends(notes: &[&Note], ticks: u32) -> Vec<u32> {
    let mut next: BTreeMap<u8, u32> = BTreeMap::new();
    let mut ends: Vec<u32> = Vec::with_capacity(notes.len());
    for note in notes.iter().rev() {
        let end = (note.start + note.length).min(ticks);
        ends.push(match next.insert(note.pitch, note.start) {
            Some(again) if again > note.start => end.min(again),
            _ => end,
        });
    }
    ends.reverse();
    ends
}

/// A controller's value that is so many dB from a usual one: General MIDI's controllers go by 40 log10 of their value.
fn controller(usual: f32, db: f32) -> u8 {
    (usual * 10f32.powf(db / 40.0)).round().clamp(0.0, 127.0) as u8
}

/// A part's channel, counted from 0: drums have the tenth.
fn channel(part: Part) -> u8 {
    if part.is_drums() { DRUMS } else { part.index() as u8 }
}

/// Part and instrument, where that is one.
fn name(part: Part, song: &Song) -> Option<String> {
    let mut players = song.sections.iter().filter_map(|section| section.score.player(part));
    let first = players.next()?.instrument;
    let is_one = players.all(|player| player.instrument == first);
    Some(if is_one { format!("{part}: {first}") } else { part.to_string() })
}
