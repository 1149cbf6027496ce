//! A look-ahead limiter on a circle: the loop's end is what comes before its beginning.

use std::collections::VecDeque;
use std::f64::consts::PI;

use crate::audio::Audio;

/// The gain starts to move this long before a peak and has recovered this long after, in seconds.
const REACH_SECONDS: f64 = 0.01;
/// Samples on each side that the interpolation between two samples looks at.
const TAPS: usize = 8;

/// Keeps the peaks of `audio`, between its samples too, at or below `ceiling` (an amplitude); both sides get one gain.
///
/// Between-sample peaks are estimated at quarters of a sample, to about 0.1 dB.
pub fn limit(audio: &mut Audio, ceiling: f32) {
    let frames = audio.frames();
    if frames == 0 {
        return;
    }
    let reach = ((REACH_SECONDS * f64::from(audio.sample_rate())) as usize).min((frames - 1) / 2);
    let needed: Vec<f64> = peaks(audio).iter().map(|peak| f64::from((ceiling / peak).min(1.0))).collect();
    // Averaging the minimum over its own reach never exceeds what any frame in reach needs. Two averages of half the
    // reach make one whose slope has no corner.
    let lowest = sliding_minimum(&needed, reach);
    let gain = sliding_mean(&sliding_mean(&lowest, reach / 2), reach / 2);
    for channel in audio.channels_mut() {
        channel.iter_mut().zip(&gain).for_each(|(sample, gain)| *sample *= *gain as f32);
    }
}

/// Largest magnitude of both sides at each frame and between it and the next.
fn peaks(audio: &Audio) -> Vec<f32> {
    let kernels = [0.25, 0.5, 0.75].map(kernel);
    let mut peaks = vec![f32::MIN_POSITIVE; audio.frames()];
    for channel in audio.channels() {
        let circle = Circle(channel);
        for (i, peak) in peaks.iter_mut().enumerate() {
            let around: [f32; 2 * TAPS] =
                std::array::from_fn(|k| circle.at(i as isize + k as isize + 1 - TAPS as isize));
            let between = |kernel: &[f32; 2 * TAPS]| -> f32 { around.iter().zip(kernel).map(|(x, h)| x * h).sum() };
            *peak = kernels.iter().map(between).chain([channel[i]]).fold(*peak, |peak, x| peak.max(x.abs()));
        }
    }
    peaks
}

/// Hann-windowed sinc that reads `fraction` of a sample after the `TAPS`-th.
fn kernel(fraction: f64) -> [f32; 2 * TAPS] {
    std::array::from_fn(|k| {
        let distance = k as f64 + 1.0 - TAPS as f64 - fraction;
        let window = (PI * distance / (2.0 * TAPS as f64)).cos().powi(2);
        ((PI * distance).sin() / (PI * distance) * window) as f32
    })
}

/// Minimum over `i - reach ..= i + reach`, for each `i`, around the circle.
fn sliding_minimum(values: &[f64], reach: usize) -> Vec<f64> {
    let circle = Circle(values);
    let mut candidates: VecDeque<(isize, f64)> = VecDeque::new();
    let reach = reach as isize;
    let mut minima = Vec::with_capacity(values.len());
    for j in -reach..values.len() as isize + reach {
        let value = circle.at(j);
        while candidates.back().is_some_and(|last| last.1 >= value) {
            candidates.pop_back();
        }
        candidates.push_back((j, value));
        while candidates.front().is_some_and(|first| first.0 < j - 2 * reach) {
            candidates.pop_front();
        }
        if j >= reach {
            minima.push(candidates.front().map_or(value, |first| first.1));
        }
    }
    minima
}

/// Mean over `i - reach ..= i + reach`, for each `i`, around the circle.
fn sliding_mean(values: &[f64], reach: usize) -> Vec<f64> {
    let circle = Circle(values);
    let reach = reach as isize;
    let mut sum: f64 = (-reach..=reach).map(|j| circle.at(j)).sum();
    let mean = |i: isize| {
        let mean = sum / (2 * reach + 1) as f64;
        sum += circle.at(i + reach + 1) - circle.at(i - reach);
        // Sums of ones stay ones: rounding must not touch what needs no gain.
        if (1.0 - mean).abs() < 1e-9 { 1.0 } else { mean }
    };
    (0..values.len() as isize).map(mean).collect()
}

struct Circle<'a, T>(&'a [T]);

impl<T: Copy> Circle<'_, T> {
    fn at(&self, index: isize) -> T {
        let length = self.0.len() as isize;
        // Nearly always inside; the division is dear.
        if (0..length).contains(&index) {
            return self.0[index as usize];
        }
        self.0[index.rem_euclid(length) as usize]
    }
}
