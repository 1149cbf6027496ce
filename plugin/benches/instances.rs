//! What a host pays for scanning the plugin, for an instance, and for 64 of them that play.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints")]

#[path = "../tests/host/fixture.rs"]
mod fixture;
#[path = "../tests/host/instance.rs"]
mod instance;
#[path = "../tests/host/transport.rs"]
mod transport;

use std::time::{Duration, Instant};

use fixture::{Score, clap_state, project};
use instance::{Audio, Instance};
use transport::Song;

const RATE: u32 = 48_000;
const INSTANCES: usize = 64;

fn main() {
    instantiate();
    println!("\n{INSTANCES} instances, each playing a take of 4 bars at {RATE} Hz");
    let score = Score { bars: 4, ..Score::noise(RATE, 120.0, 1) };
    let state = clap_state(project(&[score]));
    let begin = Instant::now();
    let mut instances: Vec<Instance> = (0..INSTANCES).map(|_| Instance::new()).collect();
    instances.iter_mut().for_each(|instance| assert!(instance.load(&state)));
    println!("  made and loaded in {:.0} ms, {:.0} MiB", ms(begin.elapsed()), mib());
    for frames in [64, 512] {
        let mut audio: Vec<Audio> = instances.iter_mut().map(|one| one.start(RATE, frames as u32)).collect();
        play("copying", &mut audio, frames, 120.0);
        play("stretching", &mut audio, frames, 126.0);
        instances.iter_mut().zip(audio).for_each(|(instance, audio)| instance.stop(audio));
    }
}

/// An entry of a percentile table.
fn percentiles(name: &str, mut times: Vec<Duration>, budget: Option<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let [p50, p99, p999, max] = [0.5, 0.99, 0.999, 1.0].map(|share| at(share).as_secs_f64() * 1e6);
    let share = budget
        .map_or(String::new(), |budget| format!(", p50 is {:.2} % of the block", p50 / budget.as_secs_f64() / 1e4));
    println!("  {name:<28} p50 {p50:>9.1} us  p99 {p99:>9.1}  p99.9 {p999:>9.1}  max {max:>9.1}{share}");
}

fn instantiate() {
    println!("scan and instantiate (linked), each 200 times; {:.0} MiB before", mib());
    let (mut made, mut saved, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..200 {
        let begin = Instant::now();
        let mut instance = Instance::new();
        made.push(begin.elapsed());
        let begin = Instant::now();
        let _ = instance.save();
        saved.push(begin.elapsed());
        let begin = Instant::now();
        drop(instance);
        dropped.push(begin.elapsed());
    }
    percentiles("instance", made, None);
    percentiles("save of an empty project", saved, None);
    percentiles("drop", dropped, None);
    println!("  {:.0} MiB after", mib());
}

/// Ten seconds of all instances, one after the other in every block, as a host's audio thread would run them.
fn play(name: &str, audio: &mut [Audio], frames: usize, bpm: f64) {
    let song = Song::new(RATE, bpm);
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    let blocks = 10 * RATE as usize / frames;
    let mut times = Vec::with_capacity(blocks);
    for block in 0..blocks {
        let head = song.at((block * frames) as i64);
        let begin = Instant::now();
        for one in audio.iter_mut() {
            one.process([&mut left, &mut right], Some(&head), &[]);
        }
        times.push(begin.elapsed());
    }
    let budget = Duration::from_secs_f64(frames as f64 / f64::from(RATE));
    percentiles(&format!("{name}, {frames} frames"), times, Some(budget));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mib() -> f64 {
    memory_stats::memory_stats().map_or(0.0, |memory| memory.physical_mem as f64 / 1048576.0)
}
