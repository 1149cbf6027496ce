//! Resampling of a whole loop to any length.

use fft::Complex;

/// A loop of `len` samples with the same content, band-limited and without a seam.
///
/// The whole loop is one period, so its spectrum is exact: a longer loop gets zeros on top, a shorter one loses what
/// it cannot carry. Any two lengths will do. A sine of whole periods stays a sine, and going up and back again returns
/// the same samples. An empty loop becomes silence.
pub fn loop_resample(samples: &[f32], len: usize) -> Vec<f32> {
    if samples.is_empty() || len == 0 {
        return vec![0.; len];
    }
    if samples.len() == len {
        return samples.to_vec();
    }
    let mut spectrum = spectrum(samples);
    let common = samples.len().min(len);
    spectrum.resize(len / 2 + 1, Complex::ZERO);
    if common.is_multiple_of(2) {
        // The top bin of an even length stands for a frequency and its mirror image at once.
        let top = &mut spectrum[common / 2];
        *top = if len > samples.len() { *top * 0.5 } else { Complex::from(2. * top.re) };
    }
    sound(spectrum, len, samples.len())
}

/// `samples (n,)` → spectrum `(n / 2 + 1,)`, not normalised. In f64: a loop of prime length is long for f32.
fn spectrum(samples: &[f32]) -> Vec<Complex<f64>> {
    let fft = fft::forward_f64(samples.len());
    let mut input: Vec<f64> = samples.iter().map(|x| f64::from(*x)).collect();
    let mut output = fft.make_output_vec();
    fft.process(&mut input, &mut output).expect("the buffers come from the plan");
    output
}

/// `spectrum (len / 2 + 1,)` of a loop that had `from` samples → `len` samples.
fn sound(mut spectrum: Vec<Complex<f64>>, len: usize, from: usize) -> Vec<f32> {
    spectrum[0].im = 0.;
    if len.is_multiple_of(2) {
        spectrum[len / 2].im = 0.;
    }
    let fft = fft::inverse_f64(len);
    let mut output = fft.make_output_vec();
    fft.process(&mut spectrum, &mut output).expect("the buffers fit the plan and the mirrored bins are real");
    output.iter().map(|x| (x / from as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(periods: usize, len: usize) -> Vec<f32> {
        (0..len).map(|i| (TAU * (periods * i) as f64 / len as f64 + 0.3).sin() as f32).collect()
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0., f32::max)
    }

    #[test]
    fn a_sine_of_whole_periods_stays_a_sine() {
        for (from, to) in [(32_000, 48_000), (48_000, 32_000), (10_007, 9973), (9973, 20_011), (64, 65)] {
            let periods = from.min(to) / 3;
            assert!(distance(&loop_resample(&sine(periods, from), to), &sine(periods, to)) < 1e-6);
        }
    }

    #[test]
    fn going_up_and_back_returns_the_same_samples() {
        for (len, up) in [(1, 2), (1, 7), (2, 3), (2, 4), (7, 8), (8, 9), (1000, 1500), (997, 1009)] {
            let noise: Vec<f32> = (0..len).map(|i| ((i * i) as f32 * 0.618).fract() - 0.5).collect();
            assert!(distance(&loop_resample(&loop_resample(&noise, up), len), &noise) < 1e-6, "{len} {up}");
        }
    }

    #[test]
    fn what_a_shorter_loop_cannot_carry_is_gone() {
        let down = loop_resample(&sine(900, 2000), 1000);
        assert!(down.iter().all(|x| x.abs() < 1e-6));
    }

    #[test]
    fn a_loop_can_be_empty_or_one_sample() {
        assert_eq!(loop_resample(&[], 3), [0.; 3]);
        assert!(loop_resample(&[1.], 0).is_empty());
        assert_eq!(loop_resample(&[0.5], 3), [0.5; 3]);
        assert_eq!(loop_resample(&[0.5, 0.25], 1), [0.375]);
    }
}
