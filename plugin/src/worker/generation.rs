//! Runs the orders in the queue: from an [`Ask`](super::ask::Ask) to a take in the project.

use std::sync::Arc;

use melfusion::clip::Recipe;
use melfusion::error::{Stage, with_causes};
use melfusion::progress::Progress as _;
use melfusion::{Clip, Error};

use super::chair::Chair;
use super::order::{Order, cues, show_places};
use super::watch::Watch;
use super::{Worker, complain, fit, tempo};
use crate::project::{Frame, Measured, Project, Sound, Take};
use crate::session::{Notice, Place, Session};

/// Why an order gave no take.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}", with_causes(.0))]
    Engine(#[from] Error),
    #[error("all 16 takes were in use when the clip was done; delete one and generate seed {0} again")]
    NoRoom(u64),
    #[error("all takes of the cue were in use when this one was done; delete one and generate seed {0} again")]
    NoRoomInCue(u64),
}

impl Worker {
    /// Serves the next order, if there still is one.
    pub(super) fn compose_next(&self) {
        let order = {
            let mut queue = self.queue.lock();
            let order = queue.pop();
            show_places(&queue);
            if let Some(order) = &order {
                order.chair.show_queued(cues(&queue, order.chair.id));
            }
            order
        };
        let Some(order) = order else { return };
        let result = self.compose(&order).map(Made::new);
        self.studio.rest();
        let sound = result.as_ref().ok().map(|made| made.sound.clone());
        match (order.chair.session(), result) {
            // Withdrawn, or nobody is there to be told.
            _ if order.chair.has_withdrawn(order.errand) => {}
            (None, _) => {}
            (Some(session), Ok(made)) => match order.ask.of_cue() {
                Some(cue) => deliver_to_cue(&order, cue, &session, made),
                None => deliver(&order.chair, &session, made),
            },
            (Some(session), Err(failure)) => complain(&session, failure.place(&order), failure.about(&order, &session)),
        }
        self.show_done(&order.chair);
        // Saving the project is quicker if this is done by then. A failure comes up again when it is saved.
        let _ = sound.map(|sound| sound.packed().map(|_| ()));
    }

    fn show_done(&self, chair: &Chair) {
        let mut queue = self.queue.lock();
        queue.done();
        if queue.count(chair.id) == 0 {
            chair.show(None);
        }
        show_places(&queue);
    }

    fn compose(&self, order: &Order) -> Result<Clip, Failure> {
        let has_to_load = !self.studio.is_loaded();
        let who = (order.chair.clone(), order.errand);
        let watch = Watch::new(who, order.ask.of_cue(), order.ask.work(has_to_load), &self.costs);
        if has_to_load {
            watch.step(Stage::Load, 0, 1);
        }
        let composer = self.studio.get(&watch)?;
        if has_to_load {
            watch.step(Stage::Load, 1, 1);
        }
        let (job, is_original) = order.ask.job()?;
        if let Some(session) = order.chair.session() {
            session.tell(Place::Picture, order.ask.picture().filter(|_| !is_original).and_then(remark_on));
        }
        let clip = composer.run(&job, &watch);
        self.studio.heed(&clip);
        Ok(clip?)
    }
}

/// A clip with all that a take needs.
struct Made {
    clip: Clip,
    sound: Arc<Sound>,
    measured: Option<Measured>,
}

impl Made {
    fn new(clip: Clip) -> Self {
        let sound = fit::sound_of(&clip);
        let measured = tempo::measure(&sound.frames, sound.rate, clip.recipe.bpm);
        Self { clip, sound: Arc::new(sound), measured }
    }

    fn take(self, id: u64, slot: usize) -> Take {
        let Self { clip, sound, measured } = self;
        let (name, latents) = (name(slot, &clip.recipe), clip.state().into());
        Take { id, name, latents, recipe: clip.recipe, key: None, measured, seen: None, sound }
    }
}

/// Puts the clip into the project and on its way to the player.
fn deliver(chair: &Chair, session: &Session, made: Made) {
    let seed = made.clip.recipe.seed;
    let placed = {
        let mut project = session.project.lock();
        let select = wants_to_hear(chair, session, &project);
        project.free_slot().map(|slot| {
            let id = project.fresh_id();
            project.takes[slot] = Some(Arc::new(made.take(id, slot)));
            (slot, id, select)
        })
    };
    let Some((slot, id, select)) = placed else {
        return complain(session, Place::Generate, Failure::NoRoom(seed));
    };
    session.publish();
    chair.set_newest(id);
    chair.has_news(select.then_some(slot));
    session.repaint.request_repaint();
}

/// Puts the clip into its cue, where it is heard from now on. The bed follows at the fitter's next round. A cue that was
/// deleted meanwhile wants no clip.
fn deliver_to_cue(order: &Order, cue: u64, session: &Session, made: Made) {
    let seed = made.clip.recipe.seed;
    let is_placed = {
        let mut project = session.project.lock();
        let id = project.fresh_id();
        let seen = order.ask.seen().cloned();
        project.board.cue_mut(cue).map(|cue| cue.add(Arc::new(Take { seen, ..made.take(id, cue.takes.len()) })))
    };
    match is_placed {
        Some(true) => {
            session.publish();
            order.chair.has_news(None);
            session.repaint.request_repaint();
        }
        Some(false) => complain(session, Place::Board, Failure::NoRoomInCue(seed)),
        None => {}
    }
}

impl Failure {
    /// What to say; of a cue, with its name.
    fn about(&self, order: &Order, session: &Session) -> String {
        let project = session.project.lock();
        let index = order.ask.of_cue().and_then(|cue| project.board.index_of(cue));
        match index {
            Some(index) => format!("Cue {}: {self}", index + 1),
            None => self.to_string(),
        }
    }

    fn place(&self, order: &Order) -> Place {
        match self {
            _ if order.ask.of_cue().is_some() => Place::Board,
            Self::Engine(Error::Picture { .. }) => Place::Picture,
            Self::Engine(Error::Request { .. }) => Place::Request,
            _ => Place::Generate,
        }
    }
}

/// The new take is to be heard if there was nothing to hear so far, or the take before it is being heard.
fn wants_to_hear(chair: &Chair, session: &Session, project: &Project) -> bool {
    let Some(params) = session.params() else { return false };
    let heard = project.takes.get(params.slot()).and_then(Option::as_ref);
    heard.is_none_or(|heard| chair.newest() == Some(heard.id))
}

/// "Take 3: calm piano over soft strings"; the number is the one that selects it.
fn name(slot: usize, recipe: &Recipe) -> String {
    let number = slot + 1;
    if recipe.prompt.trim().is_empty() && recipe.picture.is_none() {
        return format!("Take {number}");
    }
    format!("Take {number}: {}", recipe.title())
}

/// Says that the picture's file is not what it was.
fn remark_on(frame: &Frame) -> Option<Notice> {
    let path = frame.path.as_ref()?;
    let text = format!(
        "{} is gone or has changed, so the small copy in the project was looked at; choose the picture again to use the file",
        path.display()
    );
    Some(Notice { place: Place::Picture, text, is_error: false })
}
