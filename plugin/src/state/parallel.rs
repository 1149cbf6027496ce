//! A few threads for a moment.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use parking_lot::Mutex;

/// Threads at most.
const THREADS: usize = 4;

/// `work(0)`, `work(1)`, ... on a few threads of its own: pools of the process may be busy composing.
pub fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<Option<T>> {
    let results: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let run = || loop {
        let index = next.fetch_add(1, Relaxed);
        let Some(result) = results.get(index) else { break };
        *result.lock() = Some(work(index));
    };
    let helpers = thread::available_parallelism().map_or(1, usize::from).min(THREADS).min(count).saturating_sub(1);
    thread::scope(|scope| {
        for _ in 0..helpers {
            // Where no thread can be had, the others do the work.
            let _ = thread::Builder::new().name("melfusion-open".into()).spawn_scoped(scope, run);
        }
        run();
    });
    results.into_iter().map(Mutex::into_inner).collect()
}
