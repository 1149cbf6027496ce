//! Brings a loop to another sample rate, and leaves it a loop.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction};

/// Frames of the filter.
const FILTER: usize = 256;
/// Frames given to the resampler at once.
const CHUNK: usize = 4096;
/// Part of a frame by which the first frame made may miss the loop's first.
const NEAR: f64 = 1.0 / 2000.0;

/// The loop `frames` as `length` frames that last as long.
///
/// The ratio is that of the two lengths, not of two rates, so that the loop closes to the frame, and the filter reads
/// across its seam. (A Fourier transform of the whole would do that too, but takes ten times as long for the lengths
/// that are nearly prime, and the host's main thread waits for this.)
pub fn resample_loop(frames: Vec<[f32; 2]>, length: usize) -> Vec<[f32; 2]> {
    if frames.len() == length {
        return frames;
    }
    if frames.is_empty() || length == 0 {
        return vec![[0.0; 2]; length];
    }
    let mut resampler = resampler(length as f64 / frames.len() as f64);
    let plan = Plan::new(frames.len(), length, resampler.output_delay());
    let read = plan.lead + frames.len() + 2 * FILTER;
    let frame = |i: usize| frames[(i as i64 - plan.lead as i64).rem_euclid(frames.len() as i64) as usize];
    let input: Vec<f32> = (0..read).flat_map(frame).collect();
    let input = InterleavedSlice::new(&input, 2, read).expect("as many frames as it says");
    let output = resampler.process_all(&input, read, None).expect("the buffers are the resampler's own").take_data();
    output.as_chunks::<2>().0[plan.skip..][..length].to_vec()
}

fn resampler(ratio: f64) -> Async<f32> {
    let parameters = SincInterpolationParameters {
        sinc_len: FILTER,
        f_cutoff: None,
        oversampling_factor: 256,
        interpolation: SincInterpolationType::Cubic,
        window: WindowFunction::BlackmanHarris2,
    };
    Async::new_sinc(ratio, 1.0, &parameters, CHUNK, 2, FixedAsync::Input).expect("a ratio of two lengths")
}

/// Where to begin, so that the first frame made lies on the first of the loop.
struct Plan {
    /// Frames read before the loop's first.
    lead: usize,
    /// Frames made before the one that lies on it.
    skip: usize,
}

impl Plan {
    /// `read` frames become `made`; the resampler drops the first `delay` by itself.
    fn new(read: usize, made: usize, delay: usize) -> Self {
        // The resampler makes its frame `i`, dropped ones included, from around frame `(i + 1) * pace - FILTER / 2` that
        // it reads.
        let pace = read as f64 / made as f64;
        let first = (2.0 * FILTER as f64 / pace).ceil() as usize + delay + 1;
        let miss = |place: usize| {
            let over = place * read % made;
            over.min(made - over) as f64 / made as f64
        };
        // Once round the loop there is a place that does not miss at all; mostly one is near.
        let place = (first..first + made).find(|place| miss(*place) < NEAR).expect("one of them is a multiple of made");
        Self { lead: (place as f64 * pace).round() as usize - FILTER / 2, skip: place - 1 - delay }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(periods: usize, length: usize) -> Vec<[f32; 2]> {
        let at = |i: usize| (TAU * (periods * i) as f64 / length as f64 + 0.3).sin() as f32;
        (0..length).map(|i| [at(i), -0.5 * at(i)]).collect()
    }

    fn distance(a: &[[f32; 2]], b: &[[f32; 2]]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_of_whole_periods_stays_that_tone_to_the_phase() {
        for (from, to) in [(48_000, 44_100), (44_100, 48_000), (39_999, 36_749), (10_007, 20_011), (48_000, 8_000)] {
            let periods = from.min(to) / 12;
            let error = distance(&resample_loop(sine(periods, from), to), &sine(periods, to));
            // A frame is half a radian here: this is less than a hundredth of one.
            assert!(error < 4e-3, "{from} to {to}: {error}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        let quiet = resample_loop(sine(15_000, 48_000), 24_000);
        assert!(distance(&quiet, &vec![[0.0; 2]; 24_000]) < 1e-3);
    }

    #[test]
    fn any_two_lengths_will_do() {
        for (from, to) in [(1, 2), (2, 1), (7, 1000), (1000, 7), (300, 299), (5, 5), (0, 3), (3, 0)] {
            let resampled = resample_loop(vec![[0.25, -0.5]; from], to);
            let expected = if from == 0 { [0.0; 2] } else { [0.25, -0.5] };
            assert!(distance(&resampled, &vec![expected; to]) < 1e-3, "{from} to {to}: {resampled:?}");
        }
    }
}
