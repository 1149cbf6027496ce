//! The generators of a zone: numbers that say how a sample is played. Section 8.1 of the SoundFont 2.04 specification.

pub(crate) const START: usize = 0;
pub(crate) const END: usize = 1;
pub(crate) const LOOP_START: usize = 2;
pub(crate) const LOOP_END: usize = 3;
pub(crate) const START_COARSE: usize = 4;
pub(crate) const MOD_LFO_TO_PITCH: usize = 5;
pub(crate) const VIB_LFO_TO_PITCH: usize = 6;
pub(crate) const MOD_ENV_TO_PITCH: usize = 7;
pub(crate) const FILTER_CUTOFF: usize = 8;
pub(crate) const FILTER_Q: usize = 9;
pub(crate) const MOD_LFO_TO_CUTOFF: usize = 10;
pub(crate) const MOD_ENV_TO_CUTOFF: usize = 11;
pub(crate) const END_COARSE: usize = 12;
pub(crate) const MOD_LFO_TO_VOLUME: usize = 13;
pub(crate) const PAN: usize = 17;
pub(crate) const MOD_LFO_DELAY: usize = 21;
pub(crate) const MOD_LFO_FREQUENCY: usize = 22;
pub(crate) const VIB_LFO_DELAY: usize = 23;
pub(crate) const VIB_LFO_FREQUENCY: usize = 24;
/// Delay, attack, hold, decay, sustain, release, key to hold, key to decay.
pub(crate) const MOD_ENV: usize = 25;
/// As [`MOD_ENV`].
pub(crate) const VOLUME_ENV: usize = 33;
pub(crate) const INSTRUMENT: usize = 41;
pub(crate) const KEY_RANGE: usize = 43;
pub(crate) const VELOCITY_RANGE: usize = 44;
pub(crate) const LOOP_START_COARSE: usize = 45;
pub(crate) const KEY: usize = 46;
pub(crate) const VELOCITY: usize = 47;
pub(crate) const ATTENUATION: usize = 48;
pub(crate) const LOOP_END_COARSE: usize = 50;
pub(crate) const COARSE_TUNE: usize = 51;
pub(crate) const FINE_TUNE: usize = 52;
pub(crate) const SAMPLE: usize = 53;
pub(crate) const SAMPLE_MODES: usize = 54;
pub(crate) const SCALE_TUNING: usize = 56;
pub(crate) const EXCLUSIVE_CLASS: usize = 57;
pub(crate) const ROOT_KEY: usize = 58;
/// How many there are.
pub(crate) const COUNT: usize = 61;

/// What only an instrument's zone may say; ignored in a preset's.
const SAMPLE_ONLY: [usize; 13] = [
    START,
    END,
    LOOP_START,
    LOOP_END,
    START_COARSE,
    END_COARSE,
    LOOP_START_COARSE,
    KEY,
    VELOCITY,
    LOOP_END_COARSE,
    SAMPLE_MODES,
    EXCLUSIVE_CLASS,
    ROOT_KEY,
];

/// A value for each generator, with modulation added to it.
#[derive(Debug, Clone)]
pub(crate) struct Generators(pub(crate) [f32; COUNT]);

impl Generators {
    /// The specification's own values.
    pub(crate) fn defaults() -> Self {
        let mut values = [0.0; COUNT];
        values[FILTER_CUTOFF] = 13_500.0;
        for delay in [MOD_LFO_DELAY, VIB_LFO_DELAY] {
            values[delay] = -12_000.0;
        }
        for envelope in [MOD_ENV, VOLUME_ENV] {
            for time in [0, 1, 2, 3, 5] {
                values[envelope + time] = -12_000.0;
            }
        }
        values[SCALE_TUNING] = 100.0;
        for unset in [KEY, VELOCITY, ROOT_KEY] {
            values[unset] = -1.0;
        }
        Self(values)
    }

    /// What an instrument's zone says, in place of what was.
    pub(crate) fn set(&mut self, list: &[(u16, i16)]) {
        for (number, amount) in list {
            if let Some(value) = self.0.get_mut(usize::from(*number)) {
                *value = f32::from(*amount);
            }
        }
    }

    /// What a preset's zones say, on top of what is.
    pub(crate) fn add(&mut self, offsets: &Self) {
        for (number, (value, offset)) in self.0.iter_mut().zip(&offsets.0).enumerate() {
            if !SAMPLE_ONLY.contains(&number) {
                *value += offset;
            }
        }
    }
}
