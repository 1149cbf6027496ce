//! Plays a clip at another tempo at its own pitch, and never loses the beat.
//!
//! The phase vocoder of `signalsmith-stretch` sees one window of the clip after another. It is not fed a stream, in which
//! errors of position would add up: before each window it is given the very frames that belong there ([`Stretch::seek`]
//! and then [`Stretch::process`] without input), so each window lies where the host's beat is, whatever the tempo did.
//!
//! A window is heard half a window after it was made. It is placed by the tempo known then; if the tempo turns out
//! otherwise, [`Stretcher::error`] says by how much, and the player begins again.

use signalsmith_stretch::Stretch;

use super::strip::Strip;

/// Length of a window. With shorter ones the notes of a chord pull each other out of tune: of notes 55 Hz apart some were
/// heard 3 Hz off with 0.11 s, and none 0.3 Hz with this. With longer ones a change of tempo is heard later.
const WINDOW_SECONDS: f64 = 0.14;
/// Windows that overlap. With four, attacks lie up to 0.8 ms from their place at a steady tempo, with five 0.5 ms; with six
/// chords are out of tune as above.
const OVERLAP: usize = 5;
/// Windows that are made in advance, so that the sound is whole from its first frame.
const PRIMED: usize = OVERLAP - 1;
/// Time from one advance window to the next: together they would be too much work for one short block.
const PRIME_SECONDS: f64 = 0.0013;
/// Relative speeds that the phases are computed for. Beyond, every window still is in its place, but attacks smear by some
/// milliseconds; and below, the library would draw phases at random, so that no two renders were the same.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// Frames of a strip that are counted: 2^52, thousands of years.
const FARTHEST: f64 = (1_i64 << 52) as f64;
/// Frames that are made at once.
const PART: usize = 256;

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
    engine: Stretch,
    /// Frames from one window to the next.
    hop: usize,
    /// Frames from one advance window to the next.
    prime: usize,
    /// From a window's newest frame back to its centre.
    behind: i64,
    /// From the moment that a window is made to the one its centre is heard.
    ahead: i64,
    /// Frames of output since [`Stretcher::begin`].
    age: i64,
    /// Frames after which the first regular window is due, as a share of the hop: differs between clips, so that many
    /// instances do not work all at the same moment.
    stagger: usize,
    /// Frames of output until the next regular window.
    until_hop: usize,
    /// Advance windows made so far.
    primed: usize,
    /// When the last windows are heard, and where in the strip they are from.
    placed: [(i64, f64); OVERLAP],
    /// What the engine reads and writes, left and right interleaved.
    input: Box<[f32]>,
    output: Box<[f32]>,
    frames: Box<[[f32; 2]]>,
}

impl Stretcher {
    /// Allocates for a sample rate in Hz. Not for the audio thread.
    pub fn new(rate: f64) -> Self {
        let hop = ((rate * WINDOW_SECONDS) as usize / OVERLAP).max(16);
        let window = hop * OVERLAP;
        let engine = Stretch::new(2, window, hop);
        let (behind, ahead) = (engine.input_latency() as i64, engine.output_latency() as i64);
        Self {
            engine,
            hop,
            prime: ((rate * PRIME_SECONDS) as usize).max(1),
            behind,
            ahead,
            age: 0,
            stagger: 0,
            until_hop: 0,
            primed: PRIMED,
            placed: [(i64::MIN / 2, 0.0); OVERLAP],
            input: vec![0.0; 2 * (window + hop)].into(),
            output: vec![0.0; 2 * hop.max(PART)].into(),
            frames: vec![[0.0; 2]; window + hop].into(),
        }
    }

    /// Frames from [`Stretcher::begin`] on that [`Stretcher::render`] leaves silent.
    pub fn lead(&self) -> usize {
        self.prime * PRIMED
    }

    /// Begins anywhere. `stagger`, 0..1, moves the moments of work.
    pub fn begin(&mut self, stagger: f64) {
        self.engine.reset();
        self.age = 0;
        self.primed = 0;
        self.stagger = ((self.hop as f64 * stagger) as usize).min(self.hop - 1);
        self.until_hop = 0;
        self.placed = [(i64::MIN / 2, 0.0); OVERLAP];
    }

    /// How far, in frames of the strip, what will soon be heard lies from where it should be on `path`.
    pub fn error(&self, path: Path) -> f64 {
        let heard = self.placed.iter().filter(|(centre, _)| *centre > self.age - self.hop as i64);
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
        self.hop
    }

    /// Makes the next frames, which begin at `path`.
    pub fn render(&mut self, strip: &Strip, path: Path, out: &mut [[f32; 2]]) {
        let begun = self.age;
        let lead = (self.lead() as i64 - begun).clamp(0, out.len() as i64) as usize;
        let (silent, mut rest) = out.split_at_mut(lead);
        silent.fill([0.0; 2]);
        self.prime(strip, path, lead as i64);
        self.age += lead as i64;
        while !rest.is_empty() {
            if self.until_hop == 0 {
                self.place(strip, path.after(self.age - begun), self.ahead);
                self.until_hop = self.hop;
            }
            let part = rest.len().min(self.until_hop).min(PART);
            let (now, later) = rest.split_at_mut(part);
            self.produce(part);
            for (frame, made) in now.iter_mut().zip(self.output.as_chunks::<2>().0) {
                *frame = *made;
            }
            self.until_hop -= part;
            self.age += part as i64;
            rest = later;
        }
    }

    /// Makes the advance windows that are due within `frames`.
    fn prime(&mut self, strip: &Strip, path: Path, frames: i64) {
        while self.primed < PRIMED && self.age + frames > (self.primed * self.prime) as i64 {
            let back = (PRIMED - self.primed) * self.hop;
            let made_at = (self.lead() + self.stagger) as i64 - back as i64 - self.age;
            self.place(strip, path, made_at + self.ahead);
            self.primed += 1;
            // What comes out before the lead has passed is not heard.
            let is_last = self.primed == PRIMED;
            self.produce(if is_last { self.hop - self.stagger } else { self.hop });
            self.until_hop = self.stagger;
        }
    }

    /// Gives the engine the window whose centre is heard `frames` after `path`.
    fn place(&mut self, strip: &Strip, path: Path, frames: i64) {
        let centre = path.after(frames);
        let end = centre.frame() + self.behind;
        strip.fill(end - self.frames.len() as i64, &mut self.frames);
        for (sample, value) in self.input.iter_mut().zip(self.frames.as_flattened()) {
            *sample = *value;
        }
        self.engine.seek(&self.input, centre.speed.clamp(*SPEEDS.start(), *SPEEDS.end()));
        self.placed.rotate_left(1);
        if let Some(last) = self.placed.last_mut() {
            *last = (self.age + frames, centre.position);
        }
    }

    /// Lets the engine go on by at most a hop.
    fn produce(&mut self, frames: usize) {
        if let Some(output) = self.output.get_mut(..2 * frames) {
            self.engine.process([0.0; 0], output);
        }
    }
}
