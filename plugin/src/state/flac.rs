//! Sound to FLAC and back, without losing a bit: 24 bits, stereo.

use std::io::Cursor;

use claxon::frame::Block;
use flacenc::bitsink::ByteSink;
use flacenc::component::BitRepr;
use flacenc::config;
use flacenc::error::Verify;
use flacenc::source::MemSource;

/// Samples are whole multiples of one over this.
const FULL_SCALE: f32 = 8_388_608.0;
/// Frames at most: the engine's longest clip at the highest rate. A damaged file may promise more.
const LONGEST: usize = 600 * 192_000;
/// Highest rate that the encoder accepts, in Hz.
const ENCODER_RATE: u32 = 96_000;
/// A rate that a frame's header has no code for, so that the frames refer to the stream's header.
const NAMELESS_RATE: u32 = 65_537;
/// Highest rate that a decoder accepts, in Hz.
const HIGHEST_RATE: u32 = 655_350;

/// Why there is no FLAC, or no sound in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlacError {
    /// The rate does not fit into a FLAC header.
    #[error("{0} Hz is not a rate that FLAC knows (1 to 655350)")]
    Rate(u32),
    /// The sound is longer than ten minutes at 192 kHz.
    #[error("the sound is too long")]
    TooLong,
    /// Not FLAC, cut short, or changed since it was written.
    #[error("the sound is damaged")]
    Damaged,
    /// FLAC, but not of 24 bits and two channels.
    #[error("the sound is not stereo of 24 bits")]
    Format,
    /// The encoder gave up.
    #[error("the sound could not be compressed")]
    Encoder,
}

/// The nearest value on the grid of 24-bit samples, in -1..1. What is not a number becomes silence.
pub fn to_grid(sample: f32) -> f32 {
    to_integer(sample) as f32 / FULL_SCALE
}

fn to_integer(sample: f32) -> i32 {
    // `as` turns what is not a number into 0.
    (sample * FULL_SCALE).round().clamp(-FULL_SCALE, FULL_SCALE - 1.0) as i32
}

/// Compresses `frames`, left and right, at `rate` Hz (1..=655350). Frames on the grid of [`to_grid`] come back from
/// [`decode`] bit for bit; others come back as the grid's nearest. Runs on the calling thread only.
///
/// # Errors
///
/// [`FlacError::Rate`], [`FlacError::TooLong`]; [`FlacError::Encoder`] should not happen.
pub fn encode(frames: &[[f32; 2]], rate: u32) -> Result<Vec<u8>, FlacError> {
    if !(1..=HIGHEST_RATE).contains(&rate) {
        return Err(FlacError::Rate(rate));
    }
    if frames.len() > LONGEST {
        return Err(FlacError::TooLong);
    }
    let samples: Vec<i32> = frames.as_flattened().iter().map(|x| to_integer(*x)).collect();
    let encoder_rate = if rate <= ENCODER_RATE { rate } else { NAMELESS_RATE };
    let source = MemSource::from_samples(&samples, 2, 24, encoder_rate as usize);
    let mut config = config::Encoder::default();
    // The encoder's fixed predictors take loud noise of 24 bits for cheap and make it up to a thousand times as long,
    // beyond what the header can say. Music is as small without them, in half the time.
    config.subframe_coding.use_fixed = false;
    let config = config.into_verified().map_err(|_| FlacError::Encoder)?;
    let mut stream =
        flacenc::encode_with_fixed_block_size(&config, source, config.block_size).map_err(|_| FlacError::Encoder)?;
    // The last block may be shorter and does not count; the encoder counts it, and decoders refuse less than 16.
    let block = config.block_size;
    stream.stream_info_mut().set_block_sizes(block, block).map_err(|_| FlacError::Encoder)?;
    let mut sink = ByteSink::new();
    stream.write(&mut sink).map_err(|_| FlacError::Encoder)?;
    let mut bytes = sink.into_inner();
    set_rate(&mut bytes, rate);
    Ok(bytes)
}

/// Writes `rate` over the 20 bits of the stream's header: after the magic and a block's header (8 bytes) come 10 bytes
/// of sizes. No checksum covers them.
fn set_rate(bytes: &mut [u8], rate: u32) {
    bytes[18] = (rate >> 12) as u8;
    bytes[19] = (rate >> 4) as u8;
    bytes[20] = (rate << 4) as u8 | bytes[20] & 0x0f;
}

/// Left and right, and the rate in Hz.
///
/// # Errors
///
/// [`FlacError::Damaged`], [`FlacError::Format`], [`FlacError::TooLong`].
pub fn decode(flac: &[u8]) -> Result<(Vec<[f32; 2]>, u32), FlacError> {
    let mut reader = claxon::FlacReader::new(Cursor::new(flac)).map_err(|_| FlacError::Damaged)?;
    let info = reader.streaminfo();
    if (info.channels, info.bits_per_sample) != (2, 24) {
        return Err(FlacError::Format);
    }
    let length = usize::try_from(info.samples.unwrap_or(0)).map_err(|_| FlacError::TooLong)?;
    if length > LONGEST {
        return Err(FlacError::TooLong);
    }
    // Music takes more than a byte a frame: this is all of it, and no damaged header can ask for more memory.
    let mut frames = Vec::with_capacity(length.min(flac.len()));
    let mut blocks = reader.blocks();
    let mut buffer = Vec::new();
    while let Some(block) = blocks.read_next_or_eof(buffer).map_err(|_| FlacError::Damaged)? {
        append(&mut frames, &block, length)?;
        buffer = block.into_buffer();
    }
    if frames.len() == length { Ok((frames, info.sample_rate)) } else { Err(FlacError::Damaged) }
}

fn append(frames: &mut Vec<[f32; 2]>, block: &Block, length: usize) -> Result<(), FlacError> {
    // More than was announced: without this a small file could fill the memory.
    if block.channels() != 2 || frames.len() + block.duration() as usize > length {
        return Err(FlacError::Damaged);
    }
    let sample = |x: i32| x as f32 / FULL_SCALE;
    frames.extend(block.channel(0).iter().zip(block.channel(1)).map(|(left, right)| [sample(*left), sample(*right)]));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Numbers in -1..1 that differ for every seed.
    fn noise(seed: u32, length: usize) -> Vec<[f32; 2]> {
        let mut state = seed.wrapping_mul(2) | 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            to_grid(state as i32 as f32 / 2_147_483_648.0)
        };
        (0..length).map(|_| [next(), next()]).collect()
    }

    fn assert_comes_back(frames: &[[f32; 2]], rate: u32) {
        let flac = encode(frames, rate).unwrap();
        let (decoded, decoded_rate) = decode(&flac).unwrap();
        assert_eq!(decoded_rate, rate);
        assert!(decoded == frames, "{} frames at {rate} Hz", frames.len());
    }

    #[test]
    fn every_length_comes_back() {
        let frames = noise(1, 9000);
        for length in [0, 1, 2, 15, 16, 17, 31, 32, 63, 64, 65, 4095, 4096, 4097, 8191, 8192, 8193, 9000] {
            assert_comes_back(&frames[..length], 48_000);
        }
    }

    #[test]
    fn every_rate_comes_back() {
        let frames = noise(2, 5000);
        for rate in [1, 8000, 11_025, 22_050, 44_100, 47_999, 48_000, 65_537, 88_200, 96_000, 176_400, 192_000, 655_350]
        {
            assert_comes_back(&frames, rate);
        }
        assert_eq!(encode(&frames, 0), Err(FlacError::Rate(0)));
        assert_eq!(encode(&frames, 655_351), Err(FlacError::Rate(655_351)));
    }

    #[test]
    fn any_noise_comes_back_and_is_hardly_larger_than_it_was() {
        for seed in 0..60 {
            let gain = 0.5f32.powi(seed % 12);
            let frames: Vec<_> =
                noise(100 + seed as u32, 10_000).iter().map(|frame| frame.map(|x| to_grid(x * gain))).collect();
            assert_comes_back(&frames, 48_000);
            assert!(encode(&frames, 48_000).unwrap().len() < 10_000 * 6 * 102 / 100, "gain {gain}");
        }
    }

    #[test]
    fn silence_and_full_scale_come_back() {
        let top = 1.0 - 1.0 / FULL_SCALE;
        let square: Vec<_> = (0..10_000).map(|i| if i / 50 % 2 == 0 { [-1.0, top] } else { [top, -1.0] }).collect();
        assert_comes_back(&vec![[0.0; 2]; 10_000], 48_000);
        assert_comes_back(&vec![[-1.0, top]; 10_000], 48_000);
        assert_comes_back(&square, 48_000);
        let extremes: Vec<_> =
            noise(3, 10_000).iter().map(|frame| frame.map(|x| if x < 0.0 { -1.0 } else { top })).collect();
        assert_comes_back(&extremes, 48_000);
    }

    #[test]
    fn music_gets_smaller() {
        let tone = |i: usize, hz: f64| to_grid((0.3 * (i as f64 * hz * std::f64::consts::TAU / 48_000.0).sin()) as f32);
        let frames: Vec<_> = (0..48_000).map(|i| [tone(i, 220.0), tone(i, 329.6)]).collect();
        assert_comes_back(&frames, 48_000);
        assert!(encode(&frames, 48_000).unwrap().len() < 48_000 * 6 * 3 / 4);
    }

    #[test]
    fn the_grid_is_a_fixed_point_and_near() {
        for frame in noise(4, 10_000) {
            assert_eq!(frame.map(to_grid), frame);
        }
        for x in [0.1f32, -0.7, 1e-9, 0.999_999_9] {
            assert!((to_grid(x) - x).abs() <= 0.5 / FULL_SCALE + f32::EPSILON, "{x}");
        }
        assert_eq!(to_grid(f32::NAN), 0.0);
        assert_eq!(to_grid(f32::INFINITY), 1.0 - 1.0 / FULL_SCALE);
        assert_eq!(to_grid(-7.0), -1.0);
    }

    #[test]
    fn damage_is_found_and_does_not_panic() {
        let flac = encode(&noise(5, 9000), 48_000).unwrap();
        for length in (0..flac.len()).step_by(2003) {
            assert!(decode(&flac[..length]).is_err(), "cut to {length}");
        }
        for at in (42..flac.len()).step_by(1009) {
            let mut damaged = flac.clone();
            damaged[at] ^= 0x10;
            assert!(decode(&damaged).is_err(), "changed at {at}");
        }
    }
}
