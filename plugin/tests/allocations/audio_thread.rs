//! Nothing is allocated or freed on the audio thread, whatever arrives, goes or moves.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use crate::count::calls_in;
use crate::fixture::{Score, clap_state, project, project_of_cues};
use crate::instance::{Audio, Change, Instance, param};
use crate::transport::{Head, Song};
use melfusion_plugin::project::Project;

/// Blocks that the audio thread makes.
const BLOCKS: usize = 1_000_000;
const FRAMES: usize = 32;

/// What the host does in block `block`: rolls, seeks, loops, and now and then moves its tempo or stops.
fn head(song: &Song, block: usize) -> Option<Head> {
    let frame = ((block * FRAMES) % 700_000) as i64 - 5_000;
    match (block / 1000) % 20 {
        // One block in ten is stretched.
        3 | 4 => Some(Head { tempo: Some(120.0 + (block % 1000) as f64 * 0.01), ..song.at(frame) }),
        7 => Some(song.stopped(frame)),
        8 => None,
        11 => Some(song.at((block * 7919 % 500_000) as i64)),
        _ => Some(song.at(frame)),
    }
}

/// Makes all blocks and returns the calls of the allocator in them.
fn make_blocks(audio: &mut Audio, song: &Song, made: &AtomicUsize) -> usize {
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    let mut calls = 0;
    let mut heard = 0.0;
    for block in 0..BLOCKS {
        let head = head(song, block);
        let changes = [
            (0, Change::Param(param("take"), (block / 3_000 % 4) as f64)),
            (5, Change::Param(param("gain"), (block / 500 % 5) as f64 / 5.0)),
            (6, Change::Param(param("board"), f64::from(u8::from(block / 5_000 % 2 == 1)))),
            (7, Change::Param(param("by_note"), f64::from(u8::from(block / 7_000 % 2 == 1)))),
            (8, Change::Param(param("influence"), (block / 500 % 7) as f64 / 7.0)),
            (9, Change::Note(36 + (block / 500 % 5) as u8)),
        ];
        let changes = if block % 500 == 0 { &changes[..] } else { &[] };
        let these = calls_in(|| audio.process([&mut left, &mut right], head.as_ref(), changes));
        // The first blocks warm up the host's own lists.
        calls += if block < 2 { 0 } else { these };
        heard += left[0].abs();
        made.store(block, SeqCst);
    }
    assert!(heard > 0.0, "something must have sounded");
    calls
}

#[test]
fn a_million_blocks_neither_allocate_nor_free_while_clips_come_and_go() {
    let song = Song::new(48_000, 120.0);
    let short = |seed| Score { meter: (1, 4), ..Score::noise(48_000, 120.0, seed) };
    let states = [
        clap_state(project(&[1, 2, 3, 4].map(short))),
        clap_state(project(&[5].map(short))),
        clap_state(project(&[])),
        clap_state(Project { board: project_of_cues(&[8, 9, 10].map(short)).board, ..project(&[6].map(short)) }),
    ];
    let mut instance = Instance::new();
    assert!(instance.load(&states[0]));
    let mut audio = instance.start(48_000, FRAMES as u32);
    let (made, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut loads = 0;
    let calls = thread::scope(|scope| {
        let audio_thread = scope.spawn(|| {
            let calls = make_blocks(&mut audio, &song, &made);
            over.store(true, SeqCst);
            calls
        });
        while !over.load(SeqCst) {
            assert!(instance.load(&states[loads % states.len()]));
            loads += 1;
        }
        audio_thread.join().unwrap()
    });
    instance.stop(audio);
    assert_eq!(calls, 0, "calls of the allocator in {} blocks", made.into_inner());
    assert!(loads > 20, "only {loads} projects were opened meanwhile");
}

#[test]
fn the_counter_sees_what_it_must() {
    assert_eq!(calls_in(|| ()), 0);
    assert!(calls_in(|| drop(std::hint::black_box(vec![0u8; 100]))) >= 2);
}
