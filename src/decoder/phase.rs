//! A first guess of the phases, in one pass.

use super::frames::LoopFrames;
use std::f64::consts::{PI, TAU};

/// Phases `(frames, bins)` flat, in radians, for `magnitudes (frames, bins)` flat.
///
/// Every spectral peak is taken for a sine: its frequency, from a parabola through three log magnitudes, advances its
/// phase from frame to frame, and the bins around it follow with alternating sign, as a centred window makes them.
/// The phases do not close around the loop; Griffin-Lim repairs that.
///
/// Source: Beauregard, Harish and Wyse, "Single Pass Spectrogram Inversion", DSP 2015.
pub fn single_pass_phases(magnitudes: &[f32], bins: usize, frames: &LoopFrames) -> Vec<f32> {
    let n_fft = 2 * (bins - 1);
    let mut phase: Vec<f64> = (0..bins).map(first_phase).collect();
    let mut phases = Vec::with_capacity(magnitudes.len());
    for (j, magnitudes) in magnitudes.chunks_exact(bins).enumerate() {
        let radians_per_bin = TAU * frames.hop(j) as f64 / n_fft as f64;
        let peaks = peaks(magnitudes);
        let mut start = 0;
        // Read from the last frame's phases, write this frame's: regions overlap the peaks of the last frame.
        let last = phase.clone();
        for (i, &peak) in peaks.iter().enumerate() {
            let end = peaks.get(i + 1).map_or(bins, |next| (peak + next) / 2 + 1);
            let advanced = (last[peak] + radians_per_bin * frequency(magnitudes, peak)).rem_euclid(TAU);
            phase[start..end].fill(advanced);
            let alternate = (start..end).map(|bin| advanced + PI * (bin.abs_diff(peak) % 2) as f64);
            phases.extend(alternate.map(|x| x as f32));
            start = end;
        }
        phases.extend(phase[start..].iter().map(|x| *x as f32));
    }
    phases
}

/// Phase of a bin before the first frame: scattered evenly, also in its differences, so that the sound does not begin
/// with the click that equal or linear phases make.
fn first_phase(bin: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    TAU * ((bin * bin) as f64 * GOLDEN).fract()
}

/// Bins that are larger than the one below and at least as large as the one above.
fn peaks(magnitudes: &[f32]) -> Vec<usize> {
    let is_peak = |w: &[f32]| w[1] > w[0] && w[1] >= w[2];
    magnitudes.windows(3).enumerate().filter(|(_, w)| is_peak(w)).map(|(i, _)| i + 1).collect()
}

/// Frequency of a peak in bins, between its neighbours' midpoints.
fn frequency(magnitudes: &[f32], peak: usize) -> f64 {
    let log = |bin: usize| (f64::from(magnitudes[bin]) + 1e-9).ln();
    let (below, at, above) = (log(peak - 1), log(peak), log(peak + 1));
    let offset = 0.5 * (below - above) / (below - 2. * at + above - 1e-9);
    peak as f64 + offset.clamp(-0.5, 0.5)
}
