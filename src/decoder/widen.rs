//! Mono to stereo, such that mono comes back.

use super::loop_resample::{sound, spectrum};
use fft::Complex;
use std::f64::consts::TAU;

/// Below this the side signal fades: bass stays in the middle, where speakers and records want it.
const CORNER_HZ: f64 = 200.;
/// Turns of the side signal's phase per octave; its delay is `2.9 / (200 + f)` seconds: 7 ms at 200 Hz, 0.3 at 10 kHz.
const TURNS_PER_OCTAVE: f64 = 2.;

/// Left and right of a mono loop: `mono + side` and `mono - side`.
///
/// The model and its mel are mono, and a bed of music in mono sounds small. A bought-in reverb or chorus would blur
/// onsets, change the timbre once the mix is summed to mono, or break the loop. Here the side signal is the mono
/// signal, high-passed, with a phase that turns steadily with the octave. So pitches spread left and right in turn,
/// delays stay under those that smear an onset, and `left + right` is `2 * mono`: nothing is lost on one speaker. It is
/// made in the spectrum of the whole loop, hence circular at any length.
///
/// `width` 0 is mono, 1 puts as much energy at the side as in the middle; `sample_rate` in Hz.
pub fn widen(mono: &[f32], sample_rate: u32, width: f32) -> [Vec<f32>; 2] {
    if mono.is_empty() || width == 0. {
        return [mono.to_vec(), mono.to_vec()];
    }
    let mut side = spectrum(mono);
    let bin_hz = f64::from(sample_rate) / mono.len() as f64;
    for (bin, x) in side.iter_mut().enumerate() {
        let ratio = bin as f64 * bin_hz / CORNER_HZ;
        let gain = f64::from(width) * ratio.powi(4) / (1. + ratio.powi(4));
        *x *= Complex::from_polar(gain, -TAU * TURNS_PER_OCTAVE * ratio.ln_1p() / std::f64::consts::LN_2);
    }
    let side = sound(side, mono.len(), mono.len());
    let left = mono.iter().zip(&side).map(|(m, s)| m + s).collect();
    let right = mono.iter().zip(&side).map(|(m, s)| m - s).collect();
    [left, right]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        };
        (0..len).map(|_| next()).collect()
    }

    fn energy(xs: impl Iterator<Item = f32>) -> f32 {
        xs.map(|x| x * x).sum()
    }

    #[test]
    fn left_and_right_sum_to_twice_the_mono_sound() {
        for len in [1, 2, 3, 997, 32_000] {
            let mono = noise(len);
            let [left, right] = widen(&mono, 32_000, 0.4);
            let both = left.iter().zip(&right).map(|(l, r)| l + r);
            assert!(both.zip(&mono).all(|(both, mono)| (both - 2. * mono).abs() < 1e-6));
        }
    }

    #[test]
    fn the_side_is_as_loud_as_asked_and_left_balances_right() {
        let mono = noise(64_000);
        let [left, right] = widen(&mono, 32_000, 0.4);
        let side = energy(left.iter().zip(&right).map(|(l, r)| (l - r) / 2.));
        let ratio = (side / energy(mono.iter().copied())).sqrt();
        assert!((ratio - 0.4).abs() < 0.02, "{ratio}");
        let balance = energy(left.into_iter()) / energy(right.into_iter());
        // Half a decibel.
        assert!((balance - 1.).abs() < 0.12, "{balance}");
    }

    #[test]
    fn bass_stays_in_the_middle() {
        let bass: Vec<f32> = (0..32_000).map(|i| (TAU * 55. * f64::from(i) / 32_000.).sin() as f32).collect();
        let [left, right] = widen(&bass, 32_000, 1.);
        let side = energy(left.iter().zip(&right).map(|(l, r)| (l - r) / 2.));
        assert!(side < 1e-4 * energy(bass.into_iter()));
    }

    #[test]
    fn widening_commutes_with_rolling_the_loop() {
        let mono = noise(5003);
        let mut rolled = mono.clone();
        rolled.rotate_left(1234);
        let mut left = widen(&mono, 32_000, 0.5)[0].clone();
        left.rotate_left(1234);
        let close = widen(&rolled, 32_000, 0.5)[0].iter().zip(&left).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close);
    }
}
