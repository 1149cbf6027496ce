//! What must hold of a board.

use super::{Board, Gaps, MAX_BOARD_SECONDS, MAX_CUES, Reprise, Transition};
use crate::error::{CueName, Error};
use crate::request::Request;

/// The first thing that is wrong.
pub(super) fn check(board: &Board) -> Result<(), Error> {
    if board.cues.is_empty() {
        return refuse(None, "cues", "there are none; add at least one".into());
    }
    if board.cues.len() > MAX_CUES {
        let problem = format!("{} are too many; the limit is {MAX_CUES}, so make two boards of it", board.cues.len());
        return refuse(None, "cues", problem);
    }
    for index in 0..board.cues.len() {
        cue(board, index)?;
        place(board, index)?;
        transition(board, index)?;
        reprise(board, index)?;
    }
    let seconds = board.seconds(board.end_bar());
    if seconds > MAX_BOARD_SECONDS {
        let problem =
            format!("{seconds:.0} seconds are too long; the limit is {MAX_BOARD_SECONDS:.0}, so make two of it");
        return refuse(None, "board", problem);
    }
    Ok(())
}

/// A cue must be a request by itself.
fn cue(board: &Board, index: usize) -> Result<(), Error> {
    Request::new(board.fields(index)).map(drop).map_err(|error| match error {
        Error::Request { what, problem } => Error::Board { cue: Some(board.name(index)), what, problem },
        error => error,
    })
}

/// It begins where the one before it ends, or later where gaps are meant.
fn place(board: &Board, index: usize) -> Result<(), Error> {
    let start = board.cues[index].start_bar;
    let named = Some(board.name(index));
    if start == 0 {
        return refuse(named, "start_bar", "0 is out of range; the first bar is 1".into());
    }
    if start.checked_add(board.cues[index].bars).is_none() {
        return refuse(named, "start_bar", format!("{start} is out of range"));
    }
    let (before, end) = match index.checked_sub(1) {
        Some(before) => (board.name(before).to_string(), board.bars(before).end),
        None => ("the board's beginning".into(), 1),
    };
    if start < end {
        let problem = format!("bar {start} still belongs to {before}, which ends before bar {end}; begin at bar {end}");
        return refuse(named, "start_bar", problem);
    }
    if start > end && board.gaps == Gaps::Refuse {
        let extend = if index > 0 { format!("give {before} {} bars more, ", start - end) } else { String::new() };
        let problem = format!(
            "nothing plays from bar {end}, after {before}, to bar {start}; {extend}begin at bar {end}, or say \
             gaps = \"silence\" on the board"
        );
        return refuse(named, "start_bar", problem);
    }
    Ok(())
}

/// What leads in must have room before the cue.
fn transition(board: &Board, index: usize) -> Result<(), Error> {
    let transition = board.cues[index].transition;
    let start = board.cues[index].start_bar;
    let named = || Some(board.name(index));
    if transition.bars() == 0 && transition != Transition::Cut {
        return refuse(named(), "transition", format!("{transition} has no bars; give at least 1, or write cut"));
    }
    let before = match index.checked_sub(1) {
        Some(before) if board.is_joined(index) => board.cues[before].bars,
        Some(before) => start - board.bars(before).end,
        None => start - 1,
    };
    // At the beginning of the board there is nothing to come from.
    if before > 0 && transition.bars() > before {
        let problem = format!("{transition} needs {} bars before the cue, and there are {before}", transition.bars());
        return refuse(named(), "transition", problem);
    }
    Ok(())
}

/// A theme has been heard before it returns.
fn reprise(board: &Board, index: usize) -> Result<(), Error> {
    let Some(Reprise { of, strength }) = board.cues[index].reprise else { return Ok(()) };
    let named = Some(board.name(index));
    if of >= index {
        return refuse(named, "theme", "is of a cue that comes later, or of this one; name one before it".into());
    }
    if !(0.0..=1.0).contains(&strength) {
        return refuse(named, "theme_strength", format!("{strength} is out of range; give a number from 0 to 1"));
    }
    Ok(())
}

fn refuse(cue: Option<CueName>, what: &'static str, problem: String) -> Result<(), Error> {
    Err(Error::Board { cue, what, problem })
}
