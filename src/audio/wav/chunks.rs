//! Chunks behind the sound: made, appended, found again.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{Labels, RECIPE_CHUNK};
use crate::audio::Audio;
use crate::error::Error;

/// Middle C. The clip is a recording at its own pitch: a sampler plays it as it is on this note.
const UNITY_NOTE: u32 = 60;

/// The chunk that gives a file its place on the timeline.
const BROADCAST_CHUNK: [u8; 4] = *b"bext";
/// Where the frame stands in it, behind description, originator, reference, date and time.
const START_FRAME_AT: usize = 256 + 32 + 32 + 10 + 8;

/// A chunk's name and what follows its length.
pub type Chunk = ([u8; 4], Vec<u8>);

/// All that `labels` say about `audio`.
pub fn of(audio: &Audio, labels: &Labels<'_>) -> Vec<Chunk> {
    let mut chunks = vec![(*b"acid", acid(labels)), (*b"LIST", info(labels))];
    if labels.is_loop {
        chunks.insert(0, (*b"smpl", smpl(audio)));
    }
    if let Some(start_frame) = labels.start_frame {
        chunks.push((BROADCAST_CHUNK, bext(labels, start_frame)));
    }
    if !labels.markers.is_empty() {
        chunks.push((*b"cue ", markers(labels)));
        chunks.push((*b"LIST", marker_names(labels)));
    }
    if !labels.recipe.is_empty() {
        chunks.push((RECIPE_CHUNK, labels.recipe.to_vec()));
    }
    chunks
}

/// Appends `chunks` to a finished WAV file and corrects its length.
pub fn append(file: &mut File, chunks: &[Chunk]) -> io::Result<()> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut writer = BufWriter::new(&mut *file);
    // A chunk begins at an even byte.
    end += pad(&mut writer, end)?;
    for (name, bytes) in chunks {
        writer.write_all(name)?;
        writer.write_all(&length(bytes.len() as u64)?)?;
        writer.write_all(bytes)?;
        end += 8 + bytes.len() as u64;
        end += pad(&mut writer, end)?;
    }
    writer.flush()?;
    drop(writer);
    file.seek(SeekFrom::Start(4))?;
    file.write_all(&length(end - 8)?)
}

/// The bytes of the first chunk called `name`; `None` if the file has none.
///
/// # Errors
///
/// [`Error::File`] if the file cannot be read, is no WAV file, or ends inside the chunk. A length that the file does
/// not keep never costs memory.
pub fn read_chunk(path: &Path, name: &[u8; 4]) -> Result<Option<Vec<u8>>, Error> {
    let failed = |problem| Error::File { path: path.to_owned(), problem };
    find(path, name).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed("there is no such file; check the path".to_owned()),
        io::ErrorKind::UnexpectedEof => failed("the file is cut short; copy or render it again".to_owned()),
        io::ErrorKind::InvalidData => failed("is not a WAV file; choose one that melfusion wrote".to_owned()),
        _ => failed(format!("cannot be read: {error}")),
    })
}

fn find(path: &Path, name: &[u8; 4]) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let total = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut riff = [0; 12];
    let head = reader.read_exact(&mut riff);
    if head.is_err() || &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut at = 12;
    while at + 8 <= total {
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [a, b, c, d, size @ ..] = header;
        let size = u64::from(u32::from_le_bytes(size));
        at += 8 + size + size % 2;
        if &[a, b, c, d] == name {
            return contents(&mut reader, size).map(Some);
        }
        reader.seek(SeekFrom::Start(at))?;
    }
    // A pad byte may be missing at the end; a sound may not.
    if at > total + 1 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) }
}

fn contents(reader: &mut impl Read, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Grows with what is there, not with what the header says.
    reader.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// One loop over the whole file, without end.
fn smpl(audio: &Audio) -> Vec<u8> {
    let nanoseconds = (1e9 / f64::from(audio.sample_rate())).round() as u32;
    let last = (audio.frames() as u32).saturating_sub(1);
    // Manufacturer, product, period, unity note, its fraction, SMPTE format, SMPTE offset, loops, extra bytes.
    let sampler = [0, 0, nanoseconds, UNITY_NOTE, 0, 0, 0, 1, 0];
    // Name, forward, first frame, last frame (inclusive), its fraction, how often (0: for ever).
    let cycle = [0, 0, 0, last, 0, 0];
    sampler.into_iter().chain(cycle).flat_map(u32::to_le_bytes).collect()
}

/// Tempo and meter. The tempo is exact; beats, a whole number here, are quarter notes rounded.
fn acid(labels: &Labels<'_>) -> Vec<u8> {
    const ONE_SHOT: u32 = 1;
    const HAS_ROOT: u32 = 2;
    const FOLLOWS_TEMPO: u32 = 4;
    let kind = if labels.is_loop { FOLLOWS_TEMPO } else { ONE_SHOT };
    let flags = if labels.key.is_some() { kind | HAS_ROOT } else { kind };
    let root = labels.key.map_or(0, |key| u16::from(key.tonic())) + UNITY_NOTE as u16;
    let mut bytes = flags.to_le_bytes().to_vec();
    bytes.extend(root.to_le_bytes());
    // Two fields that nobody knows, as every program writes them.
    bytes.extend(0x8000_u16.to_le_bytes());
    bytes.extend(0_f32.to_le_bytes());
    bytes.extend((labels.quarters.round() as u32).to_le_bytes());
    bytes.extend((labels.meter.unit() as u16).to_le_bytes());
    bytes.extend((labels.meter.beats() as u16).to_le_bytes());
    bytes.extend((labels.bpm as f32).to_le_bytes());
    bytes
}

/// Without a date, so that the same music is the same file.
fn bext(labels: &Labels<'_>, start_frame: u64) -> Vec<u8> {
    const VERSION_1_LENGTH: usize = 602;
    let mut bytes = vec![0; VERSION_1_LENGTH];
    let ascii: Vec<u8> =
        labels.title.chars().map(|c| if c.is_ascii_graphic() { c as u8 } else { b' ' }).take(255).collect();
    bytes[..ascii.len()].copy_from_slice(&ascii);
    bytes[256..][..9].copy_from_slice(b"melfusion");
    bytes[START_FRAME_AT..][..8].copy_from_slice(&start_frame.to_le_bytes());
    bytes[START_FRAME_AT + 8] = 1;
    bytes
}

/// The frame of the timeline at which a file begins; `None` if it does not say.
///
/// # Errors
///
/// Those of [`read_chunk`].
pub fn read_start_frame(path: &Path) -> Result<Option<u64>, Error> {
    let bytes = read_chunk(path, &BROADCAST_CHUNK)?;
    Ok(bytes
        .and_then(|bytes| Some(u64::from_le_bytes(bytes.get(START_FRAME_AT..START_FRAME_AT + 8)?.try_into().ok()?))))
}

fn markers(labels: &Labels<'_>) -> Vec<u8> {
    let count = labels.markers.len() as u32;
    let data = u32::from_le_bytes(*b"data");
    // Name, place in a play list, chunk, its start, its block's start, frame.
    let point = |(i, (frame, _)): (usize, &(u32, String))| [i as u32 + 1, *frame, data, 0, 0, *frame];
    let points = labels.markers.iter().enumerate().flat_map(point);
    [count].into_iter().chain(points).flat_map(u32::to_le_bytes).collect()
}

fn marker_names(labels: &Labels<'_>) -> Vec<u8> {
    let mut bytes = b"adtl".to_vec();
    for (i, (_, name)) in labels.markers.iter().enumerate() {
        let mut text = (i as u32 + 1).to_le_bytes().to_vec();
        text.extend(zero_terminated(name));
        bytes.extend(b"labl");
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(&text);
        bytes.extend(&[0][..text.len() % 2]);
    }
    bytes
}

/// Texts end at their first zero byte.
fn zero_terminated(text: &str) -> Vec<u8> {
    let mut text = text.replace('\0', " ").into_bytes();
    text.push(0);
    text
}

fn info(labels: &Labels<'_>) -> Vec<u8> {
    let program = concat!("melfusion ", env!("CARGO_PKG_VERSION"));
    let mut bytes = b"INFO".to_vec();
    for (name, text) in [(b"INAM", labels.title), (b"ICMT", labels.comment), (b"ISFT", program)] {
        let text = zero_terminated(text);
        bytes.extend(name);
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(&text);
        bytes.extend(&[0][..text.len() % 2]);
    }
    bytes
}

fn pad(writer: &mut impl Write, at: u64) -> io::Result<u64> {
    writer.write_all(&[0][..(at % 2) as usize])?;
    Ok(at % 2)
}

fn length(bytes: u64) -> io::Result<[u8; 4]> {
    let length = u32::try_from(bytes).map_err(|_| io::Error::other("longer than a WAV file can be"))?;
    Ok(length.to_le_bytes())
}
