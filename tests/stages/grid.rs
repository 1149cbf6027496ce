//! The grid decoder against the recipe that trains it, and the laws of its loops.

use crate::golden::{Golden, assert_close, relative_error};
use candle_core::{Device, Tensor};
use melfusion::decoder::frames::LoopFrames;
use melfusion::decoder::inversion::Inversion;
use melfusion::decoder::phase::single_pass_phases;
use melfusion::decoder::{EncoderConfig, GridConfig, GridDecoder, LoopVocoder, MelBank};
use std::f64::consts::TAU;

const RATE: f64 = 32_000.;

/// The golden's codec; everything else as in the mini bundle.
fn tiny() -> GridConfig {
    let encoder = Some(EncoderConfig { width: 8, blocks: 2, rounds: 3 });
    GridConfig { width: 8, blocks: 2, encoder, ..Default::default() }
}

fn tiny_decoder(golden: &Golden) -> GridDecoder {
    GridDecoder::new(&tiny(), golden.weights()).unwrap()
}

fn bank() -> MelBank {
    MelBank::new(&GridConfig::default())
}

fn vocoder() -> LoopVocoder {
    LoopVocoder::new(&GridConfig::default(), None)
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn like(values: Vec<f32>, reference: &Tensor) -> Tensor {
    Tensor::from_vec(values, reference.shape(), &Device::Cpu).unwrap()
}

fn mean_distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

#[test]
fn patch_codec_matches_the_recipe() {
    let golden = Golden::open("grid");
    let mel = tiny_decoder(&golden).codec().decode(&golden.get("latents")).unwrap();
    assert!(relative_error(&golden.get("linear"), &golden.get("mel")) > 0.1, "the correction is put to the test");
    assert_close(&mel, &golden.get("mel"), 1e-4);
}

#[test]
fn encoding_matches_the_recipe_with_and_without_the_net() {
    let golden = Golden::open("grid");
    let [linear, whole] = ["encoded_linear", "encoded"].map(|name| golden.get(name));
    assert!(relative_error(&linear, &whole) > 0.1, "the net is put to the test");
    assert_close(&tiny_decoder(&golden).codec().encode(&golden.get("mel")).unwrap(), &whole, 1e-4);
    let without = GridDecoder::new(&GridConfig { encoder: None, ..tiny() }, golden.weights()).unwrap();
    assert_close(&without.codec().encode(&golden.get("mel")).unwrap(), &linear, 1e-4);
}

#[test]
fn filter_bank_matches_the_recipe() {
    let (golden, bank) = (Golden::open("grid"), bank());
    let (mut bands, mut bins) = (vec![0.; 128], vec![0.; 1025]);
    bank.project(&vec![1.; 1025], &mut bands);
    bank.spread(&vec![1.; 128], &mut bins);
    assert_close(&like(bands, &golden.get("band_sums")), &golden.get("band_sums"), 1e-5);
    assert_close(&like(bins, &golden.get("bin_sums")), &golden.get("bin_sums"), 1e-5);
}

#[test]
fn beat_mel_matches_the_recipe() {
    let golden = Golden::open("grid");
    let reference = golden.get("beat_mel");
    let mel = bank().beat_mel(&flat(&golden.get("mono")), reference.dim(0).unwrap());
    assert_close(&like(mel, &reference), &reference, 1e-4);
}

#[test]
fn inversion_matches_the_reference_in_float64() {
    let golden = Golden::open("grid");
    let reference = golden.get("magnitudes");
    let mel = golden.get("beat_mel").narrow(0, 0, reference.dim(0).unwrap()).unwrap();
    let magnitudes = Inversion::new(bank(), 30).magnitudes(&flat(&mel), None);
    assert_close(&like(magnitudes, &reference), &reference, 1e-4);
}

/// Within what the golden's half precision can say.
/// Spectra with a few partials each and a little noise, `(frames, bins)` flat.
fn partials(frames: usize) -> Vec<f32> {
    let bins = bank().bins();
    let mut spectra = vec![0.; frames * bins];
    for (j, spectrum) in spectra.chunks_mut(bins).enumerate() {
        spectrum.iter_mut().enumerate().for_each(|(k, x)| *x = 1e-4 * (1.5 + ((k * 7 + j) as f32).sin()));
        for harmonic in 1..20 {
            let bin = (14 + 3 * j) * harmonic;
            for (offset, share) in [(0, 1.), (1, 0.5)] {
                if bin + offset < bins {
                    spectrum[bin + offset] += share / harmonic as f32;
                }
            }
        }
    }
    spectra
}

fn bands_of(spectra: &[f32]) -> Vec<f32> {
    let bank = bank();
    let mut bands = vec![0.; bank.bands()];
    let floor = bank.floor();
    // The inversion takes the floor off in power, so it is put on in power.
    let mut log = |spectrum: &[f32]| {
        bank.project(spectrum, &mut bands);
        bands.iter().map(|x| (x * x + floor * floor).sqrt().ln()).collect::<Vec<_>>()
    };
    spectra.chunks(bank.bins()).flat_map(&mut log).collect()
}

#[test]
fn zero_gains_are_an_even_spread() {
    let mel = bands_of(&partials(6));
    let inversion = Inversion::new(bank(), 30);
    let zeros = vec![0.; 6 * bank().bins()];
    assert_eq!(inversion.magnitudes(&mel, Some(&zeros)), inversion.magnitudes(&mel, None));
}

#[test]
fn the_right_gains_give_the_right_spectra() {
    let wanted = partials(6);
    let mel = bands_of(&wanted);
    let even = Inversion::new(bank(), 0).magnitudes(&mel, None);
    let gains: Vec<f32> = wanted.iter().zip(&even).map(|(wanted, even)| (wanted / even.max(1e-9)).ln()).collect();
    let distance = |found: &[f32]| {
        let error: f32 = found.iter().zip(&wanted).map(|(a, b)| (a - b).powi(2)).sum();
        (error / wanted.iter().map(|x| x * x).sum::<f32>()).sqrt()
    };
    let inversion = Inversion::new(bank(), 30);
    let (without, with) =
        (distance(&inversion.magnitudes(&mel, None)), distance(&inversion.magnitudes(&mel, Some(&gains))));
    assert!(with < 1e-2 && without > 0.1, "{with} with the right gains, {without} without");
}

#[test]
fn any_gains_leave_the_bands_as_they_were() {
    let mel = bands_of(&partials(6));
    let gains: Vec<f32> = (0..6 * bank().bins()).map(|i| 2. * (i as f32 * 1.7).sin()).collect();
    let found = bands_of(&Inversion::new(bank(), 30).magnitudes(&mel, Some(&gains)));
    let size = |log: &f32| f64::from(log.exp());
    let error: f64 = found.iter().zip(&mel).map(|(a, b)| (size(a) - size(b)).powi(2)).sum();
    let error = (error / mel.iter().map(|x| size(x).powi(2)).sum::<f64>()).sqrt();
    assert!(error < 0.1, "{error}");
}

#[test]
fn first_phases_match_the_reference_in_float64() {
    let golden = Golden::open("grid");
    let phases = single_pass_phases(&flat(&golden.get("phase_input")), 1025, &LoopFrames::new(12_347, 32, 2048));
    let cosine = phases.iter().map(|x| x.cos()).collect();
    let sine = phases.iter().map(|x| x.sin()).collect();
    assert_close(&like(cosine, &golden.get("phase_cosine")), &golden.get("phase_cosine"), 1e-3);
    assert_close(&like(sine, &golden.get("phase_sine")), &golden.get("phase_sine"), 1e-3);
}

/// 16 beats in `samples`, a loop: on each beat a chord of three decaying notes with eight partials and a burst of noise,
/// over a quiet bed of noise.
fn music(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) - 0.5
    };
    let mut sound: Vec<f64> = (0..samples).map(|_| 0.01 * noise()).collect();
    for beat in 0..16 {
        let start = beat * samples / 16;
        for i in 0..samples / 8 {
            let t = i as f64 / RATE;
            let (attack, release) = ((t / 0.01).min(1.), 1. - i as f64 / (samples / 8) as f64);
            let note = 0.08 * chord(beat, t) * (-3. * t).exp();
            let hit = 0.1 * noise() * (-20. * t).exp();
            sound[(start + i) % samples] += attack * release * (note + hit);
        }
    }
    sound.iter().map(|x| *x as f32).collect()
}

/// The chord of a beat, `t` seconds after it.
fn chord(beat: usize, t: f64) -> f64 {
    let triad = if beat % 8 < 4 { [220., 277.18, 329.63] } else { [196., 246.94, 293.66] };
    let partials = triad.iter().flat_map(|hz| (1..9).map(move |h| (hz * f64::from(h), 1. / f64::from(h))));
    partials.map(|(hz, gain)| gain * (TAU * hz * t + gain).sin()).sum()
}

#[test]
fn vocoder_returns_the_mel_it_was_given() {
    let music = music(190_001);
    let mel = bank().beat_mel(&music, 512);
    let sound = vocoder().render(&mel, music.len(), 0.).unwrap();
    let distance = mean_distance(&bank().beat_mel(&sound, 512), &mel);
    assert!(distance <= 0.12, "{distance} ln-units");
}

#[test]
fn rolling_the_mel_rolls_the_sound() {
    let samples = 96_000;
    let mut mel = bank().beat_mel(&music(samples), 256);
    let mut expected = bank().beat_mel(&vocoder().render(&mel, samples, 0.).unwrap(), 256);
    mel.rotate_left(128 * 128);
    let rolled = bank().beat_mel(&vocoder().render(&mel, samples, 0.).unwrap(), 256);
    expected.rotate_left(128 * 128);
    let distance = mean_distance(&rolled, &expected);
    assert!(distance < 0.1, "{distance} ln-units");
}

/// The frames around the seam are as faithful as the rest.
#[test]
fn the_seam_is_like_any_other_place() {
    let samples = 96_000;
    let mel = bank().beat_mel(&music(samples), 256);
    let sound = vocoder().render(&mel, samples, 0.).unwrap();
    let steps = |i: usize| (sound[(i + 1) % samples] - sound[i]).abs();
    let largest = (0..samples - 1).map(steps).fold(0., f32::max);
    assert!(steps(samples - 1) < largest);
    let made = bank().beat_mel(&sound, 256);
    let error = |frame: usize| mean_distance(&made[frame * 128..][..128], &mel[frame * 128..][..128]);
    let onsets: Vec<f32> = (0..16).map(|beat| (0..4).map(|i| error((beat * 16 + 254 + i) % 256)).sum()).collect();
    let mean = onsets.iter().sum::<f32>() / 16.;
    assert!(onsets[0] < 1.5 * mean, "{} at the seam, {mean} at the beats", onsets[0]);
}

/// A tone with eight partials and whole periods in the loop; the fundamental is near `hz`.
fn tone(hz: f64, samples: usize) -> (f64, Vec<f32>) {
    let periods = (hz * samples as f64 / RATE).round();
    let partials = |t: f64| (1..9).map(|h| 0.2 / f64::from(h) * (TAU * periods * f64::from(h) * t).sin()).sum::<f64>();
    let sound = (0..samples).map(|i| partials(i as f64 / samples as f64) as f32).collect();
    (periods * RATE / samples as f64, sound)
}

/// Distance of the strongest partial near `hz` from it, in cents; the median over the sound.
fn cents_from(hz: f64, sound: &[f32]) -> f64 {
    const SIZE: usize = 16_384;
    let fft = fft::forward_f64(SIZE);
    let bin = |hz: f64| hz * SIZE as f64 / RATE;
    let mut cents = sound.windows(SIZE).step_by(4096).map(|frame| {
        let hann = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / SIZE as f64).cos();
        let mut input: Vec<f64> = frame.iter().enumerate().map(|(i, x)| f64::from(*x) * hann(i)).collect();
        let mut output = fft.make_output_vec();
        fft.process(&mut input, &mut output).unwrap();
        let log = |i: usize| (output[i].norm() + 1e-12).ln();
        let near = bin(hz * 0.9) as usize..bin(hz * 1.1) as usize + 2;
        let peak = near.max_by(|a, b| log(*a).total_cmp(&log(*b))).unwrap();
        let (a, b, c) = (log(peak - 1), log(peak), log(peak + 1));
        let found = peak as f64 + 0.5 * (a - c) / (a - 2. * b + c);
        1200. * (found / bin(hz)).log2()
    });
    let mut cents: Vec<f64> = cents.by_ref().collect();
    cents.sort_by(f64::total_cmp);
    cents[cents.len() / 2]
}

#[test]
fn tones_stay_in_tune() {
    for hz in [110., 123.47, 146.83, 164.81, 196., 220., 277.18, 329.63, 440., 554.37, 659.26, 830.61, 987.77, 1200.] {
        let (hz, tone) = tone(hz, 64_000);
        let sound = vocoder().render(&bank().beat_mel(&tone, 128), tone.len(), 0.).unwrap();
        let cents = cents_from(hz, &sound);
        assert!(cents.abs() < 15., "{cents} cents at {hz} Hz");
    }
}

#[test]
fn a_transposition_moves_the_pitch_and_keeps_the_length() {
    let (_, tone) = tone(440., 64_000);
    let mel = bank().beat_mel(&tone, 128);
    for (semitones, hz) in [(3., 523.25), (-5., 329.63), (6., 622.25)] {
        let sound = vocoder().render(&mel, tone.len(), semitones).unwrap();
        assert_eq!(sound.len(), tone.len());
        let cents = cents_from(hz, &sound);
        assert!(cents.abs() < 10., "{cents} cents at {semitones} semitones");
    }
}

/// Two seconds with a burst of noise from 2 to 4 kHz on every eighth of the loop.
fn hits() -> Vec<f32> {
    let lines: Vec<(f64, f64)> = (0..60).map(|i| (2000. + 33.3 * f64::from(i), f64::from(i * i))).collect();
    let hit = |t: f64| (-t / 0.02).exp() * lines.iter().map(|(hz, phase)| (TAU * hz * t + phase).sin()).sum::<f64>();
    (0..64_000).map(|i| 0.02 * hit(f64::from(i % 8000) / RATE) as f32).collect()
}

/// Middle of the power above `low` Hz, in Hz.
fn middle_above(low: f64, sound: &[f32]) -> f64 {
    let fft = fft::forward(sound.len());
    let (mut input, mut output) = (sound.to_vec(), fft.make_output_vec());
    fft.process(&mut input, &mut output).unwrap();
    let hz = |bin: usize| bin as f64 * RATE / sound.len() as f64;
    let powers = output.iter().enumerate().filter(|(bin, _)| hz(*bin) > low);
    let (sum, moment) = powers.fold((0., 0.), |(sum, moment), (bin, x)| {
        let power = f64::from(x.norm_sqr());
        (sum + power, moment + power * hz(bin))
    });
    moment / sum
}

#[test]
fn a_transposition_leaves_the_drums_where_they_are() {
    let (_, tone) = tone(440., 64_000);
    let sound: Vec<f32> = tone.iter().zip(hits()).map(|(tone, hit)| 0.05 * tone + hit).collect();
    let mel = bank().beat_mel(&sound, 128);
    let before = middle_above(2000., &vocoder().render(&mel, sound.len(), 0.).unwrap());
    let moved = vocoder().render(&mel, sound.len(), -5.).unwrap();
    let cents = cents_from(329.63, &moved);
    assert!(cents.abs() < 10., "{cents} cents");
    let after = middle_above(2000., &moved);
    assert!((after / before - 1.).abs() < 0.03, "from {before} to {after} Hz");
}

#[test]
fn silence_stays_silent() {
    let silence = bank().beat_mel(&[0.; 1000], 32);
    assert!(vocoder().render(&silence, 12_345, 0.).unwrap().iter().all(|x| *x == 0.));
    assert!(vocoder().render(&silence, 12_345, 4.).unwrap().iter().all(|x| *x == 0.));
}

/// Among them one beat at 300 beats per minute, a prime, and loops shorter than a window.
#[test]
fn any_length_is_met_exactly_and_is_finite() {
    let golden = Golden::open("grid");
    let (decoder, latents) = (tiny_decoder(&golden), golden.get("latents"));
    for samples in [1, 2, 3, 100, 2047, 6400, 12_347] {
        for semitones in [0., -6., 2.5] {
            let [left, right] = decoder.decode(&latents, samples, semitones).unwrap();
            assert_eq!((left.len(), right.len()), (samples, samples));
            assert!(left.iter().chain(&right).all(|x| x.is_finite()), "{samples} samples, {semitones} semitones");
        }
    }
}

#[test]
fn same_bytes_with_one_and_two_threads() {
    let golden = Golden::open("grid");
    let (decoder, latents) = (tiny_decoder(&golden), golden.get("latents"));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| decoder.decode(&latents, 20_011, 3.)).unwrap()
    };
    let bits = |sound: [Vec<f32>; 2]| sound.map(|side| side.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    let one = bits(with(1));
    assert_eq!(one, bits(with(2)));
    assert_eq!(one, bits(with(1)));
}

#[test]
fn what_cannot_be_decoded_is_an_error() {
    let golden = Golden::open("grid");
    let (decoder, latents) = (tiny_decoder(&golden), golden.get("latents"));
    assert!(decoder.decode(&latents, 0, 0.).is_err());
    assert!(decoder.decode(&latents.narrow(2, 0, 0).unwrap(), 100, 0.).is_err());
    assert!(decoder.decode(&latents, 100, f64::NAN).is_err());
    assert!(decoder.decode(&latents, 100, 25.).is_err());
    assert!(decoder.decode(&latents.narrow(1, 0, 3).unwrap(), 100, 0.).is_err());
    assert!(decoder.decode(&(&latents * f64::NAN).unwrap(), 100, 0.).is_err());
    assert!(GridDecoder::new(&GridConfig { rows: 15, ..tiny() }, golden.weights()).is_err());
    assert!(GridDecoder::new(&GridConfig { groups: 3, ..tiny() }, golden.weights()).is_err());
    let encoder = Some(EncoderConfig { width: 12, blocks: 2, rounds: 3 });
    assert!(GridDecoder::new(&GridConfig { encoder, ..tiny() }, golden.weights()).is_err());
}

#[test]
fn a_configuration_with_an_unknown_field_is_refused() {
    assert_eq!(serde_json::from_str::<GridConfig>(r#"{"rows": 16}"#).unwrap(), GridConfig::default());
    assert!(serde_json::from_str::<GridConfig>(r#"{"row": 16}"#).is_err());
}
