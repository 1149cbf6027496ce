//! Plays a clip at another tempo at its own pitch, and never loses the beat.
//!
//! The [`Vocoder`] sees one window of the clip after another. It is not fed a stream, in which errors of position would
//! add up: each window is taken from the very frames that belong there, so each lies where the host's beat is, whatever
//! the tempo did.
//!
//! A window is made in small steps during the hop before it is heard, and its centre is heard half a window later. It is
//! placed by the tempo known when it was begun; if the tempo turns out otherwise, [`Stretcher::error`] says by how much,
//! and the player begins again.

use super::strip::Strip;
use super::vocoder::{STEPS, Vocoder, Window};

/// Length of a window. With shorter ones the notes of a chord pull each other out of tune: of notes 55 Hz apart some were
/// heard 4 Hz off with 0.11 s, and none 0.1 Hz with this. With longer ones attacks lie farther from their place, up to
/// 0.9 ms with 0.17 s, and a change of tempo is heard later.
const WINDOW_SECONDS: f64 = 0.14;
/// Windows that overlap. At steady tempi, attacks lie up to 0.7 ms from their place; with four windows it is no more, but
/// for 0.8 ms on ramps. With six, notes as above are heard 1.4 Hz off.
const OVERLAP: usize = 5;
/// Windows that are made in advance, so that the sound is whole from its first frame.
const PRIMED: usize = OVERLAP + 1;
/// Time for them. Longer, it would be less work at once; but meanwhile the clip is heard at its own speed.
const LEAD_SECONDS: f64 = 0.0052;
/// Relative speeds that the phases are computed for. Beyond, every window still is in its place, but attacks smear by some
/// milliseconds.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// Frames of a strip that are counted: 2^52, thousands of years.
const FARTHEST: f64 = (1_i64 << 52) as f64;

/// A way through a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Path {
    /// Frame of the clip's strip.
    pub position: f64,
    /// Frames of the strip per frame of output.
    pub speed: f64,
    /// Change of the speed per frame of output.
    pub bend: f64,
}

impl Path {
    /// The nearest whole frame, within what can be counted. A hair is added so that what lies between two frames always
    /// falls to the same side, however it was reckoned.
    pub fn frame(&self) -> i64 {
        (self.position.clamp(-FARTHEST, FARTHEST) + 1e-6).round() as i64
    }

    /// The same way, later or earlier.
    pub fn after(&self, frames: i64) -> Self {
        let frames = frames as f64;
        let position = self.position + (self.speed + self.bend * 0.5 * frames) * frames;
        Self { position, speed: self.speed + self.bend * frames, ..*self }
    }
}

/// Stretches one clip at a time.
pub(super) struct Stretcher {
    vocoder: Vocoder,
    /// Frames from [`Stretcher::begin`] to the first that is heard.
    lead: usize,
    /// Frames of output since [`Stretcher::begin`].
    age: i64,
    /// Frames after the lead at which the first window begins that is made then: differs between clips, so that many
    /// instances do not work all at the same moment.
    stagger: usize,
    /// Frames of output until the next window is due, and the one after it begun.
    until_hop: usize,
    /// Steps of the windows in advance that are done.
    primed: usize,
    /// When the last windows are heard, and where in the strip they are from.
    placed: [(i64, f64); PRIMED],
}

impl Stretcher {
    /// Allocates for a sample rate in Hz. Not for the audio thread.
    pub fn new(rate: f64) -> Self {
        Self {
            vocoder: Vocoder::new((rate * WINDOW_SECONDS) as usize / OVERLAP, OVERLAP),
            lead: ((rate * LEAD_SECONDS) as usize).max(1),
            age: 0,
            stagger: 0,
            until_hop: 0,
            primed: PRIMED * STEPS,
            placed: [(i64::MIN / 2, 0.0); PRIMED],
        }
    }

    /// Frames from [`Stretcher::begin`] on that [`Stretcher::render`] leaves silent.
    pub fn lead(&self) -> usize {
        self.lead
    }

    /// Begins anywhere. `stagger`, 0..1, moves the moments of work.
    pub fn begin(&mut self, stagger: f64) {
        self.vocoder.reset();
        self.age = 0;
        self.primed = 0;
        self.stagger = ((self.hop() as f64 * stagger) as usize).min(self.hop() - 1);
        self.until_hop = self.stagger;
        self.placed = [(i64::MIN / 2, 0.0); PRIMED];
    }

    /// How far, in frames of the strip, what will soon be heard lies from where it should be on `path`.
    pub fn error(&self, path: Path) -> f64 {
        let heard = self.placed.iter().filter(|(centre, _)| *centre > self.age - self.hop() as i64);
        heard.map(|(centre, position)| (path.after(centre - self.age).position - position).abs()).fold(0.0, f64::max)
    }

    /// Counts positions from another repetition.
    pub fn shift(&mut self, frames: f64) {
        self.placed.iter_mut().for_each(|(_, position)| *position += frames);
    }

    /// Frames since [`Stretcher::begin`].
    pub fn age(&self) -> i64 {
        self.age
    }

    /// Frames from one window to the next.
    pub fn hop(&self) -> usize {
        self.vocoder.hop()
    }

    /// Makes the next frames, which begin at `path`.
    pub fn render(&mut self, strip: &Strip, path: Path, out: &mut [[f32; 2]]) {
        let begun = self.age;
        let lead = (self.lead as i64 - begun).clamp(0, out.len() as i64) as usize;
        let (silent, mut rest) = out.split_at_mut(lead);
        silent.fill([0.0; 2]);
        self.prime(strip, path, lead);
        self.age += lead as i64;
        while !rest.is_empty() {
            if self.until_hop == 0 {
                let due = self.age - self.lead as i64 + self.hop() as i64;
                self.place(path.after(self.age - begun), due);
                self.until_hop = self.hop();
            }
            let part = rest.len().min(self.until_hop);
            let (now, later) = rest.split_at_mut(part);
            self.until_hop -= part;
            self.vocoder.work(strip, (self.hop() - self.until_hop) * STEPS / self.hop());
            self.vocoder.read(now);
            self.age += part as i64;
            rest = later;
        }
    }

    /// Goes on with the windows in advance, as far as is due after `frames` more.
    fn prime(&mut self, strip: &Strip, path: Path, frames: usize) {
        let due = (self.age as usize + frames) * PRIMED * STEPS / self.lead;
        while frames > 0 && self.primed < due {
            let (window, step) = (self.primed / STEPS, self.primed % STEPS);
            if step == 0 {
                let back = (OVERLAP - window) as i64 * self.hop() as i64;
                self.place(path, self.stagger as i64 - back);
            }
            self.vocoder.work(strip, step + 1);
            self.primed += 1;
        }
    }

    /// Begins the window whose first frame is heard `due` frames after the lead. `path` begins now.
    fn place(&mut self, path: Path, due: i64) {
        let half = self.vocoder.length() as i64 / 2;
        let heard = self.lead as i64 + due + half;
        let centre = path.after(heard - self.age);
        // Unlike `clamp`, this also makes a number of what is none.
        let slowness = 1.0 / centre.speed.max(*SPEEDS.start()).min(*SPEEDS.end());
        self.vocoder.begin(Window { start: centre.frame() - half, slowness: slowness as f32, due });
        self.placed.rotate_left(1);
        if let Some(last) = self.placed.last_mut() {
            *last = (heard, centre.position);
        }
    }
}
