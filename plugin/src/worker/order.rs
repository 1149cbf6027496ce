//! What is ordered: clips for briefs and for cues, as long as there will be room for them.

use std::sync::Arc;

use crossbeam::channel::Sender;
use melfusion::error::Stage;
use melfusion::service::queue::Queue;
use parking_lot::MutexGuard;

use super::ask::{self, Ask, Strengths};
use super::chair::{Chair, Errand};
use super::{Call, Worker, complain};
use crate::link::SLOTS;
use crate::project::Cue;
use crate::session::{Job, Place, Session};

/// A clip that was ordered.
pub(super) struct Order {
    pub chair: Arc<Chair>,
    pub errand: Errand,
    pub ask: Ask,
}

impl Worker {
    /// Puts the cues that are wanting into the queue, or says why not.
    pub(super) fn order_board(
        &self,
        chair: &Arc<Chair>,
        session: &Session,
        strengths: Strengths,
        calls: &Sender<Call>,
    ) {
        for cue in ask::wanting(session) {
            self.order(chair, session, (strengths, Some(cue)), calls);
        }
    }

    /// Puts a clip into the queue, of the brief or of a cue; or says why not.
    pub(super) fn order(
        &self,
        chair: &Arc<Chair>,
        session: &Session,
        (strengths, cue): (Strengths, Option<u64>),
        calls: &Sender<Call>,
    ) {
        let mut queue = self.queue.lock();
        let place = if cue.is_some() { Place::Board } else { Place::Generate };
        if let Err(problem) = room(session, &queue, chair.id, cue) {
            return complain(session, place, problem);
        }
        let ask = match cue {
            Some(cue) => Ask::cue(session, strengths, cue),
            None => Ask::new(session, strengths).map(Some),
        };
        match ask {
            Ok(Some(ask)) => {
                session.tell(Place::Request, None);
                session.tell(place, None);
                queue.push(chair.id, Order { chair: chair.clone(), errand: chair.errand(), ask });
                show_places(&queue);
                chair.show_queued(cues(&queue, chair.id));
                drop(queue);
                let _ = calls.send(Call::Compose);
            }
            Ok(None) => {}
            Err(error) => complain(session, if cue.is_some() { place } else { Place::Request }, error),
        }
    }
}

/// Whether another clip of this seat, for the brief or a cue, will find room.
///
/// # Errors
///
/// In words.
fn room(session: &Session, queue: &Queue<Order>, seat: u64, cue: Option<u64>) -> Result<(), String> {
    let project = session.project.lock();
    let Some(cue) = cue else {
        let free = SLOTS - project.takes.iter().flatten().count();
        let is_free = queue.count(seat) < free;
        return is_free.then_some(()).ok_or("all 16 takes are in use; delete one, then generate again".into());
    };
    let Some(index) = project.board.index_of(cue) else { return Ok(()) };
    let waiting = cues(queue, seat).into_iter().filter(|waiting| *waiting == cue).count();
    let is_free = project.board.cues[index].takes.len() + waiting < Cue::TAKES;
    let problem = || format!("cue {} has {} takes already; delete one, then generate again", index + 1, Cue::TAKES);
    is_free.then_some(()).ok_or_else(problem)
}

/// The cues that a seat has waiting, in order.
pub(super) fn cues(queue: &Queue<Order>, seat: u64) -> Vec<u64> {
    queue.waiting(seat).filter_map(|order| order.ask.of_cue()).collect()
}

/// Tells those who wait how many are before them.
pub(super) fn show_places(queue: &MutexGuard<Queue<Order>>) {
    for (order, ahead) in queue.heads() {
        order.chair.show(Some(Job {
            cue: order.ask.of_cue(),
            ahead,
            stage: Stage::Text,
            done: 0.0,
            seconds_left: None,
        }));
    }
}
