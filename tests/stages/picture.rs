//! Pictures as composers have them, good and bad. Fixtures: `tests/fixtures/pictures.py`.

use std::path::{Path, PathBuf};

use melfusion::error::Error;
use melfusion::image::Picture;

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 180, 40];
const BLUE: [u8; 3] = [30, 40, 200];
const YELLOW: [u8; 3] = [230, 210, 40];
const WHITE: [u8; 3] = [255; 3];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures").join(name)
}

fn open(name: &str) -> Picture {
    Picture::open(&fixture(name)).unwrap()
}

/// What the user reads when `name` is refused.
fn refusal(name: &str) -> String {
    let error = Picture::open(&fixture(name)).unwrap_err();
    assert!(matches!(error, Error::Picture { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(name), "{message}");
    message
}

/// The middle of each quarter: upper left, upper right, lower left, lower right.
fn quarters(picture: &Picture) -> [[u8; 3]; 4] {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
        let at = 3 * (height * y / 4 * width + width * x / 4);
        picture.rgb()[at..at + 3].try_into().unwrap()
    })
}

fn assert_near(found: [[u8; 3]; 4], wanted: [[u8; 3]; 4], tolerance: u8) {
    let apart = found.as_flattened().iter().zip(wanted.as_flattened()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(apart <= tolerance, "{found:?} is not {wanted:?}");
}

#[test]
fn every_format_and_colour_type_shows_the_same_scene_upright() {
    let exact = ["plain.png", "plain.webp", "plain.bmp", "plain.tiff", "sixteen.png", "palette.png", "misnamed.jpg"];
    let animated = ["animated.gif", "animated.webp"];
    let lossy = ["plain.jpg", "progressive.jpg", "cmyk.jpg", "rotated.jpg"];
    for name in exact.into_iter().chain(animated).chain(lossy) {
        let picture = open(name);
        assert_eq!((picture.width(), picture.height()), (32, 24), "{name}");
        let tolerance = if exact.contains(&name) { 0 } else { 6 };
        assert_near(quarters(&picture), [RED, GREEN, BLUE, YELLOW], tolerance);
    }
}

#[test]
fn grey_has_three_equal_channels() {
    let picture = open("grey.png");
    assert!(picture.rgb().chunks(3).all(|rgb| rgb[0] == rgb[1] && rgb[1] == rgb[2]));
}

#[test]
fn transparent_parts_lie_on_white_paper() {
    let half = [127; 3];
    assert_near(quarters(&open("transparent.png")), [WHITE, GREEN, BLUE, half], 1);
}

#[test]
fn a_single_pixel_fills_the_square() {
    let square = open("one.png").square(8);
    assert_eq!(square.len(), 3 * 8 * 8);
    let wanted = RED.map(|c| f32::from(c) / 127.5 - 1.0);
    for (plane, wanted) in square.chunks(64).zip(wanted) {
        assert!(plane.iter().all(|value| (value - wanted).abs() < 0.01));
    }
}

#[test]
fn a_strip_shows_its_middle() {
    let picture = open("strip.png");
    assert_eq!((picture.width(), picture.height()), (1, 30_000));
    let square = picture.square(16);
    assert!(square.iter().all(|value| (-1.0..=1.0).contains(value)));
}

#[test]
fn a_square_is_planar_and_keeps_the_corners_of_a_4_to_3_picture() {
    let size = 16;
    let square = open("plain.png").square(size as u32);
    let pixel = |x: usize, y: usize| -> [u8; 3] {
        std::array::from_fn(|c| ((square[c * size * size + y * size + x] + 1.0) * 127.5).round() as u8)
    };
    let corners = [pixel(0, 0), pixel(15, 0), pixel(0, 15), pixel(15, 15)];
    assert_near(corners, [RED, GREEN, BLUE, YELLOW], 3);
}

#[test]
fn a_wide_picture_loses_the_same_on_both_sides() {
    // Ten columns 0, 10, ..., 90 in three rows: 4:3 of three rows keeps columns 3 to 6.
    let rgb = (0..3).flat_map(|_| (0..10).flat_map(|x| [10 * x as u8; 3])).collect();
    let square = Picture::from_rgb(10, 3, rgb).unwrap().square(4);
    let row: Vec<u8> = square[..4].iter().map(|value| ((value + 1.0) * 127.5).round() as u8).collect();
    assert_eq!(row, [30, 40, 50, 60]);
}

#[test]
fn shrinking_does_not_alias() {
    // A one-pixel checkerboard is grey from afar.
    let rgb = (0..256 * 256).flat_map(|i| [255 * ((i + i / 256) % 2) as u8; 3]).collect();
    let square = Picture::from_rgb(256, 256, rgb).unwrap().square(16);
    assert!(square.iter().all(|value| value.abs() < 0.05));
}

#[test]
fn a_large_picture_is_kept_small() {
    let rgb = [10, 20, 30].repeat(3000 * 2000);
    let picture = Picture::from_rgb(3000, 2000, rgb).unwrap();
    assert!(picture.width() * picture.height() <= 1024 * 1024);
    assert!((f64::from(picture.width()) / f64::from(picture.height()) - 1.5).abs() < 0.01);
    assert_eq!(picture.rgb()[..3], [10, 20, 30]);
}

#[test]
fn a_missing_file_a_folder_and_an_empty_file_are_named_as_such() {
    assert!(refusal("nowhere.png").contains("no such file"));
    assert!(refusal("").contains("folder"));
    assert!(refusal("empty.png").contains("empty"));
}

#[test]
fn files_that_are_no_pictures_are_told_apart_by_content() {
    assert!(refusal("text.png").contains("looks like text"));
    assert!(refusal("drawing.png").contains("SVG"));
    let noise: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(Picture::from_bytes(&noise, "noise.png").is_err());
    assert!(Picture::from_bytes(b"\0\0\0\x20ftypheic", "phone.heic").unwrap_err().to_string().contains("HEIC"));
}

#[test]
fn files_cut_short_are_refused_in_every_format() {
    for name in ["png", "jpg", "webp", "bmp", "tiff"].map(|kind| format!("cut_short.{kind}")) {
        assert!(refusal(&name).contains("cut short"), "{}", refusal(&name));
    }
    assert!(refusal("cut_progressive.jpg").contains("cut short"));
}

#[test]
fn a_picture_of_900_million_pixels_is_refused_without_decoding_it() {
    assert!(refusal("huge.png").contains("scale it down"));
}

#[test]
fn no_damage_panics() {
    for name in ["plain.png", "plain.jpg", "plain.webp", "plain.bmp", "plain.tiff", "animated.gif", "rotated.jpg"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for at in 0..whole.len() {
            let _ = Picture::from_bytes(&whole[..at], name);
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            let _ = Picture::from_bytes(&damaged, name);
        }
    }
}

#[test]
fn the_hash_is_of_the_files_bytes() {
    // sha256sum of the file; `misnamed.jpg` is the same file.
    let picture = open("plain.png");
    assert_eq!(picture.sha256().len(), 64);
    assert_eq!(picture, open("misnamed.jpg"));
    assert_ne!(picture, open("plain.bmp"));
}

#[test]
fn a_picture_serialises_as_its_name_and_hash() {
    let picture = Picture::from_bytes(&std::fs::read(fixture("one.png")).unwrap(), "one.png").unwrap();
    let json = serde_json::to_value(&picture).unwrap();
    assert_eq!(json, serde_json::json!({ "name": "one.png", "sha256": picture.sha256() }));
}

#[test]
fn pixels_must_fit_their_size() {
    assert!(Picture::from_rgb(2, 2, vec![0; 11]).is_err());
    assert!(Picture::from_rgb(2, 2, vec![0; 13]).is_err());
    assert!(Picture::from_rgb(0, 2, Vec::new()).is_err());
    assert!(Picture::from_rgb(2, 2, vec![0; 12]).is_ok());
}
