//! Finds the tempo by listening: how strongly the onsets of a sound repeat after a beat of this or that length.

use std::f32::consts::TAU;

use fft::Complex;

use crate::project::Measured;

/// Onsets are looked for this often, in Hz.
const ENVELOPE_HZ: f64 = 200.0;
/// Length of the spectra in seconds.
const WINDOW_SECONDS: f64 = 0.04;
/// Loudness at which the spectrum's logarithm begins to bend, under the sound's root mean square.
const COMPRESSION: f32 = 10.0;
/// Onsets are heard against their surroundings of this many seconds.
const SURROUNDINGS_SECONDS: f64 = 1.0;
/// How far from the asked tempo to look, as a factor.
const REACH: f64 = 1.19;
/// Candidates per octave.
const FINENESS: f64 = 300.0;
/// Beats that a candidate is followed for.
const BEATS: usize = 4;

/// The tempo of `frames` at `rate` Hz, near `asked` quarter notes per minute; half and double time are found, too, and
/// brought back to it. `None` if there is nothing to go by: silence, one long tone, less than two beats.
pub fn measure(frames: &[[f32; 2]], rate: u32, asked: f64) -> Option<Measured> {
    let seconds = frames.len() as f64 / f64::from(rate);
    let envelope = onsets(frames, rate).filter(|_| seconds >= 2.0 * 60.0 / asked)?;
    let repetition = autocorrelation(&envelope)?;
    let lag = |bpm: f64| 60.0 / bpm * ENVELOPE_HZ;
    let candidates = candidates(asked);
    let scored: Vec<(f64, f64)> = candidates.filter_map(|bpm| Some((bpm, score(&repetition, lag(bpm))?))).collect();
    let (bpm, best) = scored.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let usual = scored.iter().map(|(_, score)| score).sum::<f64>() / scored.len() as f64;
    let bpm = 60.0 / (refine(&repetition, lag(bpm)) / ENVELOPE_HZ);
    let octave = (asked / bpm).log2().round().exp2();
    Some(Measured { bpm: bpm * octave, confidence: (best - usual).clamp(0.0, 1.0) })
}

/// Tempi around the asked one, its half and its double.
fn candidates(asked: f64) -> impl Iterator<Item = f64> {
    let steps = (REACH.log2() * FINENESS).ceil() as i32;
    let around = move |bpm: f64| (-steps..=steps).map(move |step| bpm * (f64::from(step) / FINENESS).exp2());
    [1.0, 0.5, 2.0].into_iter().flat_map(move |octave| around(asked * octave))
}

/// How much new sound begins, [`ENVELOPE_HZ`] times a second, against its surroundings.
fn onsets(frames: &[[f32; 2]], rate: u32) -> Option<Vec<f32>> {
    let mono: Vec<f32> = frames.iter().map(|[left, right]| (left + right) * 0.5).collect();
    let power = mono.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / mono.len().max(1) as f64;
    let window = ((WINDOW_SECONDS * f64::from(rate)) as usize).next_power_of_two();
    if power < 1e-12 || !power.is_finite() || mono.len() < 2 * window {
        return None;
    }
    let flux = flux(&mono, rate, window, COMPRESSION / power.sqrt() as f32);
    let width = (SURROUNDINGS_SECONDS * ENVELOPE_HZ) as usize;
    let surroundings = smooth(&flux, width);
    let envelope: Vec<f32> = flux.iter().zip(surroundings).map(|(flux, usual)| (flux - usual).max(0.0)).collect();
    // Beats that are a few milliseconds off still meet.
    let envelope = smooth(&smooth(&envelope, 5), 5);
    let mean = envelope.iter().sum::<f32>() / envelope.len() as f32;
    Some(envelope.into_iter().map(|x| x - mean).collect())
}

/// What each spectrum has more than the one before.
fn flux(mono: &[f32], rate: u32, window: usize, gain: f32) -> Vec<f32> {
    let fft = fft::forward(window);
    let shape: Vec<f32> = (0..window).map(|i| 0.5 - 0.5 * (TAU * i as f32 / window as f32).cos()).collect();
    let scale = gain / window as f32;
    let hop = f64::from(rate) / ENVELOPE_HZ;
    let count = ((mono.len() - window) as f64 / hop) as usize + 1;
    let (mut input, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
    let mut before = vec![f32::INFINITY; spectrum.len()];
    let mut at = |i: usize| {
        let start = (i as f64 * hop) as usize;
        input.iter_mut().zip(&mono[start..]).zip(&shape).for_each(|((input, x), shape)| *input = x * shape);
        fft.process(&mut input, &mut spectrum).expect("the buffers come from the plan");
        let rises = spectrum.iter().zip(&mut before).map(|(bin, before)| {
            let level = (1.0 + bin.norm() * scale * 1e3).ln();
            (level - std::mem::replace(before, level)).max(0.0)
        });
        rises.sum::<f32>()
    };
    (0..count).map(&mut at).collect()
}

/// Means over `width` neighbours.
fn smooth(values: &[f32], width: usize) -> Vec<f32> {
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(values.iter().scan(0.0, |sum, x| {
            *sum += f64::from(*x);
            Some(*sum)
        }))
        .collect();
    let mean = |i: usize| {
        let (from, to) = (i.saturating_sub(width / 2), (i + width / 2 + 1).min(values.len()));
        ((sums[to] - sums[from]) / (to - from) as f64) as f32
    };
    (0..values.len()).map(mean).collect()
}

/// How alike the envelope is to itself later on, by lag; 1 at lag 0.
fn autocorrelation(envelope: &[f32]) -> Option<Vec<f32>> {
    let length = (2 * envelope.len()).next_power_of_two();
    let (forward, inverse) = (fft::forward(length), fft::inverse(length));
    let mut padded = envelope.to_vec();
    padded.resize(length, 0.0);
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut padded, &mut spectrum).expect("the buffers fit the plan");
    spectrum.iter_mut().for_each(|bin| *bin = Complex::new(bin.norm_sqr(), 0.0));
    inverse.process(&mut spectrum, &mut padded).expect("the buffers fit the plan and the spectrum is real");
    let whole = padded[0];
    if whole <= f32::EPSILON {
        return None;
    }
    // Long lags overlap less; they count as if they did not.
    let unbiased = |(lag, x): (usize, &f32)| x / whole * envelope.len() as f32 / (envelope.len() - lag) as f32;
    Some(padded[..envelope.len()].iter().enumerate().map(unbiased).collect())
}

/// Mean repetition after one, two and more beats of `lag`; `None` if there is no room for two beats.
fn score(repetition: &[f32], lag: f64) -> Option<f64> {
    let values: Vec<f64> = (1..=BEATS).map_while(|beats| at(repetition, lag * beats as f64)).collect();
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

/// The value at a lag between two; `None` where too little of the sound overlaps.
fn at(repetition: &[f32], lag: f64) -> Option<f64> {
    let whole = lag as usize;
    if whole + 1 >= repetition.len() * 3 / 4 {
        return None;
    }
    let part = lag - whole as f64;
    Some(f64::from(repetition[whole]) * (1.0 - part) + f64::from(repetition[whole + 1]) * part)
}

/// Follows the beat as far as it goes: a peak many beats away says more precisely how long one is.
fn refine(repetition: &[f32], mut lag: f64) -> f64 {
    let mut beats = 1.0;
    while let Some(peak) = peak_near(repetition, lag * beats) {
        lag = peak / beats;
        beats *= 2.0;
    }
    lag
}

/// The top of the hill at `lag`, if it is one.
fn peak_near(repetition: &[f32], lag: f64) -> Option<f64> {
    at(repetition, lag + 4.0)?;
    let middle = lag.round() as usize;
    let from = middle.saturating_sub(3).max(1);
    let top = (from..=middle + 3).max_by(|a, b| repetition[*a].total_cmp(&repetition[*b]))?;
    let [before, here, after] = [top - 1, top, top + 1].map(|i| f64::from(repetition[i]));
    let bend = before - 2.0 * here + after;
    let is_hill = here > before && here >= after && here > 0.1 && bend < 0.0;
    is_hill.then(|| top as f64 + 0.5 * (before - after) / bend)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Short bursts on every beat, the first after `offset` seconds, with a little noise between.
    fn clicks(bpm: f64, offset: f64, seconds: f64, rate: u32) -> Vec<[f32; 2]> {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as i32 as f32 / 2_147_483_648.0
        };
        let frame = |i: usize| {
            let since = (i as f64 / f64::from(rate) - offset).rem_euclid(60.0 / bpm);
            let burst = if since < 0.1 { (-since * 60.0).exp() as f32 } else { 0.0 };
            [noise() * (0.4 * burst + 0.001); 2]
        };
        (0..(seconds * f64::from(rate)) as usize).map(frame).collect()
    }

    fn assert_finds(frames: &[[f32; 2]], rate: u32, asked: f64, expected: f64) {
        let found = measure(frames, rate, asked).unwrap();
        let error = (found.bpm / expected - 1.0).abs();
        assert!(error < 2e-3, "{expected} bpm, asked {asked}: found {found:?}");
        assert!(found.confidence > 0.5, "{expected} bpm: {found:?}");
    }

    #[test]
    fn the_tempo_of_clicks_is_found_wherever_they_begin() {
        for (bpm, offset) in [(60.0, 0.0), (74.5, 0.31), (96.0, 0.1), (120.0, 0.02), (133.3, 0.2), (180.0, 0.15)] {
            assert_finds(&clicks(bpm, offset, 10.0, 48_000), 48_000, bpm, bpm);
        }
    }

    #[test]
    fn what_was_played_is_found_and_not_what_was_asked() {
        assert_finds(&clicks(100.0, 0.0, 8.0, 44_100), 44_100, 96.0, 100.0);
        assert_finds(&clicks(110.0, 0.2, 8.0, 44_100), 44_100, 120.0, 110.0);
    }

    #[test]
    fn half_and_double_time_come_back_to_the_octave_that_was_asked() {
        assert_finds(&clicks(60.0, 0.0, 10.0, 32_000), 32_000, 120.0, 120.0);
        assert_finds(&clicks(152.0, 0.1, 10.0, 32_000), 32_000, 75.0, 76.0);
    }

    #[test]
    fn one_bar_is_enough_and_less_than_two_beats_are_not() {
        assert_finds(&clicks(96.0, 0.0, 2.5, 48_000), 48_000, 96.0, 96.0);
        assert_eq!(measure(&clicks(96.0, 0.0, 0.5, 48_000), 48_000, 96.0), None);
        assert_eq!(measure(&[], 48_000, 96.0), None);
    }

    #[test]
    fn noise_and_tones_inspire_no_confidence() {
        let tone: Vec<_> = (0..480_000).map(|i| [(i as f32 * 0.05).sin() * 0.5; 2]).collect();
        // A beat too fast to be one: noise without a break.
        let noise = clicks(60_000.0, 0.0, 10.0, 48_000);
        for frames in [tone, noise] {
            let confidence = measure(&frames, 48_000, 96.0).map_or(0.0, |found| found.confidence);
            assert!(confidence < 0.4, "{confidence}");
        }
        assert_eq!(measure(&vec![[0.0; 2]; 480_000], 48_000, 96.0), None);
    }
}
