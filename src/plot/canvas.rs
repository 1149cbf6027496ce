//! What plots are drawn on and with.

use std::error::Error as StdError;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::colours::{BACK, LOUD, PANEL, WAVE};
use crate::error::Error;
use crate::files::replace;

const FONT: &str = "Ubuntu Light";

pub type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
pub type Drawn = Result<(), Box<dyn StdError>>;

/// Has `draw` draw on a canvas of `size` pixels and writes it as PNG, whole or not at all.
pub fn save(path: &Path, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<(), Error> {
    let failed =
        |error: &dyn StdError| Error::File { path: path.to_owned(), problem: format!("cannot be drawn: {error}") };
    let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
    paint(&mut pixels, size, draw).map_err(|error| failed(&*error))?;
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&pixels, size.0, size.1, ExtendedColorType::Rgb8)
        .map_err(|error| failed(&error))?;
    replace(path, |file| file.write_all(&png))
}

fn paint(pixels: &mut [u8], size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Drawn {
    register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| "the built-in font is damaged")?;
    let area = BitMapBackend::with_buffer(pixels, size).into_drawing_area();
    area.fill(&BACK)?;
    draw(&area)?;
    area.present()?;
    Ok(())
}

pub fn panel(area: &Area<'_>, across: Range<i32>, rows: Range<i32>) -> Drawn {
    let corners = [(across.start, rows.start), (across.end - 1, rows.end - 1)];
    Ok(area.draw(&Rectangle::new(corners, PANEL.filled()))?)
}

/// Extremes of every pixel's stretch, and its root mean square over them in a brighter shade.
pub fn wave(area: &Area<'_>, across: Range<i32>, rows: Range<i32>, samples: &[f32]) -> Drawn {
    if samples.is_empty() {
        return Ok(());
    }
    let half = (rows.len() / 2 - 4) as f32;
    let middle = (rows.start + rows.end) / 2;
    let y = |value: f32| middle - (value.clamp(-1.0, 1.0) * half).round() as i32;
    let width = across.len();
    let at = |i: usize| (i * samples.len() / width).min(samples.len() - 1);
    for (i, x) in across.enumerate() {
        let stretch = &samples[at(i)..at(i + 1).max(at(i) + 1)];
        let (low, high) = stretch.iter().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let power = stretch.iter().map(|v| v * v).sum::<f32>() / stretch.len() as f32;
        let rms = power.sqrt();
        area.draw(&PathElement::new([(x, y(high)), (x, y(low))], WAVE))?;
        let (top, bottom) = (rms.min(high), (-rms).max(low));
        if top > bottom {
            area.draw(&PathElement::new([(x, y(top)), (x, y(bottom))], LOUD))?;
        }
    }
    Ok(())
}

pub fn write(area: &Area<'_>, text: &str, at: (i32, i32), size: i32, colour: &RGBColor, side: HPos) -> Drawn {
    let style = TextStyle::from((FONT, size).into_font()).color(colour).pos(Pos::new(side, VPos::Top));
    Ok(area.draw(&Text::new(text, at, style))?)
}

/// `text` on one line of at most `most` letters.
pub fn shortened(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}
