//! WAV files: sound through `hound`, and beside it the chunks that DAWs and we ourselves read.
//!
//! | chunk | says | read by |
//! | --- | --- | --- |
//! | `smpl` | one forward loop over the whole file | samplers, most DAWs |
//! | `acid` | tempo, beats, meter, root note | Reaper, Live, Cubase, Acid |
//! | `bext` | where on the timeline it begins | Reaper, Pro Tools, Ardour |
//! | `cue `, `LIST adtl` | named markers | Reaper, Audition |
//! | `LIST INFO` | title, prompt, program | file browsers |
//! | `mlfn` | latents and recipe, opaque here | melfusion |
//!
//! Source: `smpl` and `LIST INFO`, *Multimedia Programming Interface and Data Specifications 1.0* (IBM and Microsoft,
//! 1991) and its 1994 revision; `bext`, EBU Tech 3285 version 1; `acid` has no specification, its fields are libsndfile's (`src/wav.c`).

mod chunks;

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use hound::{WavReader, WavSpec, WavWriter};

use super::Audio;
use crate::error::Error;
use crate::files::replace;
use crate::request::{Key, Meter};

pub use self::chunks::{read_chunk, read_start_frame};

/// The chunk that holds latents and recipe.
pub const RECIPE_CHUNK: [u8; 4] = *b"mlfn";
/// One more than the largest 24-bit sample.
const FULL_SCALE: f64 = 8_388_608.0;

/// How samples are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SampleFormat {
    /// 24-bit integers, clipped at full scale. Rounded without dither: the error lies at −144 dB, below any noise in
    /// the music, and the same sound gives the same file.
    #[default]
    Int24,
    /// 32-bit floats, exactly as they are.
    Float32,
}

/// What a file says about its music beside the sound.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Shown by file browsers.
    pub title: &'a str,
    /// The prompt.
    pub comment: &'a str,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// Length in quarter notes.
    pub quarters: f64,
    /// Time signature.
    pub meter: Meter,
    /// Gives the root note, when it is known.
    pub key: Option<Key>,
    /// Bytes of the `mlfn` chunk; none is written when empty.
    pub recipe: &'a [u8],
    /// Whether its end leads into its beginning.
    pub is_loop: bool,
    /// Frame of the timeline at which it begins, where it has a place there.
    pub start_frame: Option<u64>,
    /// Frames of the file and what begins there, ascending.
    pub markers: &'a [(u32, String)],
}

/// Writes `audio` to `path`, whole or not at all.
///
/// # Errors
///
/// [`Error::File`] if the file cannot be written; what was at `path` is then still there.
pub fn write(path: &Path, audio: &Audio, format: SampleFormat, labels: &Labels<'_>) -> Result<(), Error> {
    replace(path, |file| {
        write_sound(file, audio, format)?;
        chunks::append(file, &chunks::of(audio, labels))
    })
}

/// Reads the sound of a WAV file; one channel becomes two.
///
/// # Errors
///
/// [`Error::File`] if it cannot be read, is no WAV file, or has more than two channels.
pub fn read(path: &Path) -> Result<Audio, Error> {
    read_sound(path).map_err(|problem| Error::File { path: path.to_owned(), problem })
}

fn write_sound(file: &mut File, audio: &Audio, format: SampleFormat) -> io::Result<()> {
    let spec = WavSpec {
        channels: 2,
        sample_rate: audio.sample_rate(),
        bits_per_sample: match format {
            SampleFormat::Int24 => 24,
            SampleFormat::Float32 => 32,
        },
        sample_format: match format {
            SampleFormat::Int24 => hound::SampleFormat::Int,
            SampleFormat::Float32 => hound::SampleFormat::Float,
        },
    };
    let bytes = audio.frames() as u64 * u64::from(spec.channels) * u64::from(spec.bits_per_sample / 8);
    if bytes > u64::from(u32::MAX / 2) {
        return Err(io::Error::other("longer than a WAV file can be"));
    }
    let mut writer = WavWriter::new(BufWriter::new(file), spec).map_err(from_hound)?;
    write_samples(&mut writer, audio, format).map_err(from_hound)?;
    writer.finalize().map_err(from_hound)
}

/// What a 24-bit file gives back of a sample.
pub(crate) fn round_to_24_bits(sample: f32) -> f32 {
    // 24 bits fit in a float's mantissa.
    (f64::from(int24(sample)) / FULL_SCALE) as f32
}

fn int24(sample: f32) -> i32 {
    (f64::from(sample) * FULL_SCALE).round().clamp(-FULL_SCALE, FULL_SCALE - 1.0) as i32
}

fn write_samples<W: Write + Seek>(writer: &mut WavWriter<W>, audio: &Audio, format: SampleFormat) -> hound::Result<()> {
    let [left, right] = audio.channels();
    for sample in left.iter().zip(right).flat_map(|(left, right)| [*left, *right]) {
        match format {
            SampleFormat::Int24 => writer.write_sample(int24(sample))?,
            SampleFormat::Float32 => writer.write_sample(sample)?,
        }
    }
    Ok(())
}

fn read_sound(path: &Path) -> Result<Audio, String> {
    let mut reader = WavReader::open(path).map_err(|error| format!("cannot be read as WAV: {error}"))?;
    let spec = reader.spec();
    if spec.sample_rate == 0 {
        return Err("is damaged: its sample rate is 0".to_owned());
    }
    if spec.channels > 2 {
        return Err(format!("has {} channels; mono and stereo can be read", spec.channels));
    }
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<hound::Result<_>>(),
        hound::SampleFormat::Int => {
            let full_scale = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            let scaled = |sample: hound::Result<i32>| sample.map(|sample| sample as f32 / full_scale);
            reader.samples::<i32>().map(scaled).collect()
        }
    }
    .map_err(|error| format!("is damaged or cut short: {error}"))?;
    if spec.channels == 1 {
        return Ok(Audio::mono(samples, spec.sample_rate));
    }
    // A damaged length may leave half a frame.
    let side = |side: usize| samples.chunks_exact(2).map(|frame| frame[side]).collect();
    Ok(Audio::new(side(0), side(1), spec.sample_rate))
}

fn from_hound(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}
