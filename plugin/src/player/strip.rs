//! A clip laid out along time: nothing before its start, then once or again and again.

/// The signal that a clip makes, as a function of frames since its start.
///
/// Repetition `k` begins at `round(k * length)`, so nothing adds up when a bar is not a whole number of frames: some
/// repetitions then are one frame shorter or longer than others. The last frame of the clip is left out of a shorter one;
/// a longer one ends in the mean of the clip's last and first frame. All other frames are the clip's own, untouched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip<'a> {
    /// The clip.
    pub frames: &'a [[f32; 2]],
    /// Exact length of one repetition in frames, at least 1.
    pub length: f64,
    /// Again and again; else once.
    pub repeat: bool,
    /// Gains that rise from 0 to 1. A clip that plays once falls silent by them, since its last frame leads into its first.
    pub rise: &'a [f32],
}

impl Strip<'_> {
    /// Which frame of the clip stands at `at`, and its gain. `None` where there is silence.
    pub fn look(&self, at: i64) -> Option<(usize, f32)> {
        let (start, _) = self.repetition(at)?;
        let index = usize::try_from(at - start).ok().filter(|index| *index <= self.frames.len())?;
        (self.repeat || index < self.frames.len()).then(|| (index, self.gain(index)))
    }

    /// Writes what stands at `at` and after.
    pub fn fill(&self, at: i64, mut out: &mut [[f32; 2]]) {
        let mut at = at;
        while !out.is_empty() {
            let (part, written) = match self.repetition(at) {
                Some((start, end)) => {
                    let part = part(out.len(), end.saturating_sub(at));
                    (part, self.fill_within((at - start) as usize, &mut out[..part]))
                }
                // Before the start, or after the only repetition.
                None => (part(out.len(), if at < 0 { -at } else { i64::MAX }), 0),
            };
            let (now, later) = out.split_at_mut(part);
            now[written..].fill([0.0; 2]);
            out = later;
            at += part as i64;
        }
    }

    /// Writes frames of one repetition from `index` on; says how many there were.
    fn fill_within(&self, index: usize, out: &mut [[f32; 2]]) -> usize {
        let Some(rest) = self.frames.get(index..) else { return 0 };
        let mut written = rest.len().min(out.len());
        out[..written].copy_from_slice(&rest[..written]);
        if !self.repeat && index + written + self.rise.len() > self.frames.len() {
            for (offset, frame) in out[..written].iter_mut().enumerate() {
                *frame = frame.map(|sample| sample * self.gain(index + offset));
            }
        } else if self.repeat
            && let (Some(beyond), Some(first), Some(last)) =
                (out.get_mut(written), self.frames.first(), self.frames.last())
        {
            *beyond = [0, 1].map(|channel| (first[channel] + last[channel]) * 0.5);
            written += 1;
        }
        written
    }

    fn gain(&self, index: usize) -> f32 {
        let left = self.frames.len().saturating_sub(index + 1);
        self.rise.get(left).copied().filter(|_| !self.repeat).unwrap_or(1.0)
    }

    /// Where the repetition that `at` is in begins and ends.
    fn repetition(&self, at: i64) -> Option<(i64, i64)> {
        let begin = |k: f64| (k * self.length).round() as i64;
        if at < 0 || self.frames.is_empty() {
            return None;
        }
        if !self.repeat {
            let end = self.frames.len() as i64;
            return (at < end).then_some((0, end));
        }
        let mut k = (at as f64 / self.length).floor();
        // Rounding moves a repetition by up to half a frame.
        if begin(k) > at {
            k -= 1.0;
        } else if begin(k + 1.0) <= at {
            k += 1.0;
        }
        // A repetition is never empty, whatever the arithmetic at the end of time does.
        Some((begin(k).min(at), begin(k + 1.0).max(at.saturating_add(1))))
    }
}

/// At most `frames`, at least 1, at most `limit`.
fn part(frames: usize, limit: i64) -> usize {
    usize::try_from(limit).map_or(frames, |limit| frames.min(limit.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(frames: usize) -> Vec<[f32; 2]> {
        (0..frames).map(|i| [i as f32 + 1.0, -(i as f32) - 1.0]).collect()
    }

    fn strip(frames: &[[f32; 2]], length: f64, repeat: bool) -> Strip<'_> {
        Strip { frames, length, repeat, rise: &[0.25, 0.75] }
    }

    fn filled(strip: &Strip, at: i64, frames: usize) -> Vec<f32> {
        let mut out = vec![[9.0; 2]; frames];
        strip.fill(at, &mut out);
        out.iter().map(|frame| frame[0]).collect()
    }

    #[test]
    fn a_whole_length_repeats_by_modulo() {
        let clip = ramp(5);
        let strip = strip(&clip, 5.0, true);
        let expected: Vec<f32> = (0..23).map(|i| (i % 5) as f32 + 1.0).collect();
        assert_eq!(filled(&strip, 0, 23), expected);
    }

    #[test]
    fn before_the_start_there_is_silence() {
        let clip = ramp(3);
        assert_eq!(filled(&strip(&clip, 3.0, true), -2, 6), [0.0, 0.0, 1.0, 2.0, 3.0, 1.0]);
        assert_eq!(strip(&clip, 3.0, true).look(-1), None);
    }

    #[test]
    fn repetitions_begin_at_rounded_multiples_of_the_exact_length() {
        let clip = ramp(5);
        let shorter = strip(&clip, 4.6, true);
        // Begins at 0, 5 (4.6), 9 (9.2), 14 (13.8).
        assert_eq!(filled(&shorter, 0, 14), [1., 2., 3., 4., 5., 1., 2., 3., 4., 1., 2., 3., 4., 5.]);
        let longer = strip(&clip, 5.4, true);
        // Begins at 0, 5 (5.4), 11 (10.8): the second is one longer.
        assert_eq!(filled(&longer, 0, 12), [1., 2., 3., 4., 5., 1., 2., 3., 4., 5., 3., 1.]);
    }

    #[test]
    fn once_ends_by_a_fall_and_stays_silent() {
        let clip = ramp(5);
        assert_eq!(filled(&strip(&clip, 4.6, false), 0, 7), [1.0, 2.0, 3.0, 4.0 * 0.75, 5.0 * 0.25, 0.0, 0.0]);
        assert_eq!(strip(&clip, 4.6, false).look(5), None);
    }

    #[test]
    fn every_partition_reads_the_same() {
        let clip = ramp(97);
        for (length, repeat) in [(96.5, true), (97.3, true), (97.0, false), (60.25, true), (120.0, true)] {
            let strip = strip(&clip, length, repeat);
            let whole = filled(&strip, -40, 1000);
            for step in [1, 7, 64, 333] {
                let parts: Vec<f32> =
                    (0..1000).step_by(step).flat_map(|at| filled(&strip, at as i64 - 40, step)).collect();
                assert_eq!(parts[..1000], whole, "length {length} step {step}");
            }
        }
    }

    #[test]
    fn the_end_of_time_does_not_hang_or_panic() {
        let clip = ramp(7);
        for at in [i64::MIN / 4, i64::MAX / 4, i64::MAX / 2] {
            filled(&strip(&clip, 7.3, true), at, 100);
            filled(&strip(&clip, 7.3, false), at, 100);
        }
    }
}
