//! Windowed-sinc kernels for playing a sample at another speed, one for each semitone of raising.

use std::sync::OnceLock;

use wide::f32x8;

/// Zero crossings on either side, at the cutoff of an unraised sample.
const WINGS: usize = 16;
/// Cutoff of the unraised kernel as a share of half the sample's rate: half its amplitude there.
const CUTOFF: f64 = 0.93;
/// Shape of the Kaiser window: 90 dB down outside.
const KAISER_BETA: f64 = 9.0;
/// Fractions of a frame that are tabulated for an unraised sample; between them the kernel is a line.
const PHASES: usize = 256;
/// Raised further than four octaves a sample may alias.
const MAX_SEMITONES: usize = 48;

/// A low-pass that interpolates: weights of the frames around a place, for every fraction of a frame.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// A multiple of eight.
    taps: usize,
    phases: usize,
    /// `phases + 1` rows of `taps`.
    table: Vec<f32>,
}

impl Kernel {
    /// The kernel for `step` frames of the sample to a frame of sound: what would alias does not pass.
    pub(crate) fn for_step(step: f64) -> &'static Self {
        static KERNELS: [OnceLock<Kernel>; MAX_SEMITONES + 1] = [const { OnceLock::new() }; MAX_SEMITONES + 1];
        let semitones = if step > 1.0 { (12.0 * libm::log2(step) - 1e-6).ceil() } else { 0.0 };
        let semitones = (semitones as usize).min(MAX_SEMITONES);
        KERNELS[semitones].get_or_init(|| Self::new(libm::exp2(semitones as f64 / 12.0)))
    }

    fn new(widening: f64) -> Self {
        let half = ((WINGS as f64 * widening).ceil() as usize).next_multiple_of(4);
        let phases = ((PHASES as f64 / widening).ceil() as usize).max(32);
        let taps = 2 * half;
        let mut table = Vec::with_capacity((phases + 1) * taps);
        for phase in 0..=phases {
            let fraction = phase as f64 / phases as f64;
            let row = (0..taps).map(|tap| weight((tap as f64 - (half - 1) as f64 - fraction) / widening) / widening);
            let row: Vec<f64> = row.collect();
            // Each row passes what does not move unchanged: no hum from the table's own steps.
            let sum: f64 = row.iter().sum();
            table.extend(row.iter().map(|weight| (weight / sum) as f32));
        }
        Self { taps, phases, table }
    }

    /// How many frames it looks at: from `taps / 2 − 1` before the place.
    pub(crate) fn taps(&self) -> usize {
        self.taps
    }

    /// The sound `fraction` (0..1) of a frame behind the middle of `window`, which has `taps` frames.
    #[inline]
    pub(crate) fn at(&self, window: &[f32], fraction: f64) -> f32 {
        let place = fraction * self.phases as f64;
        let row = (place as usize).min(self.phases - 1);
        let between = (place - row as f64) as f32;
        let (low, high) = self.table[row * self.taps..(row + 2) * self.taps].split_at(self.taps);
        let (window, low, high) = (window.as_chunks::<8>().0, low.as_chunks::<8>().0, high.as_chunks::<8>().0);
        let (between, mut sums) = (f32x8::splat(between), f32x8::ZERO);
        for ((x, low), high) in window.iter().zip(low).zip(high) {
            let (low, high) = (f32x8::from(*low), f32x8::from(*high));
            sums += f32x8::from(*x) * (low + between * (high - low));
        }
        let sums = sums.to_array();
        let halves: [f32; 4] = std::array::from_fn(|lane| sums[lane] + sums[lane + 4]);
        (halves[0] + halves[2]) + (halves[1] + halves[3])
    }
}

/// The unraised kernel at `x` frames from its middle.
fn weight(x: f64) -> f64 {
    let wing = x / WINGS as f64;
    if wing.abs() >= 1.0 {
        return 0.0;
    }
    let angle = std::f64::consts::PI * CUTOFF * x;
    let sinc = if angle.abs() < 1e-9 { 1.0 } else { libm::sin(angle) / angle };
    CUTOFF * sinc * bessel(KAISER_BETA * (1.0 - wing * wing).sqrt()) / bessel(KAISER_BETA)
}

/// The modified Bessel function of order zero.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}
