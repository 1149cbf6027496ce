//! A part of a picture.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Smallest side, as a share of the picture's.
const SMALLEST: f64 = 0.01;

/// A rectangle in a picture, in shares of its width and height from the top left corner: "score this part".
///
/// Written and parsed as four numbers, `[x, y, width, height]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 4]", into = "[f64; 4]")]
pub struct Crop {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Crop {
    /// Left edge, top edge, width and height, each 0..=1; sides are at least 0.01 and end within the picture.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the rectangle is not inside the picture.
    pub fn new(x: f64, y: f64, width: f64, height: f64) -> Result<Self, Error> {
        // Shares written with a few digits may add up to a hair more than the whole.
        let inside = |start: f64, length: f64| start >= 0.0 && length >= SMALLEST && start + length <= 1.0 + 1e-6;
        if inside(x, width) && inside(y, height) {
            return Ok(Self { x, y, width, height });
        }
        Err(Error::Request {
            what: "crop",
            problem: format!(
                "[{x}, {y}, {width}, {height}] is not inside the picture; give x, y, width and height in shares from \
                 0 to 1, such as [0.5, 0, 0.5, 1] for the right half"
            ),
        })
    }

    /// Left edge, 0..1.
    pub const fn x(self) -> f64 {
        self.x
    }

    /// Top edge, 0..1.
    pub const fn y(self) -> f64 {
        self.y
    }

    /// Width, 0..=1.
    pub const fn width(self) -> f64 {
        self.width
    }

    /// Height, 0..=1.
    pub const fn height(self) -> f64 {
        self.height
    }

    /// Left, top, width and height in pixels of a picture of `width` by `height`; never empty.
    pub(super) fn pixels(self, width: u32, height: u32) -> [u32; 4] {
        let span = |start: f64, length: f64, side: u32| {
            let first = ((start * f64::from(side)).round() as u32).min(side - 1);
            let end = (((start + length) * f64::from(side)).round() as u32).clamp(first + 1, side);
            (first, end - first)
        };
        let ((left, wide), (top, high)) = (span(self.x, self.width, width), span(self.y, self.height, height));
        [left, top, wide, high]
    }
}

impl TryFrom<[f64; 4]> for Crop {
    type Error = Error;

    fn try_from([x, y, width, height]: [f64; 4]) -> Result<Self, Error> {
        Self::new(x, y, width, height)
    }
}

impl From<Crop> for [f64; 4] {
    fn from(crop: Crop) -> Self {
        [crop.x, crop.y, crop.width, crop.height]
    }
}
