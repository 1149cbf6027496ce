//! Brings a loop to another sample rate, and leaves it a loop.

use melfusion::decoder::loop_resample;

/// The loop `frames` as `length` frames that last as long.
pub fn resample_loop(frames: Vec<[f32; 2]>, length: usize) -> Vec<[f32; 2]> {
    if frames.len() == length {
        return frames;
    }
    let channel = |i: usize| loop_resample(&frames.iter().map(|frame| frame[i]).collect::<Vec<_>>(), length);
    channel(0).into_iter().zip(channel(1)).map(|(left, right)| [left, right]).collect()
}
