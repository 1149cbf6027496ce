//! What the audio thread lets others read: the host's transport, levels, and where in the clip it is.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// How the current block was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Nothing to play, or stopped.
    Silent,
    /// Frames of a clip that fits the host's tempo.
    Copy,
    /// Stretched to another tempo.
    Stretch,
}

/// Written by the audio thread at every block, read by anyone.
#[derive(Debug, Default)]
pub struct Readout {
    playing: AtomicBool,
    rate: AtomicU32,
    tempo: AtomicU64,
    beats: AtomicU64,
    meter: AtomicU64,
    peaks: [AtomicU32; 2],
    slot: AtomicU8,
    position: AtomicU32,
    mode: AtomicU8,
    generate_presses: AtomicU64,
}

macro_rules! float {
    ($(#[$doc:meta])* $get:ident, $set:ident, $($field:tt)+) => {
        $(#[$doc])*
        pub fn $get(&self) -> Option<f64> {
            Some(f64::from_bits(self.$($field)+.load(Relaxed))).filter(|x| *x != 0.0)
        }

        /// Sets it.
        ///
        /// # Real-time
        ///
        /// Safe.
        pub fn $set(&self, value: Option<f64>) {
            self.$($field)+.store(value.unwrap_or(0.0).to_bits(), Relaxed);
        }
    };
}

impl Readout {
    float!(
        /// The host's tempo in quarter notes per minute.
        tempo, set_tempo, tempo
    );

    /// The host's position in quarter notes; NaN while unknown.
    pub fn beats(&self) -> f64 {
        f64::from_bits(self.beats.load(Relaxed))
    }

    /// Sets it.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn set_beats(&self, beats: f64) {
        self.beats.store(beats.to_bits(), Relaxed);
    }

    /// The host's time signature as numerator and denominator.
    pub fn meter(&self) -> Option<(u32, u32)> {
        let packed = self.meter.load(Relaxed);
        Some(((packed >> 32) as u32, packed as u32)).filter(|_| packed != 0)
    }

    /// Sets it.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn set_meter(&self, meter: Option<(u32, u32)>) {
        let (numerator, denominator) = meter.unwrap_or_default();
        self.meter.store(u64::from(numerator) << 32 | u64::from(denominator), Relaxed);
    }

    /// Whether the host's transport runs.
    pub fn playing(&self) -> bool {
        self.playing.load(Relaxed)
    }

    /// Sets it.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn set_playing(&self, playing: bool) {
        self.playing.store(playing, Relaxed);
    }

    /// The host's sample rate in Hz; 0 before it is known.
    pub fn rate(&self) -> u32 {
        self.rate.load(Relaxed)
    }

    /// Sets it.
    pub fn set_rate(&self, rate: u32) {
        self.rate.store(rate, Relaxed);
    }

    /// Highest magnitudes, left and right, since the last call.
    pub fn take_peaks(&self) -> [f32; 2] {
        [0, 1].map(|channel| f32::from_bits(self.peaks[channel].swap(0, Relaxed)))
    }

    /// Raises the peaks.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn raise_peaks(&self, peaks: [f32; 2]) {
        for (peak, value) in self.peaks.iter().zip(peaks) {
            // Bits of floats that are not negative compare as the floats do.
            peak.fetch_max(value.max(0.0).to_bits(), Relaxed);
        }
    }

    /// Where in the clip the player is, 0..1 of its length, and how the sound is made. `None` if nothing sounds.
    pub fn position(&self) -> Option<f32> {
        Some(f32::from_bits(self.position.load(Relaxed))).filter(|_| self.mode() != Mode::Silent)
    }

    /// How the last block was made.
    pub fn mode(&self) -> Mode {
        match self.mode.load(Relaxed) {
            1 => Mode::Copy,
            2 => Mode::Stretch,
            _ => Mode::Silent,
        }
    }

    /// The slot that sounds; the selected one while nothing does.
    pub fn slot(&self) -> usize {
        usize::from(self.slot.load(Relaxed))
    }

    /// Sets slot, position and mode.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn set_sounding(&self, slot: usize, position: f32, mode: Mode) {
        self.slot.store(slot as u8, Relaxed);
        self.position.store(position.to_bits(), Relaxed);
        self.mode.store(mode as u8, Relaxed);
    }

    /// How often the Generate parameter has been switched on.
    pub fn generate_presses(&self) -> u64 {
        self.generate_presses.load(Relaxed)
    }

    /// Counts one.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn press_generate(&self) {
        self.generate_presses.fetch_add(1, Relaxed);
    }
}
