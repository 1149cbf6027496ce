//! A voice: one tone from its first frame to silence, the same wherever in the clip it begins.

mod envelope;
mod kernel;
mod lowpass;
mod wave;

use self::envelope::BASE_CENTIBELS;
pub(crate) use self::envelope::{Envelope, Triangle};
pub(crate) use self::kernel::Kernel;
use self::lowpass::Lowpass;
use self::wave::Playhead;
use crate::bank::Tone;

/// Frames between two looks at envelopes and oscillators; gains are joined by lines.
const BLOCK: usize = 16;
/// Seconds in which a voice that is cut off loses 96 dB: −200 timecents, as FluidSynth has it for hi-hats.
const CUT_SECONDS: f32 = 0.891;

/// A key was let go and nothing above this was heard for [`QUIET_BLOCKS`]: half of the least step of 16 bits.
const INAUDIBLE: f32 = 1.5e-5;
const QUIET_BLOCKS: usize = 128;

/// How a voice is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gesture {
    /// Frames until the key is let go.
    pub(crate) held: usize,
    /// Frames until another note of its class ends it.
    pub(crate) cut: Option<usize>,
    /// Added to the cutoff, in cents.
    pub(crate) cutoff_cents: f32,
}

/// Renders a tone at `rate` Hz, mono; its pan is not in it.
pub(crate) fn render(tone: &Tone, rate: u32, gesture: &Gesture) -> Vec<f32> {
    let seconds = |frames: usize| frames as f32 / rate as f32;
    let delay = (tone.volume.delay * rate as f32).round() as usize;
    if delay >= gesture.held {
        return Vec::new();
    }
    let voice = Voice {
        tone,
        rate: rate as f32,
        released: seconds(gesture.held - delay),
        cut: gesture.cut.map(|cut| seconds(cut.saturating_sub(delay))),
        shift: seconds(delay),
    };
    let mut out = vec![0.0; delay];
    voice.play(&mut out, gesture);
    out
}

/// Times are seconds since the sample began; oscillators and the modulation envelope count from the key, `shift` earlier.
struct Voice<'a> {
    tone: &'a Tone,
    rate: f32,
    released: f32,
    cut: Option<f32>,
    shift: f32,
}

impl Voice<'_> {
    fn play(&self, out: &mut Vec<f32>, gesture: &Gesture) {
        let tone = self.tone;
        let mut playhead = Playhead::new(tone);
        let mut lowpass = Lowpass::new(tone.resonance_db);
        let is_open = tone.cutoff == [13_500.0, 0.0, 0.0] && gesture.cutoff_cents >= 0.0 && tone.resonance_db <= 0.0;
        let begin = out.len();
        let mut gain = self.gain(0.0);
        let mut quiet = 0;
        while let Some(before) = gain {
            let now = (out.len() - begin) as f32 / self.rate;
            if now >= self.released {
                playhead.release();
            }
            let modulation = self.modulation(now);
            let mut block = [0.0; BLOCK];
            let is_over = !playhead.read(self.step(&modulation), &mut block);
            if !is_open {
                let [cents, by_envelope, by_tremolo] = tone.cutoff;
                let cents =
                    cents + gesture.cutoff_cents + by_envelope * modulation.envelope + by_tremolo * modulation.tremolo;
                lowpass.tune(8.176 * libm::exp2f(cents.min(13_500.0) / 1200.0) / self.rate);
                lowpass.run(&mut block);
            }
            gain = self.gain(now + BLOCK as f32 / self.rate);
            let after = gain.unwrap_or(0.0);
            let slope = (after - before) / BLOCK as f32;
            block.iter_mut().enumerate().for_each(|(frame, x)| *x *= before + slope * (frame + 1) as f32);
            out.extend_from_slice(&block);
            let is_quiet = now >= self.released && block.iter().all(|x| x.abs() < INAUDIBLE);
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if is_over || quiet == QUIET_BLOCKS {
                return;
            }
        }
    }

    /// Amplitude at a time; `None` once it has died away.
    fn gain(&self, now: f32) -> Option<f32> {
        let mut level = self.tone.volume.level(now, self.released)?;
        if let Some(cut) = self.cut.filter(|cut| now > *cut) {
            level -= (now - cut) / CUT_SECONDS;
        }
        let tremolo = if self.tone.tremolo_db == 0.0 { 0.0 } else { self.tone.tremolo.value(now + self.shift) };
        let centibels = BASE_CENTIBELS * (1.0 - level) - 10.0 * self.tone.tremolo_db * tremolo;
        (level > 0.0).then(|| self.tone.gain * libm::exp10f(-centibels / 200.0))
    }

    fn modulation(&self, now: f32) -> Modulation {
        let now = now + self.shift;
        let tone = self.tone;
        let moves = |depths: [f32; 2]| depths != [0.0, 0.0];
        let envelope = if moves([tone.pitch_depths[0], tone.cutoff[1]]) {
            tone.modulation.linear(now, self.released + self.shift)
        } else {
            0.0
        };
        let tremolo = if moves([tone.pitch_depths[1], tone.cutoff[2]]) { tone.tremolo.value(now) } else { 0.0 };
        let vibrato = if tone.pitch_depths[2] != 0.0 { tone.vibrato.value(now) } else { 0.0 };
        Modulation { envelope, tremolo, vibrato }
    }

    /// Frames of the sample to a frame of sound.
    fn step(&self, modulation: &Modulation) -> f64 {
        let [by_envelope, by_tremolo, by_vibrato] = self.tone.pitch_depths;
        let cents = self.tone.cents
            + by_envelope * modulation.envelope
            + by_tremolo * modulation.tremolo
            + by_vibrato * modulation.vibrato;
        libm::exp2(f64::from(cents) / 1200.0) * f64::from(self.tone.rate) / f64::from(self.rate)
    }
}

struct Modulation {
    envelope: f32,
    tremolo: f32,
    vibrato: f32,
}
