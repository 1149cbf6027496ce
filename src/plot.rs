//! A clip to look at: its notes as a piano roll over the bars and both sides' waveforms below; of a clip without notes the
//! waveforms, and the mel spectrogram below. And a board's [contact sheet](ContactSheet).

mod canvas;
mod colours;
mod contact_sheet;
mod piano_roll;

use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use self::canvas::{Area, Drawn, panel, save, shortened, wave, write};
pub use self::colours::of_part as part_colour;
use self::colours::{BAR, BEAT, DIM, INK, magma};
pub use self::contact_sheet::ContactSheet;
use score::Score;

use crate::audio::Audio;
use crate::error::Error;

const SIZE: (u32, u32) = (1600, 900);
/// Where panels stand, in pixels.
const ACROSS: Range<i32> = 56..1544;
const TOP: i32 = 132;
/// Width of a letter of the subtitle.
const SUBTITLE_LETTER: i32 = 10;
const BOTTOM: i32 = 832;
const SPECTRAL: Lanes = Lanes { sides: [132..282, 288..438], large: 462..BOTTOM };
const NOTED: Lanes = Lanes { sides: [640..733, 739..BOTTOM], large: TOP..616 };
/// Quietest mel value shown, as a quantile: what lies below is silence between notes.
const FLOOR: f32 = 0.05;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plot<'a> {
    /// First line: the prompt. Shortened to fit.
    pub title: &'a str,
    /// Second line: tempo, key, seed and so on.
    pub subtitle: &'a str,
    /// The clip's sound.
    pub audio: &'a Audio,
    /// Bars that the sound lasts; at least 1.
    pub bars: u32,
    /// Beats to the bar; at least 1.
    pub beats: u32,
    /// The clip's notes, which are drawn in place of the spectrogram.
    pub score: Option<&'a Score>,
    /// Log-mel spectrogram of the same stretch, `(frame, band)` in one piece, lowest band first. Any scale.
    pub mel: &'a [f32],
    /// Bands to a frame.
    pub bands: usize,
}

/// Where a plot's panels stand, in rows of pixels.
struct Lanes {
    sides: [Range<i32>; 2],
    large: Range<i32>,
}

impl Plot<'_> {
    fn lanes(&self) -> Lanes {
        if self.score.is_some() { NOTED } else { SPECTRAL }
    }

    /// Writes a PNG of 1600 x 900 pixels, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be drawn or written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        save(path, SIZE, |area| self.draw(area))
    }

    fn draw(&self, area: &Area<'_>) -> Drawn {
        self.head(area)?;
        for (lane, samples) in self.lanes().sides.into_iter().zip(self.audio.channels()) {
            panel(area, ACROSS, lane.clone())?;
            self.grid(area, &lane)?;
            wave(area, ACROSS, lane, samples)?;
        }
        match self.score {
            Some(score) => {
                piano_roll::draw(area, score, &ACROSS, &self.lanes().large)?;
                self.grid(area, &self.lanes().large)?;
                // Beside the subtitle, or where that is too long beside the title.
                let room = ACROSS.len() as i32 - SUBTITLE_LETTER * self.subtitle.chars().count() as i32;
                let y = if piano_roll::players_width(score) < room { 72 } else { 36 };
                piano_roll::players(area, score, (ACROSS.end, y))?;
            }
            None => self.spectrogram(area)?,
        }
        self.numbers(area)?;
        self.seconds(area)
    }

    fn head(&self, area: &Area<'_>) -> Drawn {
        let x = ACROSS.start;
        write(area, &shortened(self.title, 110), (x, 30), 30, &INK, HPos::Left)?;
        write(area, &shortened(self.subtitle, 160), (x, 72), 19, &DIM, HPos::Left)?;
        let Lanes { sides: [left, right], large } = self.lanes();
        write(area, "L", (x - 20, middle(&left) - 9), 18, &DIM, HPos::Left)?;
        write(area, "R", (x - 20, middle(&right) - 9), 18, &DIM, HPos::Left)?;
        let name = if self.score.is_some() { "notes" } else { "mel" };
        write(area, name, (x - 8, middle(&large) - 9), 18, &DIM, HPos::Right)
    }

    /// Lines at bars, and at beats where there is room.
    fn grid(&self, area: &Area<'_>, rows: &Range<i32>) -> Drawn {
        let beats = self.bars * self.beats;
        let show_beats = beats < 180;
        for beat in 1..beats {
            let colour = match beat % self.beats {
                0 => &BAR,
                _ if show_beats => &BEAT,
                _ => continue,
            };
            let x = column(f64::from(beat) / f64::from(beats));
            area.draw(&PathElement::new([(x, rows.start), (x, rows.end - 1)], colour))?;
        }
        Ok(())
    }

    /// Bar numbers over the waveforms, thinned to what can be read.
    fn numbers(&self, area: &Area<'_>) -> Drawn {
        let every = self.bars.div_ceil(32).next_power_of_two();
        for bar in (0..self.bars).step_by(every as usize) {
            let x = column(f64::from(bar) / f64::from(self.bars));
            write(area, &(bar + 1).to_string(), (x + 2, TOP - 23), 18, &INK, HPos::Left)?;
        }
        Ok(())
    }

    fn seconds(&self, area: &Area<'_>) -> Drawn {
        let length = self.audio.frames() as f64 / f64::from(self.audio.sample_rate().max(1));
        let every = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0].into_iter().find(|step| length / step <= 20.0);
        let every = every.unwrap_or(120.0);
        for mark in 0..=(length / every) as u32 {
            let second = f64::from(mark) * every;
            let x = column(second / length);
            area.draw(&PathElement::new([(x, BOTTOM), (x, BOTTOM + 5)], DIM))?;
            let text = if every < 1.0 { format!("{second:.1} s") } else { format!("{second:.0} s") };
            write(area, &text, (x, BOTTOM + 10), 17, &DIM, HPos::Center)?;
        }
        Ok(())
    }

    fn spectrogram(&self, area: &Area<'_>) -> Drawn {
        let rows = self.lanes().large;
        panel(area, ACROSS, rows.clone())?;
        let frames = self.mel.len() / self.bands.max(1);
        let Some((low, high)) = extent(self.mel).filter(|_| frames > 0) else {
            return Ok(());
        };
        let (wide, high_rows) = (ACROSS.len() as f64, rows.len() as f64);
        for (i, x) in ACROSS.enumerate() {
            let frame = (((i as f64 + 0.5) / wide) * frames as f64) as usize;
            for (j, y) in rows.clone().rev().enumerate() {
                let band = (j as f64 + 0.5) / high_rows * self.bands as f64 - 0.5;
                let value = between(&self.mel[frame * self.bands..][..self.bands], band);
                area.draw_pixel((x, y), &magma((value - low) / (high - low)))?;
            }
        }
        for bar in 1..self.bars {
            let x = column(f64::from(bar) / f64::from(self.bars));
            area.draw(&PathElement::new([(x, rows.start), (x, rows.end - 1)], INK.mix(0.22)))?;
        }
        Ok(())
    }
}

/// The pixel column at `part` (0..=1) of the clip.
fn column(part: f64) -> i32 {
    ACROSS.start + (part * (ACROSS.len() - 1) as f64).round() as i32
}

fn middle(rows: &Range<i32>) -> i32 {
    (rows.start + rows.end) / 2
}

/// `values` read at a place between two of them.
fn between(values: &[f32], place: f64) -> f32 {
    let last = values.len() - 1;
    let place = place.clamp(0.0, last as f64);
    let (below, part) = (place as usize, place.fract() as f32);
    values[below] * (1.0 - part) + values[(below + 1).min(last)] * part
}

/// Where the colours begin and end; `None` if there is nothing finite.
fn extent(values: &[f32]) -> Option<(f32, f32)> {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let low = *sorted.get((sorted.len() as f32 * FLOOR) as usize)?;
    let high = *sorted.last()?;
    Some((low, high.max(low + 1e-6)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn plot<'a>(audio: &'a Audio, mel: &'a [f32], bars: u32) -> Plot<'a> {
        Plot {
            title: "calm piano over soft strings, harbour at dusk, slow and warm",
            subtitle: "4 bars of 4/4   |   96 bpm   |   A minor   |   seed 7   |   influence 1",
            audio,
            bars,
            beats: 4,
            score: None,
            mel,
            bands: 128,
        }
    }

    /// A decaying chord on every beat and the ridges it has in a spectrogram.
    fn music() -> (Audio, Vec<f32>) {
        let decay = |beat: f32| (-4.0 * beat.fract()).exp();
        let side = |detune: f32| -> Vec<f32> {
            let chord = |t: f32| {
                [220.0, 261.6, 329.6].iter().map(|f| (t * f * detune * std::f32::consts::TAU).sin()).sum::<f32>()
            };
            (0..480_000).map(|i| i as f32 / 48_000.0).map(|t| 0.25 * chord(t) * decay(t * 1.6)).collect()
        };
        let ridge = |band: f32, at: f32| (-((band - at) / 2.5).powi(2)).exp();
        let level = |frame: f32, band: f32| {
            let note = 30.0 + 6.0 * (frame / 32.0).floor() % 24.0;
            let notes: f32 = (1..6).map(|k| ridge(band, note * (1.0 + 0.45 * k as f32)) / k as f32).sum();
            (1e-3 + notes * decay(frame / 32.0)).ln()
        };
        let mel = (0..512 * 128).map(|i| level((i / 128) as f32, (i % 128) as f32)).collect();
        (Audio::new(side(1.0), side(1.003), 48_000), mel)
    }

    #[test]
    fn a_plot_is_a_png_of_its_size() {
        let folder = tempfile::tempdir().unwrap();
        // To look at: MELFUSION_PLOT=plot.png cargo test plot
        let path = std::env::var_os("MELFUSION_PLOT").map_or(folder.path().join("plot.png"), Into::into);
        let (audio, mel) = music();
        plot(&audio, &mel, 4).save(&path).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgb8().dimensions(), SIZE);
    }

    #[test]
    fn odd_clips_are_drawn_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.png");
        let nothing = Audio::mono(Vec::new(), 48_000);
        plot(&nothing, &[], 1).save(&path).unwrap();
        let short = Audio::mono(vec![f32::NAN, 3.0], 8_000);
        plot(&short, &[f32::NAN; 128], 64).save(&path).unwrap();
        plot(&short, &[1.0; 256], 64).save(&path).unwrap();
    }

    #[test]
    fn a_plot_that_cannot_be_written_says_so() {
        let (audio, mel) = (Audio::mono(vec![0.0; 10], 48_000), vec![0.0; 128]);
        let error = plot(&audio, &mel, 1).save(Path::new("/nowhere/at/all.png")).unwrap_err();
        assert!(matches!(error, Error::File { .. }));
    }
}
