//! Nothing clicks.

use rand::Rng;

use melfusion_plugin::clip::Clip;
use melfusion_plugin::link::Delivery;
use melfusion_plugin::player::LEVEL_SECONDS;

use crate::host::*;

const RATE: u32 = 48_000;
/// Loudness of the tones.
const LOUDNESS: f64 = 0.5;
/// The steepest a tone of 100 Hz is, and what a crossfade of two of them adds: half a cosine over a fade.
const STEEPEST: f32 = (LOUDNESS * std::f64::consts::TAU * 100.0 / 48_000.0 * 1.5 + 2.0 * LOUDNESS * 1.6 / 192.0) as f32;

fn tone_clip(bpm: f64, hz: f64) -> Clip {
    clip(RATE, bpm, 4.0, |frames| tone(frames, RATE, hz, LOUDNESS))
}

#[test]
fn start_stop_seek_and_switches_do_not_click() {
    let mut host = Host::new(RATE).with(tone_clip(120.0, 100.0));
    host.place(1, tone_clip(120.0, 85.0));
    let mut random = random(1);
    let mut heard = Frames::new();
    let mut frame = 1_000;
    for _ in 0..500 {
        match random.random_range(0..5) {
            0 => frame = random.random_range(0..400_000),
            1 => host.controls.slot = random.random_range(0..3),
            2 => heard.extend(host.run(frame, random.random_range(1..600), stopped, || 64)),
            3 => host.place(0, tone_clip(120.0, random.random_range(50.0..100.0))),
            _ => host.controls.anchor_bar = random.random_range(0..2),
        }
        // Shorter than a fade, now and then.
        let frames = random.random_range(1..1_000);
        // The tones do not meet themselves at the end of the clip: stay within it.
        if frame % 96_000 + frames as i64 > 96_000 {
            frame = 1_000;
        }
        heard.extend(host.run(frame, frames, steady(RATE, 120.0), odd_blocks(frame as u64)));
        frame += frames as i64;
    }
    assert!(heard.iter().any(|frame| frame[0].abs() > 0.4));
    let steepest = steepest(&heard);
    assert!(steepest <= STEEPEST, "{steepest} > {STEEPEST}");
}

#[test]
fn after_a_switch_the_other_take_is_where_it_would_have_been() {
    let (one, two) = (clip(RATE, 95.0, 4.0, |n| noise(n, 1)), clip(RATE, 95.0, 4.0, |n| noise(n, 2)));
    let mut host = Host::new(RATE).with(one.clone());
    host.place(5, two.clone());
    let at = steady(RATE, 95.0);
    assert_same(&host.run(0, 10_000, at, || 100), |i| expected(&one, 0, i as i64), "the first");
    host.controls.slot = 5;
    let heard = host.run(10_000, 10_000, at, || 100);
    let fade = host.fade();
    assert_same(&heard[fade..], |i| expected(&two, 0, (10_000 + i + fade) as i64), "the second");
}

#[test]
fn swaps_fade_and_clears_end_in_silence() {
    let (one, two) = (clip(RATE, 95.0, 4.0, |n| noise(n, 1)), clip(RATE, 95.0, 4.0, |n| noise(n, 2)));
    let mut host = Host::new(RATE).with(one);
    let at = steady(RATE, 95.0);
    host.run(0, 10_000, at, || 100);
    host.place(0, two.clone());
    let heard = host.run(10_000, 10_000, at, || 100);
    let fade = host.fade();
    assert_same(&heard[fade..], |i| expected(&two, 0, (10_000 + i + fade) as i64), "the second");
    // The same sound again, as after a rename, is no change.
    host.place(0, two.clone());
    assert_same(&host.run(20_000, 10_000, at, || 100), |i| expected(&two, 0, 20_000 + i as i64), "the same");
    host.outbox.send(Delivery::Clear { slot: 0 });
    let heard = host.run(30_000, 10_000, at, || 100);
    assert_same(&heard[fade..], |_| [0.0; 2], "nothing");
    assert!(heard[..fade / 2].iter().any(|frame| frame[0] != 0.0), "it falls, but does not break off");
}

#[test]
fn gain_and_mute_move_smoothly_and_rest_exactly() {
    let clip = tone_clip(120.0, 100.0);
    let mut host = Host::new(RATE).with(clip.clone());
    let (at, way) = (steady(RATE, 120.0), (f64::from(RATE) * LEVEL_SECONDS) as usize);
    let (mut heard, mut frame) = (Frames::new(), 0);
    for (gain, mute) in [(1.0, false), (0.25, false), (0.25, true), (2.0, false), (1.0, false)] {
        (host.controls.gain, host.controls.mute) = (gain, mute);
        let part = host.run(frame as i64, 10_000, at, odd_blocks(3));
        let exact = if mute { 0.0 } else { gain };
        assert_same(&part[way..], |i| clip.frames()[frame + way + i].map(|sample| sample * exact), "at rest");
        frame += part.len();
        heard.extend(part);
    }
    assert!(steepest(&heard) <= 2.0 * STEEPEST);
}

#[test]
fn any_partition_into_blocks_makes_the_same_samples() {
    // Everything that happens, happens at multiples of 4000 frames.
    let script = |block: usize| {
        let mut host = Host::new(RATE).with(tone_clip(120.0, 100.0));
        host.place(1, clip(RATE, 120.0, 3.0, |frames| noise(frames, 5)));
        let mut random = random(6);
        let mut heard = Frames::new();
        for _ in 0..60 {
            match random.random_range(0..6) {
                0 => host.controls.slot = random.random_range(0..3),
                1 => host.controls.gain = random.random_range(0.0..1.5),
                2 => host.controls.repeat = !host.controls.repeat,
                3 => host.place(0, tone_clip(120.0, random.random_range(50.0..100.0))),
                4 => heard.extend(host.run(0, 4_000, stopped, || block)),
                _ => {}
            }
            let from = random.random_range(-10_000..400_000);
            heard.extend(host.run(from, 4_000, steady(RATE, 120.0), || block));
        }
        heard
    };
    let whole = script(4_000);
    for block in [1, 3, 64, 257, 1_000] {
        assert_same(&script(block), |i| whole[i], &format!("blocks of {block}"));
    }
}

#[test]
fn audition_plays_from_the_start_while_the_host_stands_still() {
    let clip = clip(RATE, 95.0, 4.0, |frames| noise(frames, 7));
    let mut host = Host::new(RATE);
    host.place(3, clip.clone());
    host.run(0, 1_000, stopped, || 100);
    host.controls.audition = Some(3);
    let heard = host.run(0, 150_000, stopped, odd_blocks(8));
    assert_same(&heard, |i| expected(&clip, 0, i as i64), "audition");
    // A running host goes first.
    let fade = host.fade();
    let heard = host.run(0, 5_000, steady(RATE, 95.0), || 64);
    assert_same(&heard[fade..], |_| [0.0; 2], "slot 0 is empty");
    let heard = host.run(0, 5_000, stopped, || 64);
    assert_same(&heard, |i| clip.frames()[i], "audition begins again");
    host.controls.audition = None;
    let heard = host.run(0, 5_000, stopped, || 64);
    assert_same(&heard[fade..], |_| [0.0; 2], "audition is over");
}
