//! Brings a loop to another length, or to another pitch, and leaves it a loop.

use std::f32::consts::FRAC_PI_2;

use signalsmith_stretch::Stretch;

/// What the end is faded into the beginning with.
const SEAM_SECONDS: f64 = 0.05;
/// Frames made at once.
const CHUNK: usize = 4096;

/// The loop `frames` at `rate` Hz as `length` frames of the same pitch plus `semitones`; its end leads into its
/// beginning again.
pub fn stretch_loop(frames: &[[f32; 2]], rate: u32, length: usize, semitones: f64) -> Vec<[f32; 2]> {
    if frames.is_empty() || length == 0 {
        return vec![[0.0; 2]; length];
    }
    let seam = ((SEAM_SECONDS * f64::from(rate)) as usize).min(length / 4);
    // What goes on beyond the end, for the seam.
    let mut run = Run::new(frames, rate, length, semitones).make(length + seam);
    close(&mut run, length);
    run
}

/// A stretcher that runs over a loop again and again.
struct Run<'a> {
    frames: &'a [[f32; 2]],
    stretch: Stretch,
    /// Frames read per frame made.
    pace: f64,
    /// Frames made before the first that counts: the stretcher is in motion by then.
    lead: usize,
}

impl<'a> Run<'a> {
    fn new(frames: &'a [[f32; 2]], rate: u32, length: usize, semitones: f64) -> Self {
        let mut stretch = Stretch::preset_default(2, rate);
        if semitones != 0.0 {
            stretch.set_transpose_factor_semitones(semitones as f32, None);
        }
        let block = stretch.input_latency() + stretch.output_latency();
        let lead = stretch.output_latency() + block;
        Self { frames, stretch, pace: frames.len() as f64 / length as f64, lead }
    }

    /// The first `count` frames from the loop's beginning on.
    fn make(mut self, count: usize) -> Vec<[f32; 2]> {
        let block = self.stretch.input_latency() + self.stretch.output_latency();
        let start = self.read_until(0);
        self.stretch.seek(self.read(start - 2 * block as i64, start), self.pace);
        let total = self.lead + count;
        let mut made = vec![[0.0; 2]; total];
        for from in (0..total).step_by(CHUNK) {
            let to = (from + CHUNK).min(total);
            let input = self.read(self.read_until(from), self.read_until(to));
            self.stretch.process(input, made[from..to].as_flattened_mut());
        }
        made.drain(..self.lead);
        made
    }

    /// Where in the loop, run through again and again, reading stands after `made` frames. The stretcher reads
    /// `input_latency` frames ahead and makes `output_latency` frames behind what it is about.
    fn read_until(&self, made: usize) -> i64 {
        let behind = self.stretch.output_latency() as f64;
        let now = (made as f64 - self.lead as f64 + behind) * self.pace;
        now.round() as i64 + self.stretch.input_latency() as i64
    }

    fn read(&self, from: i64, to: i64) -> Vec<f32> {
        let frame = |at: i64| self.frames[at.rem_euclid(self.frames.len() as i64) as usize];
        (from..to).flat_map(frame).collect()
    }
}

/// Cuts `run` to `length` and fades what follows the cut into the beginning.
fn close(run: &mut Vec<[f32; 2]>, length: usize) {
    let tail = run.split_off(length);
    let dot = |a: &[[f32; 2]], b: &[[f32; 2]]| {
        a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| f64::from(a * b)).sum::<f64>()
    };
    let head = &mut run[..tail.len()];
    // The two are the same music but not in phase; by how alike they are, fading keeps their power.
    let power = (dot(head, head) * dot(&tail, &tail)).sqrt();
    let likeness = if power > 0.0 { (dot(head, &tail) / power).clamp(0.0, 1.0) as f32 } else { 0.0 };
    let seam = tail.len() as f32;
    for (i, (head, tail)) in head.iter_mut().zip(&tail).enumerate() {
        let (rise, fall) = ((i as f32 + 0.5) / seam * FRAC_PI_2).sin_cos();
        let level = (1.0 + 2.0 * likeness * rise * fall).sqrt();
        for (head, tail) in head.iter_mut().zip(tail) {
            *head = (*head * rise + tail * fall) / level;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    /// `beats` clicks, evenly.
    fn clicks(length: usize, beats: usize) -> Vec<[f32; 2]> {
        let mut frames = vec![[0.0; 2]; length];
        for beat in 0..beats {
            let at = beat * length / beats + 1000;
            for i in 0..200 {
                frames[at + i] = [(i as f32 * 0.7).sin() * (-(i as f32) / 40.0).exp(); 2];
            }
        }
        frames
    }

    /// Where the sound is loudest in each of `beats` parts.
    fn attacks(frames: &[[f32; 2]], beats: usize) -> Vec<usize> {
        let part = frames.len() / beats;
        let loudest =
            |from: usize| (from..from + part).max_by(|a, b| frames[*a][0].abs().total_cmp(&frames[*b][0].abs()));
        (0..beats).map(|beat| loudest(beat * part).unwrap()).collect()
    }

    fn sine(periods: usize, length: usize) -> Vec<[f32; 2]> {
        let step = periods as f32 * std::f32::consts::TAU / length as f32;
        (0..length).map(|i| [0.5 * (i as f32 * step).sin(); 2]).collect()
    }

    /// Rising zero crossings.
    fn periods(frames: &[[f32; 2]]) -> usize {
        frames.windows(2).filter(|pair| pair[0][0] <= 0.0 && pair[1][0] > 0.0).count()
    }

    #[test]
    fn lengths_are_exact() {
        let frames = sine(440, 48_000);
        for length in [1, 7, 1000, 40_001, 47_999, 48_001, 96_000] {
            assert_eq!(stretch_loop(&frames, RATE, length, 0.0).len(), length);
        }
        assert_eq!(stretch_loop(&[], RATE, 3, 0.0), [[0.0; 2]; 3]);
        assert_eq!(stretch_loop(&frames[..1], RATE, 3, 0.0).len(), 3);
    }

    #[test]
    fn beats_stay_where_they_are() {
        let (length, beats) = (192_000, 8);
        for to in [160_000, 181_333, 205_000, 240_000] {
            let stretched = stretch_loop(&clicks(length, beats), RATE, to, 0.0);
            for (beat, at) in attacks(&stretched, beats).into_iter().enumerate() {
                let expected = (beat * length / beats + 1000) as f64 * to as f64 / length as f64;
                let error_ms = (at as f64 - expected).abs() / f64::from(RATE) * 1e3;
                assert!(error_ms < 5.0, "{to}: beat {beat} is {error_ms} ms off");
            }
        }
    }

    #[test]
    fn pitch_stays_or_moves_by_semitones() {
        let frames = sine(440, 48_000);
        for (to, semitones) in [(60_000, 0.0), (40_000, 0.0), (48_000, 12.0), (48_000, -5.0), (52_000, 3.0)] {
            let found = periods(&stretch_loop(&frames, RATE, to, semitones)) as f64 / to as f64 * 48_000.0;
            let expected = 440.0 * (semitones / 12.0_f64).exp2();
            assert!((found / expected - 1.0).abs() < 0.01, "{found} Hz instead of {expected}");
        }
    }

    #[test]
    fn the_end_leads_into_the_beginning() {
        // Not whole periods of the new length, so that a cut would be heard.
        let stretched = stretch_loop(&sine(441, 48_000), RATE, 53_217, 0.0);
        let step = |pair: (&[f32; 2], &[f32; 2])| (pair.0[0] - pair.1[0]).abs();
        let largest = stretched.iter().zip(&stretched[1..]).map(step).fold(0.0, f32::max);
        let seam = step((&stretched[stretched.len() - 1], &stretched[0]));
        assert!(seam <= largest, "{seam} > {largest}");
        assert!(largest < 0.06, "{largest}: no jump within, either");
        let power = |frames: &[[f32; 2]]| frames.iter().map(|f| f[0] * f[0]).sum::<f32>() / frames.len() as f32;
        let ratio = power(&stretched[..2400]) / power(&stretched[10_000..40_000]);
        assert!((0.7..1.4).contains(&ratio), "the seam is as loud as the rest: {ratio}");
    }
}
