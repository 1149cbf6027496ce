//! How long a worker stays, and how long it keeps the weights.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sysinfo::{MemoryRefreshKind, System};

use super::doors::Threads;
use super::lane::Lane;
use super::{Ending, Limits, Server};
use crate::service::Place;
use crate::service::message::EngineState;

/// Between two looks at whether it is time to go.
const ROUND: Duration = Duration::from_millis(100);
/// Rounds between two looks at the machine: its memory, and whether the socket is still there.
const ROUNDS_PER_LOOK: u32 = 20;
/// How long to wait, when ending, for a client that does not listen.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);

/// Since when there has been nothing to do.
pub struct Stay {
    rested: Mutex<Instant>,
    leaves: Mutex<bool>,
    bell: Condvar,
}

impl Default for Stay {
    fn default() -> Self {
        Self { rested: Mutex::new(Instant::now()), leaves: Mutex::new(false), bell: Condvar::new() }
    }
}

impl Stay {
    /// A job has come or ended: idleness begins now.
    pub fn rest(&self) {
        *self.rested.lock() = Instant::now();
    }

    /// Ends the worker at once.
    pub fn leave(&self) {
        *self.leaves.lock() = true;
        self.bell.notify_all();
    }

    fn idle(&self) -> Duration {
        self.rested.lock().elapsed()
    }

    /// Waits a round; says whether to leave.
    fn wait(&self) -> bool {
        let mut leaves = self.leaves.lock();
        if !*leaves {
            self.bell.wait_for(&mut leaves, ROUND);
        }
        *leaves
    }
}

impl Server {
    /// Returns when it is time to go. Lets go of the weights before, if they are not needed.
    pub(super) fn await_end(&self, place: &Place, limits: &Limits, is_asked_to_end: impl Fn() -> bool) -> Ending {
        for round in 1u32.. {
            if self.stay.wait() {
                break;
            }
            if is_asked_to_end() {
                return Ending::Asked;
            }
            if self.is_busy() {
                continue;
            }
            let (idle, is_look) = (self.stay.idle(), round.is_multiple_of(ROUNDS_PER_LOOK));
            let is_over = idle >= limits.exit_after || is_look && !place.can_be_found();
            if is_over && self.close_if_idle() {
                break;
            }
            let is_unneeded = idle >= limits.unload_after || is_look && is_memory_short(limits.keep_free);
            if is_unneeded && self.shelf.is_loaded() {
                self.unload();
            }
        }
        Ending::Idle
    }

    /// Takes no more jobs, unless there are some. A client whose job comes too late starts another worker.
    fn close_if_idle(&self) -> bool {
        Lane::close_if_idle([&self.composing, &self.fitting])
    }

    /// Tells everyone, and goes when they have been told; no socket is left, and whoever comes finds none.
    pub(super) fn end(&self, place: &Place, threads: Threads) {
        self.dismiss();
        // Wakes the thread that lets clients in, which takes the socket away. If somebody else has, it sleeps on.
        if place.connect().is_ok() {
            let _ = threads.door.join();
        }
        threads.lanes.into_iter().for_each(|thread| drop(thread.join()));
        let guests: Vec<_> = std::mem::take(&mut *self.guests.lock()).into_values().collect();
        guests.iter().for_each(|guest| guest.fall_silent());
        for guest in guests {
            guest.cutter.await_flush(FAREWELL);
            guest.cutter.cut();
        }
    }

    pub(super) fn loaded(&self) -> EngineState {
        EngineState::Loaded { memory: memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64) }
    }
}

/// Whether less than this share of the machine's memory is free.
fn is_memory_short(keep_free: f64) -> bool {
    let Ok(mut system) = System::new() else { return false };
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    (system.available_memory() as f64) < system.total_memory() as f64 * keep_free
}
