//! What every part of the window is given in a frame.

use std::sync::Arc;

use super::host::{Dial, Host, slot_of, tap, value_of_slot};
use crate::params::MelfusionParams;
use crate::project::{Board, Cue, Frame, Project, Take};
use crate::session::{Notice, Place, Session, Status};
use crate::worker::EngineState;

/// One frame: the state of everything as it was at its start, and the ways to change it.
pub struct Scene<'a> {
    /// To change the project.
    pub session: &'a Session,
    /// For the words of the parameters.
    pub params: &'a MelfusionParams,
    /// To change anything else.
    pub host: &'a dyn Host,
    /// The document.
    pub project: Project,
    /// Something hovers over the lane that could be dropped.
    pub over_lane: bool,
    /// What goes on.
    pub status: Status,
    /// What the engine does.
    pub engine: EngineState,
    /// Its bundle hears pictures through words.
    pub describes_pictures: bool,
    /// The slot that is selected.
    pub slot: usize,
    /// The cue that is selected, while the storyboard is heard.
    pub cue: Option<u64>,
    /// Seconds since the window opened.
    pub now: f64,
}

impl<'a> Scene<'a> {
    /// Looks at everything once, so that no lock is held while the window is drawn.
    pub fn new(session: &'a Session, params: &'a MelfusionParams, host: &'a dyn Host, now: f64) -> Self {
        Self {
            session,
            params,
            host,
            project: session.project.lock().clone(),
            status: session.status.lock().clone(),
            engine: host.engine(),
            describes_pictures: host.describes_pictures(),
            slot: slot_of(params, host.value(Dial::Take)),
            cue: None,
            over_lane: false,
            now,
        }
    }

    /// Changes the project.
    pub fn edit(&self, change: impl FnOnce(&mut Project)) {
        change(&mut self.session.project.lock());
        self.session.mark_changed();
    }

    /// Changes the project's takes.
    pub fn edit_takes(&self, change: impl FnOnce(&mut [Option<Arc<Take>>])) {
        change(&mut self.session.project.lock().takes);
        self.session.publish();
        self.session.mark_changed();
    }

    /// Changes the project and what the player has of it.
    pub fn edit_project(&self, change: impl FnOnce(&mut Project)) {
        change(&mut self.session.project.lock());
        self.session.publish();
        self.session.mark_changed();
    }

    /// Takes a cue off the storyboard. With the last one the takes are heard again.
    pub fn delete_cue(&self, id: u64) {
        self.edit_board(|board| board.cues.retain(|cue| cue.id != id));
        if self.session.project.lock().board.is_empty() {
            tap(self.host, Dial::Board, 0.0);
        }
    }

    /// Changes a cue and makes a take of it from the seed of the one that is heard, so that nothing else differs.
    pub fn vary(&self, cue: &Cue, change: impl FnOnce(&mut Cue)) {
        let seed = cue.take().map(|take| take.recipe.seed).filter(|seed| *seed != self.project.brief.seed);
        self.edit_cue(cue.id, |cue| {
            cue.seed = seed;
            change(cue);
        });
        self.host.generate_cue(cue.id);
    }

    /// What the cue at `index` is made with if it has no influence of its own.
    pub fn influence_at(&self, index: usize) -> f64 {
        let present = || f64::from(self.host.value(Dial::Influence));
        self.session.passages.influence(index).unwrap_or_else(present)
    }

    /// Changes the storyboard. What the player has of it follows.
    pub fn edit_board(&self, change: impl FnOnce(&mut Board)) {
        self.edit_project(|project| change(&mut project.board));
    }

    /// Changes the cue with this id.
    pub fn edit_cue(&self, id: u64, change: impl FnOnce(&mut Cue)) {
        self.edit_board(|board| {
            if let Some(cue) = board.cue_mut(id) {
                change(cue);
            }
        });
    }

    /// The cue that is selected.
    pub fn cue(&self) -> Option<&Cue> {
        self.project.board.cue(self.cue?)
    }

    /// What lies in the picture well: the cue's picture, or the brief's.
    pub fn picture(&self) -> Option<&Arc<Frame>> {
        match self.cue() {
            Some(cue) => cue.picture.as_ref(),
            None => self.project.brief.picture.as_ref(),
        }
    }

    /// Gives a cue, or the brief, another picture.
    pub fn set_picture(&self, cue: Option<u64>, picture: Option<Arc<Frame>>) {
        let Some(cue) = cue else { return self.edit(|project| project.brief.show(picture)) };
        self.edit_cue(cue, |cue| cue.show(picture));
    }

    /// What the user has said of the picture in the well; `None` if that is left to the bundle.
    pub fn picture_words(&self) -> Option<&str> {
        match self.cue() {
            Some(cue) => cue.picture_words.as_deref(),
            None => self.project.brief.picture_words.as_deref(),
        }
    }

    /// Has something said of it, or leaves that to the bundle.
    pub fn set_picture_words(&self, words: Option<String>) {
        match self.cue {
            Some(cue) => self.edit_cue(cue, |cue| cue.picture_words = words),
            None => self.edit(|project| project.brief.picture_words = words),
        }
    }

    /// Whether the storyboard is heard, and worked on.
    pub fn is_board(&self) -> bool {
        !self.project.board.is_empty() && self.host.value(Dial::Board) >= 0.5
    }

    /// The take that sounds.
    pub fn selected(&self) -> Option<&Arc<Take>> {
        self.project.takes.get(self.slot)?.as_ref()
    }

    /// The slot of a take.
    pub fn slot_of(&self, id: u64) -> Option<usize> {
        self.project.slot_of(id)
    }

    /// Makes `slot` sound.
    pub fn select(&self, slot: usize) {
        if slot != self.slot {
            tap(self.host, Dial::Take, value_of_slot(self.params, slot));
        }
    }

    /// What was said at a place.
    pub fn notice(&self, place: Place) -> Option<&Notice> {
        self.status.notices.iter().find(|notice| notice.place == place)
    }

    /// Says what failed and what to do.
    pub fn fail(&self, place: Place, text: impl Into<String>) {
        self.session.tell(place, Some(Notice { place, text: text.into(), is_error: true }));
    }

    /// Says what is worth knowing.
    pub fn remark(&self, place: Place, text: impl Into<String>) {
        self.session.tell(place, Some(Notice { place, text: text.into(), is_error: false }));
    }
}
