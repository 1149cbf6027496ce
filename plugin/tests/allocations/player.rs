//! The player leaves memory alone.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::sync::Arc;

use crate::count::calls_in;
use melfusion_plugin::clip::Clip;
use melfusion_plugin::link::{self, Delivery};
use melfusion_plugin::player::{Controls, Moment, Player};
use melfusion_plugin::readout::Readout;

fn clip(bpm: f64, seed: usize) -> Clip {
    let frames = (4.0 * 60.0 / bpm * 48_000.0_f64).round() as usize;
    let frames: Arc<[[f32; 2]]> = (0..frames).map(|i| [((i * (seed + 1)) as f32 * 0.01).sin() * 0.5; 2]).collect();
    // Some of a slot's clips are the same take at another tempo.
    Clip::new(seed as u64 / 900, frames, 48_000, bpm, 4.0)
}

#[test]
fn the_count_sees_rust_and_what_is_below() {
    assert_eq!(calls_in(|| drop(std::hint::black_box(vec![1_u8; 100]))), 2);
    assert!(calls_in(|| drop(signalsmith_stretch::Stretch::preset_default(2, 48_000))) > 20);
}

#[test]
fn nothing_is_allocated_or_freed_while_clips_play_stretch_arrive_and_go() {
    let (mut outbox, inbox) = link::pair();
    let readout = Arc::new(Readout::default());
    let mut player = Player::new(inbox, readout.clone());
    player.prepare(48_000.0, 512);
    let mut controls =
        Controls { gain: 1.0, mute: false, repeat: true, slot: 0, anchor_bar: 0, notes: None, audition: None };
    let (mut left, mut right) = ([0.0; 512], [0.0; 512]);
    let (mut frame, mut total, mut modes) = (0_i64, 0, [0_u64; 3]);
    for block in 0..30_000_usize {
        if block % 97 == 0 {
            let slot = block / 97 % 3;
            let clip = Box::new(clip([90.0, 100.0, 120.0][block % 3], block));
            outbox.send(if block % 5 == 0 { Delivery::Clear { slot } } else { Delivery::Place { slot, clip } });
        }
        if block % 1_009 == 0 {
            frame = (block as i64 * 7_919) % 1_000_000 - 5_000;
        }
        controls.slot = block / 311 % 3;
        controls.gain = if block % 53 == 0 { 0.5 } else { 1.0 };
        controls.repeat = block % 4_001 > 300;
        controls.audition = (block % 700 < 20).then_some(1);
        // Steady, then wandering.
        let tempo = if block / 2_000 % 2 == 0 { 100.0 } else { 100.0 + 30.0 * (block as f64 * 0.002).sin() };
        let moment = Moment {
            playing: block % 700 > 20,
            frame: Some(frame),
            beats: Some(frame as f64 * tempo / 2_880_000.0),
            tempo: Some(tempo),
            meter: Some((4, 4)),
            cycle: (block % 3_001 < 1_000).then_some((0, 200_000)),
        };
        let frames = [64, 512, 1, 333][block % 4];
        total += calls_in(|| player.process(&moment, &controls, &mut left[..frames], &mut right[..frames]));
        modes[readout.mode() as usize] += 1;
        frame += frames as i64;
        outbox.tend();
    }
    assert_eq!(total, 0);
    assert!(modes.iter().all(|blocks| *blocks > 500), "silent, copying and stretching: {modes:?}");
}
