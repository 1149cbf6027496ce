//! Bytes to pixels, with bounds, and with words for what is wrong.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// Larger files are not pictures that anyone drops on a storyboard.
const MOST_BYTES: u64 = 128 << 20;
/// Keeps the worst case, a progressive JPEG with its coefficients, within the 1 GB that `Picture::open` promises.
const MOST_PIXELS: u64 = 64_000_000;
const LONGEST_SIDE: u32 = 65_535;
const FORMATS: &str = "PNG, JPEG, WebP, GIF, BMP or TIFF";

/// Reads a regular file. The error is a sentence for the user.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file; check the path".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if kind.is_dir() {
        return Err(format!("is a folder; name one {FORMATS} file in it"));
    }
    // A pipe or a device may never end.
    if !kind.is_file() {
        return Err("is not a regular file; save the picture to disk first".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    Ok(bytes)
}

/// Decodes the first frame, upright. The error is a sentence for the user.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty; export or copy it again".to_owned());
    }
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("the file is larger than {} MB; scale the picture down", MOST_BYTES >> 20));
    }
    let format = image::guess_format(bytes).map_err(|_| not_a_picture(bytes))?;
    if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
        return Err(CUT_SHORT.to_owned());
    }
    pixels(bytes, format).map_err(|error| explain(&error, format))
}

const CUT_SHORT: &str = "the file is cut short; export or copy it again";

fn pixels(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    // 8 bytes a pixel: 16-bit RGBA.
    limits.max_alloc = Some(MOST_PIXELS * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    // Some decoders allocate without asking the limits.
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let kind = LimitErrorKind::DimensionError;
        return Err(ImageError::Limits(image::error::LimitError::from_kind(kind)));
    }
    // A damaged EXIF block is no reason to refuse the picture.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

fn explain(error: &ImageError, format: ImageFormat) -> String {
    let name = format!("{format:?}").to_uppercase();
    match error {
        ImageError::Limits(_) => {
            format!("too large; scale it down to at most {} million pixels (8000 x 8000)", MOST_PIXELS / 1_000_000)
        }
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => CUT_SHORT.to_owned(),
        ImageError::Unsupported(_) => {
            format!("this kind of {name} is not supported; save it as {FORMATS}")
        }
        error => {
            format!("the {name} data is damaged or cut short ({error}); export or copy it again")
        }
    }
}

fn not_a_picture(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(512)];
    let looks = match start {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "looks like HEIC, AVIF or a film",
        [b'%', b'P', b'D', b'F', ..] => "is a PDF",
        _ if contains(start, b"<svg") => "is an SVG drawing",
        _ if std::str::from_utf8(start).is_ok_and(|text| !text.contains('\0')) => "looks like text",
        _ => "is not a picture in a format we know",
    };
    format!("{looks}, whatever its name says; save the picture as {FORMATS}")
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Whether the end marker follows the last scan. The decoder fills what is missing with grey and says nothing.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut rest = &bytes[2..];
    loop {
        match rest {
            [0xff, 0xd9, ..] => return true,
            // Fill bytes, restart markers and the stuffing inside a scan carry no length.
            [0xff, 0x00 | 0x01 | 0xd0..=0xd8, tail @ ..] => rest = tail,
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, _, high, low, ..] => {
                let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                let Some(tail) = rest.get(length..) else {
                    return false;
                };
                rest = tail;
            }
            [0xff] | [0xff, _] | [0xff, _, _] | [] => return false,
            [_, tail @ ..] => rest = tail,
        }
    }
}
