//! Bands back to bins: the filter bank, inverted without negative magnitudes.

use super::MelBank;
use rayon::prelude::*;

/// Non-negative least squares by multiplicative updates: `x <- x * Wᵀm / Wᵀ W x`.
///
/// The bank has eight times fewer bands than the spectrum has bins, so the start decides what the updates leave open.
/// We start from `Wᵀ(m / W1)`, every band's mean spread over its bins, times what a [`FineStructure`](super::FineStructure)
/// says of each bin where a bundle has one. Against the clamped pseudo-inverse the even spread measured
/// the same or better on a synthesised clip (magnitude error 0.237 against 0.245 ln-units) and on 25 tones (median 2.3
/// against 2.5 cents), at the cost of two sparse products in place of a dense one.
///
/// Source: Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.
#[derive(Debug, Clone)]
pub struct Inversion {
    bank: MelBank,
    /// `1 / W1`, one per band.
    spread: Vec<f32>,
    steps: usize,
}

impl Inversion {
    /// `steps` updates; 30 are enough for the mini bundle's bank.
    pub fn new(bank: MelBank, steps: usize) -> Self {
        let mut sums = vec![0.; bank.bands()];
        bank.project(&vec![1.; bank.bins()], &mut sums);
        let spread = sums.iter().map(|sum| if *sum > 0. { 1. / sum } else { 0. }).collect();
        Self { bank, spread, steps }
    }

    /// `mel (frames, bands)` flat, natural log → magnitudes `(frames, bins)` flat.
    ///
    /// `gains (frames, bins)`, ln, say how the bins of a band share it; without them all have alike.
    /// The floor is taken off in power: a band at the floor is silent, not the hiss that 128 bands at -80 dB add up to.
    pub fn magnitudes(&self, mel: &[f32], gains: Option<&[f32]>) -> Vec<f32> {
        let (bands, bins) = (self.bank.bands(), self.bank.bins());
        let mut magnitudes = vec![1.; mel.len() / bands * bins];
        if let Some(gains) = gains {
            magnitudes.par_iter_mut().zip(gains).for_each(|(share, gain)| *share = gain.exp());
        }
        let frames = magnitudes.par_chunks_mut(bins).zip(mel.par_chunks(bands));
        frames.for_each_init(
            || Work { target: vec![0.; bins], model: vec![0.; bins], bands: vec![0.; bands] },
            |work, (spectrum, mel)| self.invert(mel, spectrum, work),
        );
        magnitudes
    }

    /// `spectrum` holds each bin's share beside an even spread, and gets the magnitudes.
    fn invert(&self, mel: &[f32], spectrum: &mut [f32], work: &mut Work) {
        let floor = self.bank.floor();
        for (band, log) in work.bands.iter_mut().zip(mel) {
            let magnitude = log.exp();
            // A mel that was clamped to the floor comes back a rounding error above it.
            let above = if magnitude > floor * 1.0001 { magnitude * magnitude - floor * floor } else { 0. };
            *band = above.sqrt();
        }
        self.bank.spread(&work.bands, &mut work.target);
        work.bands.iter_mut().zip(&self.spread).for_each(|(band, spread)| *band *= spread);
        self.bank.spread(&work.bands, &mut work.model);
        spectrum.iter_mut().zip(&work.model).for_each(|(x, even)| *x *= even);
        for _ in 0..self.steps {
            self.bank.project(spectrum, &mut work.bands);
            self.bank.spread(&work.bands, &mut work.model);
            for ((x, target), model) in spectrum.iter_mut().zip(&work.target).zip(&work.model) {
                *x *= target / (model + 1e-8);
            }
        }
    }
}

/// Buffers of one thread.
struct Work {
    /// `Wᵀm`, `(bins,)`.
    target: Vec<f32>,
    /// `Wᵀ W x`, `(bins,)`.
    model: Vec<f32>,
    bands: Vec<f32>,
}
