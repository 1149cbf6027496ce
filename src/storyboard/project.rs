//! Projects for DAWs: cues on two tracks in turn, so that each can be moved and overlaps be seen, and the mixed bed on a
//! third, muted; the tempo map, and a marker at every cue.

mod dawproject;
mod reaper;

pub use self::dawproject::dawproject;
pub use self::reaper::reaper;

use super::{Board, Item, items};

/// A board on tracks.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// The cues.
    pub board: &'a Board,
    /// What markers and items are called, one for each cue.
    pub names: &'a [String],
    /// Files of the cues' [stems](super::stem), seen from where the project will lie.
    pub stems: &'a [String],
    /// File of the bed.
    pub bed: &'a str,
    /// Gain of the bed, in decibels, which the tracks get too.
    pub gain_db: f64,
}

/// Names of the tracks that cues take turns on.
const TRACKS: [&str; 2] = ["MeLFusion A", "MeLFusion B"];
/// Name of the bed's track.
const BED: &str = "MeLFusion bed";

impl Project<'_> {
    /// The items of track `track`, 0 or 1.
    fn track(&self, track: usize) -> Vec<Item> {
        items(self.board).into_iter().filter(|item| item.cue % TRACKS.len() == track).collect()
    }

    fn seconds(&self, frames: usize) -> f64 {
        frames as f64 / f64::from(self.board.sample_rate)
    }

    /// Quarter notes from bar 1 to a frame.
    fn quarters(&self, frame: usize) -> f64 {
        let (board, at) = (self.board, self.seconds(frame));
        let change = board.tempo.changes().iter().take_while(|tempo| board.seconds(tempo.bar) <= at).last();
        let (bar, bpm) = change.map_or((1, board.tempo.at(1)), |tempo| (tempo.bar, tempo.bpm));
        self.bar_quarters(bar) + (at - board.seconds(bar)) * bpm / 60.0
    }

    /// Quarter notes from bar 1 to a bar line; exact.
    fn bar_quarters(&self, bar: u32) -> f64 {
        f64::from(bar - 1) * self.board.meter.quarters()
    }

    fn gain(&self) -> f64 {
        10f64.powf(self.gain_db / 20.0)
    }
}
