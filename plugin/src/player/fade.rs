//! Short crossfades: what sounded falls away while what sounds next rises.

/// A crossfade from one sound to the next.
///
/// What sounded goes on as a *tail* that was made at the moment of the change, so that whatever made it is free at once.
/// The tail may go on for a while before it falls, while the next sound gets ready.
#[derive(Debug)]
pub(super) struct Fade {
    /// Gains that rise from 0 to 1 as half a cosine.
    rise: Box<[f32]>,
    /// What sounded, its gain applied.
    tail: Box<[[f32; 2]]>,
    /// The part of the tail that is still to be heard.
    tail_left: std::ops::Range<usize>,
    /// Frames until the new sound begins to rise.
    wait: usize,
    /// Frames of the new sound that have been heard since it began to rise.
    risen: usize,
}

impl Fade {
    /// Over so many frames, after at most `longest_wait`.
    pub fn new(frames: usize, longest_wait: usize) -> Self {
        let frames = frames.max(1);
        let gain = |i: usize| 0.5 - 0.5 * (std::f64::consts::PI * (i + 1) as f64 / (frames + 1) as f64).cos();
        let rise = (0..frames).map(|i| gain(i) as f32).collect();
        let tail = vec![[0.0; 2]; longest_wait + frames].into();
        Self { rise, tail, tail_left: 0..0, wait: 0, risen: frames }
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
        self.tail_left = 0..0;
        self.enter(false, 0);
    }

    /// Whether something still falls away.
    pub fn has_tail(&self) -> bool {
        !self.tail_left.is_empty()
    }

    /// A new sound begins: softly, after `wait` frames, or at full gain at once.
    pub fn enter(&mut self, softly: bool, wait: usize) {
        (self.wait, self.risen) = if softly { (wait, 0) } else { (0, self.len()) };
    }

    /// Makes `sounded` the tail: it falls over the last frames, as many as the fade has.
    pub fn leave(&mut self, sounded: &[[f32; 2]]) {
        let frames = sounded.len().min(self.tail.len());
        let wait = frames.saturating_sub(self.len());
        let gains = std::iter::repeat_n(&1.0, wait).chain(self.rise.iter().rev());
        for ((tail, frame), gain) in self.tail.iter_mut().zip(sounded).zip(gains) {
            *tail = frame.map(|sample| sample * gain);
        }
        self.tail_left = 0..frames;
    }

    /// Applies the rise to `out` and adds the tail. Leaves `out` as it is when neither is under way.
    pub fn mix(&mut self, out: &mut [[f32; 2]]) {
        let (waiting, rising) = out.split_at_mut(self.wait.min(out.len()));
        waiting.fill([0.0; 2]);
        self.wait -= waiting.len();
        for (frame, gain) in rising.iter_mut().zip(self.rise.get(self.risen..).unwrap_or_default()) {
            *frame = frame.map(|sample| sample * gain);
        }
        self.risen = self.len().min(self.risen + rising.len());
        for (frame, tail) in out.iter_mut().zip(self.tail.get(self.tail_left.clone()).unwrap_or_default()) {
            *frame = [frame[0] + tail[0], frame[1] + tail[1]];
        }
        self.tail_left.start = self.tail_left.end.min(self.tail_left.start + out.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sounds_crossfade_into_themselves() {
        let mut fade = Fade::new(192, 0);
        fade.leave(&[[0.5, -0.25]; 192]);
        fade.enter(true, 0);
        let mut out = [[0.5, -0.25]; 300];
        fade.mix(&mut out);
        for frame in out {
            assert!((frame[0] - 0.5).abs() < 1e-6 && (frame[1] + 0.25).abs() < 1e-6);
        }
    }

    #[test]
    fn a_tail_may_go_on_before_it_falls() {
        let mut fade = Fade::new(10, 30);
        fade.leave(&[[0.5, 0.5]; 40]);
        fade.enter(true, 30);
        let mut out = [[0.5, 0.5]; 60];
        fade.mix(&mut out);
        assert!(out.iter().flatten().all(|sample| (sample - 0.5).abs() < 1e-6));
        assert_eq!(out[..30], [[0.5; 2]; 30]);
    }

    #[test]
    fn at_rest_nothing_is_touched() {
        let mut fade = Fade::new(16, 0);
        let sound: Vec<[f32; 2]> = (0..40).map(|i| [i as f32 / 7.0, -0.0]).collect();
        let mut out = sound.clone();
        fade.mix(&mut out);
        assert_eq!(out, sound);
    }

    #[test]
    fn parts_mix_like_the_whole() {
        let (mut whole, mut parts) = (Fade::new(50, 20), Fade::new(50, 20));
        let (mut a, mut b) = ([[1.0, 2.0]; 90], [[1.0, 2.0]; 90]);
        for fade in [&mut whole, &mut parts] {
            fade.leave(&[[-1.0, 1.0]; 70]);
            fade.enter(true, 20);
        }
        whole.mix(&mut a);
        for part in b.chunks_mut(7) {
            parts.mix(part);
        }
        assert_eq!(a, b);
    }
}
