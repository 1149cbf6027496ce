//! A picture as the composer chose it: decoded, upright, small enough to keep.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use sha2::{Digest, Sha256};

use super::Crop;
use crate::error::Error;
use crate::hash::hex;

/// Pixels kept: a model looks at a square of 128 to 512, an editor shows a thumbnail.
const KEPT_PIXELS: u64 = 1024 * 1024;
/// Longest side over shortest that a model is shown.
const WIDEST: f64 = 4.0 / 3.0;

/// A decoded picture: upright, opaque RGB. Cheap to clone. Serialises as its name and hash, never its pixels.
///
/// Reads PNG, JPEG, WebP, GIF, BMP and TIFF, told apart by content, not by name. Of an animation the first frame is
/// taken. Transparent parts become white, the paper that a storyboard is drawn on.
#[derive(Clone)]
pub struct Picture {
    pub(super) pixels: Arc<RgbImage>,
    sha256: String,
    name: Option<PathBuf>,
}

impl Picture {
    /// Reads and decodes a file. Memory stays below 1 GB whatever the file says.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`]: no such file, not a picture, cut short, or too large. Says what would help.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let at = |problem| Error::Picture { path: path.to_owned(), problem };
        let bytes = file::read(path).map_err(at)?;
        let mut picture = Self::decode(&bytes).map_err(at)?;
        picture.name = Some(path.to_owned());
        Ok(picture)
    }

    /// Decodes a file's `bytes`; `name` is for messages and the recipe.
    ///
    /// # Errors
    ///
    /// As [`Picture::open`].
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let path = PathBuf::from(name);
        match Self::decode(bytes) {
            Ok(picture) => Ok(Self { name: Some(path), ..picture }),
            Err(problem) => Err(Error::Picture { path, problem }),
        }
    }

    /// Takes pixels as they are: `rgb` holds `height` rows of `width` triples. The hash is of size and pixels.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if a side is 0 or the length of `rgb` is not `3 * width * height`.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, Error> {
        let mut hash = Sha256::new();
        hash.update(width.to_le_bytes());
        hash.update(height.to_le_bytes());
        hash.update(&rgb);
        let length = rgb.len();
        match RgbImage::from_raw(width, height, rgb) {
            Some(pixels) if length > 0 && length as u64 == 3 * u64::from(width) * u64::from(height) => {
                Ok(Self::new(pixels, hex(hash)))
            }
            _ => Err(Error::Picture {
                path: PathBuf::from("(in memory)"),
                problem: format!("{length} bytes are not {width} x {height} RGB pixels"),
            }),
        }
    }

    /// A picture that another process has read: as its pixels are there, with its hash and name.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if it cannot have come from a picture.
    #[cfg(feature = "service")]
    pub(crate) fn from_parts(
        (width, height): (u32, u32),
        rgb: Vec<u8>,
        sha256: String,
        name: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|digit| digit.is_ascii_hexdigit());
        let pixels = u64::from(width) * u64::from(height);
        let is_picture = (1..=KEPT_PIXELS).contains(&pixels) && rgb.len() as u64 == 3 * pixels;
        match RgbImage::from_raw(width, height, rgb).filter(|_| is_hash && is_picture) {
            Some(pixels) => Ok(Self { pixels: Arc::new(pixels), sha256, name }),
            None => Err(Error::Picture {
                path: name.unwrap_or_else(|| PathBuf::from("(in memory)")),
                problem: format!("what came of it is not {width} x {height} RGB pixels; choose it again"),
            }),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let decoded = file::decode(bytes)?;
        Ok(Self::new(opaque(decoded), hex(Sha256::new_with_prefix(bytes))))
    }

    fn new(pixels: RgbImage, sha256: String) -> Self {
        Self { pixels: Arc::new(shrunk(pixels)), sha256, name: None }
    }

    /// Width in pixels; at least 1. May be less than the file's.
    pub fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Height in pixels; at least 1. May be less than the file's.
    pub fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// Rows of RGB triples, `3 * width * height` bytes.
    pub fn rgb(&self) -> &[u8] {
        self.pixels.as_raw()
    }

    /// SHA-256 of the file's bytes, and of the crop if it is a part; 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Where it was read from.
    pub fn name(&self) -> Option<&Path> {
        self.name.as_deref()
    }

    /// A part of the picture, under the same name. Its hash tells it from the whole and from other parts.
    pub fn cropped(&self, crop: Crop) -> Self {
        let [left, top, width, height] = crop.pixels(self.width(), self.height());
        let mut hash = Sha256::new_with_prefix(&self.sha256);
        <[f64; 4]>::from(crop).iter().for_each(|share| hash.update(share.to_le_bytes()));
        let pixels = imageops::crop_imm(&*self.pixels, left, top, width, height).to_image();
        Self { pixels: Arc::new(pixels), sha256: hex(hash), name: self.name.clone() }
    }

    /// What a model sees: `(3, size, size)` planar, −1..=1.
    ///
    /// The picture is cropped about its centre to at most 4:3 (or 3:4) and squeezed to a square. Models are trained on
    /// squares: cropping a 16:9 frame to one would lose its sides, squeezing all of it would bend what is in it; this
    /// way both stay small.
    pub fn square(&self, size: u32) -> Vec<f32> {
        let (width, height) = self.pixels.dimensions();
        let (wide, high) = (longest(width, height), longest(height, width));
        let crop = imageops::crop_imm(&*self.pixels, (width - wide) / 2, (height - high) / 2, wide, high);
        // Lanczos filters over the source area, so that shrinking does not alias.
        let square = imageops::resize(&*crop, size, size, FilterType::Lanczos3);
        planar(&square)
    }
}

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.pixels.dimensions();
        write!(f, "Picture({width} x {height}, {:?}, {})", self.name, &self.sha256[..12])
    }
}

impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Picture", 2)?;
        fields.serialize_field("name", &self.name.as_ref().map(|name| name.to_string_lossy()))?;
        fields.serialize_field("sha256", &self.sha256)?;
        fields.end()
    }
}

/// Lays transparent pixels over white. Line art on a transparent layer stays legible that way.
fn opaque(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|c| ((c * a + 255 * (255 - a) + 127) / 255) as u8))
    })
}

/// Scales down to `KEPT_PIXELS`. Counts pixels, not the longer side, so that a long strip keeps its detail.
fn shrunk(image: RgbImage) -> RgbImage {
    let (width, height) = image.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= KEPT_PIXELS {
        return image;
    }
    let scale = (KEPT_PIXELS as f64 / pixels as f64).sqrt();
    let scaled = |side: u32| ((f64::from(side) * scale) as u32).max(1);
    // Averages whole source pixels: as sharp as needed here, and a tenth of the time of a filter on large files.
    imageops::thumbnail(&image, scaled(width), scaled(height))
}

/// As much of `side` as `WIDEST` allows beside `other`.
fn longest(side: u32, other: u32) -> u32 {
    side.min((f64::from(other) * WIDEST).round() as u32)
}

fn planar(image: &RgbImage) -> Vec<f32> {
    let channel = |c: usize| image.pixels().map(move |pixel| f32::from(pixel.0[c]) / 127.5 - 1.0);
    (0..3).flat_map(channel).collect()
}
