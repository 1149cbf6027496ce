//! The audio thread neither allocates nor frees, whatever arrives, goes or moves. A program of its own, because it counts
//! every call of the allocator, also those from C++.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "host/fixture.rs"]
mod fixture;
#[path = "host/instance.rs"]
mod instance;
#[path = "host/transport.rs"]
mod transport;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use fixture::{Score, clap_state, project, project_of_cues};
use instance::{Audio, Change, Instance, param};
use melfusion_plugin::project::Project;
use transport::{Head, Song};

/// Blocks that the audio thread makes.
const BLOCKS: usize = 1_000_000;
const FRAMES: usize = 32;

thread_local! {
    /// Calls of the allocator from this thread; `None` while it may.
    static CALLS: Cell<Option<usize>> = const { Cell::new(None) };
}

fn count() {
    CALLS.with(|calls| calls.set(calls.get().map(|calls| calls + 1)));
}

/// Calls of the allocator while `work` runs.
fn calls_in(work: impl FnOnce()) -> usize {
    CALLS.with(|calls| calls.set(Some(0)));
    work();
    CALLS.with(|calls| calls.replace(None)).unwrap()
}

/// Stands before the C library's allocator, which Rust and C++ both use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod c {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
        fn __libc_free(old: *mut c_void);
    }

    // SAFETY, for all of them: they are what the C library's own functions of the same name call, with the same contract.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_malloc(size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_calloc(count, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_realloc(old, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_memalign(align, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
        super::count();
        // SAFETY: see above; `out` is the caller's.
        unsafe { *out = __libc_memalign(align, size) };
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(old: *mut c_void) {
        super::count();
        // SAFETY: see above.
        unsafe { __libc_free(old) }
    }
}

/// Where there is no such C library, what Rust allocates is counted.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod rust {
    use std::alloc::{GlobalAlloc, Layout, System};

    struct Counting;

    #[global_allocator]
    static COUNTING: Counting = Counting;

    // SAFETY: all is left to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            super::count();
            // SAFETY: the caller's contract is the same.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
            super::count();
            // SAFETY: the caller's contract is the same.
            unsafe { System.dealloc(old, layout) }
        }
    }
}

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
