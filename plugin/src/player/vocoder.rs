//! A phase vocoder whose windows go wherever they are told, and whose work comes in small steps.
//!
//! Libraries make a whole window within one call, which takes most of a short block; here one call of
//! [`Vocoder::step`] is at most one Fourier transform of one channel.
//!
//! A window comes out with the magnitudes it has in the clip. Its phases follow two predictions, both read off the clip:
//! from the window before, by what the phase of a bin gains within one hop; and from neighbouring bins, by how phase
//! differs between them, with distances in time about the window's centre scaled as the speed wants it. The first keeps
//! tones in tune, the second keeps attacks in one piece. Each is weighed by its energy, so that the louder neighbour
//! leads.
//!
//! Source: both predictions are the ideas of Signalsmith Stretch 1.3.1, `processSpectrum` in `signalsmith-stretch.h`.

use std::sync::Arc;

use fft::{Complex, ComplexToReal, RealToComplex};

use super::strip::Strip;

/// Shape of the Kaiser window: its main lobe is as wide as five windows that overlap allow.
const BETA: f64 = 7.4;
/// Distance of the nearer neighbour that bins are predicted from. The other one is beyond the window's main lobe.
const NEAR: usize = 1;
/// Parts in which phases are found.
const PARTS: usize = 6;
/// Calls of [`Vocoder::step`] for one window: transforms of two channels at two places, gains of phase, phases, and
/// transforms back.
pub(super) const STEPS: usize = 4 + 2 + PARTS + 2;
/// Keeps what is silent from being divided by.
const FLOOR: f32 = 1e-30;

type Spectrum = Box<[Complex<f32>]>;

/// A window to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Its first frame in the strip.
    pub start: i64,
    /// Frames of output per frame of the strip.
    pub slowness: f32,
    /// When its first frame is heard, counted from the first that [`Vocoder::read`] gives. May be before that.
    pub due: i64,
}

/// Makes windows and adds them up.
pub(super) struct Vocoder {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Frames from one window to the next.
    hop: usize,
    /// Applied before and after; its squares add up to 1 where windows overlap.
    shape: Box<[f32]>,
    /// Distance of the other neighbour, in bins.
    far: usize,
    job: Window,
    /// Steps of the job that are done.
    done: usize,
    frames: Box<[[f32; 2]]>,
    time: Box<[f32]>,
    scratch: Spectrum,
    /// The clip one hop before the window; then room for transforms back.
    before: [Spectrum; 2],
    /// The clip at the window.
    now: [Spectrum; 2],
    /// The window as it comes out; between windows, the last one.
    made: [Spectrum; 2],
    /// Energies of `made`.
    energy: [Box<[f32]>; 2],
    /// What is to be heard, as a ring.
    sum: Box<[[f32; 2]]>,
    /// Frames that were read.
    heard: i64,
}

impl Vocoder {
    /// With windows of `overlap` hops of about `hop` frames. Allocates.
    pub fn new(hop: usize, overlap: usize) -> Self {
        let hop = smooth_below(hop);
        let length = hop * overlap;
        let (forward, inverse) = (fft::forward(length), fft::inverse(length));
        let spectrum = || forward.make_output_vec().into_boxed_slice();
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            hop,
            shape: kaiser(length, hop),
            far: overlap,
            job: Window { start: 0, slowness: 1.0, due: 0 },
            done: STEPS,
            frames: vec![[0.0; 2]; length].into(),
            time: vec![0.0; length].into(),
            scratch: vec![Complex::default(); scratch].into(),
            before: [(); 2].map(|()| spectrum()),
            now: [(); 2].map(|()| spectrum()),
            made: [(); 2].map(|()| spectrum()),
            energy: [(); 2].map(|()| vec![0.0; length / 2 + 1].into()),
            sum: vec![[0.0; 2]; length + hop].into(),
            heard: 0,
            forward,
            inverse,
        }
    }

    /// Frames from one window to the next.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Frames in a window.
    pub fn length(&self) -> usize {
        self.shape.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.made.iter_mut().for_each(|made| made.fill(Complex::default()));
        self.energy.iter_mut().for_each(|energy| energy.fill(0.0));
        self.sum.fill([0.0; 2]);
        (self.heard, self.done) = (0, STEPS);
    }

    /// Begins a window; the one before must be done. It has to be done when it is due.
    pub fn begin(&mut self, window: Window) {
        (self.job, self.done) = (window, 0);
    }

    /// Goes on until `steps` steps of the window are done.
    pub fn work(&mut self, strip: &Strip, steps: usize) {
        while self.done < steps.min(STEPS) {
            self.step(strip);
            self.done += 1;
        }
    }

    /// Reads the next frames.
    pub fn read(&mut self, out: &mut [[f32; 2]]) {
        let ring = self.sum.len() as i64;
        for frame in out {
            if let Some(sum) = self.sum.get_mut(self.heard.rem_euclid(ring) as usize) {
                *frame = std::mem::take(sum);
            }
            self.heard += 1;
        }
    }

    fn step(&mut self, strip: &Strip) {
        match self.done {
            step @ 0..2 => self.analyse(strip, step, true),
            step @ 2..4 => self.analyse(strip, step - 2, false),
            step @ 4..6 => self.advance(step - 4),
            step if step < 6 + PARTS => self.lock(step - 6),
            step => self.synthesise(step - 6 - PARTS),
        }
    }

    /// Transforms a channel at the window's place, or one hop before it.
    fn analyse(&mut self, strip: &Strip, channel: usize, is_before: bool) {
        if channel == 0 {
            let back = if is_before { self.hop as i64 } else { 0 };
            strip.fill(self.job.start - back, &mut self.frames);
        }
        // The centre comes first, so that phases of neighbouring bins are alike.
        let (early, late) = self.time.split_at_mut(self.frames.len() / 2);
        let centred = late.iter_mut().chain(early);
        for ((time, frame), shape) in centred.zip(&self.frames).zip(&self.shape) {
            *time = frame[channel] * shape;
        }
        let into = if is_before { &mut self.before[channel] } else { &mut self.now[channel] };
        // Fails only for other lengths.
        let _ = self.forward.process_with_scratch(&mut self.time, into, &mut self.scratch[..]);
    }

    /// Lets the last window's phases go on by what they gain within a hop.
    fn advance(&mut self, channel: usize) {
        let bins = self.made[channel].iter_mut().zip(&mut self.energy[channel]);
        for ((made, energy), (now, before)) in bins.zip(self.now[channel].iter().zip(&self.before[channel])) {
            let loud = now.norm_sqr();
            *made *= now * before.conj() / (energy.max(loud) + FLOOR);
            *energy = loud;
        }
    }

    /// Brings the phases of one part of the bins into line with their neighbours'. From low to high, as those below are
    /// done by then.
    fn lock(&mut self, part: usize) {
        let bins = self.shape.len() / 2 + 1;
        let steps = [NEAR, self.far].map(|step| (step, Reach::new(step as f32 * self.job.slowness)));
        for bin in bins * part / PARTS..bins * (part + 1) / PARTS {
            let leader = usize::from(self.energy[1][bin] > self.energy[0][bin]);
            let (now, made) = (&self.now[leader], &mut self.made[leader]);
            let mut phase = Complex::default();
            for (step, reach) in &steps {
                if bin >= *step {
                    phase += made[bin - step] * reach.twist(now, bin);
                }
                if bin + step < bins {
                    phase += made[bin + step] * reach.twist(now, bin + step).conj();
                }
            }
            let lead = scaled(phase, self.energy[leader][bin], now[bin]);
            made[bin] = lead;
            let other = 1 - leader;
            let followed = self.now[other][bin];
            let phase = lead * followed * self.now[leader][bin].conj();
            self.made[other][bin] = scaled(phase, self.energy[other][bin], followed);
        }
    }

    /// Transforms a channel back and adds it to what is to be heard.
    fn synthesise(&mut self, channel: usize) {
        let spectrum = &mut self.before[channel];
        spectrum.copy_from_slice(&self.made[channel]);
        for edge in [0, spectrum.len() - 1] {
            spectrum[edge].im = 0.0;
        }
        // Fails only for other lengths, or if the edges were not real.
        let _ = self.inverse.process_with_scratch(spectrum, &mut self.time, &mut self.scratch[..]);
        let (early, late) = self.time.split_at(self.shape.len() / 2);
        let scale = 1.0 / self.shape.len() as f32;
        let past = (self.heard - self.job.due).max(0) as usize;
        let ring = self.sum.len();
        let mut at = (self.job.due + past as i64).rem_euclid(ring as i64) as usize;
        for (time, shape) in late.iter().chain(early).zip(&self.shape).skip(past) {
            self.sum[at][channel] += time * shape * scale;
            at = if at + 1 == ring { 0 } else { at + 1 };
        }
    }
}

/// A distance of at least half a bin, that may lie between whole ones.
#[derive(Clone, Copy)]
struct Reach {
    whole: usize,
    part: f32,
}

impl Reach {
    fn new(bins: f32) -> Self {
        let whole = bins.ceil().max(1.0);
        Self { whole: whole as usize, part: whole - bins }
    }

    /// By how much the phase at `bin` is ahead of that so far below, times their magnitudes.
    fn twist(&self, spectrum: &[Complex<f32>], bin: usize) -> Complex<f32> {
        let Some(below) = bin.checked_sub(self.whole) else { return Complex::default() };
        let below = spectrum[below] * (1.0 - self.part) + spectrum[below + 1] * self.part;
        spectrum[bin] * below.conj()
    }
}

/// As loud as `energy` says, with the phase of `phase`, or if that is none, of `otherwise`.
fn scaled(phase: Complex<f32>, energy: f32, otherwise: Complex<f32>) -> Complex<f32> {
    let norm = phase.norm_sqr();
    if norm > FLOOR { phase * (energy / norm).sqrt() } else { otherwise }
}

/// The largest multiple of four that is not above `hop` and whose transforms are quick.
fn smooth_below(hop: usize) -> usize {
    let is_smooth = |mut number: usize| {
        for factor in [2, 3, 5, 7] {
            while number.is_multiple_of(factor) {
                number /= factor;
            }
        }
        number == 1
    };
    (4..=hop.max(4)).rev().find(|hop| hop.is_multiple_of(4) && is_smooth(*hop)).unwrap_or(4)
}

/// A Kaiser window whose squares add up to 1 at every frame when windows are `hop` apart.
fn kaiser(length: usize, hop: usize) -> Box<[f32]> {
    let bessel = |x: f64| {
        let terms = (1..).scan(1.0, |term, n| {
            *term *= (x / (2.0 * f64::from(n))).powi(2);
            Some(*term)
        });
        1.0 + terms.take_while(|term| *term > 1e-9).sum::<f64>()
    };
    let at = |i: usize| {
        let place = (2 * i + 1) as f64 / length as f64 - 1.0;
        bessel(BETA * (1.0 - place * place).sqrt())
    };
    let shape: Vec<f64> = (0..length).map(at).collect();
    let power = |i: usize| shape[i % hop..].iter().step_by(hop).map(|x| x * x).sum::<f64>();
    (0..length).map(|i| (shape[i] / power(i).sqrt()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_have_small_factors_at_every_rate() {
        for (hop, smooth) in [(1_344, 1_344), (1_234, 1_232 - 32), (2_688, 2_688), (617, 600), (16, 16), (1, 4)] {
            assert_eq!(smooth_below(hop), smooth);
        }
    }

    #[test]
    fn at_the_clips_own_speed_the_clip_comes_out() {
        let mut vocoder = Vocoder::new(64, 5);
        let clip: Vec<[f32; 2]> =
            (0..3_000).map(|i| [(i as f32 * 0.37).sin(), ((i * i) as f32 * 1e-4).cos()]).collect();
        let strip = Strip { frames: &clip, length: 3_000.0, repeat: true, rise: &[] };
        let hop = vocoder.hop() as i64;
        let mut out = vec![[0.0; 2]; 1_280];
        for window in -5..20 {
            let due = window * hop;
            vocoder.begin(Window { start: 500 + due, slowness: 1.0, due });
            vocoder.work(&strip, STEPS);
            if window >= 0 {
                vocoder.read(&mut out[due as usize..][..64]);
            }
        }
        for (i, frame) in out.iter().enumerate() {
            let error = [0, 1].map(|channel| (frame[channel] - clip[500 + i][channel]).abs());
            assert!(error[0].max(error[1]) < 1e-3, "frame {i}: {frame:?}");
        }
    }
}
