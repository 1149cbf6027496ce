//! What the editor tells the audio thread, besides parameters.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::Relaxed};

/// Written by anyone, read by the audio thread at every block.
#[derive(Debug, Default)]
pub struct Desk {
    anchor_bar: AtomicI32,
    /// 0 for none, else slot + 1.
    audition: AtomicUsize,
    has_board: AtomicBool,
}

impl Desk {
    /// Bar at which clips begin; 0 is the song's first.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn anchor_bar(&self) -> i32 {
        self.anchor_bar.load(Relaxed)
    }

    /// Sets it.
    pub fn set_anchor_bar(&self, bar: i32) {
        self.anchor_bar.store(bar, Relaxed);
    }

    /// Whether there is a storyboard.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn has_board(&self) -> bool {
        self.has_board.load(Relaxed)
    }

    /// Sets it.
    pub fn set_has_board(&self, has_board: bool) {
        self.has_board.store(has_board, Relaxed);
    }

    /// Slot that sounds from its start though the host stands still.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn audition(&self) -> Option<usize> {
        self.audition.load(Relaxed).checked_sub(1)
    }

    /// Sets it.
    pub fn set_audition(&self, slot: Option<usize>) {
        self.audition.store(slot.map_or(0, |slot| slot + 1), Relaxed);
    }
}
