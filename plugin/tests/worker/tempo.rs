//! After a change of tempo, renders are equal whenever they start.

use melfusion_plugin::link::BOARD;
use melfusion_plugin::player::{Controls, Moment, Player};
use melfusion_plugin::readout::Mode;

use crate::fake::Script;
use crate::house::{Instance, add_cue, until, worker};

const RATE: f64 = 48_000.0;
/// The host's tempo; takes are made at 120.
const BPM: f64 = 110.0;

/// An instance with a take and a storyboard, and the player of it.
struct Studio {
    it: Instance,
    player: Player,
    slot: usize,
}

impl Studio {
    fn new(slot: usize) -> Self {
        let mut it = Instance::new(&worker(&Script::new()));
        it.generate("grid");
        it.await_take(0);
        for words in ["one", "two"] {
            let id = add_cue(&it, words);
            it.seat.generate_cue(id);
            until("a cue", || it.session.project.lock().board.cue(id).is_some_and(|cue| cue.take().is_some()));
        }
        until("the bed", || {
            let bed = it.session.bed.lock();
            bed.as_ref()
                .is_some_and(|bed| bed.plan.parts.len() == 2 && bed.plan.parts.iter().all(|p| p.sound.is_some()))
        });
        it.session.publish();
        let (_, inbox) = melfusion_plugin::link::pair();
        let inbox = std::mem::replace(&mut it.inbox, inbox);
        let mut player = Player::new(inbox, it.session.readout.clone());
        player.prepare(RATE as f32, 512);
        Self { it, player, slot }
    }

    fn block(&mut self, playing: bool, frame: i64) -> Vec<[f32; 2]> {
        let moment = Moment {
            playing,
            frame: Some(frame),
            beats: Some(frame as f64 * BPM / 60.0 / RATE),
            tempo: Some(BPM),
            meter: Some((4, 4)),
            cycle: None,
        };
        let controls = Controls {
            gain: 1.0,
            mute: false,
            repeat: true,
            slot: self.slot,
            anchor_bar: 0,
            notes: None,
            audition: None,
        };
        let (mut left, mut right) = ([0.0; 512], [0.0; 512]);
        self.player.process(&moment, &controls, &mut left, &mut right);
        left.into_iter().zip(right).map(|(left, right)| [left, right]).collect()
    }

    /// The song's first seconds, from standing still.
    fn render(&mut self) -> Vec<[f32; 2]> {
        self.stand();
        (0..400).flat_map(|block| self.block(true, block * 512)).collect()
    }

    fn stand(&mut self) {
        (0..4).for_each(|_| drop(self.block(false, 0)));
    }

    /// Until nothing more happens by itself.
    fn rest(&mut self) {
        let fitting = || self.it.session.status.lock().fitting.is_some_and(|fitting| fitting.is_ready);
        let is_fitted = || self.it.take(0).is_some_and(|take| take.sound.bpm == BPM);
        until("the fits", || fitting() || is_fitted());
        self.it.session.publish();
    }
}

#[test]
fn two_renders_after_a_change_of_tempo_are_equal_whenever_they_start() {
    for slot in [0, BOARD] {
        let mut studio = Studio::new(slot);
        let at_once = studio.render();
        assert_eq!(studio.it.session.readout.mode(), Mode::Stretch);
        studio.rest();
        assert!(studio.render() == at_once, "slot {slot}: as long as nobody says otherwise");
        studio.it.seat.adopt();
        until("the take", || studio.it.take(0).is_some_and(|take| take.sound.bpm == BPM));
        until("the bed", || studio.it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.bpm == BPM));
        studio.it.session.publish();
        let fitted = studio.render();
        assert_eq!(studio.it.session.readout.mode(), Mode::Copy);
        assert!(fitted != at_once && studio.render() == fitted, "slot {slot}: from then on");
    }
}

#[test]
fn a_render_under_way_is_not_changed_by_what_is_adopted_meanwhile() {
    for slot in [0, BOARD] {
        let mut studio = Studio::new(slot);
        let whole = studio.render();
        studio.rest();
        studio.stand();
        let mut heard: Vec<_> = (0..100).flat_map(|block| studio.block(true, block * 512)).collect();
        studio.it.seat.adopt();
        until("the bed", || studio.it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.bpm == BPM));
        studio.it.session.publish();
        heard.extend((100..400).flat_map(|block| studio.block(true, block * 512)));
        assert!(heard == whole, "slot {slot}");
        studio.render();
        assert_eq!(studio.it.session.readout.mode(), Mode::Copy, "slot {slot}: the next one has it");
    }
}
