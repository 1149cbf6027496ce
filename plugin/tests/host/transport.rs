//! Where a host's play head is, and how it moves.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by several test binaries")]

use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};
use clack_host::utils::FixedPoint;

use crate::instance::{Audio, Change};

/// What a host says at the start of a block.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub playing: bool,
    /// Frames since the start of the song.
    pub frame: Option<i64>,
    /// Quarter notes since the start of the song.
    pub beats: Option<f64>,
    pub tempo: Option<f64>,
    pub meter: Option<(u16, u16)>,
    /// Loop in frames and in quarter notes.
    pub cycle: Option<[(f64, f64); 2]>,
}

impl Head {
    /// The event for CLAP, `offset` frames into a block at `rate` Hz.
    pub fn event(&self, offset: u32, rate: u32) -> TransportEvent {
        let rate = f64::from(rate);
        let mut flags = TransportFlags::empty();
        flags.set(TransportFlags::IS_PLAYING, self.playing);
        flags.set(TransportFlags::HAS_SECONDS_TIMELINE, self.frame.is_some());
        flags.set(TransportFlags::HAS_BEATS_TIMELINE, self.beats.is_some());
        flags.set(TransportFlags::HAS_TEMPO, self.tempo.is_some());
        flags.set(TransportFlags::HAS_TIME_SIGNATURE, self.meter.is_some());
        flags.set(TransportFlags::IS_LOOP_ACTIVE, self.cycle.is_some());
        let (numerator, denominator) = self.meter.unwrap_or_default();
        let [frames, beats] = self.cycle.unwrap_or_default();
        TransportEvent {
            header: EventHeader::new_core(offset, EventFlags::empty()),
            flags,
            song_pos_beats: self.beats.unwrap_or_default().into(),
            song_pos_seconds: (self.frame.unwrap_or_default() as f64 / rate).into(),
            tempo: self.tempo.unwrap_or_default(),
            tempo_inc: 0.0,
            loop_start_beats: beats.0.into(),
            loop_end_beats: beats.1.into(),
            loop_start_seconds: (frames.0 / rate).into(),
            loop_end_seconds: (frames.1 / rate).into(),
            bar_start: FixedPoint::default(),
            bar_number: 0,
            time_signature_numerator: numerator,
            time_signature_denominator: denominator,
        }
    }
}

/// A song of one tempo.
#[derive(Debug, Clone, Copy)]
pub struct Song {
    pub rate: u32,
    pub bpm: f64,
    pub meter: (u16, u16),
    /// Loop in frames, end exclusive.
    pub cycle: Option<(i64, i64)>,
}

impl Song {
    pub fn new(rate: u32, bpm: f64) -> Self {
        Self { rate, bpm, meter: (4, 4), cycle: None }
    }

    pub fn beats(&self, frame: f64) -> f64 {
        frame / f64::from(self.rate) * self.bpm / 60.0
    }

    /// Quarter notes to frames.
    pub fn frames(&self, quarters: f64) -> f64 {
        quarters * 60.0 / self.bpm * f64::from(self.rate)
    }

    /// First frame of `bar`, counted from 0.
    pub fn bar(&self, bar: i32) -> i64 {
        self.frames(f64::from(bar) * f64::from(self.meter.0) * 4.0 / f64::from(self.meter.1)).round() as i64
    }

    /// The play head at `frame`, rolling.
    pub fn at(&self, frame: i64) -> Head {
        Head {
            playing: true,
            frame: Some(frame),
            beats: Some(self.beats(frame as f64)),
            tempo: Some(self.bpm),
            meter: Some(self.meter),
            cycle: self.cycle.map(|(from, to)| {
                let (from, to) = (from as f64, to as f64);
                [(from, to), (self.beats(from), self.beats(to))]
            }),
        }
    }

    /// The play head at `frame`, standing.
    pub fn stopped(&self, frame: i64) -> Head {
        Head { playing: false, ..self.at(frame) }
    }

    /// Plays `frames` frames from `start`, in blocks as long as `sizes` says. What comes out belongs to the frames from
    /// `start` on.
    pub fn play(
        &self,
        audio: &mut Audio,
        start: i64,
        frames: usize,
        mut sizes: impl FnMut() -> usize,
    ) -> Vec<[f32; 2]> {
        let mut out = Vec::with_capacity(frames);
        while out.len() < frames {
            let size = sizes().min(frames - out.len());
            let head = self.at(start + out.len() as i64);
            out.extend(audio.block(size, Some(&head), &[]));
        }
        out
    }

    /// As a host does that keeps its block length and wraps its loop within a block, saying so by an event. Returns
    /// what sounded, with the frame it sounded at.
    pub fn play_cycle(&self, audio: &mut Audio, start: i64, frames: usize, size: usize) -> Vec<(i64, [f32; 2])> {
        let (from, to) = self.cycle.unwrap();
        let mut out = Vec::with_capacity(frames);
        let mut at = start;
        while out.len() < frames {
            let head = self.at(at);
            let (mut song_frames, mut wraps) = (Vec::with_capacity(size), Vec::new());
            for offset in 0..size {
                if at == to {
                    at = from;
                    wraps.push((offset as u32, Change::Head(self.at(from))));
                }
                song_frames.push(at);
                at += 1;
            }
            // A wrap at the very start is told by the block's own transport.
            let head = if wraps.first().is_some_and(|(offset, _)| *offset == 0) { self.at(from) } else { head };
            wraps.retain(|(offset, _)| *offset != 0);
            out.extend(song_frames.into_iter().zip(audio.block(size, Some(&head), &wraps)));
        }
        out
    }
}
