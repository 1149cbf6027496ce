//! Where a voice is in its sample.

use super::kernel::Kernel;
use crate::bank::{Loop, Tone};

/// Reads a sample at any speed, around its loop.
pub(super) struct Playhead<'a> {
    tone: &'a Tone,
    /// Frame in the sample and a fraction.
    place: f64,
    loops: bool,
    /// It came round at least once: what lies before the loop's start is its end.
    has_looped: bool,
    scratch: Vec<f32>,
}

impl<'a> Playhead<'a> {
    pub(super) fn new(tone: &'a Tone) -> Self {
        let loops = tone.looping != Loop::Never;
        Self { tone, place: tone.start as f64, loops, has_looped: false, scratch: Vec::new() }
    }

    /// The key was let go.
    pub(super) fn release(&mut self) {
        if self.tone.looping == Loop::Held {
            self.loops = false;
        }
    }

    /// Fills `out`, `step` frames of the sample to a frame; false once nothing is left to play.
    pub(super) fn read(&mut self, step: f64, out: &mut [f32]) -> bool {
        let kernel = Kernel::for_step(step);
        out.iter_mut().for_each(|frame| *frame = self.next(kernel, step));
        self.loops || self.place < self.tone.end as f64 + kernel.taps() as f64
    }

    #[inline]
    fn next(&mut self, kernel: &Kernel, step: f64) -> f32 {
        if self.loops && self.place >= self.tone.loop_end as f64 {
            let round = (self.tone.loop_end - self.tone.loop_start) as f64;
            let rounds = ((self.place - self.tone.loop_end as f64) / round) as i64 + 1;
            self.place -= rounds as f64 * round;
            self.has_looped = true;
        }
        let whole = self.place as i64;
        let fraction = self.place - whole as f64;
        self.place += step;
        kernel.at(self.window(whole + 1 - kernel.taps() as i64 / 2, kernel.taps()), fraction)
    }

    /// `taps` frames from `first` on.
    #[inline]
    fn window(&mut self, first: i64, taps: usize) -> &[f32] {
        let tone = self.tone;
        let (low, high) = (
            if self.has_looped { tone.loop_start } else { tone.start } as i64,
            if self.loops { tone.loop_end } else { tone.end } as i64,
        );
        let last = first + taps as i64;
        if low <= first && last <= high {
            return &tone.frames[first as usize..last as usize];
        }
        let round = (tone.loop_end - tone.loop_start) as i64;
        let mut at = first;
        if self.has_looped && at < low {
            at += (low - at + round - 1) / round * round;
        }
        self.scratch.clear();
        while self.scratch.len() < taps {
            if self.loops && at >= high {
                at -= (at - high) / round * round + round;
            }
            // As much at once as lies before the next edge.
            let missing = (taps - self.scratch.len()) as i64;
            if (low..high).contains(&at) {
                let end = high.min(at + missing);
                self.scratch.extend_from_slice(&tone.frames[at as usize..end as usize]);
                at = end;
            } else {
                let end = if at < low { low.min(at + missing) } else { at + missing };
                self.scratch.resize(self.scratch.len() + (end - at) as usize, 0.0);
                at = end;
            }
        }
        &self.scratch
    }
}
