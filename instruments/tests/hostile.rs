//! Soundfonts that lie.
#![allow(clippy::unwrap_used, reason = "tests")]

mod font;

use font::{Font, Sample};
use instruments::{Bank, Ensemble, Error, Faders, Finish, Rendering, render};
use rayon::prelude::*;
use score::{Instrument, Meter, Note, Part, Player, Score, ScoreFields};

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }
}

fn tiny() -> Vec<u8> {
    let zone =
        |low: i16, high: i16| (vec![(font::KEYS, low | high << 8), (font::MODES, 1), (font::RELEASE, -12_000)], 0);
    Font {
        samples: vec![Sample { looped: (8, 40), ..Sample::sine(44_100, 4, 48) }],
        instruments: vec![vec![zone(0, 63), zone(64, 127)]],
        presets: vec![(0, 0, 0), (128, 0, 0)],
    }
    .bytes()
}

/// One to eight changes: a byte, an extreme number, a cut, a part twice. Most leave the chunks' names alone.
fn mutate(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    const EXTREMES: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff];
    for _ in 0..=dice.below(8) {
        let at = dice.below(bytes.len());
        match dice.below(16) {
            0 => bytes.truncate(at.max(12)),
            1 => {
                let piece = bytes[at..(at + dice.below(64)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            2..=6 => {
                let number = EXTREMES[dice.below(8)].to_le_bytes();
                let size = [2, 4][dice.below(2)];
                bytes.iter_mut().skip(at & !1).zip(&number[..size]).for_each(|(byte, new)| *byte = *new);
            }
            _ => bytes[at] = dice.below(256) as u8,
        }
    }
    bytes
}

/// Whether it was read and played; else it was refused in words.
fn survives(bytes: Vec<u8>, score: &Score) -> bool {
    let words = |error: Error| {
        let said = error.to_string();
        assert!(
            said.starts_with("soundfont hostile: ")
                && (said.contains("use ")
                    || said.contains("again")
                    || said.contains("give ")
                    || said.contains("limit")),
            "{said}"
        );
    };
    let bank = match Bank::from_bytes("hostile", bytes) {
        Ok(bank) => bank,
        Err(error) => {
            words(error);
            return false;
        }
    };
    let rendering = Rendering { rate: 8000, finish: Finish::BARE, ..Default::default() };
    match render(score, &Ensemble::from(bank), &rendering) {
        Ok(stems) => {
            let sound = stems.sum(&Faders::default());
            assert!(sound.left.iter().chain(&sound.right).all(|x| x.is_finite()));
            true
        }
        Err(error) => {
            words(error);
            false
        }
    }
}

fn score() -> Score {
    let note = |pitch, velocity| Note { part: Part::Lead, pitch, velocity, start: 0, length: 100 };
    Score::new(ScoreFields {
        bars: 1,
        bpm: 300.0,
        meter: Meter::new(1, 16).unwrap(),
        players: vec![Player::new(Part::Lead, Instrument::Program(0))],
        notes: vec![note(60, 100), note(90, 20)],
        ..Default::default()
    })
    .unwrap()
}

#[test]
fn a_hundred_thousand_damaged_fonts_are_played_or_refused_in_words() {
    let (tiny, score) = (tiny(), score());
    assert!(survives(tiny.clone(), &score));
    let played =
        (0..100_000_u64).into_par_iter().filter(|seed| survives(mutate(tiny.clone(), &mut Dice::new(*seed)), &score));
    let played = played.count();
    assert!((10_000..90_000).contains(&played), "{played} were played: the damage is too small or too great");
}

#[test]
fn damaged_vorbis_is_played_or_refused_in_words() {
    let (tiny, score) = (include_bytes!("fixtures/tiny.sf3").to_vec(), score());
    assert!(survives(tiny.clone(), &score));
    (0..6000_u64).into_par_iter().for_each(|seed| {
        survives(mutate(tiny.clone(), &mut Dice::new(seed)), &score);
    });
}

#[test]
fn what_is_no_soundfont_is_refused() {
    for bytes in [&b""[..], b"RIFF", b"RIFF\x04\0\0\0sfbk", b"RIFF\x04\0\0\0WAVEfmt ", &[0; 4096]] {
        assert!(Bank::from_bytes("x", bytes).is_err());
    }
    let error = Bank::open(std::path::Path::new("no such file.sf2")).unwrap_err().to_string();
    assert!(error.contains("check the path"), "{error}");
}

#[test]
fn zones_without_end_are_refused() {
    // Presets of the test have one zone each; here one plays an instrument of 300 zones from 300 of its own.
    let with = |zones: usize| {
        let instruments = vec![vec![(vec![], 0); zones]];
        Font { samples: vec![Sample::click(44_100, 60)], instruments, presets: vec![(0, 0, 0); zones] }.bytes()
    };
    assert!(Bank::from_bytes("x", with(300)).is_ok());
    let mut bytes = with(300);
    let second = bytes.windows(4).position(|name| name == b"phdr").unwrap() + 8 + 38;
    // The first preset takes the zones of all: the others begin where the last ends.
    for preset in 0..300 {
        bytes[second + preset * 38 + 24..][..2].copy_from_slice(&300_u16.to_le_bytes());
    }
    let error = Bank::from_bytes("x", bytes).unwrap_err().to_string();
    assert!(error.contains("90300 zones"), "{error}");
}
