//! Planes that tell a model where it is, in frequency and in the bar.

use candle_core::{Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Which planes a model is given beside its latents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// A plane that rises from -1 at the first row to 1 at the last, and its square.
    pub frequency: bool,
    /// Sine and cosine planes along time, each given as cycles per four bars of 4/4.
    ///
    /// Up to 8 a harmonic counts bars (4 is one cycle per bar), above it counts beats (16 is one cycle per beat), so
    /// that both keep their meaning in other metres.
    pub harmonics: Vec<usize>,
}

/// How many columns a bar and a beat take, both above 0; they need not be whole numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Columns per bar.
    pub columns_per_bar: f64,
    /// Columns per beat.
    pub columns_per_beat: f64,
}

impl Pulse {
    /// 4/4, a sixteenth note to a column.
    pub const COMMON: Self = Self { columns_per_bar: 16.0, columns_per_beat: 4.0 };
}

impl Position {
    /// How many planes there are.
    pub fn count(&self) -> usize {
        2 * usize::from(self.frequency) + 2 * self.harmonics.len()
    }

    /// The planes of the `window` columns from canvas column `start` on, `(1, count, window, rows)`, f32: frequency and
    /// its square, then sine and cosine of each harmonic.
    ///
    /// Phases run on through the end of a circular canvas, as they did in training, also where the canvas is not a
    /// whole number of four-bar cycles long.
    ///
    /// # Errors
    ///
    /// A bar or a beat has no length; the device's own.
    pub fn planes(&self, start: usize, window: usize, rows: usize, pulse: Pulse, device: &Device) -> Result<Tensor> {
        if ![pulse.columns_per_bar, pulse.columns_per_beat].iter().all(|columns| columns.is_finite() && *columns > 0.0)
        {
            bail!("bars and beats need a length: {pulse:?}")
        }
        let mut planes: Vec<f32> = Vec::with_capacity(self.count() * window * rows);
        if self.frequency {
            let frequency: Vec<f32> = (0..rows).map(|row| rise(row, rows)).collect();
            (0..window).for_each(|_| planes.extend(&frequency));
            (0..window).for_each(|_| planes.extend(frequency.iter().map(|f| f * f)));
        }
        for harmonic in &self.harmonics {
            for wave in [f64::sin, f64::cos] {
                let value = |i| wave(phase(*harmonic, start + i, pulse)) as f32;
                (0..window).for_each(|i| planes.extend(std::iter::repeat_n(value(i), rows)));
            }
        }
        Tensor::from_vec(planes, (1, self.count(), window, rows), device)
    }
}

/// From -1 at the first row to 1 at the last.
fn rise(row: usize, rows: usize) -> f32 {
    if rows < 2 { -1.0 } else { (2.0 * row as f64 / (rows - 1) as f64 - 1.0) as f32 }
}

/// In radians, `0..2 pi`. Reduced before it is divided, which is exact, so that equal places in the bar have equal bits.
fn phase(harmonic: usize, column: usize, pulse: Pulse) -> f64 {
    let period = if harmonic <= 8 { 4.0 * pulse.columns_per_bar } else { 16.0 * pulse.columns_per_beat };
    TAU * ((harmonic * column) as f64 % period) / period
}
