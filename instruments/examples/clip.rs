//! Plays a score: `clip SCORE.json FONT OUT.wav [RATE]`, a loop of 32-bit float, and says how long that took.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use std::time::Instant;

use instruments::{Bank, Ensemble, Faders, Rendering, render};
use score::Score;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let score: Score = serde_json::from_slice(&std::fs::read(&arguments[0]).unwrap()).unwrap();
    let rate = arguments.get(3).map_or(48_000, |rate| rate.parse().unwrap());
    let rendering = Rendering { rate, ..Default::default() };
    let begin = Instant::now();
    let ensemble = Ensemble::from(Bank::open(arguments[1].as_ref()).unwrap());
    println!("bank read in {:.3} s", begin.elapsed().as_secs_f64());
    for round in ["first, samples decoded", "second"] {
        let begin = Instant::now();
        let stems = render(&score, &ensemble, &rendering).unwrap();
        let rendered = begin.elapsed().as_secs_f64();
        let mix = stems.mix(&Faders::default());
        println!("{round}: rendered in {rendered:.3} s, mixed in {:.3} s", begin.elapsed().as_secs_f64() - rendered);
        write(&mix, rate, &arguments[2]);
        for stem in &stems.stems {
            println!("{:8} {:6.1} dB", stem.part, decibels(&stem.sound));
        }
        println!("mix {:6.1} dB, {} frames, {:?}", decibels(&mix), mix.frames(), stems.substitutions);
    }
}

fn decibels(sound: &instruments::Stereo) -> f64 {
    let power: f64 = sound.left.iter().chain(&sound.right).map(|x| f64::from(*x).powi(2)).sum();
    10.0 * (power / (2.0 * sound.frames() as f64) + 1e-20).log10()
}

fn write(sound: &instruments::Stereo, rate: u32, path: &str) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut file = hound::WavWriter::create(path, spec).unwrap();
    sound.left.iter().zip(&sound.right).for_each(|(left, right)| {
        file.write_sample(*left).unwrap();
        file.write_sample(*right).unwrap();
    });
    file.finalize().unwrap();
}
