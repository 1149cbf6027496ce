//! The rings between the worker and the audio thread: finished clips go out, spent ones come back to be freed.

use std::collections::VecDeque;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::clip::Clip;

/// Takes that the player can hold at once.
pub const SLOTS: usize = 16;
/// Messages under way in either direction.
const CAPACITY: usize = 64;

/// What the worker tells the player.
#[derive(Debug)]
pub enum Delivery {
    /// `clip` is to sound when `slot` is selected.
    Place {
        /// Below [`SLOTS`].
        slot: usize,
        /// Takes the place of what was there.
        clip: Box<Clip>,
    },
    /// `slot` is empty from now on.
    Clear {
        /// Below [`SLOTS`].
        slot: usize,
    },
}

/// The worker's end.
#[derive(Debug)]
pub struct Outbox {
    out: Producer<Delivery>,
    back: Consumer<Box<Clip>>,
    /// What found the ring full, in order.
    waiting: VecDeque<Delivery>,
}

/// The audio thread's end.
#[derive(Debug)]
pub struct Inbox {
    deliveries: Consumer<Delivery>,
    spent: Producer<Box<Clip>>,
}

/// Both ends.
pub fn pair() -> (Outbox, Inbox) {
    let (out, deliveries) = RingBuffer::new(CAPACITY);
    let (spent, back) = RingBuffer::new(CAPACITY);
    (Outbox { out, back, waiting: VecDeque::new() }, Inbox { deliveries, spent })
}

impl Outbox {
    /// Sends, or keeps until [`Outbox::tend`] finds room.
    pub fn send(&mut self, delivery: Delivery) {
        self.waiting.push_back(delivery);
        self.tend();
    }

    /// Frees what came back and sends what waits. Call now and then.
    pub fn tend(&mut self) {
        while self.back.pop().is_ok() {}
        while let Some(next) = self.waiting.pop_front() {
            if let Err(rtrb::PushError::Full(next)) = self.out.push(next) {
                self.waiting.push_front(next);
                break;
            }
        }
    }
}

impl Inbox {
    /// The next delivery, unless spent clips could not be sent back.
    pub fn pop(&mut self) -> Option<Delivery> {
        if self.spent.is_full() {
            return None;
        }
        self.deliveries.pop().ok()
    }

    /// Sends a clip back to be freed. There is room: [`Inbox::pop`] saw to it.
    pub fn retire(&mut self, clip: Box<Clip>) {
        if let Err(rtrb::PushError::Full(clip)) = self.spent.push(clip) {
            // Cannot happen; but losing memory is better than freeing it here.
            Box::leak(clip);
        }
    }
}
