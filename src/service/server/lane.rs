//! Jobs of one kind, done one at a time, and whose turn it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::{Condvar, Mutex};
use rayon::ThreadPool;

use super::guest::Guest;
use super::{Server, told_to_end};
use crate::clip::Clip;
use crate::error::{Error, Stage};
use crate::progress::Progress;
use crate::service::message::FromWorker;
use crate::service::queue::Queue;
use crate::service::{Failure, Job, panic_words, pool};

/// Orders that wait and the one that is being filled.
#[derive(Default)]
pub struct Lane {
    orders: Mutex<Orders>,
    /// Rung when there is something to do.
    bell: Condvar,
}

#[derive(Default)]
struct Orders {
    waiting: Queue<Order>,
    is_working: bool,
    is_closed: bool,
}

/// A job of a client.
pub struct Order {
    pub guest: Arc<Guest>,
    /// The client's number of it.
    pub job: u64,
    pub work: Job,
    /// Whether it was cancelled.
    pub withdrawn: Arc<AtomicBool>,
}

impl Lane {
    /// Puts an order behind its client's others; `false` if no more are taken.
    pub fn push(&self, order: Order) -> bool {
        let mut orders = self.orders.lock();
        if !orders.is_closed {
            orders.waiting.push(order.guest.id, order);
            self.bell.notify_all();
        }
        !orders.is_closed
    }

    /// Forgets a client and what it has waiting.
    pub fn forget(&self, guest: u64) {
        self.orders.lock().waiting.forget(guest);
    }

    /// Takes an order back, if it still waits.
    pub fn remove(&self, guest: u64, job: u64) -> Option<Order> {
        self.orders.lock().waiting.take(guest, |order| order.job == job)
    }

    /// Takes no more orders, and gives back those that wait. The thread ends when it is done with its present one.
    pub fn close(&self) -> Vec<Order> {
        let mut orders = self.orders.lock();
        orders.is_closed = true;
        self.bell.notify_all();
        std::iter::from_fn(|| orders.waiting.pop()).collect()
    }

    /// None of these takes orders any more, unless one of them has some.
    pub fn close_if_idle<const N: usize>(lanes: [&Self; N]) -> bool {
        let mut orders = lanes.map(|lane| lane.orders.lock());
        let is_idle = !orders.iter().any(|orders| orders.is_busy());
        orders.iter_mut().for_each(|orders| orders.is_closed |= is_idle);
        is_idle
    }

    pub fn is_busy(&self) -> bool {
        self.orders.lock().is_busy()
    }

    /// Waits for the next order; `None` if there will be none.
    fn next(&self) -> Option<Order> {
        let mut orders = self.orders.lock();
        loop {
            if orders.is_closed {
                return None;
            }
            if let Some(order) = orders.waiting.pop() {
                orders.is_working = true;
                return Some(order);
            }
            self.bell.wait(&mut orders);
        }
    }

    fn done(&self) {
        let mut orders = self.orders.lock();
        orders.waiting.done();
        orders.is_working = false;
    }
}

impl Orders {
    fn is_busy(&self) -> bool {
        self.is_working || !self.waiting.is_empty()
    }
}

impl Server {
    /// A lane's thread.
    pub(super) fn work(&self, lane: &Lane, pool: &ThreadPool) {
        pool::lower_priority();
        while let Some(order) = lane.next() {
            let result = self.fill(&order, pool);
            self.stay.rest();
            let is_told_to_end = self.is_ending.load(SeqCst) && matches!(result, Err(Failure::Cancelled));
            order.guest.answer(order.job, if is_told_to_end { Err(told_to_end()) } else { result });
            if self.shelf.is_loaded() {
                self.announce(self.loaded());
            }
            // Only now: who sees that nothing is being done must find the answer sent.
            lane.done();
        }
    }

    fn fill(&self, order: &Order, pool: &ThreadPool) -> Result<Clip, Failure> {
        let compose = || -> Result<Clip, Error> {
            if order.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let engine = self.engine_for(&order.guest, |is_loaded| order.step(Stage::Load, is_loaded.into(), 1))?;
            engine.run(&order.work, order)
        };
        match catch_unwind(AssertUnwindSafe(|| pool.install(compose))) {
            Ok(result) => result.map_err(|error| Failure::from(&error)),
            Err(panic) => {
                // Whatever it was, weights that a panic went through are not trusted again.
                self.unload();
                Err(Failure::Panicked { words: panic_words(&*panic) })
            }
        }
    }
}

impl Progress for Order {
    fn step(&self, stage: Stage, done: usize, total: usize) {
        let [done, total] = [done, total].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        self.guest.tell(FromWorker::Progress { job: self.job, stage, done, total });
    }

    fn is_cancelled(&self) -> bool {
        self.withdrawn.load(SeqCst)
    }
}
