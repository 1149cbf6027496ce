//! Instances without a host.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use melfusion_plugin::link::{self, Delivery, Inbox};
use melfusion_plugin::params::MelfusionParams;
use melfusion_plugin::project::{Cue, Sound, Take};
use melfusion_plugin::session::{Fitting, Place, Session};
use melfusion_plugin::worker::ask::Strengths;
use melfusion_plugin::worker::{Seat, Timing, Worker};

use crate::fake::{self, Script};

pub const QUICK: Strengths = Strengths { influence: 1.0, guidance: 3.0, steps: 4 };

/// Rounds that follow each other at once; idleness that never comes.
pub const TIMING: Timing =
    Timing { round: Duration::from_millis(2), settled_rounds: 4, idle: Duration::from_secs(3600) };

/// One instance.
pub struct Instance {
    pub session: Arc<Session>,
    pub seat: Seat,
    pub inbox: Inbox,
    _params: Arc<MelfusionParams>,
}

pub fn worker(script: &Arc<Script>) -> Arc<Worker> {
    Worker::new(script.source(), TIMING)
}

impl Instance {
    /// Activated at 48 kHz and 120 bpm, with one bar to generate.
    pub fn new(worker: &Arc<Worker>) -> Self {
        let (outbox, inbox) = link::pair();
        let session = Session::new(outbox);
        let params = Arc::new(MelfusionParams::new(&session));
        session.set_params(Arc::downgrade(&params));
        session.readout.set_rate(48_000);
        session.readout.set_tempo(Some(120.0));
        session.project.lock().brief.bars = 1;
        let seat = Seat::take_at(worker, session.clone());
        seat.wake();
        Self { session, seat, inbox, _params: params }
    }

    pub fn generate(&self, prompt: &str) {
        self.session.project.lock().brief.prompt = prompt.into();
        self.seat.generate_with(QUICK);
    }

    pub fn take(&self, slot: usize) -> Option<Arc<Take>> {
        self.session.project.lock().takes[slot].clone()
    }

    pub fn count(&self) -> usize {
        self.session.project.lock().takes.iter().flatten().count()
    }

    /// Waits for a take in `slot`.
    pub fn await_take(&self, slot: usize) -> Arc<Take> {
        until("a take", || self.take(slot).is_some());
        self.take(slot).unwrap()
    }

    /// Waits until all takes are fitted to the host's tempo, `bpm`.
    pub fn await_fits(&self, bpm: f64) {
        let fitting = Some(Fitting { bpm, is_ready: true });
        until("all fits", || self.session.status.lock().fitting == fitting);
    }

    /// Changes the host's tempo and has takes heard as they are fitted to it.
    pub fn follow(&self, bpm: f64) {
        self.session.readout.set_tempo(Some(bpm));
        self.await_fits(bpm);
        self.seat.adopt();
    }

    /// Waits for another sound in `slot` than `old`.
    pub fn await_fit(&self, slot: usize, old: &Arc<Sound>) -> Arc<Take> {
        until("a fit", || self.take(slot).is_some_and(|take| !Arc::ptr_eq(&take.sound, old)));
        self.take(slot).unwrap()
    }

    pub fn notice(&self, place: Place) -> Option<String> {
        let status = self.session.status.lock();
        status.notices.iter().find(|notice| notice.place == place).map(|notice| notice.text.clone())
    }

    pub fn await_notice(&self, place: Place) -> String {
        until("a notice", || self.notice(place).is_some());
        self.notice(place).unwrap()
    }

    pub fn is_idle(&self) -> bool {
        self.session.status.lock().job.is_none()
    }

    /// Clips placed with the player since the last call, as slot and length.
    pub fn placed(&mut self) -> Vec<(usize, usize)> {
        let deliveries = std::iter::from_fn(|| self.inbox.pop());
        let placed = deliveries.filter_map(|delivery| match delivery {
            Delivery::Place { slot, clip } => Some((slot, clip.frames().len())),
            Delivery::Clear { .. } => None,
        });
        placed.collect()
    }

    /// Puts a take of another bundle than the fake's into `slot`: it can only be stretched.
    pub fn import(&self, slot: usize) -> Arc<Take> {
        let request =
            melfusion::Request::new(melfusion::request::RequestFields { bpm: 120.0, bars: 1, ..Default::default() });
        let clip = fake::clip(fake::recipe(&request.unwrap(), "another"), 48_000);
        let frames = clip.audio.channels()[0].iter().map(|x| [*x; 2]).collect();
        let take = Arc::new(Take {
            id: slot as u64 + 1,
            name: format!("import {slot}"),
            latents: clip.state().into(),
            recipe: clip.recipe,
            key: None,
            measured: None,
            seen: None,
            sound: Arc::new(Sound::new(frames, 48_000, 120.0)),
        });
        self.session.project.lock().takes[slot] = Some(take.clone());
        take
    }
}

/// Waits for something that must happen; five minutes are for ever.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(300), "waited in vain for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A cue of one bar with these words on the instance's storyboard; answers its id.
#[allow(dead_code, reason = "not all tests have a storyboard")]
pub fn add_cue(instance: &Instance, words: &str) -> u64 {
    let mut project = instance.session.project.lock();
    let cue = Cue { words: words.into(), bars: 1, ..Cue::new(project.fresh_id(), None) };
    let id = cue.id;
    assert_eq!(project.board.insert(usize::MAX, vec![cue]), 0);
    id
}
