//! Prints what a board costs against its cues alone, and how much its cues have in common.
//!
//! ```sh
//! cargo bench --bench storyboard
//! ```
//!
//! Distances are mean differences of the mel spectrograms' natural logarithms. *Lean* says where a stretch of music
//! stands between two cues that do not know of each other, 0 at the earlier's mean spectrum and 1 at the later's.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::env;
use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use melfusion::image::Picture;
use melfusion::progress::Silent;
use melfusion::storyboard::{Board, BoardFields, Cue, Transition};
use melfusion::{Bundle, Clip, Engine, Error};

/// Neighbours on the board: from one mood to quite another.
const FRAMES: [&str; 8] = [
    "harbour",
    "castle_in_the_storm",
    "garden_party",
    "chase_at_night",
    "mountain_dawn",
    "battlefield",
    "forest_clearing",
    "neon_street",
];
const BARS: u32 = 4;
/// Bars that lean, and the stretches that they are looked at in, half bars.
const MORPH: u32 = 2;
const STRETCHES: usize = 8;

/// Mean spectra of stretches of equal length.
type Stretches = Vec<Vec<f64>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if env::args().all(|argument| argument != "--bench") {
        return Ok(()); // Under `cargo test --benches` there is nothing to try out that takes less than a minute.
    }
    let engine = Engine::load(&Bundle::find(None)?, Device::Cpu)?;
    let cut = board(Transition::Cut, |_| None)?;
    let clips = cost(&engine, &cut)?;
    let alone: Vec<Stretches> = clips.iter().map(|clip| stretches(&engine, clip)).collect::<Result<_, _>>()?;
    seeds(&engine, &alone)?;
    transitions(&engine, &alone)?;
    Ok(())
}

fn board(transition: Transition, seed: impl Fn(u64) -> Option<u64>) -> Result<Board, Error> {
    let cue = |(i, name): (usize, &&str)| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/frames/{name}.png"));
        Ok(Cue {
            picture: Some(Picture::open(&path)?),
            start_bar: 1 + BARS * i as u32,
            bars: BARS,
            transition,
            seed: seed(i as u64),
            ..Cue::default()
        })
    };
    Board::new(BoardFields {
        style: "film score".into(),
        key: Some("A minor".parse()?),
        seed: 7,
        cues: FRAMES.iter().enumerate().map(cue).collect::<Result<_, Error>>()?,
        ..BoardFields::default()
    })
}

/// A board against its cues one by one, in turns; both begin with no picture known.
fn cost(engine: &Engine, board: &Board) -> Result<Vec<Clip>, Box<dyn std::error::Error>> {
    const ROUNDS: usize = 3;
    let (mut ratios, mut clips) = (Vec::new(), Vec::new());
    // The pictures are known after it, to both.
    let score = || (0..FRAMES.len()).map(|i| engine.score(board, i, &Silent)).collect::<Result<Vec<_>, _>>();
    score()?;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for i in 0..FRAMES.len() {
            engine.generate(&board.request(i), &Silent)?;
        }
        let cues = start.elapsed();
        let start = Instant::now();
        clips = score()?;
        let known: Vec<_> = clips.iter().cloned().map(Some).collect();
        engine.bed(board, &known, &Silent)?;
        ratios.push(start.elapsed().as_secs_f64() / cues.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    let cues = FRAMES.len();
    println!("a board of {cues} cues, mixed, takes {:.3} times the sum of its cues (median of {ROUNDS})", ratios[1]);
    Ok(clips)
}

/// Whether one seed for all makes neighbours more alike.
fn seeds(engine: &Engine, shared: &[Stretches]) -> Result<(), Error> {
    let own = board(Transition::Cut, |i| Some(100 + i))?;
    let own: Vec<Stretches> =
        (0..FRAMES.len()).map(|i| stretches(engine, &engine.score(&own, i, &Silent)?)).collect::<Result<_, _>>()?;
    let mean = |all: &[Stretches], measure: &dyn Fn(&Stretches, &Stretches) -> f64| {
        all.windows(2).map(|pair| measure(&pair[0], &pair[1])).sum::<f64>() / (all.len() - 1) as f64
    };
    for (what, measure) in [
        (
            "half bar by half bar",
            &(|a: &Stretches, b: &Stretches| mean_of(a.iter().zip(b).map(|(a, b)| apart(a, b))))
                as &dyn Fn(&_, &_) -> f64,
        ),
        ("on the whole", &|a: &Stretches, b: &Stretches| apart(&average(a), &average(b))),
    ] {
        let (shared, own) = (mean(shared, measure), mean(&own, measure));
        println!("neighbours are {shared:.3} apart {what} with one seed, {own:.3} with seeds of their own");
    }
    Ok(())
}

/// How the end of a cue leans, and how far the step over the bar line is, with and without a morph.
fn transitions(engine: &Engine, alone: &[Stretches]) -> Result<(), Error> {
    let morph = board(Transition::Morph { bars: MORPH }, |_| None)?;
    let pairs = FRAMES.len() - 1;
    let mut leans = [[0.0; STRETCHES]; 2];
    let mut steps = [0.0; 2];
    for i in 0..pairs {
        let morphed = stretches(engine, &engine.score(&morph, i, &Silent)?)?;
        let (from, to) = (average(&alone[i]), average(&alone[i + 1]));
        for (way, cue) in [&alone[i], &morphed].into_iter().enumerate() {
            for (sum, stretch) in leans[way].iter_mut().zip(cue) {
                *sum += lean(stretch, &from, &to) / pairs as f64;
            }
            steps[way] += apart(&cue[STRETCHES - 1], &alone[i + 1][0]) / pairs as f64;
        }
    }
    for (way, name) in ["without", "with"].into_iter().enumerate() {
        let row: Vec<String> = leans[way].iter().map(|lean| format!("{lean:+.2}")).collect();
        println!("lean by half bars, {name} a morph over {MORPH} bars: {}", row.join(" "));
        println!("step over the bar line, {name} a morph: {:.3}", steps[way]);
    }
    Ok(())
}

fn stretches(engine: &Engine, clip: &Clip) -> Result<Stretches, Error> {
    let (mel, bands) = engine.mel(clip)?;
    let frames: Vec<&[f32]> = mel.chunks_exact(bands).collect();
    let mean =
        |frames: &[&[f32]]| (0..bands).map(|band| mean_of(frames.iter().map(|frame| f64::from(frame[band])))).collect();
    Ok(frames.chunks_exact(frames.len() / STRETCHES).take(STRETCHES).map(mean).collect())
}

fn average(stretches: &Stretches) -> Vec<f64> {
    (0..stretches[0].len()).map(|band| mean_of(stretches.iter().map(|stretch| stretch[band]))).collect()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    mean_of(a.iter().zip(b).map(|(a, b)| (a - b).abs()))
}

fn lean(stretch: &[f64], from: &[f64], to: &[f64]) -> f64 {
    let way: Vec<f64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
    let length: f64 = way.iter().map(|step| step * step).sum();
    stretch.iter().zip(from).zip(&way).map(|((at, from), step)| (at - from) * step).sum::<f64>() / length
}

fn mean_of(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
