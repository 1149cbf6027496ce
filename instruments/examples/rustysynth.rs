//! As `note`, by the crate rustysynth: `rustysynth FONT.sf2 kit|program NUMBER KEY VELOCITY HELD SECONDS RATE OUT OFFSET
//! BLOCK [SECOND_KEY]`; the second key is struck, softly, in the middle.
#![allow(clippy::unwrap_used, reason = "an example")]

use std::sync::Arc;

use rustysynth::{SoundFont, Synthesizer, SynthesizerSettings};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments[index].parse::<f64>().unwrap();
    let font = Arc::new(SoundFont::new(&mut std::fs::File::open(&arguments[0]).unwrap()).unwrap());
    let rate = number(7);
    let mut settings = SynthesizerSettings::new(rate as i32);
    settings.enable_reverb_and_chorus = false;
    settings.block_size = number(10) as usize;
    let mut synth = Synthesizer::new(&font, &settings).unwrap();
    let channel = if arguments[1] == "kit" { 9 } else { 0 };
    synth.process_midi_message(channel, 0xC0, number(2) as i32, 0);
    for controller in [7, 11] {
        synth.process_midi_message(channel, 0xB0, controller, 127);
    }
    let total = (number(6) * rate) as usize;
    let (on, off) = (number(9) as usize, number(9) as usize + (number(5) * rate) as usize);
    let (mut left, mut right) = (vec![0.0; total], vec![0.0; total]);
    let mut at = 0;
    let second = arguments.get(11).map(|key| key.parse::<i32>().unwrap());
    for (end, is_on) in [(on, Some(true)), (total / 2, None), (off.max(total / 2), Some(false)), (total, None)] {
        let end = end.min(total);
        synth.render(&mut left[at..end], &mut right[at..end]);
        match is_on {
            Some(true) => synth.note_on(channel, number(3) as i32, number(4) as i32),
            Some(false) => synth.note_off(channel, number(3) as i32),
            None => second.into_iter().for_each(|key| synth.note_on(channel, key, 1)),
        }
        at = end;
    }
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut file = hound::WavWriter::create(&arguments[8], spec).unwrap();
    left.iter().zip(&right).for_each(|(left, right)| {
        file.write_sample(*left).unwrap();
        file.write_sample(*right).unwrap();
    });
    file.finalize().unwrap();
}
