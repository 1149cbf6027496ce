//! Modulators: what velocity and key do to generators. Sections 8.2 to 9.5 of the specification.
//!
//! Controllers rest where they are when a piece begins, since a score has none; volume and expression are fully open.

use super::generator::{ATTENUATION, Generators};

/// As it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Modulator {
    pub(crate) source: u16,
    pub(crate) target: u16,
    pub(crate) amount: i16,
    pub(crate) scale: u16,
    pub(crate) transform: u16,
}

/// Softer notes are quieter: the one default modulator that matters without controllers.
const VELOCITY_TO_ATTENUATION: Modulator =
    Modulator { source: 0x0502, target: ATTENUATION as u16, amount: 960, scale: 0, transform: 0 };
/// Softer notes are duller, in the specification's own default; players leave it out, as fonts are voiced without it.
const VELOCITY_TO_CUTOFF: u16 = 0x0102;

impl Modulator {
    /// Whether both say how the same thing moves the same thing; the later one counts.
    fn is_like(&self, other: &Self) -> bool {
        (self.source, self.target, self.scale, self.transform)
            == (other.source, other.target, other.scale, other.transform)
    }

    fn value(&self, key: u8, velocity: u8) -> f32 {
        let cutoff = super::generator::FILTER_CUTOFF as u16;
        if self.source == VELOCITY_TO_CUTOFF && self.target == cutoff && self.scale & 0x7f == 2 {
            return 0.0;
        }
        let scale = if self.scale == 0 { 1.0 } else { source(self.scale, key, velocity) };
        let value = source(self.source, key, velocity) * scale * f32::from(self.amount);
        if self.transform == 2 { value.abs() } else { value }
    }
}

/// Adds what the modulators of an instrument's and of a preset's zones (global first) do to a note.
pub(crate) fn apply(
    to: &mut Generators,
    instrument: [&[Modulator]; 2],
    preset: [&[Modulator]; 2],
    key: u8,
    velocity: u8,
) {
    let mut list = vec![VELOCITY_TO_ATTENUATION];
    merge(&mut list, instrument[0], 0);
    merge(&mut list, instrument[1], 0);
    let own = list.len();
    merge(&mut list, preset[0], own);
    merge(&mut list, preset[1], own);
    for modulator in list {
        if let Some(value) = to.0.get_mut(usize::from(modulator.target)) {
            *value += modulator.value(key, velocity);
        }
    }
}

fn merge(list: &mut Vec<Modulator>, new: &[Modulator], from: usize) {
    for modulator in new {
        match list[from..].iter_mut().find(|old| old.is_like(modulator)) {
            Some(old) => *old = *modulator,
            None => list.push(*modulator),
        }
    }
}

/// What a source gives, −1..=1.
fn source(operator: u16, key: u8, velocity: u8) -> f32 {
    let raw = if operator & 0x80 == 0 { general(operator & 0x7f, key, velocity) } else { controller(operator & 0x7f) };
    let (falls, is_bipolar) = (operator & 0x100 != 0, operator & 0x200 != 0);
    let place = if falls { 1.0 - raw } else { raw };
    let curve = |x: f32| match operator >> 10 {
        1 => concave(x),
        2 => 1.0 - concave(1.0 - x),
        3 => f32::from(u8::from(x >= 0.5)),
        _ => x,
    };
    if !is_bipolar {
        return curve(place);
    }
    let side = place * 2.0 - 1.0;
    if operator >> 10 == 3 { curve(place) * 2.0 - 1.0 } else { curve(side.abs()).copysign(side) }
}

fn general(number: u16, key: u8, velocity: u8) -> f32 {
    match number {
        2 => f32::from(velocity) / 127.0,
        3 => f32::from(key) / 127.0,
        // The wheel rests in the middle; its range is two semitones.
        14 => 0.5,
        16 => 2.0 / 127.0,
        _ => 0.0,
    }
}

fn controller(number: u16) -> f32 {
    match number {
        7 | 11 => 1.0,
        8 | 10 | 70..=79 => 0.5,
        _ => 0.0,
    }
}

/// 0..=1 to 0..=1, rising late: −20/96 dB times the logarithm of what is left, squared.
fn concave(x: f32) -> f32 {
    if x >= 1.0 { 1.0 } else { (-40.0 / 96.0 * libm::log10f(1.0 - x)).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velocity_squared_is_amplitude() {
        for velocity in [1_u8, 20, 64, 100, 127] {
            let decibels = VELOCITY_TO_ATTENUATION.value(60, velocity) / 10.0;
            let expected = -40.0 * libm::log10f(f32::from(velocity) / 127.0);
            assert!((decibels - expected.min(96.0)).abs() < 1e-3, "{velocity}: {decibels} {expected}");
        }
    }
}
