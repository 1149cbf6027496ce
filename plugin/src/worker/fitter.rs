//! Goes round all instances, 20 times a second: carries deliveries, hears the Generate parameter, and has takes fitted
//! to the host, one at a time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam::channel::{self, Receiver};
use melfusion::progress::Progress;
use melfusion::service::{panic_words, pool};
use rayon::ThreadPool;

use super::chair::Chair;
use super::fit::{self, FitError, Target};
use super::{Worker, complain, mix};
use crate::project::{Sound, Take};
use crate::session::{Place, Session};

/// Tempi that takes are fitted to: what the engine can decode. Beyond, the player stretches.
const TEMPI: std::ops::RangeInclusive<f64> = 20.0..=300.0;

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
    tempo: Option<f64>,
    /// Rounds for which the tempo has been the same.
    rounds: u32,
    presses: u64,
    /// Fits that failed, not to be tried again as long as the target stays.
    failed: Vec<(u64, Target)>,
}

/// One take on its way to a target.
struct Task {
    chair: Arc<Chair>,
    take: Arc<Take>,
    to: Target,
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
                seen.hear_tempo(&session);
                if seen.hear_press(&session) {
                    self.worker.press(chair, &session);
                }
            }
        }
        self.collect();
        if self.busy.is_none() && !self.begin(&chairs) {
            self.mix(&chairs);
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
        match result {
            Ok(sound) => task.deliver(&session, sound),
            Err(error) => {
                complain(&session, Place::Takes, format!("{} stays as it is: {error}", task.take.name));
                task.chair.settle(task.take.id, task.to.key);
                self.seen.entry(task.chair.id).or_default().failed.push((task.take.id, task.to));
            }
        }
    }

    /// Mixes the storyboards of which something has changed, now that there is nothing to fit.
    fn mix(&self, chairs: &[Arc<Chair>]) {
        let settled = self.worker.timing.settled_rounds;
        for chair in chairs {
            let Some(seen) = self.seen.get(&chair.id).filter(|seen| seen.rounds >= settled) else { continue };
            let Some(session) = chair.session().filter(|session| session.readout.rate() > 0) else { continue };
            let renew = || mix::renew(&session, seen.tempo, session.readout.rate());
            if catch_unwind(AssertUnwindSafe(renew)).unwrap_or(false) {
                session.publish();
                session.repaint.request_repaint();
            }
        }
    }

    /// Begins the next fit; says whether there was something to fit.
    fn begin(&mut self, chairs: &[Arc<Chair>]) -> bool {
        // Everyone after the one who was last, then the others.
        let (before, after): (Vec<_>, Vec<_>) = chairs.iter().partition(|chair| chair.id <= self.last);
        let in_turn = after.into_iter().chain(before);
        let settled = self.worker.timing.settled_rounds;
        let seen = &mut self.seen;
        let mut task_of = |chair: &Arc<Chair>| seen.get_mut(&chair.id)?.task(chair, settled);
        let Some(task) = in_turn.into_iter().find_map(&mut task_of) else { return false };
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
        true
    }
}

impl Seen {
    fn hear_tempo(&mut self, session: &Session) {
        let tempo = session.readout.tempo().filter(|tempo| TEMPI.contains(tempo));
        let is_same = match (self.tempo, tempo) {
            (Some(before), Some(now)) => fit::same_tempo(before, now),
            (before, now) => before == now,
        };
        self.rounds = if is_same { self.rounds.saturating_add(1) } else { 0 };
        // What creeps is compared with where it set out, so that it does not pass for standing still.
        if !is_same {
            self.tempo = tempo;
        }
    }

    /// Whether the Generate parameter was switched on since the last round.
    fn hear_press(&mut self, session: &Session) -> bool {
        let presses = session.readout.generate_presses();
        std::mem::replace(&mut self.presses, presses) != presses
    }

    /// What is to be fitted next: first what the user asked for, then what is being heard, then the rest.
    fn task(&mut self, chair: &Arc<Chair>, settled: u32) -> Option<Task> {
        let session = chair.session()?;
        let rate = session.readout.rate();
        if rate == 0 || self.rounds < settled {
            return None;
        }
        let takes: Vec<(usize, Arc<Take>)> =
            session.project.lock().live_takes().map(|(slot, take)| (slot, take.clone())).collect();
        let wishes = chair.wishes(|take, key| takes.iter().any(|(_, t)| t.id == take && t.key != key));
        let heard = session.params().map_or(0, |params| params.slot());
        let mut takes: Vec<_> = takes.iter().map(|(slot, take)| (*slot, take)).collect();
        takes.sort_by_key(|(slot, take)| (!wishes.contains_key(&take.id), *slot != heard));
        let target = |take: &Take| {
            let key = wishes.get(&take.id).copied().unwrap_or(take.key);
            Target { bpm: self.tempo.unwrap_or(take.sound.bpm), rate, key }
        };
        let targets = takes.into_iter().map(|(_, take)| (take, target(take)));
        let mut unfitted = targets.filter(|(take, to)| !fit::is_fitted(take, to));
        // Another target deserves another try, and so does a user who asks again.
        let is_same = |id: &u64, to: &Target| {
            to.rate == rate && self.tempo.is_none_or(|tempo| to.bpm == tempo) && !wishes.contains_key(id)
        };
        self.failed.retain(|(id, to)| is_same(id, to));
        let (take, to) = unfitted.find(|(take, to)| !self.failed.contains(&(take.id, *to)))?;
        Some(Task { chair: chair.clone(), take: take.clone(), to })
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
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::link;

    const SETTLED: u32 = 4;

    fn session(bpm: f64) -> (Arc<Session>, Arc<Chair>) {
        let session = Session::new(link::pair().0);
        session.readout.set_rate(48_000);
        session.readout.set_tempo(Some(bpm));
        let chair = Arc::new(Chair::new(1, &session));
        (session, chair)
    }

    /// What is to be fitted after each of `tempi`, one a round.
    fn targets(seen: &mut Seen, session: &Session, chair: &Arc<Chair>, tempi: &[f64]) -> Vec<Option<f64>> {
        let target = |tempo: &f64| {
            session.readout.set_tempo(Some(*tempo));
            seen.hear_tempo(session);
            seen.task(chair, SETTLED).map(|task| task.to.bpm)
        };
        tempi.iter().map(target).collect()
    }

    fn take(id: u64, bpm: f64) -> Arc<Take> {
        let recipe = serde_json::from_value(serde_json::json!({
            "engine": "", "bundle": "", "bundle_sha256": "", "prompt": "", "negative": "", "picture": null,
            "picture_sha256": null, "bars": 1, "meter": "4/4", "bpm": bpm, "key": null, "seed": 1, "steps": 4,
            "guidance": 3.0, "influence": 1.0, "sampler": melfusion::request::SamplerKind::default(),
            "composed_bpm": bpm,
        }));
        Arc::new(Take {
            id,
            name: String::new(),
            recipe: recipe.unwrap(),
            latents: [].into(),
            key: None,
            measured: None,
            seen: None,
            sound: Arc::new(Sound::new(vec![[0.0; 2]; 100], 48_000, bpm)),
        })
    }

    #[test]
    fn a_tempo_has_to_stand_still_before_takes_follow_it() {
        let (session, chair) = session(120.0);
        session.project.lock().takes[0] = Some(take(1, 120.0));
        let mut seen = Seen::default();
        let fits = |seen: &mut Seen, tempi: &[f64]| targets(seen, &session, &chair, tempi);
        assert_eq!(fits(&mut seen, &[120.0; 6]), [None; 6], "it fits");
        assert_eq!(fits(&mut seen, &[90.0; 6]), [None, None, None, None, Some(90.0), Some(90.0)]);
        let ramp: Vec<f64> = (0..50).map(|i| 90.0 + f64::from(i) * 0.01).collect();
        assert_eq!(fits(&mut seen, &ramp)[1..], [None; 49], "it moves");
        // So slowly that no two rounds differ, but far all the same.
        let creep: Vec<f64> = (0..50).map(|i| 80.0 + f64::from(i) * 3e-5).collect();
        assert!(fits(&mut seen, &creep).iter().filter(|fit| fit.is_some()).count() < 5);
        assert_eq!(fits(&mut seen, &[1000.0; 9]), [None; 9], "no tempo that can be decoded");
    }

    #[test]
    fn what_is_asked_for_comes_first_and_what_failed_is_not_tried_again() {
        let (session, chair) = session(90.0);
        session.project.lock().takes[3] = Some(take(1, 120.0));
        session.project.lock().takes[5] = Some(take(2, 120.0));
        chair.wish(2, Some("D minor".parse().unwrap()));
        let mut seen = Seen::default();
        let next = |seen: &mut Seen| {
            targets(seen, &session, &chair, &[90.0; 6]);
            seen.task(&chair, SETTLED).map(|task| (task.take.id, task.to))
        };
        let (id, to) = next(&mut seen).unwrap();
        assert_eq!((id, to.key), (2, Some("D minor".parse().unwrap())));
        chair.settle(2, to.key);
        seen.failed.push((2, Target { key: None, ..to }));
        let (id, to) = next(&mut seen).unwrap();
        assert_eq!((id, to.bpm, to.key), (1, 90.0, None));
        seen.failed.push((id, to));
        assert_eq!(next(&mut seen), None);
        targets(&mut seen, &session, &chair, &[91.0; 6]);
        assert!(seen.task(&chair, SETTLED).is_some(), "another tempo is another try");
    }

    #[test]
    fn a_wish_for_what_is_so_already_is_no_wish() {
        let (session, chair) = session(120.0);
        session.project.lock().takes[0] = Some(take(1, 120.0));
        chair.wish(1, None);
        let mut seen = Seen::default();
        assert_eq!(targets(&mut seen, &session, &chair, &[120.0; 6]), [None; 6]);
        // Else it would come true when undo or the user changes the key later.
        assert!(chair.wishes(|_, _| true).is_empty());
    }

    #[test]
    fn every_press_is_heard_once() {
        let (session, _) = session(120.0);
        let mut seen = Seen::default();
        assert!(!seen.hear_press(&session));
        session.readout.press_generate();
        assert!(seen.hear_press(&session));
        assert!(!seen.hear_press(&session));
    }
}
