//! Whatever hosts say, there is finite sound or silence.

use rand::Rng;
use rand::rngs::StdRng;

use melfusion_plugin::clip::Clip;
use melfusion_plugin::link::{Delivery, PLACES};
use melfusion_plugin::player::{Controls, Moment, Notes};

use crate::host::*;

fn odd_number(random: &mut StdRng) -> f64 {
    match random.random_range(0..12) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => 0.0,
        4 => f64::MAX,
        5 => f64::MIN_POSITIVE,
        6 => -120.0,
        _ => random.random_range(-10.0..400.0),
    }
}

fn odd_frame(random: &mut StdRng) -> i64 {
    match random.random_range(0..8) {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => (1 << 48) - 10,
        _ => random.random_range(-100_000..1_000_000),
    }
}

fn odd_moment(random: &mut StdRng) -> Moment {
    Moment {
        playing: random.random_bool(0.8),
        frame: random.random_bool(0.8).then(|| odd_frame(random)),
        beats: random.random_bool(0.8).then(|| odd_number(random)),
        tempo: random.random_bool(0.8).then(|| odd_number(random)),
        meter: random
            .random_bool(0.8)
            .then(|| (random.random_range(0..9), [0, 1, 4, 8, u32::MAX][random.random_range(0..5)])),
        cycle: random.random_bool(0.3).then(|| (odd_frame(random), odd_frame(random))),
    }
}

fn notes(random: &mut StdRng) -> Notes {
    let mut notes = Notes::default();
    for _ in 0..random.random_range(0..40) {
        notes.add(random.random(), random.random());
    }
    notes
}

fn odd_clip(random: &mut StdRng) -> Clip {
    let frames = noise(random.random_range(0..20_000), random.random());
    let rate = [48_000, 48_000, 48_000, 44_100, 0][random.random_range(0..5)];
    let positive = |random: &mut StdRng, sane: f64| if random.random_bool(0.3) { odd_number(random) } else { sane };
    let (bpm, quarters) = (positive(random, 120.0), positive(random, 1.0));
    Clip::new(random.random(), frames.into(), rate, bpm, quarters)
}

#[test]
fn nonsense_from_the_host_makes_finite_sound() {
    for seed in 0..20 {
        let mut random = random(seed);
        let mut host = Host::new(48_000);
        for _ in 0..400 {
            match random.random_range(0..4) {
                0 => host.place(random.random_range(0..PLACES + 2), odd_clip(&mut random)),
                1 => host.outbox.send(Delivery::Clear { slot: random.random_range(0..PLACES + 2) }),
                2 => host.player.reset(),
                _ => {}
            }
            host.controls = Controls {
                gain: odd_number(&mut random) as f32,
                mute: random.random_bool(0.1),
                repeat: random.random_bool(0.7),
                slot: random.random_range(0..PLACES + 2),
                anchor_bar: [0, 3, -3, i32::MAX, i32::MIN][random.random_range(0..5)],
                notes: random.random_bool(0.3).then(|| notes(&mut random)),
                audition: random.random_bool(0.3).then(|| random.random_range(0..PLACES + 2)),
            };
            let moment = odd_moment(&mut random);
            let frames = random.random_range(0..3_000);
            let heard = host.block(&moment, frames);
            assert!(heard.iter().flatten().all(|sample| sample.is_finite()), "seed {seed}: {moment:?}");
        }
    }
}

#[test]
fn blocks_longer_than_announced_and_unprepared_players_are_fine() {
    let clip = clip(48_000, 120.0, 4.0, |frames| noise(frames, 1));
    let mut host = Host::new(48_000).with(clip.clone());
    assert_same(&host.block(&steady(48_000, 120.0)(0), 200_000), |i| expected(&clip, 0, i as i64), "one long block");
    let (mut outbox, inbox) = melfusion_plugin::link::pair();
    let mut player = melfusion_plugin::player::Player::new(inbox, Default::default());
    outbox.send(Delivery::Place { slot: 0, clip: Box::new(clip) });
    let (mut left, mut right) = ([1.0; 64], [1.0; 64]);
    player.process(&steady(48_000, 120.0)(0), &CONTROLS, &mut left, &mut right);
    assert_eq!((left, right), ([0.0; 64], [0.0; 64]));
}

#[test]
fn every_rate_can_be_prepared() {
    for rate in [8_000, 11_025, 16_000, 44_100, 96_000, 192_000] {
        let clip = clip(rate, 100.0, 1.0, |frames| tone(frames, rate, 200.0, 0.5));
        let mut host = Host::new(rate).with(clip);
        for tempo in [100.0, 120.0, 100.0] {
            let heard = host.run(0, rate as usize, steady(rate, tempo), || 333);
            let power = heard.iter().map(|frame| frame[0] * frame[0]).sum::<f32>() / heard.len() as f32;
            assert!((0.09..0.16).contains(&power), "{rate} Hz at {tempo}: {power}");
        }
    }
}
