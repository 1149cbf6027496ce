//! A host's audio thread.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::thread;
use std::time::{Duration, Instant};

use thread_priority::{ThreadPriority, ThreadPriorityValue};

use crate::instance::Audio;
use crate::transport::Song;

pub const RATE: u32 = 48_000;
pub const BPM: f64 = 120.0;
/// Of a period.
pub const FRAMES: usize = 64;

/// Of 1..=99 on Linux and 15..=47 on macOS. Hosts take 5 to 88; nothing else here runs at any.
const REALTIME: u8 = 40;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Priority {
    /// What hosts ask for: precedence over every thread that has none.
    Realtime,
    /// What a thread has that asks for nothing.
    Normal,
}

/// What became of one period.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// When the thread ran, counted from the period's beginning.
    pub woke: Duration,
    /// When its work was done, counted from there too.
    pub done: Duration,
    /// For how long it was ready meanwhile, but without a core. What one late period hands to the next is in it.
    pub waited: Duration,
}

impl Period {
    /// Whether the next period had begun when its work was done.
    pub fn is_xrun(&self) -> bool {
        self.done > start_of(1)
    }

    /// Whether it is one only because the thread waited.
    pub fn is_queued(&self) -> bool {
        self.is_xrun() && self.done.saturating_sub(self.waited) <= start_of(1)
    }
}

/// Plays for `time`, period after period. Also why the system refuses the priority; then it is the normal one.
pub fn attend(audio: &mut Audio, priority: Priority, time: Duration) -> (Vec<Period>, Option<String>) {
    let refusal = match priority {
        Priority::Realtime => run_realtime().err().map(|error| format!("{error:?}")),
        Priority::Normal => None,
    };
    let song = Song::new(RATE, BPM);
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    // Ones, so that the memory is there before the clock runs.
    let unknown = Period { woke: Duration::MAX, done: Duration::MAX, waited: Duration::MAX };
    let mut periods = vec![unknown; (time.as_nanos() / start_of(1).as_nanos()) as usize];
    let queue = RunQueue::of_this_thread();
    let (mut waited, mut carried) = (queue.waited(), Duration::ZERO);
    let begin = Instant::now() + start_of(1);
    for (number, period) in periods.iter_mut().enumerate() {
        let start = begin + start_of(number);
        // To an instant of the plan, not for a length: what is late once makes nothing later. Whoever is held up between
        // the clock and the sleep wakes later than by a call that sleeps until an instant; that counts against us.
        thread::sleep(start.saturating_duration_since(Instant::now()));
        period.woke = start.elapsed();
        let head = song.at((number * FRAMES) as i64);
        audio.process([&mut left, &mut right], Some(&head), &[]);
        period.done = start.elapsed();
        let until_now = queue.waited();
        period.waited = carried + (until_now - waited);
        waited = until_now;
        carried = if period.is_xrun() { period.waited } else { Duration::ZERO };
    }
    assert!(left.iter().any(|sample| *sample != 0.0), "the take plays");
    (periods, refusal)
}

/// When period `number` begins, after the first.
pub fn start_of(number: usize) -> Duration {
    Duration::from_nanos((number * FRAMES) as u64 * 1_000_000_000 / u64::from(RATE))
}

fn run_realtime() -> Result<(), thread_priority::Error> {
    let priority = ThreadPriority::Crossplatform(ThreadPriorityValue::try_from(REALTIME).unwrap());
    #[cfg(unix)]
    {
        use thread_priority::{RealtimeThreadSchedulePolicy, ThreadSchedulePolicy};
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        thread_priority::set_thread_priority_and_policy(thread_priority::thread_native_id(), priority, policy)
    }
    #[cfg(not(unix))]
    {
        let _ = priority;
        thread_priority::set_current_thread_priority(ThreadPriority::Max)
    }
}

/// How long the thread that made it was ready to run, but did not. Only Linux says; elsewhere it is never.
struct RunQueue(Option<File>);

impl RunQueue {
    fn of_this_thread() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    fn waited(&self) -> Duration {
        let nanos = || {
            let mut file = self.0.as_ref()?;
            let mut text = [0; 128];
            file.seek(SeekFrom::Start(0)).ok()?;
            let length = file.read(&mut text).ok()?;
            str::from_utf8(&text[..length]).ok()?.split_whitespace().nth(1)?.parse().ok()
        };
        Duration::from_nanos(nanos().unwrap_or(0))
    }
}
