//! A host: transport in, sound out.

use std::sync::Arc;

use melfusion_plugin::clip::Clip;
use melfusion_plugin::link::{self, Delivery, Outbox};
use melfusion_plugin::player::{Controls, FADE_SECONDS, Moment, Player};
use melfusion_plugin::readout::Readout;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub type Frames = Vec<[f32; 2]>;

/// Follows the host, at full gain, repeating slot 0 from bar 0.
pub const CONTROLS: Controls =
    Controls { gain: 1.0, mute: false, repeat: true, slot: 0, anchor_bar: 0, notes: None, audition: None };

/// One plugin instance in a host.
pub struct Host {
    pub outbox: Outbox,
    pub player: Player,
    pub readout: Arc<Readout>,
    pub controls: Controls,
    pub rate: u32,
}

impl Host {
    pub fn new(rate: u32) -> Self {
        let (outbox, inbox) = link::pair();
        let readout = Arc::new(Readout::default());
        let mut player = Player::new(inbox, readout.clone());
        player.prepare(rate as f32, 512);
        Self { outbox, player, readout, controls: CONTROLS, rate }
    }

    pub fn with(mut self, clip: Clip) -> Self {
        self.place(0, clip);
        self
    }

    pub fn place(&mut self, slot: usize, clip: Clip) {
        self.outbox.send(Delivery::Place { slot, clip: Box::new(clip) });
    }

    /// One block.
    pub fn block(&mut self, moment: &Moment, frames: usize) -> Frames {
        let (mut left, mut right) = (vec![f32::NAN; frames], vec![f32::NAN; frames]);
        self.player.process(moment, &self.controls, &mut left, &mut right);
        self.outbox.tend();
        left.into_iter().zip(right).map(|(left, right)| [left, right]).collect()
    }

    /// Frames from `from` on, in blocks of the lengths that `blocks` says.
    pub fn run(
        &mut self,
        from: i64,
        frames: usize,
        moment: impl Fn(i64) -> Moment,
        mut blocks: impl FnMut() -> usize,
    ) -> Frames {
        let mut out = Frames::new();
        while out.len() < frames {
            let block = blocks().min(frames - out.len());
            let now = moment(from + out.len() as i64);
            out.extend(self.block(&now, block));
        }
        out
    }

    /// Length of a crossfade.
    pub fn fade(&self) -> usize {
        (f64::from(self.rate) * FADE_SECONDS) as usize
    }
}

/// A transport that runs at one tempo from the start of the song on.
pub fn steady(rate: u32, tempo: f64) -> impl Fn(i64) -> Moment + Copy {
    move |frame| Moment {
        playing: true,
        frame: Some(frame),
        beats: Some(frame as f64 * tempo / (60.0 * f64::from(rate))),
        tempo: Some(tempo),
        meter: Some((4, 4)),
        cycle: None,
    }
}

/// The same, stopped.
pub fn stopped(frame: i64) -> Moment {
    Moment { playing: false, ..steady(48_000, 120.0)(frame) }
}

/// Seeded, so that a failure comes again.
pub fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Lengths of blocks, small and large ones.
pub fn odd_blocks(seed: u64) -> impl FnMut() -> usize {
    let mut random = random(seed);
    move || match random.random_range(0..4) {
        0 => random.random_range(1..8),
        1 => random.random_range(1..200),
        2 => random.random_range(64..=1024),
        _ => random.random_range(1..=8192),
    }
}

/// Noise that no two frames of share.
pub fn noise(frames: usize, seed: u64) -> Frames {
    let mut random = random(seed);
    (0..frames).map(|_| [random.random_range(-1.0..1.0), random.random_range(-1.0..1.0)]).collect()
}

/// A smooth sound in which every click stands out: highest step from frame to frame below `2 pi hz / rate`.
pub fn tone(frames: usize, rate: u32, hz: f64, loudness: f64) -> Frames {
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    (0..frames)
        .map(|i| [(i as f64 * step).sin(), (i as f64 * step + 1.0).sin()].map(|x| (x * loudness) as f32))
        .collect()
}

/// A clip of `quarters` at `bpm`, with frames by `make`.
pub fn clip(rate: u32, bpm: f64, quarters: f64, make: impl FnOnce(usize) -> Frames) -> Clip {
    let frames = make((quarters * 60.0 / bpm * f64::from(rate)).round() as usize);
    Clip::new(1, frames.into(), rate, bpm, quarters)
}

/// What is to be heard at `frame`, by the definition: repetition k begins at `anchor + round(k * exact length)`; a frame
/// beyond the clip's last, where rounding leaves one, is the mean of last and first.
pub fn expected(clip: &Clip, anchor: i64, frame: i64) -> [f32; 2] {
    let length = clip.quarters() * 60.0 / clip.bpm() * f64::from(clip.rate());
    let (at, frames) = (frame - anchor, clip.frames());
    if at < 0 {
        return [0.0; 2];
    }
    let k = (at as f64 / length) as i64;
    let begin = |k: i64| (k as f64 * length).round() as i64;
    let start = (k - 1..=k + 1).map(begin).filter(|start| *start <= at).max().expect("one is not later");
    match frames.get((at - start) as usize) {
        Some(frame) => *frame,
        None => [0, 1].map(|channel| (frames[0][channel] + frames[frames.len() - 1][channel]) / 2.0),
    }
}

/// Asserts that frames are equal bit for bit, and says where not.
#[track_caller]
pub fn assert_same(heard: &[[f32; 2]], expected: impl Fn(usize) -> [f32; 2], what: &str) {
    for (i, frame) in heard.iter().enumerate() {
        let expected = expected(i);
        assert!(*frame == expected, "{what}: frame {i} of {} is {frame:?}, not {expected:?}", heard.len());
    }
}

/// The greatest step from one frame to the next.
pub fn steepest(frames: &[[f32; 2]]) -> f32 {
    frames
        .windows(2)
        .flat_map(|pair| [0, 1].map(|channel| (pair[1][channel] - pair[0][channel]).abs()))
        .fold(0.0, f32::max)
}
