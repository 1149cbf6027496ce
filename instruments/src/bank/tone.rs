//! One sample as one note plays it: every zone, range and modulator resolved into times, gains and pitches.

use std::sync::Arc;

use super::generator::{self as g, Generators};
use super::hydra::{Level, SampleHeader, Zone};
use super::modulator;
use super::sample::Wave;
use crate::voice::{Envelope, Triangle};

/// Attenuations of zones count this much: what the chips did that fonts are voiced for, and FluidSynth does.
const ATTENUATION_SCALE: f32 = 0.4;
/// Longest time of an envelope, in seconds.
const MAX_SECONDS: f32 = 20.0;
/// Rates of samples that are believed, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 400..=384_000;

/// The zones that a tone comes from, global first.
pub(crate) struct Layers<'a> {
    pub(crate) preset: (&'a Level, [Option<&'a Zone>; 2]),
    pub(crate) instrument: (&'a Level, [Option<&'a Zone>; 2]),
}

/// What happens at the end of a sample's loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loop {
    /// No loop.
    Never,
    /// For as long as the voice sounds.
    Always,
    /// Until the key is let go; then to the sample's end.
    Held,
}

/// One sample as one note plays it.
#[derive(Debug, Clone)]
pub(crate) struct Tone {
    pub(crate) frames: Arc<[f32]>,
    /// First frame and the one after the last.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) loop_start: usize,
    pub(crate) loop_end: usize,
    pub(crate) looping: Loop,
    /// Of the sample, in Hz.
    pub(crate) rate: u32,
    /// Above the sample's own pitch.
    pub(crate) cents: f32,
    /// Linear.
    pub(crate) gain: f32,
    /// −1 left to 1 right.
    pub(crate) pan: f32,
    pub(crate) volume: Envelope,
    pub(crate) modulation: Envelope,
    pub(crate) tremolo: Triangle,
    pub(crate) vibrato: Triangle,
    /// Cents that the modulation envelope, the tremolo's and the vibrato's oscillator move the pitch.
    pub(crate) pitch_depths: [f32; 3],
    /// In absolute cents (0 is 8.176 Hz), and in cents that the modulation envelope and the tremolo's oscillator move it.
    pub(crate) cutoff: [f32; 3],
    /// Resonance in dB.
    pub(crate) resonance_db: f32,
    /// dB that the tremolo's oscillator moves the level.
    pub(crate) tremolo_db: f32,
    /// Other than 0: a later note of the same class ends this one.
    pub(crate) exclusive_class: u16,
}

impl Tone {
    /// `None` if there is nothing to play.
    pub(crate) fn new(layers: &Layers, header: &SampleHeader, wave: Wave, key: u8, velocity: u8) -> Option<Self> {
        let mut values = Generators::defaults();
        let (level, zones) = &layers.instrument;
        zones.iter().flatten().for_each(|zone| values.set(&level.generators[zone.generators.clone()]));
        let forced = |value: f32, played: u8| if (0.0..=127.0).contains(&value) { value as u8 } else { played };
        let (key, velocity) = (forced(values.0[g::KEY], key), forced(values.0[g::VELOCITY], velocity).max(1));
        let mut offsets = Generators([0.0; g::COUNT]);
        let (preset_level, preset_zones) = &layers.preset;
        preset_zones.iter().flatten().for_each(|zone| offsets.set(&preset_level.generators[zone.generators.clone()]));
        values.add(&offsets);
        values.0[g::ATTENUATION] *= ATTENUATION_SCALE;
        let list = |level: &'_ Level, zone: Option<&Zone>| {
            zone.map_or_else(Vec::new, |zone| level.modulators[zone.modulators.clone()].to_vec())
        };
        let inner = zones.map(|zone| list(level, zone));
        let outer = preset_zones.map(|zone| list(preset_level, zone));
        modulator::apply(&mut values, [&inner[0], &inner[1]], [&outer[0], &outer[1]], key, velocity);
        Self::resolve(&values.0, header, wave, key)
    }

    fn resolve(v: &[f32; g::COUNT], header: &SampleHeader, wave: Wave, key: u8) -> Option<Self> {
        let place = |at: usize, fine: usize, coarse: usize| {
            (at as f64 + f64::from(v[fine]) + 32_768.0 * f64::from(v[coarse])).clamp(0.0, wave.frames.len() as f64)
                as usize
        };
        let start = place(0, g::START, g::START_COARSE);
        let end = place(wave.frames.len(), g::END, g::END_COARSE);
        let loop_start = place(wave.loop_start, g::LOOP_START, g::LOOP_START_COARSE);
        let loop_end = place(wave.loop_end, g::LOOP_END, g::LOOP_END_COARSE).min(end);
        if start >= end {
            return None;
        }
        let looping = match v[g::SAMPLE_MODES] as i32 & 3 {
            _ if loop_start < start || loop_start >= loop_end => Loop::Never,
            1 => Loop::Always,
            3 => Loop::Held,
            _ => Loop::Never,
        };
        let root =
            if (0.0..=127.0).contains(&v[g::ROOT_KEY]) { v[g::ROOT_KEY] } else { f32::from(header.key.min(127)) };
        let root = if v[g::ROOT_KEY] < 0.0 && header.key > 127 { 60.0 } else { root };
        let cents = v[g::SCALE_TUNING] * (f32::from(key) - root)
            + 100.0 * v[g::COARSE_TUNE]
            + v[g::FINE_TUNE]
            + f32::from(header.correction_cents);
        Some(Self {
            start,
            end,
            loop_start,
            loop_end,
            looping,
            rate: header.rate.clamp(*RATES.start(), *RATES.end()),
            cents: cents.clamp(-12_000.0, 12_000.0),
            gain: libm::exp10f(-v[g::ATTENUATION].clamp(0.0, 1440.0) / 200.0),
            pan: (v[g::PAN] / 500.0).clamp(-1.0, 1.0),
            volume: envelope(v, g::VOLUME_ENV, key),
            modulation: envelope(v, g::MOD_ENV, key),
            tremolo: triangle(v, g::MOD_LFO_DELAY, g::MOD_LFO_FREQUENCY),
            vibrato: triangle(v, g::VIB_LFO_DELAY, g::VIB_LFO_FREQUENCY),
            pitch_depths: [g::MOD_ENV_TO_PITCH, g::MOD_LFO_TO_PITCH, g::VIB_LFO_TO_PITCH]
                .map(|at| v[at].clamp(-12_000.0, 12_000.0)),
            cutoff: [
                v[g::FILTER_CUTOFF].clamp(1500.0, 13_500.0),
                v[g::MOD_ENV_TO_CUTOFF].clamp(-12_000.0, 12_000.0),
                v[g::MOD_LFO_TO_CUTOFF].clamp(-12_000.0, 12_000.0),
            ],
            resonance_db: (v[g::FILTER_Q] / 10.0).clamp(0.0, 96.0),
            tremolo_db: (v[g::MOD_LFO_TO_VOLUME] / 10.0).clamp(-96.0, 96.0),
            exclusive_class: v[g::EXCLUSIVE_CLASS].clamp(0.0, 127.0) as u16,
            frames: wave.frames,
        })
    }
}

fn seconds(timecents: f32) -> f32 {
    // The least means at once.
    if timecents <= -12_000.0 { 0.0 } else { libm::exp2f(timecents / 1200.0).min(MAX_SECONDS) }
}

fn envelope(v: &[f32; g::COUNT], first: usize, key: u8) -> Envelope {
    let from_middle = 60.0 - f32::from(key);
    let is_volume = first == g::VOLUME_ENV;
    // Volume ends in no less than 16 ms, and begins in no less than one: both keep it from clicking.
    let (shortest_attack, shortest_release) = if is_volume { (-11_950.0, -7200.0) } else { (-12_000.0, -12_000.0) };
    Envelope {
        delay: seconds(v[first]),
        attack: seconds(v[first + 1].max(shortest_attack)),
        hold: seconds(v[first + 2] + v[first + 6] * from_middle),
        decay: seconds(v[first + 3] + v[first + 7] * from_middle),
        sustain: 1.0 - (v[first + 4] / 1000.0).clamp(0.0, 1.0),
        release: seconds(v[first + 5].max(shortest_release)),
    }
}

fn triangle(v: &[f32; g::COUNT], delay: usize, frequency: usize) -> Triangle {
    Triangle {
        delay: seconds(v[delay]),
        frequency_hz: 8.176 * libm::exp2f(v[frequency].clamp(-16_000.0, 4500.0) / 1200.0),
    }
}
