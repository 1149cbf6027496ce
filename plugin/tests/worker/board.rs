//! The worker with a storyboard: which cues are made, in which order, and what the bed is mixed from.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use melfusion::audio::Audio;
use melfusion::error::Stage;
use melfusion::image::{Crop, Picture};
use melfusion::progress::{Progress, Silent};
use melfusion::service::Job;
use melfusion::storyboard::{self, Board, BoardFields, TempoMap, Transition};
use melfusion_plugin::link::{BOARD, Delivery, cue_slot};
use melfusion_plugin::project::{Bed, Cue, Frame, Take};
use melfusion_plugin::session::Place;
use melfusion_plugin::worker::composer::{Shipped, Source};
use melfusion_plugin::worker::{Seat, fit, mix};

use crate::fake::Script;
use crate::house::{Instance, QUICK, add_cue, until, worker};

fn cue(it: &Instance, id: u64) -> Cue {
    it.session.project.lock().board.cue(id).unwrap().clone()
}

fn await_cue(it: &Instance, id: u64) -> Arc<Take> {
    until("a cue's take", || cue(it, id).take().is_some());
    cue(it, id).take().unwrap().clone()
}

/// Waits for a bed of all cues as they are now.
fn await_bed(it: &Instance) -> Bed {
    let is_mixed = || {
        let sounds: Vec<_> = it.session.project.lock().board.cues.iter().map(|cue| cue.take().cloned()).collect();
        let bed = it.session.bed.lock().clone();
        bed.is_some_and(|bed| {
            bed.plan.parts.len() == sounds.len()
                && bed.plan.parts.iter().zip(&sounds).all(|(part, take)| match (&part.sound, take) {
                    (Some(sound), Some(take)) => Arc::ptr_eq(sound, &take.sound),
                    (sound, take) => sound.is_none() && take.is_none(),
                })
        })
    };
    until("the bed", is_mixed);
    it.session.bed.lock().clone().unwrap()
}

#[test]
fn cues_are_made_in_order_with_the_words_that_all_share_and_from_one_seed() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    it.session.project.lock().brief.prompt = "strings".into();
    it.session.project.lock().brief.seed = 77;
    let ids = ["calm", "storm", ""].map(|words| add_cue(&it, words));
    it.session.project.lock().board.cues[1].influence = Some(0.25);
    it.seat.generate_board_with(QUICK);
    let takes = ids.map(|id| await_cue(&it, id));
    assert_eq!(
        takes.each_ref().map(|take| take.recipe.prompt.as_str()),
        ["calm, strings", "storm, strings", "strings"]
    );
    assert_eq!(takes.each_ref().map(|take| take.recipe.seed), [77; 3]);
    assert_eq!(takes.each_ref().map(|take| take.recipe.influence), [1.0, 0.25, 1.0]);
    let begun: Vec<_> = script.log.lock().iter().filter(|entry| entry.ends_with("done")).cloned().collect();
    assert_eq!(begun, ["calm, strings done", "storm, strings done", "strings done"]);
    assert_eq!(it.count(), 0, "the brief's own takes stay as they are");
}

#[test]
fn generating_all_and_cancelled_midway_keeps_what_is_done() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    let [first, second, third] = ["first", "slow second", "third"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    until("the second", || script.has("slow second"));
    let status = it.session.status.lock().clone();
    assert_eq!((status.job.and_then(|job| job.cue), status.queued), (Some(second), vec![third]));
    script.permit(1);
    it.seat.cancel();
    assert!(it.is_idle() && it.session.status.lock().queued.is_empty());
    until("the second to hear of it", || script.has_told("slow second"));
    script.permit(1);
    let kept = await_cue(&it, first);
    // Again: only what is wanting is made.
    it.session.project.lock().board.cue_mut(second).unwrap().words = "quick".into();
    it.seat.generate_board_with(QUICK);
    await_cue(&it, third);
    assert_eq!(await_cue(&it, second).recipe.prompt, "quick");
    assert!(Arc::ptr_eq(&cue(&it, first).take().unwrap().sound, &kept.sound));
    assert_eq!(cue(&it, first).takes.len(), 1);
    assert_eq!(it.notice(Place::Board), None);
}

#[test]
fn what_has_changed_is_made_again_and_if_nothing_has_all_are() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let ids = ["one", "two"].map(|words| add_cue(&it, words));
    let takes = |it: &Instance| ids.map(|id| cue(it, id).takes.len());
    it.seat.generate_board_with(QUICK);
    until("both", || takes(&it) == [1, 1]);
    it.session.project.lock().board.cues[0].bars = 2;
    it.seat.generate_board_with(QUICK);
    until("the longer one", || takes(&it) == [2, 1]);
    assert_eq!(cue(&it, ids[0]).take().unwrap().recipe.bars, 2);
    until("rest", || it.is_idle());
    let before = it.session.project.lock().brief.seed;
    it.seat.generate_board_with(QUICK);
    until("both anew", || takes(&it) == [3, 2]);
    let seeds = ids.map(|id| cue(&it, id).take().unwrap().recipe.seed);
    assert!(seeds[0] == seeds[1] && seeds[0] != before, "{seeds:?}, {before}");
}

#[test]
fn a_cue_that_leans_towards_the_next_is_made_again_when_that_changes() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let ids = ["one", "two", "three"].map(|words| add_cue(&it, words));
    it.session.project.lock().board.cues[1].transition = Transition::Morph { bars: 1 };
    let takes = |it: &Instance| ids.map(|id| cue(it, id).takes.len());
    let made = |wanted: [usize; 3]| {
        it.seat.generate_board_with(QUICK);
        until("what is wanting", || takes(&it) == wanted && it.is_idle());
    };
    made([1, 1, 1]);
    let morph = cue(&it, ids[0]).take().unwrap().recipe.morph.clone();
    assert_eq!(morph.map(|morph| (morph.bars, morph.prompt)), Some((1, "two".into())));
    // Its words, its picture, the part of that, what is said of it: each is the end of the cue before.
    it.session.project.lock().board.cues[1].words = "too".into();
    made([2, 2, 1]);
    let picture = Frame::from_rgb(16, 16, vec![7; 16 * 16 * 3], "still").unwrap();
    it.session.project.lock().board.cues[1].show(Some(Arc::new(picture)));
    made([3, 3, 1]);
    it.session.project.lock().board.cues[1].crop = Crop::new(0.0, 0.0, 0.5, 0.5).ok();
    made([4, 4, 1]);
    it.session.project.lock().board.cues[1].picture_words = Some("rust and rope".into());
    made([5, 5, 1]);
    let before = cue(&it, ids[1]).take().unwrap().recipe.clone();
    it.session.project.lock().board.cues[1].transition = Transition::Cut;
    made([6, 5, 1]);
    assert!(before.picture_sha256.is_some());
    assert_eq!(before.picture_words.as_deref(), Some("rust and rope"));
}

#[test]
fn another_take_of_one_cue_has_a_seed_of_its_own_and_changed_words_keep_it() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let id = add_cue(&it, "one");
    let seed = |number: usize| {
        until("a take", || cue(&it, id).takes.len() == number && it.is_idle());
        cue(&it, id).take().unwrap().recipe.seed
    };
    it.seat.generate_cue(id);
    let first = seed(1);
    it.seat.generate_cue(id);
    let second = seed(2);
    assert_ne!(first, second);
    it.session.project.lock().board.cue_mut(id).unwrap().words = "other words".into();
    it.seat.generate_cue(id);
    assert_eq!(seed(3), second, "only the words differ");
}

#[test]
fn a_full_cue_says_so_and_keeps_its_takes() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let id = add_cue(&it, "one");
    for number in 1..=Cue::TAKES {
        it.seat.generate_cue(id);
        until("a take", || cue(&it, id).takes.len() == number);
    }
    it.seat.generate_cue(id);
    assert_eq!(it.await_notice(Place::Board), "cue 1 has 8 takes already; delete one, then generate again");
}

#[test]
fn a_failure_names_its_cue_and_the_others_are_made() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let [_, _, third] = ["fine", "error", "fine too"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    await_cue(&it, third);
    let notice = it.await_notice(Place::Board);
    assert!(notice.starts_with("Cue 2: the model made silence"), "{notice}");
}

#[test]
fn a_cue_that_is_deleted_while_it_is_made_is_missed_by_nobody() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    let [first, second] = ["slow one", "two"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    until("the first", || script.has("slow one"));
    it.session.project.lock().board.cues.retain(|cue| cue.id != first);
    script.permit(4);
    await_cue(&it, second);
    until("rest", || it.is_idle());
    assert_eq!((it.notice(Place::Board), it.count()), (None, 0));
}

/// What the engine mixes from the same sounds.
fn by_the_engine(it: &Instance, bpm: f64, rate: u32) -> Vec<[f32; 2]> {
    let project = it.session.project.lock().clone();
    let mut start_bar = 1;
    let cues = project.board.cues.iter().map(|cue| {
        let placed = storyboard::Cue { start_bar, bars: cue.bars, transition: cue.transition, ..Default::default() };
        start_bar += cue.bars;
        placed
    });
    let fields = BoardFields {
        tempo: TempoMap::constant(bpm).unwrap(),
        sample_rate: rate,
        cues: cues.collect(),
        ..Default::default()
    };
    let board = Board::new(fields).unwrap();
    let clip = |index: usize| {
        let sound = &project.board.cues[index].take()?.sound;
        let side = |side: usize| sound.frames.iter().map(|frame| frame[side]).collect();
        Some(Audio::new(side(0), side(1), sound.rate))
    };
    let bed = storyboard::mix(&board, |index, _| Ok(clip(index))).unwrap();
    let [left, right] = bed.audio.channels();
    left.iter().zip(right).map(|(left, right)| [*left, *right]).collect()
}

#[test]
fn the_bed_is_what_the_engine_mixes_and_follows_every_change() {
    let worker = worker(&Script::new());
    let mut it = Instance::new(&worker);
    let ids = ["one", "two", "three", "four"].map(|words| add_cue(&it, words));
    it.session.project.lock().board.cues[2].transition = Transition::Cut;
    it.session.project.lock().board.cues[3].bars = 2;
    for id in [ids[0], ids[2], ids[3]] {
        it.seat.generate_cue(id);
        await_cue(&it, id);
    }
    let bed = await_bed(&it);
    assert_eq!((bed.plan.bpm, bed.sound.frames.len()), (120.0, 5 * 96_000));
    assert!(*bed.sound.frames == *by_the_engine(&it, 120.0, 48_000));
    assert!(bed.sound.frames[96_000 * 5 / 4..96_000 * 7 / 4].iter().all(|frame| *frame == [0.0; 2]), "no take");
    // Reordered and resized: the takes stay, the bed is another.
    it.session.project.lock().board.reorder(3, 0);
    it.session.project.lock().board.cue_mut(ids[0]).unwrap().bars = 3;
    until("the new order", || it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.parts[0].bars == 2));
    until("the new length", || it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.parts[1].bars == 3));
    let bed = await_bed(&it);
    assert!(*bed.sound.frames == *by_the_engine(&it, 120.0, 48_000));
    assert_eq!(cue(&it, ids[0]).takes.len(), 1);
    // The player has it, and every cue by itself.
    it.session.publish();
    let mut slots = std::collections::BTreeMap::new();
    while let Some(delivery) = it.inbox.pop() {
        match delivery {
            Delivery::Place { slot, clip } => slots.insert(slot, (clip.frames().len(), clip.ends())),
            Delivery::Clear { slot } => slots.remove(&slot),
        };
    }
    let expected = [(BOARD, (7 * 96_000, true)), (cue_slot(0), (2 * 96_000, false))];
    assert!(expected.iter().all(|(slot, clip)| slots.get(slot) == Some(clip)), "{slots:?}");
    assert_eq!(slots.len(), 4);
}

#[test]
fn another_tempo_is_another_bed_at_that_tempo_when_it_is_asked_for() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let ids = ["one", "two"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    let _ = ids.map(|id| await_cue(&it, id));
    let before = await_bed(&it);
    it.session.readout.set_tempo(Some(97.0));
    it.await_fits(97.0);
    assert!(Arc::ptr_eq(&await_bed(&it).sound, &before.sound), "not by itself");
    it.seat.adopt();
    until("the tempo", || it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.bpm == 97.0));
    let bed = await_bed(&it);
    assert!(*bed.sound.frames == *by_the_engine(&it, 97.0, 48_000));
    assert_eq!(bed.sound.frames.len(), (2.0 * 4.0 * 60.0 / 97.0 * 48_000.0_f64).round() as usize);
}

#[test]
fn a_cue_that_is_made_at_another_tempo_joins_the_others_at_theirs() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let ids = ["one", "two", "three"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    let _ = ids.map(|id| await_cue(&it, id));
    await_bed(&it);
    it.session.readout.set_tempo(Some(97.0));
    it.seat.generate_cue(ids[1]);
    until("a take", || cue(&it, ids[1]).takes.len() == 2);
    assert_eq!(cue(&it, ids[1]).take().unwrap().recipe.bpm, 97.0);
    until("its fit", || cue(&it, ids[1]).take().unwrap().sound.bpm == 120.0);
    let bed = await_bed(&it);
    assert_eq!(bed.plan.bpm, 120.0);
    assert!(*bed.sound.frames == *by_the_engine(&it, 120.0, 48_000));
    it.await_fits(97.0);
    it.seat.adopt();
    until("the tempo", || it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.bpm == 97.0));
    assert!(*await_bed(&it).sound.frames == *by_the_engine(&it, 97.0, 48_000));
}

#[test]
fn a_project_that_opens_has_its_bed_at_once_and_without_an_engine() {
    let script = Script::new();
    let worker = worker(&script);
    let it = Instance::new(&worker);
    let ids = ["one", "two"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    let _ = ids.map(|id| await_cue(&it, id));
    let bed = await_bed(&it);
    let project = it.session.project.lock().clone();
    let (outbox, _inbox) = melfusion_plugin::link::pair();
    let session = melfusion_plugin::session::Session::new(outbox);
    let _seat = Seat::take_at(&worker, session.clone());
    *session.project.lock() = project;
    fit::conform(&session, 48_000);
    assert!(session.bed.lock().as_ref().unwrap().sound.frames == bed.sound.frames);
    // At another rate too, from resampled takes.
    fit::conform(&session, 44_100);
    assert_eq!(session.bed.lock().as_ref().unwrap().sound.frames.len(), 2 * 88_200);
}

/// Else the player would cross over from a bed to the same again, and not be bit for bit the bed.
#[test]
fn of_threads_that_mix_the_same_board_at_once_one_has_its_bed_kept() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let ids = ["one", "two"].map(|words| add_cue(&it, words));
    it.seat.generate_board_with(QUICK);
    let _ = ids.map(|id| await_cue(&it, id));
    let (outbox, _inbox) = melfusion_plugin::link::pair();
    // Without a seat, so that no fitter mixes it.
    let session = melfusion_plugin::session::Session::new(outbox);
    *session.project.lock() = it.session.project.lock().clone();
    let threads = Barrier::new(4);
    let renew = || {
        threads.wait();
        mix::renew(&session, 48_000)
    };
    let kept = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(renew));
        threads.map(|thread| thread.join().unwrap()).into_iter().filter(|kept| *kept).count()
    });
    assert_eq!(kept, 1);
}

#[test]
fn a_board_that_is_too_long_to_be_heard_says_so() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let id = add_cue(&it, "one");
    it.seat.generate_cue(id);
    await_cue(&it, id);
    await_bed(&it);
    for _ in 1..64 {
        let id = add_cue(&it, "");
        it.session.project.lock().board.cue_mut(id).unwrap().bars = 64;
    }
    let notice = it.await_notice(Place::Board);
    assert!(notice.starts_with("The storyboard cannot be heard: ") && notice.contains("3600"), "{notice}");
    it.session.project.lock().board.cues.truncate(2);
    until("a bed again", || it.session.bed.lock().as_ref().is_some_and(|bed| bed.plan.parts.len() == 2));
}

#[test]
fn a_single_take_can_be_made_beside_a_storyboard() {
    let worker = worker(&Script::new());
    let it = Instance::new(&worker);
    let id = add_cue(&it, "one");
    it.generate("alone");
    assert_eq!(it.await_take(0).recipe.prompt, "alone");
    assert!(cue(&it, id).takes.is_empty());
}

/// Counts the steps of looking at pictures.
#[derive(Default)]
struct Looks(AtomicUsize);

impl Progress for Looks {
    fn step(&self, stage: Stage, done: usize, _total: usize) {
        self.0.fetch_add(usize::from(stage == Stage::Picture && done > 0), SeqCst);
    }
}

#[test]
fn other_words_for_a_picture_that_is_known_cost_one_diffusion_run() {
    let composer = Shipped.load(&Silent).unwrap();
    let pixels = |shade: u8| Picture::from_rgb(32, 32, (0..32 * 32 * 3).map(|i| i as u8 ^ shade).collect()).unwrap();
    let looks = |words: &str, picture: Picture, crop: Option<Crop>| {
        let cue = storyboard::Cue { prompt: words.into(), bars: 1, picture: Some(picture), crop, ..Default::default() };
        let board = Board::new(BoardFields { steps: 4, cues: vec![cue], ..BoardFields::default() }).unwrap();
        let looks = Looks::default();
        composer.run(&Job::Score(board, 0), &looks).unwrap();
        looks.0.into_inner()
    };
    let part = Crop::new(0.0, 0.0, 0.5, 0.5).ok();
    assert!(looks("calm", pixels(0), None) > 0);
    assert_eq!(looks("storm", pixels(0), None), 0, "same picture, other words");
    assert!(looks("storm", pixels(1), None) > 0, "same words, other picture");
    assert!(looks("storm", pixels(1), part) > 0, "a part is another picture");
    assert_eq!(looks("calm", pixels(1), part), 0);
    assert_eq!(looks("", pixels(0), None), 0, "the first is still known");
}
