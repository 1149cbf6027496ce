//! The storyboard from end to end, and cues that notes choose.

use rand::Rng;

use melfusion_plugin::clip::Clip;
use melfusion_plugin::link::{BOARD, cue_slot};
use melfusion_plugin::player::Notes;

use crate::host::*;

const RATE: u32 = 44_100;
/// A bar is 109113.4 frames.
const BPM: f64 = 97.0;
/// Quarter notes of the three cues.
const QUARTERS: [f64; 3] = [4.0, 8.0, 4.0];

/// The frame on which a bar begins.
fn line(bar: f64) -> i64 {
    (bar * 4.0 * 60.0 / BPM * f64::from(RATE) + 1e-6).round() as i64
}

fn cues() -> [Clip; 3] {
    [0, 1, 2].map(|cue| clip(RATE, BPM, QUARTERS[cue], |frames| noise(frames, cue as u64 + 1)))
}

/// A host with a board in it and its cues, which is played.
fn host() -> (Host, Clip) {
    let mut host = Host::new(RATE);
    let bed = clip(RATE, BPM, QUARTERS.iter().sum(), |frames| noise(frames, 9)).ending();
    host.place(BOARD, bed.clone());
    for (index, cue) in cues().into_iter().enumerate() {
        host.place(cue_slot(index), cue);
    }
    host.controls.slot = BOARD;
    (host, bed)
}

/// Frames from 0 on, in which `notes` choose cues, each at its frame.
fn played(host: &mut Host, frames: usize, notes: &[(i64, u8)], mut blocks: impl FnMut() -> usize) -> Frames {
    let mut out = Frames::new();
    while out.len() < frames {
        let from = out.len() as i64;
        let block = blocks().min(frames - out.len());
        let mut heard = Notes::default();
        for (frame, key) in notes.iter().filter(|(frame, _)| (from..from + block as i64).contains(frame)) {
            heard.add((frame - from) as u32, *key);
        }
        host.controls.notes = Some(heard);
        out.extend(host.block(&steady(RATE, BPM)(from), block));
    }
    out
}

#[test]
fn a_board_is_played_once_and_to_its_very_end() {
    let (mut host, bed) = host();
    host.controls.anchor_bar = 2;
    let frames = bed.frames().len();
    let start = line(2.0);
    let heard = host.run(0, start as usize + frames + 50_000, steady(RATE, BPM), odd_blocks(1));
    let at = |i: usize| usize::try_from(i as i64 - start).ok().and_then(|i| bed.frames().get(i).copied());
    assert_same(&heard, |i| at(i).unwrap_or_default(), "the board");
}

#[test]
fn a_note_s_cue_begins_on_the_next_bar_line_and_repeats_until_another_is_chosen() {
    let (mut host, bed) = host();
    let [first, second, third] = cues();
    // In bar 0, on the line of bar 3, and twice in bar 4, of which the later counts.
    let notes = [(5_000, 36), (line(3.0), 38), (line(4.0) + 10_000, 36), (line(4.0) + 20_000, 37)];
    let heard = played(&mut host, line(8.0) as usize, &notes, odd_blocks(2));
    let (fade, to) = (host.fade(), |bar: f64| line(bar) as usize);
    let parts = [(&first, 1.0, 3.0), (&third, 3.0, 5.0), (&second, 5.0, 8.0)];
    assert_same(&heard[..to(1.0)], |i| bed.frames()[i], "before the first line");
    for (clip, from, until) in parts {
        let (from, until) = (to(from), to(until));
        let expected = |i: usize| expected(clip, from as i64, (from + fade + i) as i64);
        assert_same(&heard[from + fade..until], expected, &format!("from frame {from}"));
    }
}

#[test]
fn any_partition_into_blocks_plays_the_same_cues() {
    let mut random = random(3);
    let frames = line(12.0);
    let notes: Vec<(i64, u8)> = {
        let mut notes: Vec<_> =
            (0..40).map(|_| (random.random_range(0..frames), random.random_range(30..45))).collect();
        // Also on bar lines, and a frame before and after.
        notes.extend([(line(2.0), 36), (line(5.0) - 1, 37), (line(7.0) + 1, 38)]);
        notes.sort_unstable();
        notes
    };
    let (mut host, _) = host();
    let whole = played(&mut host, frames as usize, &notes, || 64);
    for seed in 0..6 {
        let (mut host, _) = self::host();
        let parts = played(&mut host, frames as usize, &notes, odd_blocks(seed));
        assert_same(&parts, |i| whole[i], &format!("partition {seed}"));
    }
}

#[test]
fn a_note_that_a_host_rounded_to_just_after_the_line_counts_for_it() {
    let (mut host, _) = host();
    let [first, ..] = cues();
    let heard = played(&mut host, line(2.0) as usize, &[(line(1.0) + 2, 36)], || 512);
    let from = line(1.0) as usize + 2 + host.fade();
    assert_same(&heard[from..], |i| expected(&first, line(1.0), (from + i) as i64), "two frames late");
}

#[test]
fn a_loop_of_the_host_keeps_the_cue_in_time() {
    let (mut host, _) = host();
    let [_, second, _] = cues();
    let (start, end) = (line(1.0), line(4.0));
    let mut notes = Notes::default();
    notes.add(0, 37);
    host.controls.notes = Some(notes);
    // Chosen in the last bar of the loop: its line is the loop's end, which is its beginning.
    let mut frame = line(3.0) + 5_000;
    let mut heard = Vec::new();
    for _ in 0..1_500 {
        let cycle = Some((start, end));
        let moment = melfusion_plugin::player::Moment { cycle, ..steady(RATE, BPM)(frame) };
        for sample in host.block(&moment, 512) {
            heard.push((frame, sample));
            frame = if frame + 1 == end { start } else { frame + 1 };
        }
        host.controls.notes = Some(Notes::default());
    }
    let fade = start + host.fade() as i64;
    let after = heard.iter().position(|(frame, _)| *frame == start).expect("it loops");
    let settled = heard[after..].iter().filter(|(frame, _)| *frame >= fade);
    assert!(settled.clone().count() > 400_000);
    for (frame, sample) in settled {
        assert_eq!(*sample, expected(&second, start, *frame), "frame {frame}");
    }
}

#[test]
fn notes_of_cues_without_music_change_nothing_and_off_is_off() {
    let (mut host, bed) = host();
    let notes = [(100, 36 + 40), (200, 20), (300, 127)];
    let frames = line(2.0) as usize;
    assert_same(&played(&mut host, frames, &notes, || 333), |i| bed.frames()[i], "no such cue");
    let (mut host, bed) = self::host();
    played(&mut host, frames, &[(100, 36)], || 333);
    host.controls.notes = None;
    let heard = host.run(frames as i64, 50_000, steady(RATE, BPM), || 333);
    let fade = host.fade();
    assert_same(&heard[fade..], |i| bed.frames()[frames + fade + i], "the option is off again");
}

#[test]
fn a_cue_chosen_while_the_host_stands_is_there_when_it_starts() {
    let (mut host, _) = host();
    let [_, _, third] = cues();
    let mut notes = Notes::default();
    notes.add(10, 38);
    host.controls.notes = Some(notes);
    host.block(&stopped(0), 512);
    let heard = played(&mut host, 200_000, &[], odd_blocks(4));
    assert_same(&heard, |i| expected(&third, 0, i as i64), "from the first frame on");
}
