//! Brings a loop to a loudness without breaking its seam: nothing here knows where the loop begins.

mod limiter;

use ebur128::{EbuR128, Mode};

use super::Audio;

/// A shorter stretch is repeated until it is this long: the meter's gate works on blocks of 0.4 s.
const MEASURED_SECONDS: f64 = 3.0;
/// Deepest limiting. Beyond it a percussive clip stays below its target rather than lose its attacks.
const MOST_LIMITED_DB: f64 = 6.0;

/// How loud a clip shall be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness {
    /// Integrated loudness of the loop, in LUFS (EBU R 128).
    pub target_lufs: f64,
    /// Highest true peak, in dBTP.
    pub ceiling_dbtp: f64,
}

impl Default for Loudness {
    /// −18 LUFS, which leaves room for dialogue and other tracks over a bed, and −1 dBTP.
    fn default() -> Self {
        Self { target_lufs: -18.0, ceiling_dbtp: -1.0 }
    }
}

/// How loud a clip is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Integrated loudness in LUFS; `None` for silence (nothing above −70 LUFS).
    pub lufs: Option<f64>,
    /// Highest true peak in dBTP; −∞ for digital silence.
    pub true_peak_dbtp: f64,
}

impl Loudness {
    /// Removes DC and brings `audio`, taken as a loop, to this loudness; returns what came out.
    ///
    /// Peaks above the ceiling are limited by at most 6 dB with a gain that wraps around the seam. A clip with still
    /// higher peaks stays quieter than the target. Silence and sound that is not finite are left at their level.
    pub fn apply(&self, audio: &mut Audio) -> Level {
        if !audio.is_finite() {
            return measure(audio);
        }
        remove_dc(audio);
        let before = measure(audio);
        let Some(lufs) = before.lufs else {
            return before;
        };
        let most = self.ceiling_dbtp + MOST_LIMITED_DB - before.true_peak_dbtp;
        let gain_db = (self.target_lufs - lufs).min(most);
        scale(audio, gain_db);
        if before.true_peak_dbtp + gain_db > self.ceiling_dbtp {
            limiter::limit(audio, amplitude(self.ceiling_dbtp) as f32);
            // The gain moved, and with it the mean.
            remove_dc(audio);
        }
        self.trim(audio)
    }

    /// Lowers everything by what the limiter and the meter disagree on: hundredths of a decibel.
    fn trim(&self, audio: &mut Audio) -> Level {
        let level = measure(audio);
        let over = level.true_peak_dbtp - self.ceiling_dbtp;
        if over <= 0.0 {
            return level;
        }
        scale(audio, -over);
        measure(audio)
    }
}

/// Loudness and true peak of `audio`, taken as a loop.
pub fn measure(audio: &Audio) -> Level {
    const SILENCE: Level = Level { lufs: None, true_peak_dbtp: f64::NEG_INFINITY };
    meter(audio).map_or(SILENCE, |meter| {
        let peak = |channel| meter.true_peak(channel).unwrap_or(0.0);
        Level {
            lufs: meter.loudness_global().ok().filter(|lufs| lufs.is_finite()),
            true_peak_dbtp: 20.0 * peak(0).max(peak(1)).log10(),
        }
    })
}

/// A meter that has heard the loop; `None` if there is nothing to hear or the rate is beyond the meter's.
fn meter(audio: &Audio) -> Option<EbuR128> {
    if audio.frames() == 0 {
        return None;
    }
    let mut meter = EbuR128::new(2, audio.sample_rate(), Mode::I | Mode::TRUE_PEAK).ok()?;
    let seconds = audio.frames() as f64 / f64::from(audio.sample_rate());
    for _ in 0..(MEASURED_SECONDS / seconds).ceil() as usize {
        meter.add_frames_planar_f32(&audio.channels()).ok()?;
    }
    // Over the seam, so that a peak between the last frame and the first is seen.
    let head = audio.channels().map(|channel| &channel[..channel.len().min(64)]);
    meter.add_frames_planar_f32(&head).ok()?;
    Some(meter)
}

fn remove_dc(audio: &mut Audio) {
    for channel in audio.channels_mut() {
        let sum: f64 = channel.iter().copied().map(f64::from).sum();
        let mean = sum / channel.len().max(1) as f64;
        channel.iter_mut().for_each(|sample| *sample = (f64::from(*sample) - mean) as f32);
    }
}

/// Makes `audio` louder by `gain_db`.
pub(crate) fn scale(audio: &mut Audio, gain_db: f64) {
    let gain = amplitude(gain_db) as f32;
    audio.channels_mut().into_iter().flatten().for_each(|sample| *sample *= gain);
}

fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    const RATE: u32 = 48_000;

    fn sine(frames: usize, cycles: f32, amplitude: f32) -> Vec<f32> {
        (0..frames).map(|i| amplitude * (TAU * cycles * i as f32 / frames as f32).sin()).collect()
    }

    /// A tone with short loud clicks, one of them across the seam.
    fn percussive(frames: usize) -> Audio {
        let mut samples = sine(frames, frames as f32 / 100.0, 0.2);
        for hit in 0..4 {
            for i in 0..96 {
                let at = (hit * frames / 4 + i + frames - 48) % frames;
                samples[at] += 0.9 * (i as f32 * 0.7).sin();
            }
        }
        Audio::mono(samples, RATE)
    }

    fn mean(samples: &[f32]) -> f64 {
        samples.iter().copied().map(f64::from).sum::<f64>() / samples.len() as f64
    }

    #[test]
    fn a_tone_comes_to_its_target_whatever_its_length() {
        for frames in [2_400, 24_000, 96_000, 480_000] {
            let mut audio = Audio::mono(sine(frames, frames as f32 / 48.0, 0.3), RATE);
            let level = Loudness::default().apply(&mut audio);
            assert!((level.lufs.unwrap() + 18.0).abs() < 0.2, "{frames} frames: {level:?}");
            assert_eq!(level, measure(&audio));
        }
    }

    #[test]
    fn loudness_agrees_with_the_standards_reference_tone() {
        // EBU Tech 3341, case 1: 1 kHz at −23 dBFS on both sides reads −23.0 LUFS.
        let audio = Audio::mono(sine(480_000, 10_000.0, 10f32.powf(-23.0 / 20.0)), RATE);
        assert!((measure(&audio).lufs.unwrap() + 23.0).abs() < 0.1);
    }

    #[test]
    fn peaks_stay_below_the_ceiling_and_the_limiter_keeps_the_loudness() {
        let mut audio = percussive(192_000);
        let loudness = Loudness { target_lufs: measure(&audio).lufs.unwrap() + 3.0, ..Default::default() };
        let level = loudness.apply(&mut audio);
        assert!(level.true_peak_dbtp <= -0.99, "{level:?}");
        assert!((level.lufs.unwrap() - loudness.target_lufs).abs() < 0.5, "{level:?} {loudness:?}");
        assert!(audio.channels().into_iter().all(|channel| mean(channel).abs() < 1e-5));
    }

    #[test]
    fn the_limiter_turns_down_only_around_peaks() {
        let mut audio = percussive(192_000);
        let quiet = audio.channels()[0][24_000];
        limiter::limit(&mut audio, 0.5);
        assert_eq!(audio.channels()[0][24_000], quiet);
        assert!(audio.peak() <= 0.5);
    }

    #[test]
    fn limiting_does_not_know_where_the_loop_begins() {
        let audio = percussive(9_600);
        let turned = |audio: &Audio, by: usize| {
            let mut samples = audio.channels()[0].to_vec();
            samples.rotate_left(by);
            Audio::mono(samples, RATE)
        };
        let mut whole = audio.clone();
        limiter::limit(&mut whole, 0.4);
        let mut other = turned(&audio, 1_234);
        limiter::limit(&mut other, 0.4);
        let whole = turned(&whole, 1_234);
        let apart = whole.channels()[0].iter().zip(other.channels()[0]).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-6);
    }

    #[test]
    fn the_seam_of_a_loop_stays_continuous() {
        // Loud enough for the limiter to work all the time.
        let mut audio = Audio::mono(sine(48_000, 110.0, 1.0), RATE);
        Loudness { target_lufs: 0.0, ..Default::default() }.apply(&mut audio);
        let [left, _] = audio.channels();
        let steepest = left.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!((left[0] - left[47_999]).abs() <= steepest * 1.01);
    }

    #[test]
    fn dc_is_removed() {
        let mut audio = Audio::mono(sine(48_000, 440.0, 0.2).iter().map(|x| x + 0.3).collect(), RATE);
        Loudness::default().apply(&mut audio);
        assert!(audio.channels().into_iter().all(|channel| mean(channel).abs() < 1e-5));
    }

    #[test]
    fn silence_stays_silence() {
        for frames in [0, 1, 48_000] {
            let mut audio = Audio::mono(vec![0.0; frames], RATE);
            let level = Loudness::default().apply(&mut audio);
            assert_eq!((level.lufs, audio.peak()), (None, 0.0));
        }
    }

    #[test]
    fn sound_that_is_not_finite_is_left_for_the_caller_to_refuse() {
        let mut audio = Audio::mono(vec![0.5, f32::NAN, 0.5], RATE);
        Loudness::default().apply(&mut audio);
        assert_eq!(audio.channels()[0][0], 0.5);
    }
}
