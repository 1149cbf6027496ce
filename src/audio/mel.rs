//! The mel spectrogram of a loop.

use super::frames::LoopFrames;
use fft::RealToComplex;
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

/// What a [`MelBank`] hears.
#[derive(Debug, Clone, PartialEq)]
pub struct MelConfig {
    /// Rate of the sound, in Hz.
    pub sample_rate: u32,
    /// Length of the analysis window, in samples; even.
    pub n_fft: usize,
    /// Mel bands.
    pub bands: usize,
    /// Centre of the filter below the lowest band, in Hz.
    pub f_min: f64,
    /// Centre of the filter above the highest band, in Hz.
    pub f_max: f64,
    /// Bands are even in `ln(1 + f / warp)`, in Hz: near linear below, near logarithmic above.
    pub warp: f64,
    /// Smallest band magnitude; a full-scale sine has 1.
    pub floor: f64,
}

impl Default for MelConfig {
    fn default() -> Self {
        Self { sample_rate: 32_000, n_fft: 2048, bands: 128, f_min: 30., f_max: 14_000., warp: 400., floor: 1e-4 }
    }
}

/// Triangular filters, even in `ln(1 + f / warp)`, with the windowed transform before them.
///
/// Bands are linear in magnitude: a sine of amplitude A has magnitude A in its bin. Filters peak at 1 and reach at
/// least one bin to either side of their centre, so that no low band is empty.
#[derive(Clone)]
pub struct MelBank {
    filters: Vec<Filter>,
    bins: usize,
    /// Periodic Hann `(n_fft,)`, scaled so that a sine of amplitude A has magnitude A.
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    floor: f32,
}

impl fmt::Debug for MelBank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MelBank").field("bands", &self.bands()).field("bins", &self.bins).finish_non_exhaustive()
    }
}

/// The part of a filter that is not zero.
#[derive(Debug, Clone)]
struct Filter {
    start: usize,
    weights: Vec<f32>,
}

impl MelBank {
    /// The bank that `config` describes.
    pub fn new(config: &MelConfig) -> Self {
        let bins = config.n_fft / 2 + 1;
        let (low, high) = ((config.f_min / config.warp).ln_1p(), (config.f_max / config.warp).ln_1p());
        let step = (high - low) / (config.bands + 1) as f64;
        let edge = |i: usize| config.warp * (low + step * i as f64).exp_m1();
        let bin_hz = f64::from(config.sample_rate) / config.n_fft as f64;
        let filters = (0..config.bands).map(|i| Filter::new([edge(i), edge(i + 1), edge(i + 2)], bin_hz, bins));
        let hann = hann(config.n_fft);
        let scale = 2. / hann.iter().sum::<f64>();
        Self {
            filters: filters.collect(),
            bins,
            window: hann.iter().map(|w| (w * scale) as f32).collect(),
            fft: fft::forward(config.n_fft),
            floor: config.floor as f32,
        }
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.filters.len()
    }

    /// `spectrum (bins,)` → `bands (bands,)`: the filters' sums.
    pub fn project(&self, spectrum: &[f32], bands: &mut [f32]) {
        for (band, filter) in bands.iter_mut().zip(&self.filters) {
            let part = &spectrum[filter.start..filter.start + filter.weights.len()];
            *band = part.iter().zip(&filter.weights).map(|(x, w)| x * w).sum();
        }
    }

    /// The beat mel of a loop: `mono (length,)` → `(frames, bands)` flat, natural log.
    ///
    /// Frame `j` is centred at `j / frames` of the loop, whatever the tempo. An empty loop is silent.
    pub fn beat_mel(&self, mono: &[f32], frames: usize) -> Vec<f32> {
        let mut mel = vec![self.floor.ln(); frames * self.bands()];
        if mono.is_empty() {
            return mel;
        }
        let layout = LoopFrames::new(mono.len(), frames, self.window.len());
        let buffers = || (self.fft.make_input_vec(), self.fft.make_output_vec(), vec![0.; self.bins]);
        mel.par_chunks_mut(self.bands()).enumerate().for_each_init(buffers, |(frame, bins, magnitudes), (j, bands)| {
            layout.gather(j, mono, &self.window, frame);
            self.fft.process(frame, bins).expect("the buffers come from the same plan");
            magnitudes.iter_mut().zip(bins.iter()).for_each(|(m, x)| *m = x.norm_sqr().sqrt());
            self.project(magnitudes, bands);
            bands.iter_mut().for_each(|x| *x = x.max(self.floor).ln());
        });
        mel
    }
}

impl Filter {
    /// Triangle over `[low, centre, high]` in Hz.
    fn new([low, centre, high]: [f64; 3], bin_hz: f64, bins: usize) -> Self {
        let (low, high) = (low.min(centre - bin_hz), high.max(centre + bin_hz));
        let weight = |bin: usize| {
            let hz = bin as f64 * bin_hz;
            ((hz - low) / (centre - low)).min((high - hz) / (high - centre)).clamp(0., 1.) as f32
        };
        let start = (0..bins).find(|&bin| weight(bin) > 0.).unwrap_or(0);
        Self { start, weights: (start..bins).map(weight).take_while(|&w| w > 0.).collect() }
    }
}

/// Periodic Hann window `(size,)`.
fn hann(size: usize) -> Vec<f64> {
    (0..size).map(|i| 0.5 - 0.5 * (TAU * i as f64 / size as f64).cos()).collect()
}
