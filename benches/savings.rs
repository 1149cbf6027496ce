//! Prints what fewer steps, less guidance, an early end and shared coarse levels save, and how far they move the music.
//!
//! ```sh
//! cargo bench --bench savings
//! ```
//!
//! Distance is the mean difference of the mel spectrogram's natural logarithms from what 100 steps without any saving
//! make of the same noise; the first line says how far another seed is. Times are of the whole clip with a known picture,
//! against 20 steps without savings in the same run.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

#[allow(dead_code, reason = "shared by several benchmarks")]
mod piece;

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use candle_core::Device;
use melfusion::bundle::Defaults;
use melfusion::progress::Silent;
use melfusion::request::{Request, RequestFields};
use melfusion::{Bundle, Engine, Error};

/// Words that ask for very different music.
const PROMPTS: [&str; 4] = [
    piece::PROMPT,
    "synthwave with saw lead, synth bass and drums",
    "dark ambient drone with warm pad",
    "joyful folk guitar and flute",
];
/// Steps, share without guidance, share not walked, steps that share coarse levels.
const CASES: [(u32, f64, f64, usize); 20] = [
    (30, 0.0, 0.0, 1),
    (20, 0.0, 0.0, 1),
    (16, 0.0, 0.0, 1),
    (12, 0.0, 0.0, 1),
    (10, 0.0, 0.0, 1),
    (8, 0.0, 0.0, 1),
    (20, 0.2, 0.0, 1),
    (20, 0.4, 0.0, 1),
    (20, 0.5, 0.0, 1),
    (20, 0.6, 0.0, 1),
    (20, 0.0, 0.0, 2),
    (20, 0.0, 0.0, 3),
    (20, 0.4, 0.0, 2),
    (16, 0.4, 0.0, 2),
    (12, 0.4, 0.0, 1),
    (12, 0.4, 0.0, 2),
    (20, 0.0, 0.32, 1),
    (20, 0.4, 0.32, 1),
    (20, 0.4, 0.45, 1),
    (20, 0.8, 0.45, 1),
];
/// Of the noise.
const SEED: u64 = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if env::args().all(|argument| argument != "--bench") {
        return Ok(()); // Under `cargo test --benches` there is nothing to try out that takes less than a minute.
    }
    let folder = tempfile::tempdir()?;
    let plain = engine(folder.path(), 0.0, 0.0, 1)?;
    let reference = all(&plain, 100, SEED)?;
    println!("| Steps | Without guidance | Not walked | Coarse levels shared by | Distance | Time |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    println!("| 100 | another seed | | | {:.3} | |", distance(&reference, &all(&plain, 100, SEED + 1)?));
    for (steps, unguided, unwalked, deep_steps) in CASES {
        let other = engine(folder.path(), unguided, unwalked, deep_steps)?;
        let made = all(&other, steps, SEED)?;
        let ratio = fastest(&other, steps)?.as_secs_f64() / fastest(&plain, 20)?.as_secs_f64();
        let [unguided, unwalked] = [unguided, unwalked].map(|share| 100.0 * share);
        let distance = distance(&reference, &made);
        println!("| {steps} | {unguided:.0} % | {unwalked:.0} % | {deep_steps} | {distance:.3} | {ratio:.2} |");
    }
    Ok(())
}

/// The mini bundle with other defaults.
fn engine(
    folder: &Path,
    unguided: f64,
    unwalked: f64,
    deep_steps: usize,
) -> Result<Engine, Box<dyn std::error::Error>> {
    let mini = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundles/mini");
    for entry in fs::read_dir(&mini)?.collect::<io::Result<Vec<_>>>()? {
        let copy = folder.join(entry.file_name());
        if entry.file_type()?.is_file() && !copy.exists() {
            fs::copy(entry.path(), copy)?;
        }
    }
    let manifest = fs::read_to_string(mini.join("manifest.toml"))?;
    let is_ours = |line: &&str| ["unguided =", "unwalked =", "deep_steps ="].iter().any(|name| line.starts_with(name));
    let kept = manifest.lines().filter(|line| !is_ours(line));
    let ours = format!("[defaults]\nunguided = {unguided:?}\nunwalked = {unwalked:?}\ndeep_steps = {deep_steps}");
    let manifest = kept.collect::<Vec<_>>().join("\n").replace("[defaults]", &ours);
    fs::write(folder.join("manifest.toml"), manifest)?;
    Ok(Engine::load(&Bundle::open(folder)?, Device::Cpu)?)
}

fn request(defaults: &Defaults, prompt: &str, steps: u32, seed: u64) -> Result<Request, Error> {
    Request::new(RequestFields {
        prompt: prompt.into(),
        picture: Some(piece::picture(0)?),
        bars: 4,
        bpm: 120.0,
        seed,
        steps,
        guidance: defaults.guidance,
        sampler: defaults.sampler,
        ..Default::default()
    })
}

/// The mel spectrograms of all prompts.
fn all(engine: &Engine, steps: u32, seed: u64) -> Result<Vec<Vec<f32>>, Error> {
    let make = |prompt: &&str| {
        let clip = engine.generate(&request(&engine.manifest().defaults, prompt, steps, seed)?, &Silent)?;
        Ok(engine.mel(&clip)?.0)
    };
    PROMPTS.iter().map(make).collect()
}

fn fastest(engine: &Engine, steps: u32) -> Result<Duration, Error> {
    let request = request(&engine.manifest().defaults, PROMPTS[0], steps, SEED)?;
    let time = || {
        let start = Instant::now();
        engine.generate(&request, &Silent).map(|_| start.elapsed())
    };
    time()?; // learns the picture
    let times = (0..3).map(|_| time()).collect::<Result<Vec<_>, _>>()?;
    Ok(times.into_iter().min().unwrap_or_default())
}

fn distance(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let differences = a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| f64::from((x - y).abs()));
    let count = a.iter().map(Vec::len).sum::<usize>();
    differences.sum::<f64>() / count as f64
}
