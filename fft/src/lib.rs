//! Fourier transforms of real samples.
//!
//! All of `rustfft` is generic over the type of its samples, so that each crate which plans a transform compiles two thousand
//! functions of it anew. This crate plans them for `f32` and `f64`; the others only call what it planned.
#![forbid(unsafe_code)]

use std::sync::Arc;

pub use realfft::num_complex::Complex;
pub use realfft::{ComplexToReal, RealToComplex};

use realfft::RealFftPlanner;

/// From `length` samples to `length / 2 + 1` bins, from 0 Hz up to half the sample rate. Nothing is scaled.
pub fn forward(length: usize) -> Arc<dyn RealToComplex<f32>> {
    RealFftPlanner::new().plan_fft_forward(length)
}

/// From `length / 2 + 1` bins to `length` samples: `length` times those that [`forward`] had.
pub fn inverse(length: usize) -> Arc<dyn ComplexToReal<f32>> {
    RealFftPlanner::new().plan_fft_inverse(length)
}

/// [`forward`] in double precision.
pub fn forward_f64(length: usize) -> Arc<dyn RealToComplex<f64>> {
    RealFftPlanner::new().plan_fft_forward(length)
}

/// [`inverse`] in double precision.
pub fn inverse_f64(length: usize) -> Arc<dyn ComplexToReal<f64>> {
    RealFftPlanner::new().plan_fft_inverse(length)
}
