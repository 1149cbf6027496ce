//! Stereo sound.

/// Two channels of the same length, at full scale ±1, which may be exceeded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stereo {
    /// Left channel.
    pub left: Vec<f32>,
    /// Right channel.
    pub right: Vec<f32>,
}

impl Stereo {
    /// Silence.
    pub fn silence(frames: usize) -> Self {
        Self { left: vec![0.0; frames], right: vec![0.0; frames] }
    }

    /// Length in frames.
    pub fn frames(&self) -> usize {
        self.left.len()
    }

    pub(crate) fn channels(&mut self) -> [&mut Vec<f32>; 2] {
        [&mut self.left, &mut self.right]
    }

    /// Adds `other`, as long as this or shorter, `gain` times.
    pub(crate) fn add(&mut self, other: &Self, gain: f32) {
        for (mine, theirs) in [(&mut self.left, &other.left), (&mut self.right, &other.right)] {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += gain * theirs);
        }
    }
}
