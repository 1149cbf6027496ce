//! Projects for DAWs: cues on two tracks in turn, so that each can be moved and overlaps be seen, or every part on a track of its own,
//! as sound and as notes; the mixed bed, muted; the tempo map, and a marker at every cue.

mod dawproject;
mod reaper;
mod track;

use score::{Part, Score};

pub use self::dawproject::dawproject;
pub use self::reaper::reaper;
use self::track::{Content, Placed, Track};
use super::{Board, Item, items};

/// A board on tracks.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// The cues.
    pub board: &'a Board,
    /// What markers and items are called, one for each cue.
    pub names: &'a [String],
    /// Files of the cues' [stems](super::stem), seen from where the project will lie; none where cues have no tracks.
    pub stems: &'a [String],
    /// The parts, each on a track; none where parts have none.
    pub parts: &'a [PartFiles],
    /// The notes of every cue, where it has any.
    pub scores: &'a [Option<Score>],
    /// File of the bed.
    pub bed: &'a str,
    /// Gain of the bed, in decibels, which the tracks get too.
    pub gain_db: f64,
}

/// A part in all cues.
#[derive(Debug, Clone)]
pub struct PartFiles {
    /// Which.
    pub part: Part,
    /// Files of its stems, one for each cue; `None` where it does not play.
    pub stems: Vec<Option<String>>,
}

/// Names of the tracks that cues take turns on.
const TRACKS: [&str; 2] = ["MeLFusion A", "MeLFusion B"];
/// Names of the bed's track, and of the folders of the parts.
const BED: &str = "MeLFusion bed";
const PARTS: &str = "MeLFusion parts";
const NOTES: &str = "MeLFusion notes";

impl Project<'_> {
    /// All files of sounds.
    fn files(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().flat_map(|part| part.stems.iter().flatten());
        self.stems.iter().chain(parts).map(String::as_str).chain([self.bed])
    }

    /// The tracks, from the top.
    fn tracks(&self) -> Vec<Track<'_>> {
        let mut tracks: Vec<Track> = Vec::new();
        if !self.stems.is_empty() {
            tracks.extend((0..TRACKS.len()).map(|turn| self.cues(turn)));
        }
        if !self.parts.is_empty() {
            // Beside the cues they would be heard twice.
            let is_muted = !self.stems.is_empty();
            tracks.push(Track::folder(PARTS, is_muted, self.parts.iter().map(|part| self.sounds(part)).collect()));
            tracks.push(Track::folder(NOTES, false, self.parts.iter().map(|part| self.notes(part.part)).collect()));
        }
        let all = Item { cue: 0, start: 0, frames: self.board.frames(), fade_in: 0, fade_out: 0 };
        let clips = vec![Placed { item: all, name: BED, content: Content::Sound(self.bed) }];
        tracks.push(Track { is_muted: true, clips, ..Track::new(BED) });
        tracks
    }

    /// The cues of a turn, 0 or 1.
    fn cues(&self, turn: usize) -> Track<'_> {
        let own = items(self.board).into_iter().filter(|item| item.cue % TRACKS.len() == turn);
        let clips = own.map(|item| self.placed(&item, &self.stems[item.cue])).collect();
        Track { gain: self.gain(), clips, ..Track::new(TRACKS[turn]) }
    }

    fn sounds<'a>(&'a self, part: &'a PartFiles) -> Track<'a> {
        let clips =
            items(self.board).into_iter().filter_map(|item| Some(self.placed(&item, part.stems[item.cue].as_ref()?)));
        Track { gain: self.gain(), colour: Some(part.part), clips: clips.collect(), ..Track::new(part.part.name()) }
    }

    /// The notes of a part, each cue's from its own bar line on.
    fn notes(&self, part: Part) -> Track<'_> {
        let own = |cue: usize| {
            let score = self.scores.get(cue)?.as_ref().filter(|score| score.notes_of(part).next().is_some())?;
            let [start, end] = [self.board.bars(cue).start, self.board.bars(cue).end].map(|bar| self.board.frame(bar));
            let item = Item { cue, start, frames: end - start, fade_in: 0, fade_out: 0 };
            Some(Placed { item, name: &self.names[cue], content: Content::Notes(score, part) })
        };
        let clips = (0..self.board.cues.len()).filter_map(own).collect();
        Track { colour: Some(part), clips, ..Track::new(part.name()) }
    }

    fn placed<'a>(&'a self, item: &Item, file: &'a str) -> Placed<'a> {
        Placed { item: item.clone(), name: &self.names[item.cue], content: Content::Sound(file) }
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
