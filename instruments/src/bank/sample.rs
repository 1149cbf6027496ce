//! A sample: mono sound, decoded when it is first played.

use std::io::Cursor;
use std::sync::{Arc, OnceLock};

use lewton::inside_ogg::OggStreamReader;

use super::hydra::SampleHeader;

/// Flag of a sample that is an Ogg Vorbis stream (SF3).
const VORBIS: u16 = 0x10;
/// Flag of a sample in the memory of a sound card of 1996.
const ROM: u16 = 0x8000;
/// Most frames that a byte of Vorbis may stand for: silence has some hundred.
const MAX_FRAMES_PER_BYTE: usize = 512;

/// Sound and where it loops, in frames.
#[derive(Debug, Clone)]
pub(crate) struct Wave {
    pub(crate) frames: Arc<[f32]>,
    pub(crate) loop_start: usize,
    pub(crate) loop_end: usize,
}

/// A header and its sound.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) header: SampleHeader,
    wave: OnceLock<Result<Wave, String>>,
}

impl Sample {
    pub(crate) fn new(header: SampleHeader) -> Self {
        Self { header, wave: OnceLock::new() }
    }

    /// The sound, from the chunks `smpl` and, for 24 bits, `sm24`.
    pub(crate) fn wave(&self, smpl: &[u8], sm24: &[u8]) -> Result<Wave, String> {
        self.wave.get_or_init(|| self.decode(smpl, sm24)).clone()
    }

    fn decode(&self, smpl: &[u8], sm24: &[u8]) -> Result<Wave, String> {
        let header = &self.header;
        let problem = |what: &str| format!("its sample {:?} {what}; use another copy or another font", header.name);
        if header.kind & ROM != 0 {
            return Err(problem("is in the memory of a sound card"));
        }
        let is_vorbis = header.kind & VORBIS != 0;
        let unit = if is_vorbis { 1 } else { 2 };
        if header.start > header.end || header.end.saturating_mul(unit) > smpl.len() {
            return Err(problem("lies outside of the file"));
        }
        let frames = if is_vorbis {
            vorbis(&smpl[header.start..header.end]).map_err(|what| problem(&what))?
        } else {
            pcm(&smpl[2 * header.start..2 * header.end], sm24.get(header.start..header.end))
        };
        // Loops of Vorbis count from the sample's own beginning.
        let origin = if is_vorbis { 0 } else { header.start };
        let place = |at: usize| at.saturating_sub(origin).min(frames.len());
        Ok(Wave { loop_start: place(header.loop_start), loop_end: place(header.loop_end), frames: frames.into() })
    }
}

fn pcm(high: &[u8], low: Option<&[u8]>) -> Vec<f32> {
    let high = high.chunks_exact(2).map(|pair| i32::from(i16::from_le_bytes([pair[0], pair[1]])));
    match low {
        None => high.map(|value| value as f32 / 32_768.0).collect(),
        Some(low) => high.zip(low).map(|(value, low)| (value * 256 + i32::from(*low)) as f32 / 8_388_608.0).collect(),
    }
}

fn vorbis(bytes: &[u8]) -> Result<Vec<f32>, String> {
    let damaged = |error: lewton::VorbisError| format!("is damaged ({error})");
    let mut reader = OggStreamReader::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut frames = Vec::new();
    while let Some(packet) = reader.read_dec_packet_generic::<Vec<Vec<f32>>>().map_err(damaged)? {
        // A stereo stream is none that a soundfont may hold; its left side is taken.
        frames.extend_from_slice(packet.first().ok_or("has no channel")?);
        if frames.len() > bytes.len().saturating_mul(MAX_FRAMES_PER_BYTE) {
            return Err("is longer than its bytes can tell".into());
        }
    }
    frames.iter_mut().for_each(|frame| *frame = if frame.is_finite() { frame.clamp(-8.0, 8.0) } else { 0.0 });
    Ok(frames)
}
