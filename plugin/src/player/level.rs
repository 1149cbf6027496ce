//! The output's gain, which moves without clicks.

/// A gain that reaches every new target in a straight line.
#[derive(Debug)]
pub(super) struct Level {
    /// Length of the way to a new target, in frames.
    frames: u32,
    from: f32,
    to: f32,
    /// Frames of the way that are done.
    done: u32,
    /// Until the first target is known, which takes effect at once.
    fresh: bool,
}

impl Level {
    /// Reaches targets in `frames`.
    pub fn new(frames: usize) -> Self {
        let frames = u32::try_from(frames).unwrap_or(u32::MAX).max(1);
        Self { frames, from: 1.0, to: 1.0, done: frames, fresh: true }
    }

    /// The next target takes effect at once.
    pub fn clear(&mut self) {
        self.fresh = true;
    }

    /// Sets off for `gain`. What is not a sensible gain is silence.
    pub fn aim(&mut self, gain: f32) {
        let gain = if gain.is_finite() { gain.clamp(0.0, 16.0) } else { 0.0 };
        if self.fresh {
            (self.to, self.done, self.fresh) = (gain, self.frames, false);
        } else if gain != self.to {
            (self.from, self.to, self.done) = (self.at(self.done), gain, 0);
        }
    }

    /// Applies it; at rest at 1 nothing is touched.
    pub fn apply(&mut self, out: &mut [[f32; 2]]) {
        if self.done >= self.frames {
            if self.to != 1.0 {
                out.iter_mut().for_each(|frame| *frame = frame.map(|sample| sample * self.to));
            }
            return;
        }
        for frame in out {
            self.done = self.frames.min(self.done + 1);
            let gain = self.at(self.done);
            *frame = frame.map(|sample| sample * gain);
        }
    }

    fn at(&self, done: u32) -> f32 {
        if done >= self.frames {
            return self.to;
        }
        self.from + (self.to - self.from) * (done as f32 / self.frames as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_target_is_met_at_once_and_later_ones_in_a_line() {
        let mut level = Level::new(4);
        level.aim(0.5);
        let mut out = [[1.0, -1.0]; 2];
        level.apply(&mut out);
        assert_eq!(out, [[0.5, -0.5]; 2]);
        level.aim(1.0);
        let mut out = [[1.0, 1.0]; 6];
        level.apply(&mut out);
        assert_eq!(out.map(|frame| frame[0]), [0.625, 0.75, 0.875, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_change_on_the_way_does_not_jump() {
        let mut level = Level::new(100);
        level.aim(1.0);
        level.aim(0.0);
        let mut out = [[1.0, 1.0]; 150];
        level.apply(&mut out[..50]);
        level.aim(0.8);
        level.apply(&mut out[50..]);
        assert!(out.windows(2).all(|pair| (pair[1][0] - pair[0][0]).abs() <= 0.0101));
        assert_eq!(out[149], [0.8, 0.8]);
    }

    #[test]
    fn nonsense_is_silence() {
        let mut level = Level::new(4);
        level.aim(f32::NAN);
        let mut out = [[1.0, 1.0]; 2];
        level.apply(&mut out);
        assert_eq!(out, [[0.0; 2]; 2]);
    }
}
