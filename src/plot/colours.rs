//! The plot's colours.

use plotters::style::RGBColor;
use score::Part;

pub const BACK: RGBColor = RGBColor(14, 15, 22);
pub const PANEL: RGBColor = RGBColor(22, 24, 34);
pub const BEAT: RGBColor = RGBColor(31, 34, 47);
pub const BAR: RGBColor = RGBColor(62, 66, 88);
pub const INK: RGBColor = RGBColor(232, 230, 240);
pub const DIM: RGBColor = RGBColor(148, 150, 170);
pub const WAVE: RGBColor = RGBColor(134, 78, 156);
pub const LOUD: RGBColor = RGBColor(240, 150, 120);

/// Of the parts of a score, in the order of `score::Part::ALL`.
pub const PARTS: [RGBColor; 8] = [
    RGBColor(126, 150, 232),
    RGBColor(214, 118, 106),
    RGBColor(236, 190, 92),
    RGBColor(120, 196, 128),
    RGBColor(244, 148, 196),
    RGBColor(168, 132, 224),
    RGBColor(112, 206, 214),
    RGBColor(170, 170, 178),
];

/// Red, green and blue of a part.
pub fn of_part(part: Part) -> [u8; 3] {
    let RGBColor(red, green, blue) = PARTS[part.index()];
    [red, green, blue]
}

/// Nine points of matplotlib's `magma` (CC0): even steps of value look like even steps of brightness.
const MAGMA: [[f32; 3]; 9] = [
    [0.0, 0.0, 4.0],
    [28.0, 16.0, 68.0],
    [79.0, 18.0, 123.0],
    [129.0, 37.0, 129.0],
    [181.0, 54.0, 122.0],
    [229.0, 80.0, 100.0],
    [251.0, 135.0, 97.0],
    [254.0, 194.0, 135.0],
    [252.0, 253.0, 191.0],
];

/// Colour of `value`, 0..=1; NaN is 0.
pub fn magma(value: f32) -> RGBColor {
    let place = value.clamp(0.0, 1.0) * (MAGMA.len() - 1) as f32;
    // A cast takes NaN to 0.
    let below = (place as usize).min(MAGMA.len() - 2);
    let part = place - below as f32;
    let [r, g, b] = std::array::from_fn(|c| {
        let mixed = MAGMA[below][c] * (1.0 - part) + MAGMA[below + 1][c] * part;
        mixed.round() as u8
    });
    RGBColor(r, g, b)
}
