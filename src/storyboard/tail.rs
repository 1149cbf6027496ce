//! What rings on of a cue after its end.

use std::borrow::Borrow;

use super::{Board, Transition};
use crate::audio::Audio;
use crate::error::Error;

/// Longest tail, in seconds, and the share of a tail over which it fades out at its end.
const SECONDS: f64 = 4.0;
const FADES: f64 = 0.5;

/// Frames that cue `index` rings on over a cut, or into a gap, where the board has it so: no longer than what follows lasts.
pub(super) fn frames(board: &Board, index: usize) -> usize {
    let (end, is_cut) = (board.bars(index).end, |next: usize| board.cues[next].transition == Transition::Cut);
    let until = match board.cues.get(index + 1) {
        Some(next) if next.start_bar > end => next.start_bar,
        Some(_) if is_cut(index + 1) => board.bars(index + 1).end,
        _ => return 0,
    };
    let longest = (SECONDS * f64::from(board.sample_rate)) as usize;
    if board.tails { longest.min(board.frame(until) - board.frame(end)) } else { 0 }
}

/// Frames of so long a tail that fade out.
pub(super) fn fade(frames: usize) -> usize {
    (frames as f64 * FADES) as usize
}

/// The sound of a tail of so many frames; silence where it is shorter, nothing where there is none.
pub(super) fn sound<A: Borrow<Audio>>(
    (index, bpm, frames): (usize, f64, usize),
    tail: &mut impl FnMut(usize, f64) -> Result<Option<A>, Error>,
) -> Result<Option<[Vec<f32>; 2]>, Error> {
    if frames == 0 {
        return Ok(None);
    }
    let found = tail(index, bpm)?;
    let channel = |channel: &[f32]| {
        let mut channel: Vec<f32> = channel.iter().copied().take(frames).collect();
        channel.resize(frames, 0.0);
        channel
    };
    Ok(found.map(|audio| audio.borrow().channels().map(channel)))
}
