//! Clips that are made one after the other.

use std::sync::Arc;

use candle_core::Device;
use melfusion::progress::Progress;
use melfusion::service::{Job, Maker, Workshop};
use melfusion::{Clip, Engine, Error};
use melfusion_plugin::link::{self, Inbox};
use melfusion_plugin::project::Frame;
use melfusion_plugin::session::Session;
use melfusion_plugin::worker::ask::Strengths;
use melfusion_plugin::worker::composer::{Composer, Shipped, Source};
use melfusion_plugin::worker::{Seat, Timing, Worker};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::audio::{BPM, RATE};

/// Orders that are never fewer: one is being made, one waits.
const ORDERS: usize = 2;
/// Sides of the pictures, in pixels.
const SIDE: u32 = 256;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pool {
    /// The worker's own.
    Shipped,
    /// One thread per core, at the priority that threads begin with.
    AllCores,
}

/// An instance without a host whose worker always has something to do. Dropping it cancels.
pub struct Load {
    session: Arc<Session>,
    seat: Seat,
    _inbox: Inbox,
    asked: usize,
    /// Clips so far.
    pub made: usize,
}

impl Load {
    pub fn new(pool: Pool) -> Self {
        let (outbox, inbox) = link::pair();
        let session = Session::new(outbox);
        session.readout.set_rate(RATE);
        session.readout.set_tempo(Some(BPM));
        {
            let brief = &mut session.project.lock().brief;
            brief.bars = 4;
            brief.prompt = "calm piano over soft strings".into();
        }
        let seat = match pool {
            Pool::Shipped => Seat::take(session.clone()),
            Pool::AllCores => {
                let worker = Worker::new(Box::new(Elsewhere::all_cores()), Timing::default());
                Seat::take_at(&worker, session.clone())
            }
        };
        seat.wake();
        let mut load = Self { session, seat, _inbox: inbox, asked: 0, made: 0 };
        load.go_on();
        load
    }

    /// Takes what was made out of the project and orders as much.
    pub fn go_on(&mut self) {
        let taken = {
            let mut project = self.session.project.lock();
            project.takes.iter_mut().filter_map(Option::take).count()
        };
        self.made += taken;
        if taken > 0 {
            self.session.publish();
        }
        let failures = self.session.status.lock().notices.iter().filter(|notice| notice.is_error).count();
        assert_eq!(failures, 0, "{:?}", self.session.status.lock().notices);
        while self.asked < self.made + ORDERS {
            let picture = picture(self.asked);
            self.session.project.lock().brief.picture = Some(Arc::new(picture));
            self.seat.generate_with(Strengths::default());
            self.asked += 1;
        }
    }
}

/// One that no cache has seen.
fn picture(number: usize) -> Frame {
    let pixels = (0..(SIDE * SIDE * 3) as usize).map(|i| (i / 3 * (number + 3) / 7 + i % 3 * 50) as u8);
    Frame::from_rgb(SIDE, SIDE, pixels.collect(), "pasted").unwrap()
}

/// The shipped model on these threads.
struct Elsewhere(Arc<ThreadPool>);

struct Moved {
    engine: Engine,
    threads: Arc<ThreadPool>,
}

impl Elsewhere {
    /// On Linux, threads inherit the priority of the one that starts them: so not to be called by the worker.
    fn all_cores() -> Self {
        let threads = ThreadPoolBuilder::new().thread_name(|i| format!("all-cores-{i}"));
        Self(Arc::new(threads.build().unwrap()))
    }
}

impl Source for Elsewhere {
    fn hash(&self) -> Result<String, Error> {
        Shipped.hash()
    }

    fn load(&self, progress: &dyn Progress) -> Result<Composer, Error> {
        let threads = self.0.clone();
        let workshop = Workshop::of(Shipped::find()?, "CPU", move |bundle| {
            Ok(Arc::new(Moved { engine: Engine::load(bundle, Device::Cpu)?, threads: threads.clone() }))
        });
        Composer::here(workshop, String::new(), progress)
    }
}

impl Maker for Moved {
    fn run(&self, job: &Job, progress: &dyn Progress) -> Result<Clip, Error> {
        if job.is_composed() {
            return self.threads.install(|| self.engine.run(job, progress));
        }
        self.engine.run(job, progress)
    }
}
