//! What every part of the window is given in a frame.

use std::sync::Arc;

use super::host::{Dial, Host, slot_of, tap, value_of_slot};
use crate::params::MelfusionParams;
use crate::project::{Project, Take};
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
    /// What goes on.
    pub status: Status,
    /// What the engine does.
    pub engine: EngineState,
    /// The slot that is selected.
    pub slot: usize,
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
            slot: slot_of(params, host.value(Dial::Take)),
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
