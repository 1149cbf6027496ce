//! Whether a host's audio thread keeps its deadlines while clips are made, and which threads make them.
//!
//! ```sh
//! cargo bench -p melfusion-plugin --bench xruns
//! ```
//!
//! A thread wakes every 64 frames at 48 kHz and has an instance, hosted by clack-host, play a take. A period whose work is
//! not done by the next one's beginning is an xrun; the work of every period is done all the same. Nothing is generated at
//! first; then clips, each with a new picture, by the worker and the pool that ship, the reading of the model included;
//! then, for comparison, by the same worker on a pool of all cores at the priority that threads begin with. All of it in
//! several rounds, so that a machine's bad minute meets every row.
//!
//! An xrun is *queued* if it would have been none had the thread not waited for a core, ready to run. Only those can be
//! other threads' doing, though not all need be: a virtual machine whose host stops it for some milliseconds, as many do
//! that have a share of their cores only, gives xruns of both kinds. What the first row has is the machine's.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints")]

#[path = "xruns/audio.rs"]
mod audio;
#[path = "../tests/host/fixture.rs"]
mod fixture;
#[path = "../tests/host/instance.rs"]
mod instance;
#[path = "xruns/load.rs"]
mod load;
#[path = "xruns/tasks.rs"]
mod tasks;
#[path = "../tests/host/transport.rs"]
mod transport;

use std::time::Duration;
use std::{env, fs, thread};

use audio::{FRAMES, Period, Priority, RATE};
use fixture::{Score, clap_state, project};
use instance::{Audio, Instance};
use load::{Load, Pool};
use tasks::{Shares, Tasks};

const ROUNDS: usize = 4;
/// Of a row in a round. The second is only there to tell what the priority is worth.
const MILLISECONDS: [(Priority, u64); 2] = [(Priority::Realtime, 5_000), (Priority::Normal, 2_500)];

/// What was measured of one kind of load and one priority.
struct Row {
    pool: Option<Pool>,
    priority: Priority,
    /// Of a round.
    time: Duration,
    periods: Vec<Period>,
    /// Why the priority is not what it should be.
    refusal: Option<String>,
    clips: usize,
    shares: Shares,
}

fn main() {
    // Under `cargo test --benches` it is only tried out.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let mut rows = rows(if is_bench { 1 } else { 10 });
    let mut instance = Instance::new();
    let score = Score { bars: 4, ..Score::noise(RATE, audio::BPM, 1) };
    assert!(instance.load(&clap_state(project(&[score]))));
    let mut audio = instance.start(RATE, FRAMES as u32);
    for _ in 0..if is_bench { ROUNDS } else { 1 } {
        rows.iter_mut().for_each(|row| row.measure(&mut audio));
    }
    instance.stop(audio);
    print_table(&rows);
    for row in rows.iter().filter(|row| row.pool.is_some() && row.priority == Priority::Realtime) {
        println!("\nCPU time while clips are made {}, audio thread in real time:\n\n{}", about(row.pool), row.shares);
    }
}

fn rows(shorter: u64) -> Vec<Row> {
    let pools = [None, Some(Pool::Shipped), Some(Pool::AllCores)];
    let kinds = pools.into_iter().flat_map(|pool| MILLISECONDS.map(|(priority, time)| (pool, priority, time)));
    let row = |(pool, priority, time)| Row {
        pool,
        priority,
        time: Duration::from_millis(time / shorter),
        periods: vec![],
        refusal: None,
        clips: 0,
        shares: Shares::default(),
    };
    kinds.map(row).collect()
}

impl Row {
    fn measure(&mut self, audio: &mut Audio) {
        // What was cancelled before ends within a step.
        thread::sleep(Duration::from_millis(300));
        let before = Tasks::now();
        let mut load = self.pool.map(Load::new);
        let (priority, time) = (self.priority, self.time);
        let (periods, refusal, after) = thread::scope(|scope| {
            let attend = || {
                let (periods, refusal) = audio::attend(audio, priority, time);
                // By the audio thread: it is one of them.
                (periods, refusal, Tasks::now())
            };
            let audio = thread::Builder::new().name("audio".into()).spawn_scoped(scope, attend).unwrap();
            while !audio.is_finished() {
                load.iter_mut().for_each(Load::go_on);
                thread::sleep(Duration::from_millis(20));
            }
            audio.join().unwrap()
        });
        self.periods.extend(periods);
        self.refusal = refusal;
        self.clips += load.map_or(0, |load| load.made);
        self.shares.add(&before, &after);
    }

    fn percentiles(&self, of: fn(&Period) -> Duration) -> String {
        let mut times: Vec<Duration> = self.periods.iter().map(of).collect();
        times.sort_unstable();
        [0.5, 0.99, 0.999, 1.0].map(|share| micros(times[((times.len() - 1) as f64 * share) as usize])).join(" | ")
    }

    fn priority(&self) -> String {
        match (self.priority, &self.refusal) {
            (Priority::Realtime, None) => "real-time".into(),
            (Priority::Realtime, Some(refusal)) => format!("normal: real-time was refused ({refusal})"),
            (Priority::Normal, _) => "normal".into(),
        }
    }
}

fn print_table(rows: &[Row]) {
    println!(
        "| clips are made | audio thread | clips | periods | xruns | queued | woke: p50 | p99 | p99.9 | max | done: p50 \
         | p99 | p99.9 | max |"
    );
    println!("| --- | --- |{}", " ---: |".repeat(12));
    for row in rows {
        let count = |is_one: fn(&Period) -> bool| row.periods.iter().filter(|period| is_one(period)).count();
        let (xruns, queued) = (count(Period::is_xrun), count(Period::is_queued));
        let (woke, done) = (row.percentiles(|period| period.woke), row.percentiles(|period| period.done));
        let (pool, priority, clips, periods) = (about(row.pool), row.priority(), row.clips, row.periods.len());
        println!("| {pool} | {priority} | {clips} | {periods} | {xruns} | {queued} | {woke} | {done} |");
    }
    println!();
    println!("Microseconds after a period's beginning, of {} in a period; {}.", micros(audio::start_of(1)), machine());
}

fn about(pool: Option<Pool>) -> &'static str {
    match pool {
        None => "not at all",
        Some(Pool::Shipped) => "as shipped",
        Some(Pool::AllCores) => "on all cores, at normal priority",
    }
}

fn micros(time: Duration) -> String {
    format!("{:.0}", time.as_secs_f64() * 1e6)
}

/// Processor and its cores.
fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{} with {cores} cores, {}", model.unwrap_or(env::consts::ARCH), env::consts::OS)
}
