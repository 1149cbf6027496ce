//! Plays one note to a WAV file (32-bit float), bare, as a player of soundfonts would. For `compare/` and for ears:
//! `note FONT kit|program NUMBER KEY VELOCITY HELD_SECONDS SECONDS RATE OUT [OFFSET_FRAMES]`
#![allow(clippy::unwrap_used, reason = "an example")]

use instruments::{Bank, Ending, Ensemble, Faders, Finish, Rendering, render};
use score::{Instrument, Note, Part, Player, Score, ScoreFields};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments[index].parse::<f64>().unwrap();
    let is_kit = arguments[1] == "kit";
    let part = if is_kit { Part::Drums } else { Part::Lead };
    let instrument = if is_kit { Instrument::Kit(number(2) as u8) } else { Instrument::Program(number(2) as u8) };
    let rate = number(7) as u32;
    // At 62.5 bpm a tick is a millisecond.
    let start = arguments.get(9).map_or(0, |_| (number(9) / f64::from(rate) * 1000.0).round() as u32);
    let length = (number(5) * 1000.0) as u32;
    let note = Note { part, pitch: number(3) as u8, velocity: number(4) as u8, start, length };
    let score = Score::new(ScoreFields {
        bars: 16,
        bpm: 62.5,
        players: vec![Player::new(part, instrument)],
        notes: vec![note],
        ..Default::default()
    });
    let ensemble = Ensemble::from(Bank::open(arguments[0].as_ref()).unwrap());
    let rendering = Rendering { rate, ending: Ending::Ring, finish: Finish::BARE, ..Default::default() };
    let sound = render(&score.unwrap(), &ensemble, &rendering).unwrap().sum(&Faders::default());
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut file = hound::WavWriter::create(&arguments[8], spec).unwrap();
    for frame in 0..(number(6) * f64::from(rate)) as usize {
        file.write_sample(sound.left.get(frame).copied().unwrap_or(0.0)).unwrap();
        file.write_sample(sound.right.get(frame).copied().unwrap_or(0.0)).unwrap();
    }
    file.finalize().unwrap();
}
