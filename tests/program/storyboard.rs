//! Storyboards: what is refused, where every frame of a bed comes from, and what the engine makes of a board.

#[cfg(feature = "cli")]
mod arranged;
mod board;
#[cfg(feature = "cli")]
mod command;
mod imports;
mod mixing;
mod scoring;

use melfusion::audio::Audio;
use melfusion::storyboard::{Board, BoardFields, Cue, Tempo, TempoMap, Transition};

/// Low, to keep boards small; bars do not fall on whole frames.
const RATE: u32 = 8_000;

/// Cues of these bars, one after the other.
fn cues(bars: &[u32], transition: Transition) -> Vec<Cue> {
    let mut start_bar = 1;
    let cue = |(i, bars): (usize, &u32)| {
        let cue = Cue { name: format!("cue {}", i + 1), start_bar, bars: *bars, transition, ..Cue::default() };
        start_bar += bars;
        cue
    };
    let mut cues: Vec<Cue> = bars.iter().enumerate().map(cue).collect();
    cues[0].transition = Transition::Cut;
    cues
}

/// A board of these cues at a tempo whose bars are no whole number of frames.
fn fields(cues: Vec<Cue>) -> BoardFields {
    BoardFields { tempo: TempoMap::constant(187.3).unwrap(), steps: 2, sample_rate: RATE, cues, ..Default::default() }
}

fn board(cues: Vec<Cue>) -> Board {
    Board::new(fields(cues)).unwrap()
}

fn tempi(changes: &[(u32, f64)]) -> TempoMap {
    TempoMap::new(changes.iter().map(|&(bar, bpm)| Tempo { bar, bpm }).collect()).unwrap()
}

/// A loop whose every frame is its own, and below a tenth.
fn clip(board: &Board, cue: usize, bpm: f64) -> Audio {
    let seconds = f64::from(board.cues[cue].bars) * board.meter.quarters() * 60.0 / bpm;
    let frames = (seconds * f64::from(board.sample_rate)).round() as usize;
    let sample = |i: usize| ((cue % 5 + 1) * 100_000 + i) as f32 / 8_388_608.0;
    Audio::new((0..frames).map(sample).collect(), (0..frames).map(|i| -sample(i)).collect(), board.sample_rate)
}
