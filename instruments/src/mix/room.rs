//! The room: convolution with an answer made of early reflections and of noise that dies away, highs first.
//!
//! Why not a network of delays from a crate: a convolution by Fourier transform wraps around a loop exactly, sounds the
//! same at every rate, and has no ringing modes.

use std::sync::Arc;

use fft::{Complex, ComplexToReal, RealToComplex};

use crate::random::Random;
use crate::stereo::Stereo;
use crate::voice::Kernel;

/// Rate at which a room is built, in Hz.
const OWN_RATE: f64 = 48_000.0;
/// Seconds of a reflection, its level, and its place −1..=1.
const EARLY: [(f32, f32, f32); 8] = [
    (0.0113, 0.34, -0.5),
    (0.0157, 0.30, 0.6),
    (0.0211, 0.26, -0.8),
    (0.0263, 0.24, 0.7),
    (0.0319, 0.20, -0.2),
    (0.0373, 0.18, 0.4),
    (0.0431, 0.15, -0.6),
    (0.0503, 0.13, 0.9),
];
/// Share of the answer's power that is early.
const EARLY_POWER: f32 = 0.3;
/// Seconds before the noise begins and in which it builds up.
const DELAY_SECONDS: f32 = 0.018;
const BUILD_SECONDS: f32 = 0.04;
/// Corners in Hz between lows, middles and highs, and how long each lasts beside the middles.
const BANDS_HZ: [f32; 2] = [300.0, 3500.0];
const BAND_TIMES: [f32; 3] = [1.15, 1.0, 0.45];
/// Nothing below this is answered.
const LOW_CUT_HZ: f32 = 140.0;

/// A room of one size, for sounds of one length.
pub(crate) struct Room {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    /// Spectra of the answer, left and right.
    answer: [Vec<Complex<f32>>; 2],
    frames: usize,
}

impl Room {
    /// Frames that a room of `space` (0..=1) rings at `rate` Hz.
    pub(crate) fn tail(space: f32, rate: u32) -> usize {
        ((1.25 * reverberation_seconds(space) + 0.1) * rate as f32) as usize
    }

    /// For sounds of up to `frames` with what rings after.
    pub(crate) fn new(space: f32, rate: u32, frames: usize) -> Self {
        let frames = fast_length(frames + Self::tail(space, rate));
        let (forward, back) = (fft::forward(frames), fft::inverse(frames));
        let answer = [0, 1].map(|side| {
            let mut answer = at_rate(&answer(space, side), rate);
            answer.truncate(Self::tail(space, rate));
            answer.resize(frames, 0.0);
            let mut spectrum = forward.make_output_vec();
            forward.process(&mut answer, &mut spectrum).expect("the lengths are the plan's");
            spectrum
        });
        Self { forward, back, answer, frames }
    }

    /// What the room answers to a sound, `send` of whose middle reaches it.
    pub(crate) fn answer(&self, sound: &Stereo, send: f32) -> Stereo {
        let mut middle = self.forward.make_input_vec();
        let both = sound.left.iter().zip(&sound.right);
        middle.iter_mut().zip(both).for_each(|(x, (left, right))| *x = (left + right) * 0.5);
        let mut spectrum = self.forward.make_output_vec();
        self.forward.process(&mut middle, &mut spectrum).expect("the lengths are the plan's");
        let scale = send * std::f32::consts::SQRT_2 / self.frames as f32;
        let [left, right] = [0, 1].map(|side| {
            let mut product: Vec<Complex<f32>> =
                spectrum.iter().zip(&self.answer[side]).map(|(x, y)| x * y * scale).collect();
            let (first, last) = (0, product.len() - 1);
            // A transform of real sound has real ends; the product's are so up to rounding.
            product[first].im = 0.0;
            if self.frames.is_multiple_of(2) {
                product[last].im = 0.0;
            }
            let mut wet = self.back.make_output_vec();
            self.back.process(&mut product, &mut wet).expect("the lengths are the plan's");
            wet
        });
        Stereo { left, right }
    }
}

/// Seconds until the middles are 60 dB down.
fn reverberation_seconds(space: f32) -> f32 {
    0.45 + 2.9 * space * space
}

/// The least length not below `frames` that has no prime factor above five.
fn fast_length(frames: usize) -> usize {
    let is_fast = |length: &usize| {
        let mut rest = *length;
        for factor in [2, 3, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        rest == 1
    };
    (frames.max(2)..).find(is_fast).expect("a power of two is one")
}

/// The answer of one side at [`OWN_RATE`], of power 1.
fn answer(space: f32, side: u64) -> Vec<f32> {
    let rate = OWN_RATE as f32;
    let mut late = noise(space, side);
    low_cut(&mut late, rate);
    normalise(&mut late, 1.0 - EARLY_POWER);
    let mut early = vec![0.0; late.len()];
    for (seconds, level, place) in EARLY {
        let place = if side == 0 { 1.0 - place } else { 1.0 + place } * 0.5;
        // A larger room has farther walls.
        let at = seconds * (0.6 + 0.8 * space) * rate;
        if let Some(x) = early.get_mut(at as usize) {
            *x += level * place.max(0.0).sqrt();
        }
    }
    soften(&mut early);
    low_cut(&mut early, rate);
    normalise(&mut early, EARLY_POWER);
    late.iter().zip(early).map(|(late, early)| late + early).collect()
}

/// Noise that dies away, each band at its own pace.
fn noise(space: f32, side: u64) -> Vec<f32> {
    let (rate, random) = (OWN_RATE as f32, Random::new(0x0052_4f4f_4d00 + side));
    let poles = BANDS_HZ.map(|hz| 1.0 - libm::expf(-std::f32::consts::TAU * hz / rate));
    let (mut low, mut middle) = (0.0, 0.0);
    let falls = BAND_TIMES.map(|time| libm::expf(-6.908 / (time * reverberation_seconds(space) * rate)));
    let mut levels = [1.0_f32; 3];
    let delay = (DELAY_SECONDS * (0.5 + space) * rate) as usize;
    let length = Room::tail(space, OWN_RATE as u32);
    let mut out = vec![0.0; length];
    for (frame, x) in out.iter_mut().enumerate().skip(delay) {
        let white = random.with(frame as u64).normal();
        low += poles[0] * (white - low);
        middle += poles[1] * (white - middle);
        let bands = [low, middle - low, white - middle];
        let build = ((frame - delay) as f32 / (BUILD_SECONDS * rate)).min(1.0);
        // The last of it fades to nothing, so that the end is no edge.
        let fade = ((length - frame) as f32 / (0.05 * rate)).min(1.0);
        *x = build * fade * bands.iter().zip(levels).map(|(band, level)| band * level).sum::<f32>();
        levels.iter_mut().zip(falls).for_each(|(level, fall)| *level *= fall);
    }
    out
}

/// Walls take the edge off a reflection.
fn soften(frames: &mut [f32]) {
    let mut state = 0.0;
    frames.iter_mut().for_each(|x| {
        state += 0.45 * (*x - state);
        *x = state;
    });
}

fn low_cut(frames: &mut [f32], rate: f32) {
    let pole = 1.0 - libm::expf(-std::f32::consts::TAU * LOW_CUT_HZ / rate);
    for _ in 0..2 {
        let mut state = 0.0;
        frames.iter_mut().for_each(|x| {
            state += pole * (*x - state);
            *x -= state;
        });
    }
}

fn normalise(frames: &mut [f32], power: f32) {
    let sum: f32 = frames.iter().map(|x| x * x).sum();
    let scale = (power / sum.max(1e-9)).sqrt();
    frames.iter_mut().for_each(|x| *x *= scale);
}

/// The same answer at another rate, of the same strength.
fn at_rate(answer: &[f32], rate: u32) -> Vec<f32> {
    let step = OWN_RATE / f64::from(rate);
    if step == 1.0 {
        return answer.to_vec();
    }
    let kernel = Kernel::for_step(step);
    let reach = kernel.taps() / 2;
    let mut padded = vec![0.0; reach];
    padded.extend_from_slice(answer);
    padded.resize(answer.len() + 2 * kernel.taps(), 0.0);
    let frames = (answer.len() as f64 / step) as usize;
    let at = |frame: usize| {
        let place = frame as f64 * step;
        let first = place as usize + 1;
        kernel.at(&padded[first..first + kernel.taps()], place.fract()) * step as f32
    };
    (0..frames).map(at).collect()
}
