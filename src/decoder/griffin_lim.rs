//! Magnitudes to a loop: fast Griffin-Lim on a circle.

use super::frames::LoopFrames;
use super::mel::hann;
use super::phase::single_pass_phases;
use fft::{Complex, ComplexToReal, RealToComplex};
use rayon::prelude::*;
use std::fmt;
use std::sync::Arc;

/// Finds a loop whose frames have given magnitudes.
///
/// Each iteration makes sound of the frames, takes the frames of that sound and keeps their phases. Frames wrap around
/// the loop, so there is no edge to repair. Frames are independent and are added in a fixed order: the result does not
/// depend on the number of threads.
///
/// Source: Perraudin, Balazs and Søndergaard, "A fast Griffin-Lim algorithm", WASPAA 2013.
#[derive(Clone)]
pub struct GriffinLim {
    iterations: usize,
    momentum: f32,
    /// Periodic Hann `(n_fft,)`, for analysis and synthesis.
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl fmt::Debug for GriffinLim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GriffinLim").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl GriffinLim {
    /// Frames of `n_fft` samples; `momentum` in 0..1, where 0 is the classic algorithm.
    pub fn new(n_fft: usize, iterations: usize, momentum: f32) -> Self {
        Self {
            iterations,
            momentum,
            window: hann(n_fft).iter().map(|w| *w as f32).collect(),
            forward: fft::forward(n_fft),
            inverse: fft::inverse(n_fft),
        }
    }

    /// `magnitudes (frames, bins)` flat, where a sine of amplitude A has A → a loop of `length` samples.
    pub fn render(&self, mut magnitudes: Vec<f32>, length: usize) -> Vec<f32> {
        let (n_fft, bins) = (self.window.len(), self.window.len() / 2 + 1);
        let layout = LoopFrames::new(length, magnitudes.len() / bins, n_fft);
        let phases = single_pass_phases(&magnitudes, bins, &layout);
        let gain = self.window.iter().sum::<f32>() / 2.;
        magnitudes.par_iter_mut().for_each(|x| *x *= gain);

        let weights = self.weights(&layout);
        let mut state = State {
            frames: vec![0.; layout.count() * n_fft],
            last: magnitudes.par_iter().zip(&phases).map(|(m, p)| Complex::from_polar(*m, *p)).collect(),
            sound: vec![0.; length],
        };
        drop(phases);
        self.begin(&mut state);
        for _ in 0..self.iterations {
            state.add(&layout, &weights);
            self.iterate(&layout, &magnitudes, &mut state);
        }
        state.add(&layout, &weights);
        state.sound
    }

    /// What each sample of the summed frames is multiplied with: one over the sum of squared windows, and over the
    /// factor that a forward and inverse transform leave.
    fn weights(&self, layout: &LoopFrames) -> Vec<f32> {
        let squared = self.window.iter().map(|w| w * w);
        let frames: Vec<f32> = squared.cycle().take(layout.count() * self.window.len()).collect();
        let mut weights = vec![0.; layout.length()];
        layout.overlap_add(&frames, &mut weights);
        weights.iter_mut().for_each(|w| *w = 1. / (*w * self.window.len() as f32));
        weights
    }

    /// Frames of the first guess, which `state.last` holds and loses: the first iteration has no momentum.
    fn begin(&self, state: &mut State) {
        let bins = self.window.len() / 2 + 1;
        let frames = state.frames.par_chunks_mut(self.window.len()).zip(state.last.par_chunks_mut(bins));
        frames.for_each_init(
            || self.inverse.make_scratch_vec(),
            |scratch, (frame, spectrum)| {
                self.synthesise(spectrum, frame, scratch);
                spectrum.fill(Complex::ZERO);
            },
        );
    }

    /// Replaces the frames by those of the sound, with the wanted magnitudes.
    fn iterate(&self, layout: &LoopFrames, magnitudes: &[f32], state: &mut State) {
        let bins = self.window.len() / 2 + 1;
        let sound = &state.sound;
        let frames = state.frames.par_chunks_mut(self.window.len()).zip(state.last.par_chunks_mut(bins));
        frames.zip(magnitudes.par_chunks(bins)).enumerate().for_each_init(
            || (self.forward.make_output_vec(), self.forward.make_scratch_vec(), self.inverse.make_scratch_vec()),
            |(spectrum, forward, inverse), (j, ((frame, last), magnitudes))| {
                layout.gather(j, sound, &self.window, frame);
                self.forward.process_with_scratch(frame, spectrum, forward).expect("buffers fit the plan");
                self.project(magnitudes, spectrum, last);
                self.synthesise(spectrum, frame, inverse);
            },
        );
    }

    /// Gives `spectrum` the wanted `magnitudes` and the phases of itself, extrapolated from `last`.
    fn project(&self, magnitudes: &[f32], spectrum: &mut [Complex<f32>], last: &mut [Complex<f32>]) {
        for ((x, last), magnitude) in spectrum.iter_mut().zip(last).zip(magnitudes) {
            let ahead = *x + (*x - *last) * self.momentum;
            *last = *x;
            *x = ahead * (magnitude / (ahead.norm_sqr().sqrt() + 1e-8));
        }
    }

    /// `spectrum (bins,)`, which is overwritten, → windowed `frame (n_fft,)`.
    fn synthesise(&self, spectrum: &mut [Complex<f32>], frame: &mut [f32], scratch: &mut [Complex<f32>]) {
        // The first and last bin of a real signal are real.
        let last = spectrum.len() - 1;
        spectrum[0].im = 0.;
        spectrum[last].im = 0.;
        self.inverse.process_with_scratch(spectrum, frame, scratch).expect("buffers fit the plan");
        frame.iter_mut().zip(&self.window).for_each(|(x, w)| *x *= w);
    }
}

/// What an iteration changes.
struct State {
    /// Windowed frames `(frames, n_fft)`.
    frames: Vec<f32>,
    /// Spectra of the last iteration's sound `(frames, bins)`.
    last: Vec<Complex<f32>>,
    /// The loop.
    sound: Vec<f32>,
}

impl State {
    /// Makes sound of the frames.
    fn add(&mut self, layout: &LoopFrames, weights: &[f32]) {
        layout.overlap_add(&self.frames, &mut self.sound);
        self.sound.par_iter_mut().zip(weights).for_each(|(x, w)| *x *= w);
    }
}
