//! The worker as threads of this process: as the process, but that it cannot die alone.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Weak};

use melfusion::clip::State;
use melfusion::engine::Redecoding;
use melfusion::error::{Error, Stage};
use melfusion::progress::{Progress, Silent};
use melfusion::request::RequestFields;
use melfusion::service::{Client, EngineState, Job, Maker, Workshop};
use melfusion::{Bundle, Clip, Engine};

use crate::house::{ENGINE_HERE, WAVE, client_here, endless, engine, job, quick, until};

/// The engine, which panics where it is asked to, and whether its jobs ended because they were cancelled.
struct Observed {
    engine: Engine,
    steps: AtomicUsize,
    ends: Mutex<Sender<bool>>,
}

impl Observed {
    fn new() -> (Arc<Self>, Receiver<bool>) {
        let (ends, ended) = channel();
        (Arc::new(Self { engine: engine(), steps: AtomicUsize::new(0), ends: ends.into() }), ended)
    }
}

impl Maker for Observed {
    fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        if matches!(job, Job::Generate(request) if request.prompt == "panic") {
            panic!("on request");
        }
        let result = self.engine.run(job, &Counted { progress, steps: &self.steps });
        let _ = self.ends.lock().unwrap().send(matches!(result, Err(Error::Cancelled)));
        result
    }
}

struct Counted<'a> {
    progress: &'a dyn Progress,
    steps: &'a AtomicUsize,
}

impl Progress for Counted<'_> {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        self.steps.fetch_add(usize::from(stage == Stage::Music), SeqCst);
        self.progress.step(stage, done, total);
    }

    fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }
}

/// A client of what `load` gives.
fn client(load: impl Fn() -> Result<Arc<dyn Maker>, Error> + Send + Sync + 'static) -> Client {
    Client::here(Workshop::of(Bundle::open(WAVE).unwrap(), "CPU", move |_| load())).unwrap()
}

fn panicking() -> Job {
    job(RequestFields { prompt: "panic".into(), ..quick(1) })
}

/// No longer wants what has begun to compose.
#[derive(Default)]
struct Fickle(AtomicUsize);

impl Progress for Fickle {
    fn step(&self, stage: Stage, done: usize, _total: usize) {
        self.0.fetch_add(usize::from(stage == Stage::Music && done > 0), SeqCst);
    }

    fn is_cancelled(&self) -> bool {
        self.0.load(SeqCst) > 0
    }
}

#[test]
fn cancelling_stops_the_engine_within_a_step() {
    let (maker, ended) = Observed::new();
    let seen = maker.clone();
    let client = client(move || Ok(maker.clone()));
    assert!(matches!(client.run(&job(endless()), &Fickle::default()), Err(Error::Cancelled)));
    assert!(ended.recv().unwrap());
    // Of two hundred: those that were on their way, and the one under way.
    let steps = seen.steps.load(SeqCst);
    assert!(steps < 20, "{steps} steps");
    client.run(&job(quick(1)), &Silent).unwrap();
    assert!(!ended.recv().unwrap());
}

#[test]
fn a_panic_fails_its_job_with_a_reason_and_the_engine_is_read_again() {
    let (maker, _ended) = Observed::new();
    let loads = Arc::new(AtomicUsize::new(0));
    let count = loads.clone();
    let client = client(move || {
        count.fetch_add(1, SeqCst);
        Ok(maker.clone())
    });
    let whole = client.run(&job(quick(1)), &Silent).unwrap();
    let error = client.run(&panicking(), &Silent).unwrap_err();
    assert!(matches!(error, Error::Panicked { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the engine stopped on a fault of its own (on request); the next clip starts it afresh"
    );
    assert_eq!((client.state(), loads.load(SeqCst)), (EngineState::Unloaded, 1));
    assert_eq!(client.run(&job(quick(1)), &Silent).unwrap().audio, whole.audio);
    assert_eq!(loads.load(SeqCst), 2);
    assert!(matches!(client.state(), EngineState::Loaded { memory: 1.. }));
}

#[test]
fn weights_that_cannot_be_read_are_told_whoever_asks_and_tried_again() {
    let (maker, _ended) = Observed::new();
    let tries = AtomicUsize::new(0);
    let client = client(move || match tries.fetch_add(1, SeqCst) {
        0 | 2 => Err(Error::Bundle { path: "wave".into(), problem: "gone; install it again".into() }),
        1 | 3 => panic!("on request"),
        _ => Ok(maker.clone()),
    });
    let load = || client.load(&Silent).unwrap_err().to_string();
    let run = || client.run(&job(quick(1)), &Silent).unwrap_err().to_string();
    for [gone, broken] in [[load(), load()], [run(), run()]] {
        assert_eq!(gone, "bundle wave: gone; install it again");
        assert!(broken.starts_with("bundle ") && broken.contains("could not be read (on request)"), "{broken}");
        assert_eq!(client.state(), EngineState::Unloaded);
    }
    client.load(&Silent).unwrap();
    assert!(matches!(client.state(), EngineState::Loaded { .. }));
    client.run(&job(quick(1)), &Silent).unwrap();
}

#[test]
fn nobody_has_to_wait_for_weights() {
    struct Impatient;
    impl Progress for Impatient {
        fn step(&self, _stage: Stage, _done: usize, _total: usize) {}

        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let (maker, _ended) = Observed::new();
    let (permit, permitted) = channel::<()>();
    let permitted = Mutex::new(permitted);
    let client = client(move || {
        permitted.lock().unwrap().recv().unwrap();
        Ok(maker.clone())
    });
    assert!(matches!(client.load(&Impatient), Err(Error::Cancelled)));
    until("the weights to be begun", || client.state() == EngineState::Loading);
    permit.send(()).unwrap();
    // They are read once: there is no second permit.
    client.load(&Silent).unwrap();
}

#[test]
fn sound_is_made_again_while_music_is_composed() {
    let client = client_here();
    let clip = client.run(&job(quick(1)), &Silent).unwrap();
    let to = Redecoding { sample_rate: 44_100, ..Default::default() };
    let again = ENGINE_HERE.redecode(&State::from(&clip), to, &Silent).unwrap();
    let endless = client.submit(&job(endless())).unwrap();
    let clip = client.run(&Job::Redecode(Box::new(State::from(&clip)), to), &Silent).unwrap();
    assert_eq!(clip.audio, again.audio);
    drop(endless);
}

#[test]
fn with_the_client_go_its_jobs_and_its_weights() {
    let held: Arc<Mutex<Weak<Observed>>> = Arc::default();
    let latest = held.clone();
    let client = client(move || {
        let maker = Observed::new().0;
        *latest.lock().unwrap() = Arc::downgrade(&maker);
        Ok(maker)
    });
    let mut tickets = [endless(), quick(1)].map(|fields| client.submit(&job(fields)).unwrap());
    until("the engine", || held.lock().unwrap().upgrade().is_some_and(|maker| maker.steps.load(SeqCst) > 0));
    drop(client);
    assert_eq!(held.lock().unwrap().strong_count(), 0);
    for ticket in &mut tickets {
        let error = ticket.wait(&Silent).unwrap_err();
        assert!(matches!(error, Error::Worker { .. }) && error.to_string().contains("told to end"), "{error}");
    }
}
