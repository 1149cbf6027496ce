//! At the clip's own tempo every frame is the clip's own.

use rand::Rng;

use melfusion_plugin::player::Moment;
use melfusion_plugin::readout::Mode;

use crate::host::*;

/// Rates and tempi, among them bars that are not whole numbers of frames.
const CASES: [(u32, f64); 8] = [
    (8_000, 61.0),
    (44_100, 97.0),
    (44_100, 120.0),
    (48_000, 95.0),
    (48_000, 133.7),
    (88_200, 88.123_456),
    (96_000, 60.0),
    (192_000, 174.0),
];

#[test]
fn every_frame_is_exact_over_rates_tempi_and_odd_blocks() {
    for (case, (rate, bpm)) in CASES.into_iter().enumerate() {
        for quarters in [1.0, 3.5, 8.0] {
            let clip = clip(rate, bpm, quarters, |frames| noise(frames, case as u64));
            let mut host = Host::new(rate).with(clip.clone());
            let frames = clip.frames().len() * 7 / 2;
            let heard = host.run(0, frames, steady(rate, bpm), odd_blocks(case as u64));
            assert_same(&heard, |i| expected(&clip, 0, i as i64), &format!("{rate} Hz {bpm} bpm"));
            assert_eq!(host.readout.mode(), Mode::Copy);
        }
    }
}

#[test]
fn hours_later_repetitions_still_begin_where_they_should() {
    let (rate, bpm) = (44_100, 97.0);
    let clip = clip(rate, bpm, 4.0, |frames| noise(frames, 3));
    let ten_hours = 36_000 * i64::from(rate) + 17;
    let mut host = Host::new(rate).with(clip.clone());
    let heard = host.run(ten_hours, 400_000, steady(rate, bpm), odd_blocks(5));
    let fade = host.fade();
    assert_same(&heard[fade..], |i| expected(&clip, 0, ten_hours + (i + fade) as i64), "after ten hours");
}

#[test]
fn clips_begin_at_the_anchor_bar_of_the_meter() {
    let (rate, bpm) = (48_000, 95.0);
    let clip = clip(rate, bpm, 7.0, |frames| noise(frames, 4));
    for (anchor_bar, meter, quarters) in [(2, (7, 8), 7.0), (3, (4, 4), 12.0), (-1, (3, 4), -3.0)] {
        let anchor = (quarters * 60.0 / bpm * f64::from(rate)).round() as i64;
        let mut host = Host::new(rate).with(clip.clone());
        host.controls.anchor_bar = anchor_bar;
        let moment = |frame| Moment { meter: Some(meter), ..steady(rate, bpm)(frame) };
        let from = anchor - 5_000;
        let heard = host.run(from, 500_000, moment, odd_blocks(6));
        assert_same(&heard, |i| expected(&clip, anchor, from + i as i64), &format!("bar {anchor_bar}"));
    }
}

#[test]
fn pre_roll_is_silent_and_the_first_frame_is_whole() {
    let clip = clip(48_000, 95.0, 4.0, |frames| noise(frames, 7));
    let mut host = Host::new(48_000).with(clip.clone());
    let heard = host.run(-768, 100_000, steady(48_000, 95.000_000_056), || 256);
    assert_same(&heard, |i| expected(&clip, 0, i as i64 - 768), "pre-roll");
}

#[test]
fn seeking_anywhere_equals_playing_there_from_the_start() {
    let (rate, bpm) = (44_100, 97.0);
    let clip = clip(rate, bpm, 5.0, |frames| noise(frames, 8));
    let mut host = Host::new(rate).with(clip.clone());
    let (mut random, fade) = (random(9), host.fade());
    for _ in 0..300 {
        let from = random.random_range(-20_000..100_000_000);
        let heard = host.run(from, 3_000, steady(rate, bpm), odd_blocks(from as u64));
        assert_same(
            &heard[fade..],
            |i| expected(&clip, 0, from + (i + fade) as i64),
            &format!("after a seek to {from}"),
        );
    }
}

#[test]
fn quantised_beats_and_changing_tempi_before_do_not_move_frames() {
    // Four beats at 120, then 95 for good: only beats tell where the clip is.
    let (rate, bpm) = (48_000, 95.0);
    let clip = clip(rate, bpm, 4.0, |frames| noise(frames, 10));
    let map = |frame: i64| {
        let beats = 4.0 + (frame - 96_000) as f64 * bpm / (60.0 * f64::from(rate));
        Moment { beats: Some((beats * 1920.0).round() / 1920.0), ..steady(rate, bpm)(frame) }
    };
    let mut host = Host::new(rate).with(clip.clone());
    let heard = host.run(96_000, 400_000, map, odd_blocks(11));
    // Beat 4 is the start of the second repetition.
    let anchor = 96_000 - clip.frames().len() as i64;
    assert_same(&heard, |i| expected(&clip, anchor, 96_000 + i as i64), "after a change of tempo");
}

#[test]
fn without_frames_beats_are_enough_and_without_both_there_is_silence() {
    let (rate, bpm) = (44_100, 133.7);
    let clip = clip(rate, bpm, 4.0, |frames| noise(frames, 12));
    let mut host = Host::new(rate).with(clip.clone());
    let heard = host.run(0, 200_000, |frame| Moment { frame: None, ..steady(rate, bpm)(frame) }, odd_blocks(13));
    assert_same(&heard, |i| expected(&clip, 0, i as i64), "beats alone");
    let lost = Moment { frame: None, beats: None, ..steady(rate, bpm)(0) };
    let fade = host.fade();
    let heard = host.run(0, 5_000, |_| lost, odd_blocks(14));
    assert_same(&heard[fade..], |_| [0.0; 2], "no position");
    let heard = host.run(0, 5_000, |_| Moment { playing: true, ..Moment::default() }, odd_blocks(14));
    assert_same(&heard, |_| [0.0; 2], "nothing at all");
}

#[test]
fn without_a_tempo_clips_play_at_their_own() {
    let (rate, bpm) = (48_000, 101.0);
    let clip = clip(rate, bpm, 4.0, |frames| noise(frames, 15));
    let mut host = Host::new(rate).with(clip.clone());
    let moment = |frame| Moment { tempo: None, beats: None, meter: None, ..steady(rate, bpm)(frame) };
    let heard = host.run(0, 300_000, moment, odd_blocks(16));
    assert_same(&heard, |i| expected(&clip, 0, i as i64), "no tempo");
}

#[test]
fn a_loop_wraps_within_blocks() {
    let (rate, bpm) = (48_000, 120.0);
    let clip = clip(rate, bpm, 4.0, |frames| noise(frames, 17));
    // Once around a whole number of repetitions, where no seam may be heard; once around less.
    for (start, end) in [(96_000, 192_000), (24_000, 61_234)] {
        for blocks in [64_usize, 997, 8_192, 30_000] {
            let mut host = Host::new(rate).with(clip.clone());
            let fade = host.fade();
            let seamless = (end - start) % 96_000 == 0;
            let (mut frame, mut since_wrap) = (start - 20_000, fade);
            let mut heard_frames = 0;
            while heard_frames < 300_000 {
                let moment = Moment { cycle: Some((start, end)), ..steady(rate, bpm)(frame) };
                let heard = host.block(&moment, blocks);
                for sample in heard {
                    if heard_frames >= fade && (seamless || since_wrap >= fade) {
                        assert_eq!(sample, expected(&clip, 0, frame), "frame {frame} in blocks of {blocks}");
                    }
                    (frame, since_wrap, heard_frames) = (frame + 1, since_wrap + 1, heard_frames + 1);
                    if frame == end {
                        (frame, since_wrap) = (start, 0);
                    }
                }
            }
        }
    }
}

#[test]
fn once_plays_once() {
    let clip = clip(48_000, 120.0, 4.0, |frames| noise(frames, 18));
    let mut host = Host::new(48_000).with(clip.clone());
    host.controls.repeat = false;
    let heard = host.run(0, 300_000, steady(48_000, 120.0), odd_blocks(19));
    let end = clip.frames().len();
    let fade = host.fade();
    assert_same(&heard[..end - fade], |i| clip.frames()[i], "the clip");
    assert_same(&heard[end..], |_| [0.0; 2], "after it");
}

#[test]
fn offline_and_realtime_blocks_make_the_same_samples() {
    let (rate, bpm) = (44_100, 97.0);
    let make = || clip(rate, bpm, 8.0, |frames| noise(frames, 20));
    let realtime = Host::new(rate).with(make()).run(1_234, 900_000, steady(rate, bpm), || 64);
    let offline = Host::new(rate).with(make()).run(1_234, 900_000, steady(rate, bpm), || 8_192);
    let at_once = Host::new(rate).with(make()).run(1_234, 900_000, steady(rate, bpm), || 900_000);
    assert_eq!(realtime, offline);
    assert_eq!(realtime, at_once);
}

#[test]
fn clips_of_another_rate_are_silent() {
    let clip = clip(44_100, 120.0, 4.0, |frames| noise(frames, 21));
    let mut host = Host::new(48_000).with(clip);
    assert_same(&host.run(0, 10_000, steady(48_000, 120.0), || 512), |_| [0.0; 2], "44.1 kHz at 48");
    assert_eq!((host.readout.mode(), host.readout.position()), (Mode::Silent, None));
}

#[test]
fn the_readout_says_where_the_clip_is() {
    let clip = clip(48_000, 120.0, 4.0, |frames| tone(frames, 48_000, 100.0, 0.5));
    let mut host = Host::new(48_000).with(clip);
    host.run(0, 48_000 + 96_000, steady(48_000, 120.0), odd_blocks(22));
    assert_eq!(host.readout.position(), Some(0.5));
    let peaks = host.readout.take_peaks();
    assert!(peaks.iter().all(|peak| (peak - 0.5).abs() < 1e-3), "{peaks:?}");
    assert_eq!(host.readout.tempo(), Some(120.0));
    assert_eq!(host.readout.meter(), Some((4, 4)));
    host.run(0, 512, stopped, || 512);
    assert_eq!((host.readout.position(), host.readout.playing()), (None, false));
}
