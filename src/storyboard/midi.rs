//! A board's notes as one MIDI file.

use midi::{Section, Song};
use score::{Score, ScoreFields};

use super::Board;
use crate::clip::{Clip, Timing};
use crate::error::Error;

/// The notes of all cues that are there, each from its bar line on, as a Standard MIDI File of type 1: a track for every part, the
/// tempo map, a marker for every cue, called by `names`, and one for every chord.
///
/// `clips` has one entry per cue; of `None`, and of clips without notes, only the marker is there. A lead-in is not written: its
/// notes are those of the cue's end.
///
/// # Errors
///
/// [`Error::Request`] if a clip's notes are no score.
pub fn midi(board: &Board, names: &[String], clips: &[Option<Clip>], timing: Timing) -> Result<Vec<u8>, Error> {
    let meter = board.meter;
    let score = |index: usize| -> Result<Score, Error> {
        let clip = clips.get(index).and_then(Option::as_ref);
        let (bars, bpm) = (board.cues[index].bars, board.tempo.at(board.cues[index].start_bar));
        match clip.and_then(|clip| Some((clip.score.as_ref()?, clip.recipe.seed))) {
            Some((score, seed)) => Ok(timing.of(score, seed)),
            None => Ok(Score::new(ScoreFields { bars, meter, bpm, ..Default::default() })?),
        }
    };
    let scores = (0..board.cues.len()).map(score).collect::<Result<Vec<_>, _>>()?;
    let at = |bar: u32| meter.ticks(bar - 1);
    let sections = scores.iter().zip(names).zip(&board.cues);
    let sections = sections.map(|((score, name), cue)| Section { name, start: at(cue.start_bar), score });
    let tempi = board.tempo.changes().iter().map(|tempo| (at(tempo.bar), tempo.bpm)).collect();
    Ok(midi::write(&Song { title: &board.title, tempi, sections: sections.collect() }))
}
