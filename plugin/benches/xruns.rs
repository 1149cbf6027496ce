//! Whether a host's audio thread keeps its deadlines while clips are made, and which threads make them.
//!
//! ```sh
//! cargo bench -p melfusion-plugin --bench xruns
//! ```
//!
//! A thread wakes every 64 frames at 48 kHz and has an instance, hosted by clack-host, play a take. A period whose work is
//! not done by the next one's beginning is an xrun; the work of every period is done all the same. An xrun is *by threads*
//! if it would have been none had the thread not *waited*, ready, while others ran; the rest is the machine's, as in a
//! virtual one that its host stops now and then. Nothing is generated at first; then clips, each with a new picture, by the worker and the pool that ship, the reading of the model included;
//! last, for comparison, by the same worker on a pool of all cores at the priority that threads begin with.
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
use tasks::Tasks;

/// Of the table; the second is only there to tell what the priority is worth.
const SECONDS: [(Priority, u64); 2] = [(Priority::Realtime, 20), (Priority::Normal, 10)];

fn main() {
    // Under `cargo test --benches` it is only tried out.
    let is_bench = env::args().any(|argument| argument == "--bench");
    let mut instance = Instance::new();
    let score = Score { bars: 4, ..Score::noise(RATE, audio::BPM, 1) };
    assert!(instance.load(&clap_state(project(&[score]))));
    let mut audio = instance.start(RATE, FRAMES as u32);
    print_head();
    let mut shares = Vec::new();
    for pool in [None, Some(Pool::Shipped), Some(Pool::AllCores)] {
        for (priority, seconds) in SECONDS {
            let time = if is_bench { Duration::from_secs(seconds) } else { Duration::from_millis(300) };
            let share = measure(&mut audio, pool, priority, time);
            shares.extend(share.filter(|_| priority == Priority::Realtime).map(|share| (pool, share)));
        }
    }
    instance.stop(audio);
    println!();
    println!("Microseconds after a period's beginning, of {} in a period; {}.", micros(audio::start_of(1)), machine());
    for (pool, share) in &shares {
        println!("\nCPU time while clips are made {}, audio thread in real time:\n\n{share}", about(*pool));
    }
}

/// Prints a row. If clips were made: which threads took how much time meanwhile.
fn measure(audio: &mut Audio, pool: Option<Pool>, priority: Priority, time: Duration) -> Option<Tasks> {
    // What was cancelled before ends within a step.
    thread::sleep(Duration::from_secs(1));
    let before = Tasks::now();
    let mut load = pool.map(Load::new);
    let (periods, refusal, share) = thread::scope(|scope| {
        let attend = || {
            let (periods, refusal) = audio::attend(audio, priority, time);
            // By the audio thread: it is one of them.
            (periods, refusal, Tasks::now().since(&before))
        };
        let audio = thread::Builder::new().name("audio".into()).spawn_scoped(scope, attend).unwrap();
        while !audio.is_finished() {
            load.iter_mut().for_each(Load::go_on);
            thread::sleep(Duration::from_millis(20));
        }
        audio.join().unwrap()
    });
    let clips = load.map(|load| load.made);
    print_row(about(pool), &about_priority(priority, refusal), &periods, clips);
    pool.map(|_| share)
}

fn print_head() {
    println!(
        "| clips are made | audio thread | periods | xruns | by threads | waited: max | woke: p50 | p99 | p99.9 | max | done: p50 | p99 | p99.9 | \
         max | clips |"
    );
    println!("| --- | --- |{}", " ---: |".repeat(13));
}

fn print_row(load: &str, priority: &str, periods: &[Period], clips: Option<usize>) {
    let count = |is_one: fn(&Period) -> bool| periods.iter().filter(|period| is_one(period)).count();
    let (xruns, by_threads) = (count(Period::is_xrun), count(Period::is_held_up));
    let waited = periods.iter().map(|period| period.waited).max().map_or(String::new(), micros);
    let percentiles = |of: fn(&Period) -> Duration| {
        let mut times: Vec<Duration> = periods.iter().map(of).collect();
        times.sort_unstable();
        [0.5, 0.99, 0.999, 1.0].map(|share| micros(times[((times.len() - 1) as f64 * share) as usize])).join(" | ")
    };
    let (woke, done) = (percentiles(|period| period.woke), percentiles(|period| period.done));
    let clips = clips.map_or(String::new(), |clips| clips.to_string());
    println!(
        "| {load} | {priority} | {} | {xruns} | {by_threads} | {waited} | {woke} | {done} | {clips} |",
        periods.len()
    );
}

fn about(pool: Option<Pool>) -> &'static str {
    match pool {
        None => "not at all",
        Some(Pool::Shipped) => "as shipped",
        Some(Pool::AllCores) => "on all cores, at normal priority",
    }
}

fn about_priority(priority: Priority, refusal: Option<String>) -> String {
    match (priority, refusal) {
        (Priority::Realtime, None) => "real-time".into(),
        (Priority::Realtime, Some(refusal)) => format!("normal; real-time was refused ({refusal})"),
        (Priority::Normal, _) => "normal".into(),
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
