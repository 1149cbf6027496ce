//! From musical length to latent columns.

use crate::bundle::Latent;
use crate::decoder::DecoderConfig;
use crate::request::Meter;
use crate::windows::Pulse;

/// Columns of a grid beat: sixteenths.
const COLUMNS_PER_BEAT: f64 = 4.0;
/// Tempi at which a grid beat is a quarter note; slower music counts its beats double, faster music half.
const GRID_BPM: std::ops::Range<f64> = 85.0..170.0;

/// How a piece of music lies on the latents' time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Latent columns in all.
    pub columns: usize,
    /// Latent columns that the model sees at once.
    pub window: usize,
    /// Whether the last column leads into the first.
    pub circular: bool,
    /// Latent columns of a bar and of a grid beat; of a fixed hop, whose models are not told, those of 4/4.
    pub pulse: Pulse,
    /// Length of a grid beat in seconds.
    pub seconds_per_beat: f64,
    /// Latent columns of the piece's last bar line and of a bar; these need not be whole numbers.
    end: f64,
    bar: f64,
}

impl Plan {
    /// Lays `bars` of `meter` at `bpm` quarter notes a minute onto the columns of `decoder`'s kind.
    pub fn new(decoder: &DecoderConfig, latent: &Latent, bars: u32, meter: Meter, bpm: f64) -> Self {
        match decoder {
            DecoderConfig::Score(_) => Self::grid(latent, bars, meter, bpm),
            DecoderConfig::Wave(wave) => {
                let seconds = f64::from(bars) * meter.quarters() * 60.0 / bpm;
                Self::wave(seconds, wave.columns_per_second(), latent.window, bpm).with_bars(bars)
            }
        }
    }

    /// How far column `column` leans towards what comes after the piece, 0..=1: it begins to `bars` bars before the end.
    pub fn lean(&self, column: usize, bars: u32) -> f64 {
        let length = f64::from(bars) * self.bar;
        ((column as f64 + 0.5 - self.end + length) / length).clamp(0.0, 1.0)
    }

    fn with_bars(self, bars: u32) -> Self {
        Self { bar: self.end / f64::from(bars), ..self }
    }

    /// A column is a quarter of a grid beat; a bar has a whole number of them. The window is one of four bars where the
    /// model knows such a one: there a bar's place in the phrase, and the loop's end, are where they were in training.
    fn grid(latent: &Latent, bars: u32, meter: Meter, bpm: f64) -> Self {
        // A bar of a whole number of sixteenths cannot be halved for ever, however fast it is.
        let columns_per_bar = |beats_per_quarter: f64| meter.quarters() * COLUMNS_PER_BEAT * beats_per_quarter;
        let mut beats_per_quarter = 1.0;
        while bpm * beats_per_quarter < GRID_BPM.start || columns_per_bar(beats_per_quarter).fract() != 0.0 {
            beats_per_quarter *= 2.0;
        }
        while bpm * beats_per_quarter >= GRID_BPM.end && columns_per_bar(beats_per_quarter / 2.0).fract() == 0.0 {
            beats_per_quarter /= 2.0;
        }
        // The model counts in sixteenths of its own grid: of slow music it has two bars for one.
        let (counted, columns_per_bar) = (columns_per_bar(1.0), columns_per_bar(beats_per_quarter));
        Self {
            columns: (f64::from(bars) * columns_per_bar) as usize,
            window: latent.triple_window.filter(|window| *window as f64 == 4.0 * counted).unwrap_or(latent.window),
            circular: true,
            pulse: Pulse { columns_per_bar: counted, columns_per_beat: columns_per_beat(meter) },
            seconds_per_beat: 60.0 / (bpm * beats_per_quarter),
            end: f64::from(bars) * columns_per_bar,
            bar: columns_per_bar,
        }
    }

    /// Fixed hop: enough columns for the piece and the crossfade that closes its loop, and no fewer than a window.
    fn wave(seconds: f64, columns_per_second: f64, window: usize, bpm: f64) -> Self {
        let needed = (seconds + CROSSFADE_SECONDS) * columns_per_second;
        Self {
            columns: (needed.ceil() as usize).max(window),
            window,
            circular: false,
            pulse: Pulse::COMMON,
            seconds_per_beat: 60.0 / bpm,
            end: seconds * columns_per_second,
            bar: seconds * columns_per_second,
        }
    }
}

/// Columns of a beat as it is felt: of compound metres three eighths, of all others a quarter.
fn columns_per_beat(meter: Meter) -> f64 {
    let is_compound = meter.unit() == 8 && meter.beats() > 3 && meter.beats().is_multiple_of(3);
    if is_compound { 1.5 * COLUMNS_PER_BEAT } else { COLUMNS_PER_BEAT }
}

/// What a clip of a kind that cannot loop by itself is generated longer by, and faded into its own beginning with.
pub const CROSSFADE_SECONDS: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    const LATENT: Latent = Latent { channels: 16, window: 64, triple_window: Some(48), rows: 16 };

    fn columns(bars: u32, beats: u32, unit: u32, bpm: f64) -> usize {
        Plan::grid(&LATENT, bars, Meter::new(beats, unit).expect("a metre"), bpm).columns
    }

    #[test]
    fn four_bars_in_three_have_a_window_of_their_own() {
        let window = |beats, unit, bpm| Plan::grid(&LATENT, 8, Meter::new(beats, unit).expect("a metre"), bpm).window;
        assert_eq!([window(3, 4, 96.0), window(6, 8, 96.0), window(3, 4, 60.0)], [48; 3]);
        assert_eq!([window(4, 4, 96.0), window(4, 4, 60.0), window(5, 4, 96.0)], [64; 3]);
    }

    #[test]
    fn slow_bars_are_counted_as_two_and_the_beats_of_six_eighths_as_two() {
        let pulse = |beats, unit, bpm| {
            let Pulse { columns_per_bar, columns_per_beat } =
                Plan::grid(&LATENT, 4, Meter::new(beats, unit).expect("a metre"), bpm).pulse;
            (columns_per_bar, columns_per_beat)
        };
        assert_eq!([pulse(4, 4, 96.0), pulse(4, 4, 60.0)], [(16.0, 4.0); 2]);
        assert_eq!([pulse(6, 8, 96.0), pulse(6, 8, 50.0)], [(12.0, 6.0); 2]);
        assert_eq!(pulse(3, 8, 96.0), (6.0, 4.0));
    }

    #[test]
    fn sixteenths_are_columns_between_85_and_170_bpm() {
        assert_eq!(columns(4, 4, 4, 96.0), 64);
        assert_eq!(columns(1, 3, 4, 120.0), 12);
        assert_eq!(columns(2, 7, 8, 169.0), 28);
    }

    #[test]
    fn slow_beats_count_double_and_fast_ones_half() {
        assert_eq!(columns(4, 4, 4, 84.0), 128);
        assert_eq!(columns(4, 4, 4, 20.0), 64 * 8);
        assert_eq!(columns(4, 4, 4, 170.0), 32);
        assert_eq!(columns(1, 7, 16, 300.0), 7, "seven sixteenths cannot be halved");
    }

    #[test]
    fn a_fixed_hop_has_room_for_the_crossfade_and_fills_a_window() {
        let columns = |seconds| Plan::wave(seconds, 25.0, 256, 120.0).columns;
        assert_eq!(columns(20.0), 513);
        assert_eq!(columns(20.01), 513);
        assert_eq!(columns(20.03), 514);
        assert_eq!(columns(2.0), 256);
    }

    #[test]
    fn only_the_last_bars_lean_and_more_and_more() {
        let plan = Plan::grid(&LATENT, 4, Meter::default(), 120.0);
        let lean: Vec<f64> = (0..64).map(|column| plan.lean(column, 2)).collect();
        assert!(lean[..32].iter().all(|lean| *lean == 0.0));
        assert!(lean[32..].windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((lean[32], lean[63]), (1.0 / 64.0, 63.0 / 64.0));
    }

    #[test]
    fn columns_last_as_long_as_the_music() {
        for (bars, beats, unit, bpm) in [(4, 4, 4, 96.0), (3, 5, 8, 47.3), (1, 1, 16, 300.0), (64, 4, 4, 211.0)] {
            let meter = Meter::new(beats, unit).expect("a metre");
            let plan = Plan::grid(&LATENT, bars, meter, bpm);
            let seconds = plan.columns as f64 / COLUMNS_PER_BEAT * plan.seconds_per_beat;
            assert!((seconds - f64::from(bars) * meter.quarters() * 60.0 / bpm).abs() < 1e-9);
        }
    }
}
