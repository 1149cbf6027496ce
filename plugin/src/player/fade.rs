//! Short crossfades: what sounded falls away while what sounds next rises.

/// A crossfade from one sound to the next.
///
/// What sounded goes on for the length of the fade as a *tail* that was made at the moment of the change, so that whatever
/// made it is free at once.
#[derive(Debug)]
pub(super) struct Fade {
    /// Gains that rise from 0 to 1 as half a cosine.
    rise: Box<[f32]>,
    /// What sounded, its gain applied.
    tail: Box<[[f32; 2]]>,
    /// Frames of the tail that have been heard.
    tail_heard: usize,
    /// Frames of the new sound that have been heard since it began to rise.
    risen: usize,
}

impl Fade {
    /// Over so many frames.
    pub fn new(frames: usize) -> Self {
        let frames = frames.max(1);
        let gain = |i: usize| 0.5 - 0.5 * (std::f64::consts::PI * (i + 1) as f64 / (frames + 1) as f64).cos();
        let rise = (0..frames).map(|i| gain(i) as f32).collect();
        Self { rise, tail: vec![[0.0; 2]; frames].into(), tail_heard: frames, risen: frames }
    }

    /// Length in frames.
    pub fn len(&self) -> usize {
        self.rise.len()
    }

    /// Gains that rise from 0 to 1.
    pub fn rise(&self) -> &[f32] {
        &self.rise
    }

    /// Forgets what sounded.
    pub fn clear(&mut self) {
        self.tail_heard = self.len();
        self.risen = self.len();
    }

    /// Whether something still falls away.
    pub fn has_tail(&self) -> bool {
        self.tail_heard < self.len()
    }

    /// A new sound begins: softly, or at full gain at once.
    pub fn enter(&mut self, softly: bool) {
        self.risen = if softly { 0 } else { self.len() };
    }

    /// Makes `sounded`, which is as long as the fade, the tail.
    pub fn leave(&mut self, sounded: &[[f32; 2]]) {
        for ((tail, frame), gain) in self.tail.iter_mut().zip(sounded).zip(self.rise.iter().rev()) {
            *tail = frame.map(|sample| sample * gain);
        }
        self.tail_heard = 0;
    }

    /// Applies the rise to `out` and adds the tail. Leaves `out` as it is when neither is under way.
    pub fn mix(&mut self, out: &mut [[f32; 2]]) {
        for (frame, gain) in out.iter_mut().zip(self.rise.get(self.risen..).unwrap_or_default()) {
            *frame = frame.map(|sample| sample * gain);
        }
        for (frame, tail) in out.iter_mut().zip(self.tail.get(self.tail_heard..).unwrap_or_default()) {
            *frame = [frame[0] + tail[0], frame[1] + tail[1]];
        }
        self.risen = self.len().min(self.risen + out.len());
        self.tail_heard = self.len().min(self.tail_heard + out.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sounds_crossfade_into_themselves() {
        let mut fade = Fade::new(192);
        fade.leave(&[[0.5, -0.25]; 192]);
        fade.enter(true);
        let mut out = [[0.5, -0.25]; 300];
        fade.mix(&mut out);
        for frame in out {
            assert!((frame[0] - 0.5).abs() < 1e-6 && (frame[1] + 0.25).abs() < 1e-6);
        }
    }

    #[test]
    fn at_rest_nothing_is_touched() {
        let mut fade = Fade::new(16);
        let sound: Vec<[f32; 2]> = (0..40).map(|i| [i as f32 / 7.0, -0.0]).collect();
        let mut out = sound.clone();
        fade.mix(&mut out);
        assert_eq!(out, sound);
    }

    #[test]
    fn parts_mix_like_the_whole() {
        let (mut whole, mut parts) = (Fade::new(50), Fade::new(50));
        let (mut a, mut b) = ([[1.0, 2.0]; 90], [[1.0, 2.0]; 90]);
        for fade in [&mut whole, &mut parts] {
            fade.leave(&[[-1.0, 1.0]; 50]);
            fade.enter(true);
        }
        whole.mix(&mut a);
        for part in b.chunks_mut(7) {
            parts.mix(part);
        }
        assert_eq!(a, b);
    }
}
