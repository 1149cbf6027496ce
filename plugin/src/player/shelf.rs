//! What the slots hold, and what waits to take its place.
//!
//! While the host runs on, the same music at another tempo waits: it is exchanged where the host starts, jumps or begins its
//! loop again, so that what is played in one go, and therefore every render, is of one kind. All else that arrives is
//! something that the user did, and is exchanged at once.

use crate::clip::Clip;
use crate::link::{Delivery, Inbox, PLACES};

/// What the slots hold.
pub(super) type Clips = [Option<Box<Clip>>; PLACES];

/// All clips of the player. **Audio thread only.**
pub(super) struct Shelf {
    inbox: Inbox,
    clips: Clips,
    /// What waits.
    next: Clips,
    /// Whether anything may wait.
    has_next: bool,
}

impl Shelf {
    /// Empty until clips arrive.
    pub fn new(inbox: Inbox) -> Self {
        Self { inbox, clips: empty(), next: empty(), has_next: false }
    }

    /// What is to be heard.
    pub fn clips(&self) -> &Clips {
        &self.clips
    }

    /// Takes what the worker sent. `leave` is told of a slot whose clip is about to be replaced, by what, and of all clips.
    pub fn receive(&mut self, mut leave: impl FnMut(usize, Option<&Clip>, &Clips)) {
        // A delivery sends back what it replaces and what waited for the same.
        while self.inbox.has_room(2)
            && let Some(delivery) = self.inbox.pop()
        {
            let (slot, clip) = match delivery {
                Delivery::Place { slot, clip } => (slot, Some(clip)),
                Delivery::Clear { slot } => (slot, None),
            };
            if let Some(older) = self.next.get_mut(slot).and_then(Option::take) {
                self.inbox.retire(older);
            }
            let present = self.clips.get(slot).and_then(Option::as_deref);
            let waits = clip.as_deref().zip(present).is_some_and(|(clip, present)| clip.is_refit_of(present));
            match self.next.get_mut(slot).filter(|_| waits) {
                Some(next) => (*next, self.has_next) = (clip, true),
                None => self.put(slot, clip, &mut leave),
            }
        }
    }

    /// Puts what waits in its place. `leave` as in [`receive`](Self::receive).
    pub fn exchange(&mut self, mut leave: impl FnMut(usize, Option<&Clip>, &Clips)) {
        if !std::mem::take(&mut self.has_next) {
            return;
        }
        for slot in 0..PLACES {
            if self.inbox.has_room(1)
                && let Some(clip) = self.next.get_mut(slot).and_then(Option::take)
            {
                self.put(slot, Some(clip), &mut leave);
            }
        }
        // Without room, some go on waiting.
        self.has_next = self.next.iter().any(Option::is_some);
    }

    fn put(&mut self, slot: usize, clip: Option<Box<Clip>>, leave: &mut impl FnMut(usize, Option<&Clip>, &Clips)) {
        leave(slot, clip.as_deref(), &self.clips);
        let spent = match self.clips.get_mut(slot) {
            Some(place) => std::mem::replace(place, clip),
            None => clip,
        };
        if let Some(spent) = spent {
            self.inbox.retire(spent);
        }
    }
}

fn empty() -> Clips {
    std::array::from_fn(|_| None)
}
