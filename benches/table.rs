//! Prints the README's table of times, in Markdown.
//!
//! ```sh
//! cargo bench --bench table
//! ```

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod piece;

use std::time::{Duration, Instant};
use std::{env, fs, thread};

use candle_core::Device;
use melfusion::{Bundle, Engine, Error};

use self::piece::{Part, Times};

/// What the command prints its medians of; each run is made with a new picture and with the same picture again.
const RUNS: usize = 5;

fn main() -> Result<(), Error> {
    // Under `cargo test --benches` it is only tried out.
    let runs = if env::args().any(|argument| argument == "--bench") { RUNS } else { 1 };
    let bundle = Bundle::mini()?;
    let start = Instant::now();
    let engine = Engine::load(&bundle, Device::Cpu)?;
    let loading = start.elapsed();
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for number in 0..runs {
        let request = piece::request(&engine.manifest().defaults, piece::picture(number)?)?;
        new.push(piece::make(&engine, &request, None)?.0);
        known.push(piece::make(&engine, &request, None)?.0);
    }
    print_table(&new, &known, engine.manifest().defaults.steps);
    println!();
    println!(
        "Medians of {runs} runs of `cargo bench --bench table` on {}; the clip is 8 s long (4 bars at 120 bpm, 48 kHz \
         stereo). Loading the bundle {} takes {:.0} ms more, once.{}",
        machine(),
        engine.manifest().name,
        milliseconds(loading),
        peak_memory().map(|mb| format!(" Peak memory: {mb} MB.")).unwrap_or_default(),
    );
    Ok(())
}

fn print_table(new: &[Times], known: &[Times], steps: usize) {
    let whole = median(new, Times::total);
    let row = |name: &str, ms: f64| println!("| {name} | {ms:.0} ms | {:.1} % |", 100.0 * ms / whole);
    println!("| Stage | Time | Share |");
    println!("| --- | ---: | ---: |");
    row("Words: prompt and negative prompt to tokens", median(new, |times| times.of(Part::Text)));
    row(&format!("Picture: encoded, inverted in {steps} steps"), median(new, |times| times.of(Part::Picture)));
    row("Music: the walk", median(new, |times| times.of(Part::Music)));
    row("Sound: notes to stereo", median(new, |times| times.of(Part::Decoder)));
    row("Sound: sample rate, loudness", median(new, |times| times.of(Part::Finish)));
    row("**Clip, new picture**", whole);
    row("**Clip, picture seen before**", median(known, Times::total));
}

/// In milliseconds.
fn median(runs: &[Times], time: impl Fn(&Times) -> Duration) -> f64 {
    let mut times: Vec<Duration> = runs.iter().map(time).collect();
    times.sort();
    milliseconds(times[times.len() / 2])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Processor, its cores and how many threads were used: fewer where the process may not have them all.
fn machine() -> String {
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.to_string());
    let listed = fs::read_to_string("/proc/cpuinfo").map_or(0, |text| text.matches("processor\t:").count());
    let free = thread::available_parallelism().map_or(1, usize::from);
    let (cores, threads) = (listed.max(free), rayon::current_num_threads());
    format!("{model} (cores: {cores}, threads used: {threads}, {})", env::consts::OS)
}

/// Most memory that this process ever held, in MB; only Linux says.
fn peak_memory() -> Option<u64> {
    let kib: u64 = field("/proc/self/status", "VmHWM")?.trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024 / 1_000_000)
}

/// The first value of `name` in a file of lines `name: value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_string());
    text.lines().find_map(value)
}
