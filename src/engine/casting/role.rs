//! The parts that suit an instrument.

use score::Instrument;
use score::Part::{self, Bass, Counter, Drums, Keys, Lead, Mallets, Ostinato, Pad};

/// How far `part` is from what `instrument` is for: 0 is its own.
pub(super) fn rank(instrument: Instrument, part: Part) -> u32 {
    let parts = parts(instrument);
    parts.iter().position(|one| *one == part).unwrap_or(parts.len()) as u32
}

/// The parts of an instrument, its own first.
fn parts(instrument: Instrument) -> &'static [Part] {
    let Instrument::Program(program) = instrument else { return &[Drums] };
    match program {
        0..=7 => &[Keys, Ostinato, Lead, Counter, Pad],
        8..=14 => &[Mallets, Ostinato, Keys, Lead],
        15 | 46 | 103..=108 => &[Ostinato, Keys, Mallets, Lead],
        16..=20 => &[Keys, Pad, Counter, Ostinato],
        21..=23 => &[Lead, Counter, Pad, Keys],
        24..=28 | 31 => &[Keys, Ostinato, Lead, Counter],
        29 | 30 => &[Lead, Keys, Counter, Ostinato],
        32..=39 | 43 => &[Bass, Counter, Lead],
        40..=42 => &[Lead, Counter, Bass, Pad],
        44 | 45 => &[Ostinato, Pad, Keys],
        47 | 112..=119 => &[Mallets, Ostinato],
        48..=54 => &[Pad, Lead, Counter, Ostinato],
        58 => &[Bass, Lead, Counter],
        55 | 62 | 63 => &[Keys, Lead, Counter, Pad],
        61 => &[Lead, Pad, Keys, Counter],
        56..=79 | 109..=111 => &[Lead, Counter, Pad, Keys],
        80..=87 => &[Lead, Ostinato, Counter, Keys, Pad],
        88..=97 | 101 => &[Pad, Keys, Ostinato, Lead],
        98 | 100 => &[Mallets, Ostinato, Keys],
        _ => &[Ostinato, Mallets, Pad],
    }
}

/// Who plays a part where nothing says who: the program, of drums the kit.
pub(super) const fn usual(part: Part) -> u8 {
    match part {
        Pad => 48,
        Bass => 33,
        Keys | Drums => 0,
        Ostinato => 45,
        Lead => 73,
        Counter => 60,
        Mallets => 11,
    }
}
