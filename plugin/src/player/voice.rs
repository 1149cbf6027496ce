//! What sounds at present: a clip, from some place, at some speed.

use super::fade::Fade;
use super::stretch::{Path, Stretcher};
use super::strip::Strip;
use crate::clip::Clip;

/// How far a stretched clip may be from its place before it is put right, in seconds.
const LOOSE_SECONDS: f64 = 0.0005;
/// A stretched clip that is farther off has jumped, and is put right at once.
const LOST_SECONDS: f64 = 0.01;

/// Which clip is to sound, and from where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    /// Slot of the clip.
    pub slot: usize,
    /// How it goes through the clip's [`Strip`]: one to one from a whole frame, unless it is stretched.
    pub path: Path,
    /// Whether it is stretched, at whatever speed; else it is copied.
    pub is_stretched: bool,
    /// Exact length of one repetition in frames.
    pub length: f64,
    /// Whether the clip repeats.
    pub repeat: bool,
}

impl Course {
    /// The clip along time.
    pub fn strip<'a>(&self, clip: &'a Clip, fade: &'a Fade) -> Strip<'a> {
        Strip { frames: clip.frames(), length: self.length, repeat: self.repeat, rise: fade.rise() }
    }

    /// The nearest whole frame.
    pub fn frame(&self) -> i64 {
        self.path.position.round() as i64
    }
}

/// A clip that sounds.
#[derive(Debug)]
pub(super) struct Voice {
    course: Course,
    /// Where a stretched clip was entered. Until the stretcher is ready, the frames from there on are copied: an attack
    /// then stays as sharp as it is, and the work of beginning is spread.
    entry: i64,
}

impl Voice {
    /// Begins a course. `take` spreads the work of many instances over time.
    pub fn begin(course: Course, take: u64, stretcher: &mut Stretcher) -> Self {
        if course.is_stretched {
            stretcher.begin((take as f64 * 0.618_033_988_749_895).fract());
        }
        Self { course, entry: course.frame() }
    }

    /// What it is about to sound.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// Whether its sound is the host's sound at the host's own speed.
    pub fn is_copy(&self) -> bool {
        !self.course.is_stretched
    }

    /// Goes on along `next`, if that can be done without a seam that is heard. Else nothing changes.
    pub fn follow(&mut self, next: &Course, clip: &Clip, stretcher: &mut Stretcher, fade: &Fade, rate: f64) -> bool {
        let follows = match (self.course.slot == next.slot, self.is_copy(), !next.is_stretched) {
            (true, true, true) => {
                let (old, new) = (self.course.strip(clip, fade), next.strip(clip, fade));
                old.look(self.course.frame()) == new.look(next.frame())
            }
            (true, false, false) => self.follow_stretched(next, stretcher, fade, rate),
            _ => false,
        };
        if follows {
            self.course = *next;
        }
        follows
    }

    fn follow_stretched(&mut self, next: &Course, stretcher: &mut Stretcher, fade: &Fade, rate: f64) -> bool {
        if self.course.repeat != next.repeat {
            return false;
        }
        let apart = next.path.position - self.course.path.position;
        let is_inside = next.repeat && next.path.position >= 0.0 && self.course.path.position >= 0.0;
        let wrapped = if is_inside { (apart / next.length).round() * next.length } else { 0.0 };
        let path = Path { position: next.path.position - wrapped, ..next.path };
        let error = stretcher.error(path).max((apart - wrapped).abs()) / rate;
        // While it begins, small errors cannot be put right any faster.
        let is_new = stretcher.age() < (stretcher.lead() + fade.len() + stretcher.hop()) as i64;
        if error > if is_new { LOST_SECONDS } else { LOOSE_SECONDS } {
            return false;
        }
        stretcher.shift(wrapped);
        self.entry += (next.path.position - self.course.path.position).round() as i64;
        true
    }

    /// Makes the next frames.
    pub fn render(&mut self, clip: &Clip, stretcher: &mut Stretcher, fade: &Fade, out: &mut [[f32; 2]]) {
        let strip = self.course.strip(clip, fade);
        if self.is_copy() {
            strip.fill(self.course.frame(), out);
        } else {
            let age = stretcher.age();
            stretcher.render(&strip, self.course.path, out);
            self.render_entry(&strip, age, stretcher.lead() as i64, fade.rise(), out);
        }
        self.course.path = self.course.path.after(out.len() as i64);
    }

    /// Crossfades from a copy of the frames after the entry to what the stretcher made.
    fn render_entry(&self, strip: &Strip, age: i64, lead: i64, rise: &[f32], out: &mut [[f32; 2]]) {
        let mut copied = [[0.0; 2]; 1];
        for (age, frame) in (age..lead + rise.len() as i64).zip(out) {
            strip.fill(self.entry.saturating_add(age), &mut copied);
            let gain = usize::try_from(age - lead).ok().and_then(|risen| rise.get(risen)).copied().unwrap_or(0.0);
            *frame = [0, 1].map(|channel| copied[0][channel] * (1.0 - gain) + frame[channel] * gain);
        }
    }
}
