//! The rings between the worker and the audio thread: finished clips go out, spent ones come back to be freed.
//!
//! Whoever is not the audio thread frees. The player takes a delivery only when there is room to send a spent clip back,
//! so a full ring delays deliveries and loses nothing. What finds the way out full waits with the sender, where a newer
//! delivery for the same slot takes the place of an older one. When either end goes, what is under way is freed by whoever
//! drops the second; the player is dropped by the host's main thread.

use std::collections::VecDeque;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::clip::Clip;

/// Takes that the player can hold at once.
pub const SLOTS: usize = 16;
/// The slot of the whole storyboard.
pub const BOARD: usize = SLOTS;
/// Cues that a storyboard has at most.
pub const CUES: usize = 64;
/// All slots: takes, the storyboard, and its cues one by one.
pub const PLACES: usize = SLOTS + 1 + CUES;
/// Messages under way in either direction: all slots can change between two blocks.
const CAPACITY: usize = 128;

/// What the worker tells the player.
#[derive(Debug)]
pub enum Delivery {
    /// `clip` is to sound when `slot` is selected.
    Place {
        /// Below [`PLACES`].
        slot: usize,
        /// Takes the place of what was there.
        clip: Box<Clip>,
    },
    /// `slot` is empty from now on.
    Clear {
        /// Below [`PLACES`].
        slot: usize,
    },
}

/// The slot of the cue at `index` of the storyboard, below [`CUES`].
pub const fn cue_slot(index: usize) -> usize {
    BOARD + 1 + index
}

/// The cue that has this slot.
pub const fn cue_of(slot: usize) -> Option<usize> {
    slot.checked_sub(BOARD + 1)
}

/// The worker's end.
#[derive(Debug)]
pub struct Outbox {
    out: Producer<Delivery>,
    back: Consumer<Box<Clip>>,
    /// What found the ring full; at most one for each slot.
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
    pair_of(CAPACITY, CAPACITY)
}

fn pair_of(deliveries: usize, spent: usize) -> (Outbox, Inbox) {
    let (out, deliveries) = RingBuffer::new(deliveries);
    let (spent, back) = RingBuffer::new(spent);
    (Outbox { out, back, waiting: VecDeque::new() }, Inbox { deliveries, spent })
}

impl Delivery {
    fn slot(&self) -> usize {
        match self {
            Self::Place { slot, .. } | Self::Clear { slot } => *slot,
        }
    }
}

impl Outbox {
    /// Sends, or keeps until [`Outbox::tend`] finds room. Of what is kept, only the newest for each slot stays.
    pub fn send(&mut self, delivery: Delivery) {
        match self.waiting.iter_mut().find(|waiting| waiting.slot() == delivery.slot()) {
            Some(older) => *older = delivery,
            None => self.waiting.push_back(delivery),
        }
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
    /// The next delivery, unless a spent clip could not be sent back. At most one clip may be retired for each.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn pop(&mut self) -> Option<Delivery> {
        if self.spent.is_full() {
            return None;
        }
        self.deliveries.pop().ok()
    }

    /// Whether `clips` spent clips could be sent back now.
    ///
    /// # Real-time
    ///
    /// Safe.
    pub fn has_room(&self, clips: usize) -> bool {
        self.spent.slots() >= clips
    }

    /// Sends a clip back to be freed. There is room: [`Inbox::pop`] or [`Inbox::has_room`] saw to it.
    ///
    /// # Real-time
    ///
    /// Safe: frees nothing, ever.
    pub fn retire(&mut self, clip: Box<Clip>) {
        if let Err(rtrb::PushError::Full(clip)) = self.spent.push(clip) {
            // Cannot happen; but losing memory is better than freeing it here.
            Box::leak(clip);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Sound = Arc<[[f32; 2]]>;

    /// What either side can do next. The audio side's two halves of taking a delivery are apart, so that the sender can
    /// act between them.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Step {
        Place(usize),
        Clear(usize),
        Tend,
        Take,
        Retire,
        DropSender,
        DropPlayer,
    }

    /// Both sides, the truth about them, and a claim on every sound that tells whether its clip lives.
    struct World {
        outbox: Option<Outbox>,
        inbox: Option<Inbox>,
        playing: [Option<Box<Clip>>; 2],
        spent: Option<Box<Clip>>,
        /// By the sender's account.
        wanted: [Option<u64>; 2],
        sounds: Vec<Sound>,
    }

    impl World {
        fn new(deliveries: usize, spent: usize) -> Self {
            let (outbox, inbox) = pair_of(deliveries, spent);
            let (playing, wanted) = Default::default();
            Self { outbox: Some(outbox), inbox: Some(inbox), playing, spent: None, wanted, sounds: Vec::new() }
        }

        fn alive(&self) -> usize {
            self.sounds.iter().filter(|sound| Arc::strong_count(sound) > 1).count()
        }

        fn step(&mut self, step: Step) {
            let alive = self.alive();
            match step {
                Step::Place(slot) => self.place(slot),
                Step::Clear(slot) => self.send(slot, None, Delivery::Clear { slot }),
                Step::Tend => self.outbox.iter_mut().for_each(Outbox::tend),
                Step::Take => self.take(),
                Step::Retire => self.retire(),
                Step::DropSender => self.outbox = None,
                Step::DropPlayer => (self.inbox, self.playing, self.spent) = Default::default(),
            }
            if matches!(step, Step::Take | Step::Retire) {
                assert_eq!(self.alive(), alive, "the audio side frees nothing");
            }
        }

        fn place(&mut self, slot: usize) {
            if self.outbox.is_some() {
                let (id, sound) = (self.sounds.len() as u64, Sound::from([[0.5; 2]]));
                self.sounds.push(sound.clone());
                let clip = Box::new(Clip::new(id, sound, 48_000, 120.0, 4.0));
                self.send(slot, Some(id), Delivery::Place { slot, clip });
            }
        }

        fn send(&mut self, slot: usize, id: Option<u64>, delivery: Delivery) {
            if let Some(outbox) = &mut self.outbox {
                self.wanted[slot] = id;
                outbox.send(delivery);
                assert!(outbox.waiting.len() <= 2, "at most one waits for each slot");
            }
        }

        fn take(&mut self) {
            self.retire();
            let Some(delivery) = self.inbox.as_mut().and_then(Inbox::pop) else { return };
            let slot = delivery.slot();
            let clip = match delivery {
                Delivery::Place { clip, .. } => Some(clip),
                Delivery::Clear { .. } => None,
            };
            self.spent = std::mem::replace(&mut self.playing[slot], clip);
        }

        fn retire(&mut self) {
            if let Some((inbox, spent)) = self.inbox.as_mut().zip(self.spent.take()) {
                inbox.retire(spent);
            }
        }

        /// Lets both sides finish, and checks what is left.
        fn finish(mut self, steps: &[Step]) {
            if self.outbox.is_some() && self.inbox.is_some() {
                for _ in 0..2 * steps.len() + 4 {
                    self.step(Step::Tend);
                    self.step(Step::Take);
                    self.step(Step::Retire);
                }
                self.step(Step::Tend);
                let playing = self.playing.each_ref().map(|clip| clip.as_ref().map(|clip| clip.take()));
                assert_eq!(playing, self.wanted, "the player ends with what was placed last: {steps:?}");
                assert_eq!(self.alive(), playing.iter().flatten().count(), "only what plays lives: {steps:?}");
            }
            self.step(Step::DropPlayer);
            self.step(Step::DropSender);
            assert_eq!(self.alive(), 0, "all is freed: {steps:?}");
        }
    }

    /// Runs every sequence of `length` steps.
    fn explore(steps: &[Step], length: u32, deliveries: usize, spent: usize) {
        let choices = steps.len();
        for number in 0..choices.pow(length) {
            let sequence: Vec<Step> = (0..length).map(|place| steps[number / choices.pow(place) % choices]).collect();
            let mut world = World::new(deliveries, spent);
            sequence.iter().for_each(|step| world.step(*step));
            world.finish(&sequence);
        }
    }

    #[test]
    fn every_interleaving_ends_with_the_last_placed_and_frees_each_clip_once() {
        let steps = [Step::Place(0), Step::Place(1), Step::Clear(0), Step::Tend, Step::Take, Step::Retire];
        for (deliveries, spent) in [(1, 1), (2, 1), (1, 2)] {
            explore(&steps, 7, deliveries, spent);
        }
    }

    #[test]
    fn either_end_may_be_dropped_at_any_point() {
        let steps = [Step::Place(0), Step::Tend, Step::Take, Step::Retire, Step::DropSender, Step::DropPlayer];
        for (deliveries, spent) in [(1, 1), (2, 2)] {
            explore(&steps, 6, deliveries, spent);
        }
    }

    #[test]
    fn a_sender_that_is_far_ahead_delivers_only_the_newest() {
        let mut world = World::new(CAPACITY, CAPACITY);
        for i in 0..10_000 {
            world.step(Step::Place(i % 2));
        }
        assert!(world.alive() <= CAPACITY + 2);
        let steps = [Step::Tend; 100];
        world.finish(&steps);
    }

    #[test]
    fn two_threads_hand_over_and_only_one_of_them_frees() {
        let (mut outbox, mut inbox) = pair_of(2, 2);
        let sounds: Vec<Sound> = (0..20_000).map(|_| Sound::from([[0.5; 2]])).collect();
        let last = sounds.len() as u64 - 1;
        let audio = std::thread::spawn(move || {
            let mut playing: Option<Box<Clip>> = None;
            while playing.as_ref().is_none_or(|clip| clip.take() < last) {
                if let Some(Delivery::Place { clip, .. }) = inbox.pop() {
                    assert!(playing.as_ref().is_none_or(|old| old.take() < clip.take()), "never an older one");
                    playing.replace(clip).into_iter().for_each(|spent| inbox.retire(spent));
                }
            }
            (inbox, playing)
        });
        for (id, sound) in (0..).zip(&sounds) {
            let clip = Box::new(Clip::new(id, sound.clone(), 48_000, 120.0, 4.0));
            outbox.send(Delivery::Place { slot: 0, clip });
        }
        while !audio.is_finished() {
            outbox.tend();
            std::thread::yield_now();
        }
        let ends = audio.join().expect("the audio side does not panic");
        drop((ends, outbox));
        assert!(sounds.iter().all(|sound| Arc::strong_count(sound) == 1));
    }
}
