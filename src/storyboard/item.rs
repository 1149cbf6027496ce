//! Cues as items on the tracks of a DAW.

use std::borrow::Borrow;

use super::mix::{fade_out_frames, sound, to_24_bits};
use super::voice::Voice;
use super::{Board, tail};
use crate::audio::Audio;
use crate::error::Error;

/// Where a cue's [`stem`] lies on the timeline, in frames of the board.
///
/// Items overlap where one cue leads into the next. Faded in and out at equal power (sine and cosine) and turned by the
/// bed's gain, their sum is the bed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The cue, from 0.
    pub cue: usize,
    /// First frame: the beginning of its lead-in.
    pub start: usize,
    /// Length.
    pub frames: usize,
    /// Frames that fade in; the cue's own bar line is where they end.
    pub fade_in: usize,
    /// Last frames, that fade out.
    pub fade_out: usize,
}

/// An item per cue.
pub fn items(board: &Board) -> Vec<Item> {
    let item = |cue: usize| {
        let voice = Voice::new(board, cue);
        let frames = board.frame(board.bars(cue).end) - voice.start + tail::frames(board, cue);
        Item { cue, start: voice.start, frames, fade_in: voice.lead, fade_out: fade_out_frames(board, cue) }
    };
    (0..board.cues.len()).map(item).collect()
}

/// The sound of a cue from the beginning of its lead-in to its end, tempo changes, what rings on and all, at full level.
///
/// `clip` and `tail` are as for [`mix_ringing`](super::mix_ringing); a cue without a clip is silence.
///
/// # Errors
///
/// Those of [`mix`](super::mix).
///
/// # Panics
///
/// There is no such cue.
pub fn stem<A: Borrow<Audio>>(
    board: &Board,
    index: usize,
    mut clip: impl FnMut(usize, f64) -> Result<Option<A>, Error>,
    mut tail: impl FnMut(usize, f64) -> Result<Option<A>, Error>,
) -> Result<Audio, Error> {
    let [left, right] = sound(board, index, &Voice::new(board, index), (&mut clip, &mut tail))?;
    let mut audio = Audio::new(left, right, board.sample_rate);
    to_24_bits(&mut audio);
    Ok(audio)
}
