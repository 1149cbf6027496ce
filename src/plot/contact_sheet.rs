//! A board at a glance: every cue's frame, words and sound.

use std::ops::Range;
use std::path::Path;

use image::RgbImage;
use image::imageops::{self, FilterType};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{Area, Drawn, panel, save, shortened, wave, write};
use super::colours::{BAR, DIM, INK, LOUD, PANEL};
use crate::audio::Audio;
use crate::error::Error;
use crate::image::Picture;
use crate::storyboard::Board;

/// Cards in a row, and rows on a page.
const ACROSS: usize = 3;
const DOWN: usize = 8;
const WIDTH: u32 = 1600;
const HEAD: i32 = 108;
/// Of a card, in pixels, and of what stands in it from its top.
const CARD: (i32, i32) = (480, 474);
const SPACE: i32 = 40;
const FRAME: Range<i32> = 0..270;
const SOUND: Range<i32> = 274..344;
const NAME: i32 = 352;
const PLACE: i32 = 384;
const WORDS: i32 = 410;
const SHOWN: i32 = 454;

/// A board and its bed.
#[derive(Debug, Clone, Copy)]
pub struct ContactSheet<'a> {
    /// The cues.
    pub board: &'a Board,
    /// All of them, mixed; as long as the board.
    pub bed: &'a Audio,
    /// Of each cue what its picture shows to the music, "" where that is nothing.
    pub shown: &'a [String],
}

impl ContactSheet<'_> {
    /// Number of pictures that it takes: 24 cues to each.
    pub fn pages(&self) -> usize {
        self.board.cues.len().div_ceil(ACROSS * DOWN)
    }

    /// Writes page `page`, from 0, as a PNG 1600 pixels wide, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be drawn or written.
    pub fn save(&self, page: usize, path: &Path) -> Result<(), Error> {
        let first = page * ACROSS * DOWN;
        let cues = first..self.board.cues.len().min(first + ACROSS * DOWN);
        let rows = cues.len().div_ceil(ACROSS) as i32;
        save(path, (WIDTH, (HEAD + rows * (CARD.1 + SPACE)) as u32), |area| {
            self.head(area, page)?;
            for (i, cue) in cues.enumerate() {
                let (column, row) = ((i % ACROSS) as i32, (i / ACROSS) as i32);
                let corner = (SPACE + column * (CARD.0 + SPACE), HEAD + row * (CARD.1 + SPACE));
                self.card(area, cue, corner)?;
            }
            Ok(())
        })
    }

    fn head(&self, area: &Area<'_>, page: usize) -> Drawn {
        let board = self.board;
        let title = if board.title.is_empty() { "Storyboard" } else { &board.title };
        write(area, &shortened(title, 80), (SPACE, 22), 32, &INK, HPos::Left)?;
        let tempi: Vec<String> = board.tempo.changes().iter().map(|tempo| tempo.bpm.to_string()).collect();
        let mut facts = vec![
            format!("{} bars of {}", board.end_bar() - 1, board.meter),
            time(board.seconds(board.end_bar())),
            format!("{} bpm", shortened(&tempi.join(", "), 40)),
        ];
        facts.extend(board.key.map(|key| key.to_string()));
        facts.extend(Some(board.style.clone()).filter(|style| !style.is_empty()));
        if self.pages() > 1 {
            facts.push(format!("page {} of {}", page + 1, self.pages()));
        }
        write(area, &shortened(&facts.join("   |   "), 160), (SPACE, 64), 19, &DIM, HPos::Left)
    }

    fn card(&self, area: &Area<'_>, index: usize, (x, y): (i32, i32)) -> Drawn {
        let (board, cue) = (self.board, &self.board.cues[index]);
        let across = x..x + CARD.0;
        let rows = |rows: Range<i32>| y + rows.start..y + rows.end;
        panel(area, across.clone(), rows(FRAME))?;
        if let Some(picture) = &cue.picture {
            frame(area, picture, (across.clone(), rows(FRAME)), cue.crop.map(<[f64; 4]>::from))?;
        }
        self.sound(area, index, (across, rows(SOUND)))?;
        let name = if cue.name.is_empty() { format!("Cue {}", index + 1) } else { cue.name.clone() };
        write(area, &shortened(&name, 40), (x, y + NAME), 24, &INK, HPos::Left)?;
        let start = time(board.seconds(cue.start_bar));
        let transition = if index > 0 { format!("   |   {}", cue.transition) } else { String::new() };
        let last = board.bars(index).end - 1;
        let place = format!("bars {} to {last}   |   from {start}{transition}", cue.start_bar);
        write(area, &place, (x, y + PLACE), 17, &DIM, HPos::Left)?;
        for (i, line) in lines(&cue.prompt, 62).iter().take(2).enumerate() {
            write(area, line, (x, y + WORDS + 21 * i as i32), 18, &INK, HPos::Left)?;
        }
        let shown = self.shown.get(index).filter(|shown| !shown.is_empty()).map(|shown| format!("seen: {shown}"));
        write(area, &shortened(&shown.unwrap_or_default(), 62), (x, y + SHOWN), 17, &DIM, HPos::Left)
    }

    /// The cue's bars of the bed, those that lead into the next cue marked.
    fn sound(&self, area: &Area<'_>, index: usize, (across, rows): (Range<i32>, Range<i32>)) -> Drawn {
        let (board, bars) = (self.board, self.board.bars(index));
        let frames = board.frame(bars.start)..board.frame(bars.end);
        let column = |frame: usize| {
            let part = (frame - frames.start) as f64 / frames.len() as f64;
            across.start + (part * (across.len() - 1) as f64).round() as i32
        };
        panel(area, across.clone(), rows.clone())?;
        let next = board.cues.get(index + 1).filter(|_| board.is_joined(index + 1));
        if let Some(lead) = next.map(|next| next.transition.bars()).filter(|bars| *bars > 0) {
            let corners = [(column(board.frame(bars.end - lead)), rows.start), (across.end - 1, rows.end - 1)];
            area.draw(&Rectangle::new(corners, LOUD.mix(0.16).filled()))?;
        }
        for bar in bars.clone().skip(1) {
            let x = column(board.frame(bar));
            area.draw(&PathElement::new([(x, rows.start), (x, rows.end - 1)], BAR))?;
        }
        // As tall as there is room for the loudest: beds are quiet.
        let gain = 1.0 / self.bed.peak().max(f32::MIN_POSITIVE);
        let [left, _] = self.bed.channels();
        let samples: Vec<f32> = left.get(frames).unwrap_or(&[]).iter().map(|sample| sample * gain).collect();
        wave(area, across, rows, &samples)
    }
}

/// The whole picture, as large as there is room; what a crop leaves out is darker.
fn frame(
    area: &Area<'_>,
    picture: &Picture,
    (across, rows): (Range<i32>, Range<i32>),
    crop: Option<[f64; 4]>,
) -> Drawn {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let scale = (across.len() as f64 / width).min(rows.len() as f64 / height);
    let size = |side: f64| ((side * scale).round() as u32).max(1);
    let Some(pixels) = RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec()) else {
        return Ok(());
    };
    let small = imageops::resize(&pixels, size(width), size(height), FilterType::Triangle);
    let corner = (
        across.start + (across.len() as i32 - small.width() as i32) / 2,
        rows.start + (rows.len() as i32 - small.height() as i32) / 2,
    );
    let [left, top, wide, high] = crop.unwrap_or([0.0, 0.0, 1.0, 1.0]);
    let is_seen = |x: u32, y: u32| {
        let (x, y) =
            ((f64::from(x) + 0.5) / f64::from(small.width()), (f64::from(y) + 0.5) / f64::from(small.height()));
        (left..left + wide).contains(&x) && (top..top + high).contains(&y)
    };
    for (x, y, pixel) in small.enumerate_pixels() {
        let [r, g, b] = pixel.0;
        let colour = RGBColor(r, g, b).mix(if is_seen(x, y) { 1.0 } else { 0.3 });
        area.draw_pixel((corner.0 + x as i32, corner.1 + y as i32), &colour)?;
    }
    if crop.is_some() {
        let at = |x: f64, y: f64| {
            (corner.0 + (x * f64::from(small.width())) as i32, corner.1 + (y * f64::from(small.height())) as i32)
        };
        area.draw(&Rectangle::new([at(left, top), at(left + wide, top + high)], PANEL.stroke_width(2)))?;
    }
    Ok(())
}

/// Minutes and seconds.
fn time(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// Breaks `text` between words into lines of at most `most` letters.
fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
            lines.push(shortened(word, most));
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shortened(word, most));
    }
    lines
}
