//! Generate makes a take when it is switched on, not when it is found on.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use crate::fixture::{Score, generate_state, with_length};
use crate::generation::{Composing, RATE};
use crate::instance::{Change, param};

const OFF: f64 = 0.0;
const ON: f64 = 1.0;

/// A project without a take, saved with Generate `on`, as CLAP keeps it.
fn saved(on: bool) -> Vec<u8> {
    with_length(&serde_json::to_vec(&generate_state(&[], on)).unwrap())
}

/// Blocks to whom the host says nothing.
fn run(it: &mut Composing) {
    (0..4).for_each(|_| drop(it.audio.block(512, None, &[])));
}

/// Whatever was ordered before is made when this returns: those who were served less come first.
fn wait_for_others() {
    let mut last = Composing::open(&saved(false));
    for takes in 1..=2 {
        last.press_generate();
        last.wait_for(takes);
    }
}

fn found_in_the_state() -> Composing {
    let mut it = Composing::open(&saved(true));
    run(&mut it);
    it
}

fn restored_by_an_event() -> Composing {
    let mut it = Composing::open(&saved(false));
    it.set_generate(ON);
    run(&mut it);
    it
}

fn found_and_restored() -> Composing {
    let mut it = found_in_the_state();
    it.set_generate(ON);
    run(&mut it);
    it
}

fn opened_while_it_plays() -> Composing {
    let mut it = Composing::open(&saved(false));
    run(&mut it);
    assert!(it.instance.load(&saved(true)));
    run(&mut it);
    it
}

fn opened_while_it_plays_and_restored_by_an_event() -> Composing {
    let mut it = Composing::open(&saved(false));
    run(&mut it);
    assert!(it.instance.load(&saved(false)));
    it.set_generate(ON);
    run(&mut it);
    it
}

fn given_parameters_alone_while_it_plays() -> Composing {
    let mut it = Composing::open(&saved(false));
    run(&mut it);
    let mut state = generate_state(&[], true);
    state.fields.clear();
    assert!(it.instance.load(&with_length(&serde_json::to_vec(&state).unwrap())));
    run(&mut it);
    it
}

fn opened_again_and_again() -> Composing {
    let mut it = Composing::open(&saved(true));
    for on in [true, false, true, true, false, true] {
        assert!(it.instance.load(&saved(on)));
        run(&mut it);
    }
    it
}

fn reset() -> Composing {
    let mut it = Composing::open(&saved(false));
    run(&mut it);
    it.audio.reset();
    it.set_generate(ON);
    it.audio.reset();
    run(&mut it);
    it
}

fn activated_anew() -> Composing {
    let Composing { mut instance, audio } = Composing::open(&saved(false));
    instance.stop(audio);
    let audio = instance.start(RATE, 512);
    let mut it = Composing { instance, audio };
    it.set_generate(ON);
    run(&mut it);
    it
}

#[test]
fn generate_that_is_found_on_makes_no_take_until_it_is_switched_off_and_on() {
    let mut all = [
        ("found in the state", found_in_the_state()),
        ("restored by an event", restored_by_an_event()),
        ("found and restored", found_and_restored()),
        ("opened while it plays", opened_while_it_plays()),
        ("opened while it plays and restored", opened_while_it_plays_and_restored_by_an_event()),
        ("given parameters alone", given_parameters_alone_while_it_plays()),
        ("opened again and again", opened_again_and_again()),
        ("reset", reset()),
        ("activated anew", activated_anew()),
    ];
    wait_for_others();
    let pressed: Vec<_> = all.iter_mut().filter_map(|(about, it)| (it.takes() != 0).then_some(*about)).collect();
    assert_eq!(pressed, [""; 0], "these made a take of their own accord");
    for (_, it) in &mut all {
        it.set_generate(OFF);
        it.set_generate(ON);
    }
    for (about, it) in &mut all {
        it.wait_for(1);
        assert_eq!(it.takes(), 1, "{about}");
    }
}

#[test]
fn a_project_that_arrives_while_blocks_run_makes_no_take() {
    let long = Score { bars: 16, ..Score::noise(RATE, 120.0, 70) };
    let state = with_length(&serde_json::to_vec(&generate_state(&[long], true)).unwrap());
    let Composing { mut instance, mut audio } = Composing::open(&saved(false));
    let is_there = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            audio.block(1, None, &[(0, Change::Param(param("generate"), OFF))]);
            while !is_there.load(SeqCst) {
                audio.block(1, None, &[]);
            }
        });
        assert!(instance.load(&state));
        is_there.store(true, SeqCst);
    });
    let mut it = Composing { instance, audio };
    run(&mut it);
    wait_for_others();
    assert_eq!(it.takes(), 1, "the one that was saved");
    it.press_generate();
    it.wait_for(2);
}
