//! Frames of a loop: windows around evenly spaced centres, which wrap where the loop does.

/// Where the frames of a loop lie. A frame may be longer than the loop; it then wraps more than once.
#[derive(Debug, Clone)]
pub struct LoopFrames {
    /// Samples in the loop, at least 1.
    length: usize,
    /// Samples in a frame, even.
    size: usize,
    /// Centre of each frame, ascending, in `0..=length`.
    centres: Vec<usize>,
}

impl LoopFrames {
    /// `count` frames of `size` samples over a loop of `length`; centre `j` is `round(j * length / count)`.
    ///
    /// # Panics
    ///
    /// When the loop is empty.
    pub fn new(length: usize, count: usize, size: usize) -> Self {
        assert!(length > 0, "an empty loop has no frames");
        let step = length as f64 / count as f64;
        // Ties to even, as numpy rounds.
        let centres = (0..count).map(|j| (j as f64 * step).round_ties_even() as usize).collect();
        Self { length, size, centres }
    }

    /// Copies frame `frame` of `samples (length,)` to `out (size,)`, times `window (size,)`.
    pub fn gather(&self, frame: usize, samples: &[f32], window: &[f32], out: &mut [f32]) {
        for piece in self.pieces(frame) {
            let inside = piece.offset..piece.offset + piece.length;
            let source = &samples[piece.position..piece.position + piece.length];
            for ((out, w), x) in out[inside.clone()].iter_mut().zip(&window[inside]).zip(source) {
                *out = w * x;
            }
        }
    }

    /// The frame, cut where the loop wraps.
    fn pieces(&self, frame: usize) -> impl Iterator<Item = Piece> {
        let (length, size) = (self.length, self.size);
        let first = (self.centres[frame] as i64 - (size / 2) as i64).rem_euclid(length as i64) as usize;
        let mut offset = 0;
        std::iter::from_fn(move || {
            let position = if offset == 0 { first } else { 0 };
            let piece = Piece { offset, position, length: (length - position).min(size - offset) };
            offset += piece.length;
            (piece.length > 0).then_some(piece)
        })
    }
}

/// A stretch of a frame that does not wrap.
#[derive(Debug)]
struct Piece {
    /// Where it starts in the frame.
    offset: usize,
    /// Where it starts in the loop.
    position: usize,
    length: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also where a frame is longer than the loop.
    #[test]
    fn gathering_agrees_with_indices_modulo_the_loop() {
        for (length, count, size) in [(1, 1, 8), (3, 2, 8), (20, 5, 8), (9001, 40, 64)] {
            let frames = LoopFrames::new(length, count, size);
            let samples: Vec<f32> = (0..length).map(|i| (i % 17) as f32).collect();
            let mut gathered = vec![0.; count * size];
            for (j, out) in gathered.chunks_exact_mut(size).enumerate() {
                frames.gather(j, &samples, &vec![1.; size], out);
                let first = (j as f64 * length as f64 / count as f64).round_ties_even() as i64 - size as i64 / 2;
                for (i, x) in out.iter().enumerate() {
                    let index = (first + i as i64).rem_euclid(length as i64) as usize;
                    assert_eq!(*x, samples[index]);
                }
            }
        }
    }
}
