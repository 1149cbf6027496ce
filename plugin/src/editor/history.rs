//! Undo and redo: a stack of documents, filled by looking at what changed.
//!
//! Nobody has to announce a change. Whatever made it — a key, a drop, the worker with a new take — the next frame sees
//! another document than the one before, and keeps the older one.

use std::sync::Arc;

use melfusion::request::Key;

use crate::link::SLOTS;
use crate::project::{Cue, Project, Take};

/// Changes that are kept.
const DEPTH: usize = 100;
/// Changes of one kind that follow each other within this many seconds are one.
const PAUSE: f64 = 1.2;

/// Documents before and after the present one.
#[derive(Debug, Default)]
pub struct History {
    past: Vec<Project>,
    future: Vec<Project>,
    present: Option<Project>,
    /// What the last change was, and when.
    last: Option<(Kind, f64)>,
}

/// What differs between two documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Prompt,
    Negative,
    Picture,
    /// What is said of the picture.
    PictureWords,
    Request,
    Takes,
    /// The storyboard: what is on it, and in which order.
    Board,
}

impl History {
    /// Looks at the document at `now` seconds.
    pub fn observe(&mut self, project: &Project, now: f64) {
        let Some(present) = &mut self.present else {
            self.present = Some(project.clone());
            return;
        };
        let Some(kind) = difference(present, project) else {
            // Takes may have been fitted anew: that is nothing to undo, but must not be lost either.
            *present = project.clone();
            return;
        };
        let older = std::mem::replace(present, project.clone());
        if !self.continues(kind, now) {
            self.past.push(older);
            if self.past.len() > DEPTH {
                self.past.remove(0);
            }
        }
        self.future.clear();
        self.last = Some((kind, now));
    }

    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether something was taken back.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Takes the last change back. Returns whether there was one; takes may then have come or gone.
    pub fn undo(&mut self, project: &mut Project) -> bool {
        let Some(older) = self.past.pop() else { return false };
        self.future.push(project.clone());
        self.restore(older, project);
        true
    }

    /// Makes the last change that was taken back again.
    pub fn redo(&mut self, project: &mut Project) -> bool {
        let Some(newer) = self.future.pop() else { return false };
        self.past.push(project.clone());
        self.restore(newer, project);
        true
    }

    fn restore(&mut self, wanted: Project, project: &mut Project) {
        let takes = std::array::from_fn(|slot| current(wanted.takes[slot].as_ref(), project.takes[slot].as_ref()));
        let mut board = wanted.board;
        for take in board.cues.iter_mut().flat_map(|cue| &mut cue.takes) {
            *take = current(Some(take), project.take(take.id)).expect("what is wanted is there");
        }
        let mut brief = wanted.brief;
        if !brief.seed_locked {
            brief.seed = project.brief.seed;
        }
        *project = Project { brief, takes, board, anchor_bar: wanted.anchor_bar, ..project.clone() };
        self.present = Some(project.clone());
        self.last = None;
    }

    /// Typing on and turning on is one change.
    fn continues(&self, kind: Kind, now: f64) -> bool {
        let typed = matches!(kind, Kind::Prompt | Kind::Negative | Kind::PictureWords | Kind::Request | Kind::Board);
        typed && self.last.is_some_and(|(last, when)| last == kind && now - when < PAUSE)
    }
}

/// `wanted`, with the sound that fits the host now: undo does not bring an old tempo back. In another key there is only
/// the old sound; if the tempo has changed since, the worker fits it anew.
fn current(wanted: Option<&Arc<Take>>, now: Option<&Arc<Take>>) -> Option<Arc<Take>> {
    let wanted = wanted?;
    let Some(now) = now.filter(|now| now.id == wanted.id && now.key == wanted.key) else { return Some(wanted.clone()) };
    if now.name == wanted.name {
        return Some(now.clone());
    }
    Some(Arc::new(now.renamed(wanted.name.clone())))
}

/// Whether the same takes are heard, and those that are not are the same too.
fn has_same_takes(before: &Project, after: &Project) -> bool {
    let takes = |cue: &Cue| {
        let takes: Vec<_> = cue.takes.iter().map(|take| (take.id, take.name.clone(), take.key)).collect();
        (cue.id, cue.chosen, takes)
    };
    // Of cues that are in both: a cue comes and goes with its takes.
    let cues = before.board.cues.iter().filter_map(|cue| Some((cue, after.board.cue(cue.id)?)));
    cues.into_iter().all(|(before, after)| takes(before) == takes(after))
}

/// Whether both storyboards have the same cues in the same order, whatever was made of them.
fn has_same_sheets(before: &Project, after: &Project) -> bool {
    let (before, after) = (&before.board.cues, &after.board.cues);
    // A seed that a cue was given for another take changes by itself.
    let same = |(a, b): (&Cue, &Cue)| a.is_same_sheet(&Cue { seed: a.seed, ..b.clone() });
    before.len() == after.len() && before.iter().zip(after).all(same)
}

fn difference(before: &Project, after: &Project) -> Option<Kind> {
    let (old, new) = (&before.brief, &after.brief);
    let made = |project: &Project| -> [Option<(u64, String, Option<Key>)>; SLOTS] {
        std::array::from_fn(|slot| project.takes[slot].as_ref().map(|take| (take.id, take.name.clone(), take.key)))
    };
    let hash = |project: &Project| project.brief.picture.as_ref().map(|frame| frame.sha256.clone());
    // A seed that is not locked changes by itself whenever a take is made.
    let seed = old.seed_locked != new.seed_locked || (new.seed_locked && old.seed != new.seed);
    let numbers = (old.bars, old.meter, old.key) != (new.bars, new.meter, new.key) || old.bpm != new.bpm;
    [
        (made(before) != made(after) || !has_same_takes(before, after), Kind::Takes),
        (!has_same_sheets(before, after), Kind::Board),
        (hash(before) != hash(after), Kind::Picture),
        (old.picture_words != new.picture_words, Kind::PictureWords),
        (old.prompt != new.prompt, Kind::Prompt),
        (old.negative != new.negative, Kind::Negative),
        (seed || numbers || before.anchor_bar != after.anchor_bar, Kind::Request),
    ]
    .into_iter()
    .find_map(|(differs, kind)| differs.then_some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Project {
        let mut project = Project::default();
        project.brief.prompt = text.into();
        project
    }

    #[test]
    fn typing_is_one_change_until_there_is_a_pause() {
        let mut history = History::default();
        for (text, when) in [("", 0.0), ("f", 1.0), ("fo", 1.2), ("fog", 1.4), ("fog,", 9.0)] {
            history.observe(&prompt(text), when);
        }
        let mut project = prompt("fog,");
        assert!(history.undo(&mut project));
        assert_eq!(project.brief.prompt, "fog");
        assert!(history.undo(&mut project));
        assert_eq!(project.brief.prompt, "");
        assert!(!history.undo(&mut project));
    }

    #[test]
    fn redo_makes_it_again_until_something_else_is_changed() {
        let mut history = History::default();
        let mut project = prompt("");
        history.observe(&project, 0.0);
        project = prompt("rain");
        history.observe(&project, 1.0);
        assert!(history.undo(&mut project) && history.redo(&mut project));
        assert_eq!(project.brief.prompt, "rain");
        assert!(history.undo(&mut project));
        project.brief.bars = 8;
        history.observe(&project, 2.0);
        assert!(!history.can_redo());
    }

    #[test]
    fn a_seed_that_changes_by_itself_is_no_change() {
        let mut history = History::default();
        let mut project = Project::default();
        history.observe(&project, 0.0);
        project.brief.seed = 99;
        history.observe(&project, 1.0);
        assert!(!history.can_undo());
        project.brief.seed_locked = true;
        history.observe(&project, 2.0);
        assert!(history.can_undo());
    }

    #[test]
    fn the_stack_forgets_the_oldest_and_keeps_the_newest() {
        let mut history = History::default();
        for i in 0..=DEPTH + 50 {
            history.observe(&prompt(&i.to_string()), i as f64 * 10.0);
        }
        let mut project = prompt(&(DEPTH + 50).to_string());
        let mut steps = 0;
        while history.undo(&mut project) {
            steps += 1;
        }
        assert_eq!((steps, project.brief.prompt.as_str()), (DEPTH, "50"));
    }
}
