//! The bus: a gentle compressor over the whole mix, tied to the mix's own level.

use crate::stereo::Stereo;

/// dB that the loudness must be above the mix's mean before anything happens, and the width of the bend there.
const ABOVE_MEAN_DB: f32 = 1.0;
const KNEE_DB: f32 = 8.0;
/// Above the bend a rise of this many dB becomes one.
const RATIO: f32 = 2.0;
/// Seconds over which loudness is heard, and in which the gain falls and rises again.
const HEARING_SECONDS: f32 = 0.01;
const ATTACK_SECONDS: f32 = 0.02;
const RELEASE_SECONDS: f32 = 0.25;
/// Frames that share a gain's end points.
const STEP: usize = 16;
/// Rounds that a loop is heard before its first, so that it begins as it ends; each forgets the last's beginning.
const LEAST_SECONDS: f32 = 6.0;

struct Detector {
    power: f32,
    gain_db: f32,
    hearing: f32,
    attack: f32,
    release: f32,
    threshold_db: f32,
    amount: f32,
}

impl Detector {
    /// Hears the mean power of a step; gives the gain in dB, 0 or less.
    fn step(&mut self, power: f32) -> f32 {
        self.power += self.hearing * (power - self.power);
        let over = 10.0 * libm::log10f(self.power.max(1e-12)) - self.threshold_db;
        let bent = if over <= -KNEE_DB / 2.0 {
            0.0
        } else if over < KNEE_DB / 2.0 {
            (over + KNEE_DB / 2.0) * (over + KNEE_DB / 2.0) / (2.0 * KNEE_DB)
        } else {
            over
        };
        let wanted = -self.amount * bent * (1.0 - 1.0 / RATIO);
        let pace = if wanted < self.gain_db { self.attack } else { self.release };
        self.gain_db += pace * (wanted - self.gain_db);
        self.gain_db
    }
}

/// Compresses a mix, both channels alike; `amount` 0..=1.
pub(crate) fn compress(sound: &mut Stereo, amount: f32, rate: u32, is_loop: bool) {
    let powers = powers(sound);
    let mean = powers.iter().map(|power| f64::from(*power)).sum::<f64>() / powers.len().max(1) as f64;
    if amount == 0.0 || mean < 1e-12 {
        return;
    }
    let pace = |seconds: f32| 1.0 - libm::expf(-(STEP as f32) / (seconds * rate as f32));
    let mut detector = Detector {
        power: 0.0,
        gain_db: 0.0,
        hearing: pace(HEARING_SECONDS),
        attack: pace(ATTACK_SECONDS),
        release: pace(RELEASE_SECONDS),
        threshold_db: 10.0 * libm::log10f(mean as f32) + ABOVE_MEAN_DB,
        amount,
    };
    if is_loop {
        let rounds = 1 + (LEAST_SECONDS * rate as f32 / sound.frames() as f32) as usize;
        for power in (0..rounds).flat_map(|_| &powers) {
            detector.step(*power);
        }
    }
    let mut before = libm::exp10f(detector.gain_db / 20.0);
    let total = sound.frames();
    for (index, power) in powers.iter().enumerate() {
        let after = libm::exp10f(detector.step(*power) / 20.0);
        let begin = index * STEP;
        let end = (begin + STEP).min(total);
        let slope = (after - before) / (end - begin) as f32;
        for channel in sound.channels() {
            channel[begin..end].iter_mut().enumerate().for_each(|(at, x)| *x *= before + slope * (at + 1) as f32);
        }
        before = after;
    }
}

/// Mean power of both channels in each step.
fn powers(sound: &Stereo) -> Vec<f32> {
    let power = |(left, right): (&[f32], &[f32])| {
        let sum: f32 = left.iter().zip(right).map(|(left, right)| left * left + right * right).sum();
        sum / (2 * left.len()) as f32
    };
    sound.left.chunks(STEP).zip(sound.right.chunks(STEP)).map(power).collect()
}
