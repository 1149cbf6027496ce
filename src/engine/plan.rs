//! From musical length to latent columns.

use crate::decoder::Decoder;
use crate::request::Meter;

/// Columns of a grid beat: sixteenths.
const COLUMNS_PER_BEAT: f64 = 4.0;
/// Tempi at which a grid beat is a quarter note; slower music counts its beats double, faster music half.
const GRID_BPM: std::ops::Range<f64> = 85.0..170.0;

/// How a piece of music lies on the latents' time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Latent columns in all.
    pub columns: usize,
    /// Whether the last column leads into the first.
    pub circular: bool,
    /// Latent columns of a bar.
    pub columns_per_bar: f64,
    /// Latent columns of a grid beat.
    pub columns_per_beat: f64,
    /// Length of a grid beat in seconds.
    pub seconds_per_beat: f64,
}

impl Plan {
    /// Lays `bars` of `meter` at `bpm` quarter notes a minute onto the columns of `decoder`'s kind.
    pub fn new(decoder: &Decoder, bars: u32, meter: Meter, bpm: f64) -> Self {
        match decoder {
            Decoder::Grid(_) => Self::grid(bars, meter, bpm),
            Decoder::Wave(wave) => {
                let seconds = f64::from(bars) * meter.quarters() * 60.0 / bpm;
                Self::wave(seconds, wave.columns_per_second(), meter, bpm)
            }
        }
    }

    /// One column is a sixteenth of a grid beat's four; the piece has a whole number of them.
    fn grid(bars: u32, meter: Meter, bpm: f64) -> Self {
        let mut per_quarter = 1.0;
        while bpm * per_quarter < GRID_BPM.start {
            per_quarter *= 2.0;
        }
        // A piece of an odd number of sixteenths cannot be halved, however fast it is.
        let whole = |per_quarter: f64| (f64::from(bars) * meter.quarters() * COLUMNS_PER_BEAT * per_quarter).fract() == 0.0;
        while bpm * per_quarter >= GRID_BPM.end && whole(per_quarter / 2.0) {
            per_quarter /= 2.0;
        }
        while !whole(per_quarter) {
            per_quarter *= 2.0;
        }
        let columns_per_bar = meter.quarters() * COLUMNS_PER_BEAT * per_quarter;
        Self {
            columns: (f64::from(bars) * columns_per_bar) as usize,
            circular: true,
            columns_per_bar,
            columns_per_beat: COLUMNS_PER_BEAT,
            seconds_per_beat: 60.0 / (bpm * per_quarter),
        }
    }

    /// Fixed hop: enough columns for the piece and the crossfade that closes its loop.
    fn wave(seconds: f64, columns_per_second: f64, meter: Meter, bpm: f64) -> Self {
        let needed = (seconds + CROSSFADE_SECONDS) * columns_per_second;
        Self {
            columns: (needed / WAVE_ALIGN).ceil() as usize * WAVE_ALIGN as usize,
            circular: false,
            columns_per_bar: meter.quarters() * 60.0 / bpm * columns_per_second,
            columns_per_beat: 60.0 / bpm * columns_per_second,
            seconds_per_beat: 60.0 / bpm,
        }
    }
}

/// What a clip of a kind that cannot loop by itself is generated longer by, and faded into its own beginning with.
pub const CROSSFADE_SECONDS: f64 = 0.5;
/// The UNet halves the time axis three times.
const WAVE_ALIGN: f64 = 8.0;
