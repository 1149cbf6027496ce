//! Plays the selected clip in time with the host. **Audio thread only**, after [`Player::prepare`].

use std::sync::Arc;

use crate::clip::Clip;
use crate::link::{Delivery, Inbox, SLOTS};
use crate::readout::{Mode, Readout};

/// The host's transport at the start of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moment {
    /// Whether it runs.
    pub playing: bool,
    /// Frames since the start of the song; may be negative.
    pub frame: Option<i64>,
    /// Quarter notes since the start of the song; some hosts quantise it.
    pub beats: Option<f64>,
    /// Quarter notes per minute.
    pub tempo: Option<f64>,
    /// Time signature.
    pub meter: Option<(u32, u32)>,
    /// Loop in frames, end exclusive, while the host loops.
    pub cycle: Option<(i64, i64)>,
}

/// What the user has set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controls {
    /// Linear gain; the player smooths it.
    pub gain: f32,
    /// Silences, smoothly.
    pub mute: bool,
    /// Clips repeat; else they play once from their anchor.
    pub repeat: bool,
    /// Which take sounds, below [`SLOTS`].
    pub slot: usize,
    /// Bar at which clips begin; 0 is the song's first.
    pub anchor_bar: i32,
    /// Plays this slot from its start though the host stands still; `None` follows the host.
    pub audition: Option<usize>,
}

/// Plays takes.
pub struct Player {
    inbox: Inbox,
    readout: Arc<Readout>,
    clips: [Option<Box<Clip>>; SLOTS],
}

impl Player {
    /// Silent until clips arrive.
    pub fn new(inbox: Inbox, readout: Arc<Readout>) -> Self {
        Self { inbox, readout, clips: Default::default() }
    }

    /// Allocates for a sample rate and the longest block. Not for the audio thread.
    pub fn prepare(&mut self, rate: f32, _max_block: usize) {
        self.readout.set_rate(rate.round() as u32);
    }

    /// Forgets the position, as after a stop.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn reset(&mut self) {}

    /// Fills `left` and `right`, which are equally long.
    ///
    /// # Real-time
    ///
    /// Safe: no allocation, lock, wait, log or panic.
    pub fn process(&mut self, _moment: &Moment, controls: &Controls, left: &mut [f32], right: &mut [f32]) {
        while let Some(delivery) = self.inbox.pop() {
            let (slot, clip) = match delivery {
                Delivery::Place { slot, clip } => (slot, Some(clip)),
                Delivery::Clear { slot } => (slot, None),
            };
            if let Some(old) = std::mem::replace(&mut self.clips[slot], clip) {
                self.inbox.retire(old);
            }
        }
        left.fill(0.0);
        right.fill(0.0);
        self.readout.set_sounding(controls.slot, 0.0, Mode::Silent);
    }
}
