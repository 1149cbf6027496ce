//! Plays the selected clip, or the storyboard, in time with the host. **Audio thread only**, after [`Player::prepare`].
//!
//! ```text
//! Moment ─► clock ─► Now ─┐                         ┌─ copy of the strip ──┐
//! Controls ───► chooser ───┴► Course ─► voice ───────┤                      ├─► fade ─► level ─► out
//! deliveries ─► shelf ─► strip (a clip along time) ─┴─ stretcher's windows ┘
//! ```
//!
//! At every block the host says where it is, and from that alone follows which frame of the clip is due; nothing is counted
//! from block to block. At the clip's own tempo frames are copied one to one, at another they are stretched. Whenever what
//! is due does not continue what sounds (a seek, another take, a refitted clip, start, stop), there is a crossfade of
//! [`FADE_SECONDS`]; but a clip that begins out of silence on its first frame begins at full gain. While the host runs on,
//! no clip is exchanged for the same at another tempo: its shelf keeps it for the next start or jump.

mod chooser;
mod clock;
mod deck;
mod fade;
mod level;
mod shelf;
mod stretch;
mod strip;
mod vocoder;
mod voice;

use std::sync::Arc;

use crate::link::{CUES, Inbox};
use crate::readout::{Mode, Readout};

use deck::Deck;
use shelf::Shelf;

/// Length of every crossfade.
pub const FADE_SECONDS: f64 = 0.004;
/// Time in which gain and mute reach a new value.
pub const LEVEL_SECONDS: f64 = 0.02;
/// A tempo that differs by no more, relatively, is the clip's own.
pub const SAME_TEMPO: f64 = 1e-6;

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
    /// What sounds: a take's slot or [`BOARD`](crate::link::BOARD), which is played once.
    pub slot: usize,
    /// Bar at which clips begin; 0 is the song's first.
    pub anchor_bar: i32,
    /// The notes of this block, if notes are to choose cues. A cue that they choose begins on the next bar line and
    /// repeats until they choose another.
    pub notes: Option<Notes>,
    /// Plays this slot from its start though the host stands still; `None` follows the host.
    pub audition: Option<usize>,
}

/// Notes that choose cues, in a block.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Notes {
    /// Offset from the block's start in frames, and the cue.
    list: [(u32, u8); Notes::MOST],
    count: usize,
}

impl Notes {
    /// The MIDI note of the first cue: C1, where middle C is C3.
    pub const FIRST: u8 = 36;
    /// Notes of a block that are heard; of more, only the newest.
    const MOST: usize = 16;

    /// Adds a note, `offset` frames after the block's start; in order. Notes beyond the last cue are none.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn add(&mut self, offset: u32, key: u8) {
        let Some(cue) = key.checked_sub(Self::FIRST).filter(|cue| usize::from(*cue) < CUES) else { return };
        self.count = (self.count + 1).min(Self::MOST);
        if let Some(note) = self.list.get_mut(self.count - 1) {
            *note = (offset, cue);
        }
    }

    /// Offset and cue of each, in order.
    fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        self.list.iter().take(self.count).map(|(offset, cue)| (*offset as usize, usize::from(*cue)))
    }
}

/// Plays takes.
pub struct Player {
    readout: Arc<Readout>,
    shelf: Shelf,
    /// What depends on the sample rate; `None` before [`Player::prepare`].
    deck: Option<Deck>,
}

impl Player {
    /// Silent until clips arrive.
    pub fn new(inbox: Inbox, readout: Arc<Readout>) -> Self {
        Self { readout, shelf: Shelf::new(inbox), deck: None }
    }

    /// Allocates for a sample rate in Hz. Blocks of any length are fine afterwards. Not for the audio thread.
    pub fn prepare(&mut self, rate: f32, _max_block: usize) {
        self.readout.set_rate(rate.round() as u32);
        self.deck = Some(Deck::new(f64::from(rate.round()).clamp(1_000.0, 1e6)));
    }

    /// Forgets the position, as after a stop.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn reset(&mut self) {
        if let Some(deck) = &mut self.deck {
            deck.clear();
        }
    }

    /// Fills `left` and `right`, which are equally long.
    ///
    /// # Real-time
    ///
    /// Safe: no allocation, lock, wait, log or panic.
    pub fn process(&mut self, moment: &Moment, controls: &Controls, left: &mut [f32], right: &mut [f32]) {
        self.report(moment);
        let Some(deck) = &mut self.deck else {
            self.shelf.receive(|_, _, _| {});
            left.fill(0.0);
            right.fill(0.0);
            return;
        };
        self.shelf.receive(|slot, next, clips| deck.expect_change(slot, next, clips));
        let peaks = deck.play(moment, controls, &mut self.shelf, left, right);
        self.readout.raise_peaks(peaks);
        let (slot, position, mode) = deck.sounding(self.shelf.clips()).unwrap_or((controls.slot, 0.0, Mode::Silent));
        self.readout.set_sounding(slot, position, mode);
    }

    /// Tells the others what the host says.
    fn report(&self, moment: &Moment) {
        self.readout.set_playing(moment.playing);
        self.readout.set_tempo(clock::tempo(moment));
        self.readout.set_beats(clock::beats(moment).unwrap_or(f64::NAN));
        self.readout.set_meter(clock::meter(moment));
    }
}
