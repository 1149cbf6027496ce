//! The picture, as the project keeps it.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, RgbImage};
use melfusion::Error;
use melfusion::image::Picture;

/// Of 1..=100; a thumbnail stays below 100 kB.
const JPEG_QUALITY: u8 = 88;

/// A picture as the project keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// JPEG of at most [`Frame::THUMBNAIL`] pixels a side; what is looked at if the file is gone.
    pub thumbnail: Vec<u8>,
    /// Hash of the original, hexadecimal.
    pub sha256: String,
    /// Where it came from; `None` if it was pasted.
    pub path: Option<PathBuf>,
    /// For people.
    pub name: String,
}

impl Frame {
    /// Longest side of the thumbnail in pixels.
    pub const THUMBNAIL: u32 = 512;

    /// Reads a picture file and remembers where it is.
    ///
    /// # Errors
    ///
    /// As [`Picture::open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        // A relative path would mean something else when the project is opened.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let picture = Picture::open(&path)?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self::of(&picture, Some(path), name)
    }

    /// Decodes a picture file that has no path, such as one that was dropped as data.
    ///
    /// # Errors
    ///
    /// As [`Picture::from_bytes`].
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, Error> {
        Self::of(&Picture::from_bytes(bytes, name)?, None, name.to_owned())
    }

    /// Takes pixels as the clipboard has them: `height` rows of `width` RGB triples.
    ///
    /// # Errors
    ///
    /// As [`Picture::from_rgb`].
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>, name: &str) -> Result<Self, Error> {
        Self::of(&Picture::from_rgb(width, height, rgb)?, None, name.to_owned())
    }

    fn of(picture: &Picture, path: Option<PathBuf>, name: String) -> Result<Self, Error> {
        let thumbnail = jpeg(picture).map_err(|error| Error::Picture {
            path: path.clone().unwrap_or_else(|| PathBuf::from(&name)),
            problem: format!("cannot be made small ({error}); convert it to PNG"),
        })?;
        Ok(Self { thumbnail, sha256: picture.sha256().to_owned(), path, name })
    }

    /// What to look at: the original (then `true`) if its file is there and has not changed, else the thumbnail.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if the thumbnail is damaged too.
    pub fn picture(&self) -> Result<(Picture, bool), Error> {
        let original = self.path.as_deref().and_then(|path| Picture::open(path).ok());
        if let Some(original) = original.filter(|picture| picture.sha256() == self.sha256) {
            return Ok((original, true));
        }
        Ok((Picture::from_bytes(&self.thumbnail, &self.name)?, false))
    }
}

fn jpeg(picture: &Picture) -> image::ImageResult<Vec<u8>> {
    let pixels = RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec())
        .expect("a picture has as many pixels as it says");
    let longest = pixels.width().max(pixels.height());
    let side = |pixels: u32| (u64::from(pixels) * u64::from(Frame::THUMBNAIL) / u64::from(longest)).max(1) as u32;
    let small = if longest > Frame::THUMBNAIL {
        imageops::resize(&pixels, side(pixels.width()), side(pixels.height()), FilterType::CatmullRom)
    } else {
        pixels
    };
    let mut bytes = Cursor::new(Vec::new());
    let (width, height) = small.dimensions();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode(&small, width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes.into_inner())
}
