//! Goes round all instances, 20 times a second: carries deliveries, hears the Generate parameter, and has takes fitted,
//! one at a time. [`Fits`] say which.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam::channel::{self, Receiver};
use melfusion::progress::Progress;
use melfusion::service::{panic_words, pool};
use rayon::ThreadPool;

use super::chair::Chair;
use super::fit::{self, FitError, Target};
use super::fits::{Fits, Work};
use super::{Worker, complain, mix};
use crate::project::{Sound, Take};
use crate::session::{Place, Session};

/// What the fitter remembers between rounds.
struct Rounds<'a> {
    worker: &'a Arc<Worker>,
    seen: BTreeMap<u64, Seen>,
    pool: Option<ThreadPool>,
    /// The fit under way.
    busy: Option<Busy>,
    /// Whose takes were fitted last: the others come first.
    last: u64,
}

/// What was seen of one instance.
#[derive(Default)]
struct Seen {
    presses: u64,
    fits: Fits,
}

/// One take on its way to a target.
struct Task {
    chair: Arc<Chair>,
    take: Arc<Take>,
    to: Target,
    /// Nobody is to hear it yet.
    is_ahead: bool,
}

struct Busy {
    task: Arc<Task>,
    result: Receiver<Result<Arc<Sound>, FitError>>,
}

impl Worker {
    /// The fitter thread.
    pub(super) fn go_rounds(self: &Arc<Self>, over: &Receiver<()>) {
        let _alone = self.fitting.lock();
        pool::lower_priority();
        let mut rounds = Rounds { worker: self, seen: BTreeMap::new(), pool: None, busy: None, last: 0 };
        while over.recv_timeout(self.timing.round) == Err(channel::RecvTimeoutError::Timeout) {
            rounds.go();
        }
    }
}

impl Rounds<'_> {
    fn go(&mut self) {
        let chairs = self.worker.chairs();
        self.seen.retain(|id, _| chairs.iter().any(|chair| chair.id == *id));
        for chair in &chairs {
            if let Some(session) = chair.session() {
                session.outbox.lock().tend();
                chair.tell_host(&session);
                let seen = self.seen.entry(chair.id).or_default();
                seen.fits.hear_tempo(&session);
                if seen.hear_press(&session) {
                    self.worker.press(chair, &session);
                }
            }
        }
        self.collect();
        for chair in &chairs {
            self.look(chair);
        }
        let wanted = self.next(&chairs, false);
        // What is wanted is mixed when all of it is there.
        if wanted.is_none() {
            self.mix(&chairs);
        }
        if let Some(task) = wanted.or_else(|| self.next(&chairs, true)).filter(|_| self.busy.is_none()) {
            self.begin(task);
        }
    }

    /// Finds out what an instance's takes need, and does what its user said of them.
    fn look(&mut self, chair: &Chair) {
        let (Some(session), Some(seen)) = (chair.session(), self.seen.get_mut(&chair.id)) else { return };
        let settled = self.worker.timing.settled_rounds;
        seen.fits.look(chair, &session, settled);
        // A fault in the mixing of one instance is none of the others'.
        if chair.adopts() && catch_unwind(AssertUnwindSafe(|| seen.fits.adopt(chair, &session))).unwrap_or(false) {
            chair.has_news(None);
            seen.fits.look(chair, &session, settled);
        }
    }

    /// Takes in a fit that is done.
    fn collect(&mut self) {
        let Some(busy) = &self.busy else { return };
        let result = match busy.result.try_recv() {
            Err(channel::TryRecvError::Empty) => return,
            Ok(result) => result,
            Err(channel::TryRecvError::Disconnected) => Err(FitError::Panicked("it vanished".into())),
        };
        let task = busy.task.clone();
        self.busy = None;
        let Some(session) = task.chair.session() else { return };
        let fits = &mut self.seen.entry(task.chair.id).or_default().fits;
        match result {
            Ok(sound) if task.is_ahead => fits.keep(&task.take, task.to, sound),
            Ok(sound) => task.deliver(&session, sound),
            Err(error) => {
                complain(&session, Place::Takes, format!("{} stays as it is: {error}", task.take.name));
                task.chair.settle(task.take.id, task.to.key);
                fits.fail(task.take.id, task.to);
            }
        }
    }

    /// Mixes the storyboards of which something has changed.
    fn mix(&self, chairs: &[Arc<Chair>]) {
        for chair in chairs {
            let Some(session) = chair.session().filter(|session| session.readout.rate() > 0) else { continue };
            let renew = || mix::renew(&session, session.readout.rate());
            if catch_unwind(AssertUnwindSafe(renew)).unwrap_or(false) {
                session.publish();
                session.repaint.request_repaint();
            }
        }
    }

    /// The next fit that is wanted, or else made ahead.
    fn next(&self, chairs: &[Arc<Chair>], is_ahead: bool) -> Option<Task> {
        // Everyone after the one who was last, then the others.
        let (before, after): (Vec<_>, Vec<_>) = chairs.iter().partition(|chair| chair.id <= self.last);
        let of = |work: &Work| if is_ahead { work.ahead.clone() } else { work.wanted.clone() };
        let task = |chair: &Arc<Chair>| {
            let (take, to) = of(&self.seen.get(&chair.id)?.fits.work)?;
            Some(Task { chair: chair.clone(), take, to, is_ahead })
        };
        after.into_iter().chain(before).find_map(task)
    }

    fn begin(&mut self, task: Task) {
        self.last = task.chair.id;
        match self.pool.take().map_or_else(pool::fitting, Ok) {
            Ok(pool) => {
                self.busy = Some(task.begin(&pool, self.worker.clone()));
                self.pool = Some(pool);
            }
            // Tried again at the next round.
            Err(error) => {
                if let Some(session) = task.chair.session() {
                    complain(&session, Place::Takes, format!("no thread to fit takes with ({error})"));
                }
            }
        }
    }
}

impl Seen {
    /// Whether the Generate parameter was switched on since the last round.
    fn hear_press(&mut self, session: &Session) -> bool {
        let presses = session.readout.generate_presses();
        std::mem::replace(&mut self.presses, presses) != presses
    }
}

impl Task {
    fn begin(self, pool: &ThreadPool, worker: Arc<Worker>) -> Busy {
        let (done, result) = channel::bounded(1);
        let task = Arc::new(self);
        let at_work = task.clone();
        pool.spawn(move || {
            let result = at_work.run(&worker);
            let sound = result.as_ref().ok().cloned();
            let _ = done.send(result);
            // The player need not wait for this, but saving the project is quicker if it is done by then.
            if let Some(sound) = sound {
                let _ = sound.packed();
            }
        });
        Busy { task, result }
    }

    fn run(&self, worker: &Worker) -> Result<Arc<Sound>, FitError> {
        let fit = || fit::fit(&self.take, &self.to, &worker.studio, self);
        catch_unwind(AssertUnwindSafe(fit)).unwrap_or_else(|panic| Err(FitError::Panicked(panic_words(&*panic))))
    }

    fn deliver(&self, session: &Session, sound: Arc<Sound>) {
        // If it has changed meanwhile, the next round sees what it needs now.
        if fit::replace(session, &self.take, sound, self.to.key) {
            self.chair.settle(self.take.id, self.to.key);
            session.publish();
            if self.to.key != self.take.key {
                // A tempo is the host's to remember, a key is news.
                self.chair.has_news(None);
            }
            session.repaint.request_repaint();
        }
    }
}

impl Progress for Task {
    fn step(&self, _stage: melfusion::error::Stage, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        self.chair.has_left()
    }
}

impl Worker {
    /// As if the instance's Generate button had been pressed.
    fn press(&self, chair: &Arc<Chair>, session: &Session) {
        let strengths = session.params().map(|params| params.strengths()).unwrap_or_default();
        // No threads of its own accord: the last instance may just have gone.
        let calls = self.house.lock().shift.as_ref().map(|shift| shift.calls.clone());
        if let Some(calls) = calls {
            let is_board = session.params().is_some_and(|params| params.is_board());
            match is_board && !session.project.lock().board.is_empty() {
                true => self.order_board(chair, session, strengths, &calls),
                false => self.order(chair, session, (strengths, None), &calls),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link;

    #[test]
    fn every_press_is_heard_once() {
        let session = Session::new(link::pair().0);
        let mut seen = Seen::default();
        assert!(!seen.hear_press(&session));
        session.readout.press_generate();
        assert!(seen.hear_press(&session));
        assert!(!seen.hear_press(&session));
    }
}
