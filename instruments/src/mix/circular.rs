//! Filters around a loop.

/// Runs `step` over `frames` in the state that it would have after endless rounds: the last `settle` frames are heard
/// before the first. Without a loop it begins at rest.
pub(super) fn run(frames: &mut [f32], is_loop: bool, settle: usize, mut step: impl FnMut(f32) -> f32) {
    if is_loop && !frames.is_empty() {
        let first = (frames.len() - settle % frames.len()) % frames.len();
        (0..settle).for_each(|frame| {
            step(frames[(first + frame) % frames.len()]);
        });
    }
    frames.iter_mut().for_each(|frame| *frame = step(*frame));
}
