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
        let rise = if clip.ends() { &[] } else { fade.rise() };
        Strip { frames: clip.frames(), length: self.length, repeat: self.repeat, rise }
    }

    /// The nearest whole frame.
    pub fn frame(&self) -> i64 {
        self.path.frame()
    }
}

/// A clip that sounds.
#[derive(Debug)]
pub(super) struct Voice {
    course: Course,
    /// Where a stretched clip was entered. Until the stretcher is ready, the frames from there on are copied: an attack
    /// then stays as sharp as it is, and the work of beginning is spread. `None` if something else sounds meanwhile.
    entry: Option<i64>,
}

impl Voice {
    /// Begins a course. `take` spreads the work of many instances over time. If `is_covered`, a stretched clip is silent
    /// for the stretcher's lead.
    pub fn begin(course: Course, take: u64, is_covered: bool, stretcher: &mut Stretcher) -> Self {
        if course.is_stretched {
            // Multiples of the golden ratio spread evenly.
            let spread = take.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            stretcher.begin(spread as f64 / 2_f64.powi(32));
        }
        Self { course, entry: (!is_covered).then(|| course.frame()) }
    }

    /// What it is about to sound.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// Whether frames are copied one to one.
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
        let wrapped = self.wrapped(next);
        let error = self.error(next, stretcher) / rate;
        // While it begins, small errors cannot be put right any faster.
        let is_new = stretcher.age() < (stretcher.lead() + fade.len() + stretcher.hop()) as i64;
        if error > if is_new { LOST_SECONDS } else { LOOSE_SECONDS } {
            return false;
        }
        stretcher.shift(wrapped);
        self.entry = self.entry.map(|entry| entry + wrapped.round() as i64);
        true
    }

    /// Whether what sounds is near enough to `next` to go on for the stretcher's lead, and nearer than a copy would be.
    pub fn can_cover(&self, next: &Course, stretcher: &Stretcher, rate: f64) -> bool {
        let is_alike = !self.is_copy() && next.is_stretched && self.course.slot == next.slot;
        let (present_off, copy_off) = (next.path.speed - self.course.path.speed, next.path.speed - 1.0);
        is_alike
            && self.course.repeat == next.repeat
            && stretcher.age() > stretcher.lead() as i64
            && present_off.abs() <= copy_off.abs()
            && self.error(next, stretcher) <= LOST_SECONDS * rate
    }

    /// How far, in frames of the clip, what is on its way lies from where `next` wants it.
    fn error(&self, next: &Course, stretcher: &Stretcher) -> f64 {
        let position = next.path.position - self.wrapped(next);
        stretcher.error(Path { position, ..next.path }).max((position - self.course.path.position).abs())
    }

    /// By how many whole repetitions `next` lies elsewhere, in frames.
    fn wrapped(&self, next: &Course) -> f64 {
        let (here, there) = (self.course.path.position, next.path.position);
        if !next.repeat || here < 0.0 || there < 0.0 {
            return 0.0;
        }
        ((there - here) / next.length).round() * next.length
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
        let Some(entry) = self.entry else { return };
        let mut copied = [[0.0; 2]; 1];
        for (age, frame) in (age..lead + rise.len() as i64).zip(out) {
            strip.fill(entry.saturating_add(age), &mut copied);
            let gain = usize::try_from(age - lead).ok().and_then(|risen| rise.get(risen)).copied().unwrap_or(0.0);
            *frame = [0, 1].map(|channel| copied[0][channel] * (1.0 - gain) + frame[channel] * gain);
        }
    }
}
