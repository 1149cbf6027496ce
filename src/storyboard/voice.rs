//! One cue's sound along the board, lead-in included.

use std::ops::Range;

use super::tempo::Stretch;
use super::{Board, Transition};
use crate::audio::Audio;

/// What is faded so that nothing clicks, in seconds.
const CLICKLESS_SECONDS: f64 = 0.005;

/// Frames of one decoding of a cue's clip. Where it is placed fixes which frame of the clip is heard when.
#[derive(Debug, PartialEq)]
pub(super) struct Segment {
    /// Frames of the board that are this segment's alone, or shared with a neighbouring cue.
    pub frames: Range<usize>,
    /// Frames before, faded over what was there.
    pub preroll: usize,
    /// Tempo of the decoding.
    pub bpm: f64,
    /// A frame of the board and how many seconds into the clip it is heard there.
    anchor: (usize, f64),
}

/// Where a cue sounds.
#[derive(Debug)]
pub(super) struct Voice {
    /// In order, without holes, cut where the tempo changes.
    pub segments: Vec<Segment>,
    /// First frame, its lead-in included.
    pub start: usize,
    /// Frames from there that fade in over what is on the board.
    pub lead: usize,
}

/// The bars in which cue `index` is decoded: its own and those that lead into it.
pub(super) fn bars(board: &Board, index: usize) -> Range<u32> {
    let own = board.bars(index);
    let lead = board.cues[index].transition.faded_bars().min(own.start - 1);
    own.start - lead..own.end
}

/// Frames of the shortest fade.
pub(super) fn clickless(board: &Board) -> usize {
    (CLICKLESS_SECONDS * f64::from(board.sample_rate)).round() as usize
}

impl Voice {
    pub fn new(board: &Board, index: usize) -> Self {
        let start = board.frame(board.cues[index].start_bar);
        let mut segments: Vec<Segment> =
            board.tempo.stretches(bars(board, index)).map(|stretch| segment(board, index, &stretch)).collect();
        if let Some(first) = segments.first_mut() {
            first.preroll = match board.cues[index].transition {
                Transition::Cut => clickless(board).min(first.frames.start),
                _ => 0,
            };
        }
        for i in 1..segments.len() {
            segments[i].preroll = clickless(board).min(segments[i - 1].frames.len());
        }
        let first = segments.first().map_or(start, |first| first.frames.start - first.preroll);
        Self { segments, start: first, lead: start - first }
    }
}

/// A stretch before the cue leads up to the bar line at its end; any other goes on from the bar line where it begins or
/// the cue does.
fn segment(board: &Board, index: usize, stretch: &Stretch) -> Segment {
    let cue = &board.cues[index];
    let anchor = match stretch.bars.end <= cue.start_bar {
        true => stretch.bars.end,
        false => stretch.bars.start.max(cue.start_bar),
    };
    let into = (i64::from(anchor) - i64::from(cue.start_bar)).rem_euclid(i64::from(cue.bars));
    let seconds = into as f64 * board.meter.quarters() * 60.0 / stretch.bpm;
    Segment {
        frames: board.frame(stretch.bars.start)..board.frame(stretch.bars.end),
        preroll: 0,
        bpm: stretch.bpm,
        anchor: (board.frame(anchor), seconds),
    }
}

impl Segment {
    /// First frame, its preroll included.
    pub fn start(&self) -> usize {
        self.frames.start - self.preroll
    }

    /// The frame of `clip` that is heard at `start()`; the clip is a loop, whatever its length.
    pub fn offset(&self, clip: &Audio) -> usize {
        let (frame, seconds) = self.anchor;
        let at_anchor = (seconds * f64::from(clip.sample_rate())).round() as i64;
        (at_anchor + self.start() as i64 - frame as i64).rem_euclid(clip.frames() as i64) as usize
    }
}
