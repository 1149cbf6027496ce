//! Files that DAWs read, written whole or not at all.

use std::fs;
use std::path::Path;

use melfusion::audio::Audio;
use melfusion::audio::wav::{self, Labels, RECIPE_CHUNK, SampleFormat};
use melfusion::error::Error;
use melfusion::request::Meter;

fn labels(recipe: &[u8]) -> Labels<'_> {
    Labels {
        title: "harbour",
        comment: "calm piano, ночь",
        bpm: 97.5,
        quarters: 16.0,
        meter: Meter::default(),
        key: Some("F#m".parse().unwrap()),
        recipe,
        is_loop: true,
        start_frame: None,
        markers: &[],
    }
}

/// Odd length, full scale, beyond it, and everything between.
fn audio() -> Audio {
    let left = (0..4_801).map(|i| (i as f32 * 0.01).sin() * 1.2).collect();
    let right = (0..4_801).map(|i| (i as f32 - 2_400.0) / 2_400.0).collect();
    Audio::new(left, right, 44_100)
}

fn chunk(path: &Path, name: &[u8; 4]) -> Vec<u8> {
    wav::read_chunk(path, name).unwrap().unwrap()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn float_is_read_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    wav::write(&path, &audio(), SampleFormat::Float32, &labels(b"")).unwrap();
    assert_eq!(wav::read(&path).unwrap(), audio());
}

#[test]
fn int_is_read_back_within_one_step_and_clips_at_full_scale() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    wav::write(&path, &audio(), SampleFormat::Int24, &labels(b"odd")).unwrap();
    let back = wav::read(&path).unwrap();
    assert_eq!((back.frames(), back.sample_rate()), (4_801, 44_100));
    for (wrote, read) in audio().channels().into_iter().flatten().zip(back.channels().into_iter().flatten()) {
        assert!((wrote.clamp(-1.0, 1.0) - read).abs() <= 1.0 / 8_388_608.0, "{wrote} {read}");
    }
}

#[test]
fn the_chunks_say_tempo_loop_and_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    wav::write(&path, &audio(), SampleFormat::Int24, &labels(b"12345")).unwrap();

    let smpl = chunk(&path, b"smpl");
    assert_eq!(smpl.len(), 60);
    assert_eq!([8, 12, 28, 44, 48].map(|at| u32_at(&smpl, at)), [22_676, 60, 1, 0, 4_800]);

    let acid = chunk(&path, b"acid");
    assert_eq!(acid.len(), 24);
    assert_eq!((u32_at(&acid, 0), acid[4], u32_at(&acid, 12)), (6, 66, 16));
    assert_eq!(acid[16..20], [4, 0, 4, 0]);
    assert_eq!(f32::from_bits(u32_at(&acid, 20)), 97.5);

    let info = chunk(&path, b"LIST");
    let says = |text: &str| info.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(info.starts_with(b"INFO") && says("harbour\0") && says("calm piano, ночь\0") && says("melfusion "));

    assert_eq!(chunk(&path, &RECIPE_CHUNK), b"12345");
    assert_eq!(wav::read_chunk(&path, b"none").unwrap(), None);
}

#[test]
fn the_file_is_as_long_as_its_header_says_and_chunks_are_even() {
    let folder = tempfile::tempdir().unwrap();
    for recipe in [&b""[..], b"1", b"12"] {
        let path = folder.path().join("a.wav");
        wav::write(&path, &Audio::mono(vec![0.5; 3], 8_000), SampleFormat::Int24, &labels(recipe)).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(u32_at(&bytes, 4) as usize, bytes.len() - 8);
        let mut at = 12;
        while at < bytes.len() {
            assert_eq!(at % 2, 0);
            at += 8 + u32_at(&bytes, at + 4).next_multiple_of(2) as usize;
        }
        assert_eq!(at, bytes.len());
    }
}

#[test]
fn a_failed_write_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| match wav::write(path, &audio(), SampleFormat::Int24, &labels(b"")).unwrap_err() {
        Error::File { problem, .. } => problem,
        other => panic!("{other:?}"),
    };
    let locked = folder.path().join("locked.wav");
    fs::write(&locked, "mine").unwrap();
    let mut permissions = fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).unwrap();

    assert!(refused(&folder.path().join("no/such/folder.wav")).contains("does not exist"));
    assert!(refused(&locked.join("a.wav")).contains("not a folder"));
    assert!(refused(folder.path()).contains("is a folder"));
    assert!(refused(&locked).contains("write-protected"));
    assert!(refused(Path::new("")).contains("not a file name"));
    #[cfg(unix)]
    assert!(refused(Path::new("/dev/null")).contains("not a regular file"));

    assert_eq!(fs::read(&locked).unwrap(), b"mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_is_replaced_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    // As long as a name can be.
    let path = folder.path().join(format!("{}.wav", "a".repeat(251)));
    fs::write(&path, "old").unwrap();
    wav::write(&path, &audio(), SampleFormat::Float32, &labels(b"")).unwrap();
    assert_eq!(wav::read(&path).unwrap(), audio());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn chunks_of_broken_files_are_refused_without_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    wav::write(&path, &Audio::mono(vec![0.1; 20], 48_000), SampleFormat::Int24, &labels(&[7; 9])).unwrap();
    let whole = fs::read(&path).unwrap();
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let _ = wav::read(&path);
        wav::read_chunk(&path, &RECIPE_CHUNK)
    };
    for length in 0..whole.len() {
        let found = read(&whole[..length]);
        assert!(!matches!(found, Ok(Some(ref bytes)) if bytes.len() != 9), "{length}");
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        let _ = read(&damaged);
    }
    let mut half_a_frame = whole.clone();
    let at = whole.windows(4).position(|window| window == b"data").unwrap() + 4;
    half_a_frame[at] -= 3;
    let _ = read(&half_a_frame);
    let mut huge = whole.clone();
    let at = whole.windows(4).position(|window| window == RECIPE_CHUNK).unwrap() + 4;
    huge[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(read(&huge).unwrap_err().to_string().contains("cut short"));
    assert!(read(b"not a RIFF file at all").unwrap_err().to_string().contains("not a WAV file"));
    assert!(wav::read_chunk(&folder.path().join("none.wav"), b"mlfn").is_err());
    assert!(wav::read(&folder.path().join("none.wav")).is_err());
}

#[test]
fn a_place_on_the_timeline_and_markers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let markers = [(0, "harbour".to_string()), (4_000, "sturm, ночь".to_string())];
    let start_frame = Some(5_000_000_000);
    let labels = Labels { is_loop: false, start_frame, markers: &markers, ..labels(b"1") };
    wav::write(&path, &audio(), SampleFormat::Int24, &labels).unwrap();
    assert_eq!(wav::read_start_frame(&path).unwrap(), start_frame);
    let bext = chunk(&path, b"bext");
    assert_eq!((bext.len(), &bext[..8], &bext[256..265]), (602, &b"harbour\0"[..], &b"melfusion"[..]));
    // Low and high half, version 1.
    assert_eq!((u32_at(&bext, 338), u32_at(&bext, 342), bext[346]), (705_032_704, 1, 1));
    let cue = chunk(&path, b"cue ");
    assert_eq!((cue.len(), u32_at(&cue, 0)), (52, 2));
    assert_eq!([4, 8, 24, 28, 32, 48].map(|at| u32_at(&cue, at)), [1, 0, 0, 2, 4_000, 4_000]);
    assert_eq!(&cue[12..16], b"data");
    let bytes = fs::read(&path).unwrap();
    let says = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(says("adtllabl") && says("harbour\0") && says("sturm, ночь\0"));
    // What is played once is no loop.
    assert_eq!((wav::read_chunk(&path, b"smpl").unwrap(), u32_at(&chunk(&path, b"acid"), 0)), (None, 3));
    assert_eq!(wav::read(&path).unwrap().frames(), audio().frames());
}
