//! Threads that leave the host its cores: one fewer than there are, and all of them at low priority.
//!
//! The engine's kernels run in the rayon pool that they are called from, so a pool of ours bounds them. The few
//! element-wise operations on large tensors that are still candle's bring threads of its own, one fewer than there are
//! physical cores, that a program sizes by the environment variable `CANDLE_NUM_THREADS` only. A plugin must not change its
//! host's environment, so their number stays. They matter little: of the time that making clips takes on two cores, they
//! take less than half a percent. On Linux they inherit the low priority of the thread that first needs them, which is
//! always one of ours; on macOS candle gives them a high one.
//!
//! `plugin/benches/xruns.rs` measures what becomes of a host's audio thread meanwhile, and which threads take how much time.

use std::num::NonZeroUsize;
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Of 0..=99, where 50 is usual. Niceness 9 on Linux: an eighth of a busy core, where the lowest would be next to none
/// and a clip would wait for the end of an offline render.
const LOW: u8 = 24;

/// Threads that compose: all cores but one, which is the host's.
pub fn composing() -> Result<ThreadPool, ThreadPoolBuildError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    build(cores.saturating_sub(1).max(1), "compose")
}

/// One thread that fits takes, so that a fit neither waits for a generation nor takes its cores.
pub fn fitting() -> Result<ThreadPool, ThreadPoolBuildError> {
    build(1, "fit")
}

fn build(threads: usize, work: &'static str) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        // 15 bytes are all that Linux keeps: the number should be among them.
        .thread_name(move |i| format!("mlfn-{work}-{i}"))
        .start_handler(|_| lower_priority())
        .build()
}

/// Gives everyone else precedence over the calling thread.
pub fn lower_priority() {
    // What a system refuses stays as it is: the music is the same.
    if let Ok(low) = ThreadPriorityValue::try_from(LOW) {
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(low));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_left_to_the_host() {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let pool = composing().unwrap();
        assert_eq!(pool.current_num_threads(), (cores - 1).max(1));
        assert_eq!(fitting().unwrap().current_num_threads(), 1);
    }

    /// Also of the threads that candle starts: they inherit it.
    #[cfg(target_os = "linux")]
    #[test]
    fn threads_and_those_they_start_are_nice() {
        let niceness = |task: &str| {
            let stat = std::fs::read_to_string(format!("/proc/self/task/{task}/stat")).unwrap();
            // The fields after the name, which ends with the last bracket: the 17th is the niceness.
            let fields = stat.rsplit_once(')').unwrap().1.to_string();
            fields.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap()
        };
        let this =
            || std::fs::read_link("/proc/thread-self").unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let of_this_thread = move || niceness(&this());
        let before = of_this_thread();
        let pool = composing().unwrap();
        let nice = pool.install(of_this_thread);
        assert!((5..=15).contains(&nice), "{nice}");
        assert_eq!(pool.install(|| thread::spawn(of_this_thread).join().unwrap()), nice);
        assert_eq!(of_this_thread(), before, "the caller keeps its own");
    }
}
