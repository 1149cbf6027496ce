//! At a constant tempo, what sounds is the clip itself, sample for sample, wherever the host goes.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::fixture::{Score, clap_state, odd_sizes, project};
use crate::instance::{Audio, Instance};
use crate::transport::{Head, Song};

/// After this long nothing is left of a fade.
pub const FADE_SECONDS: f64 = 0.012;

/// What the clip of `score`, anchored at `anchor`, says at `frame`. `None` where two repetitions do not meet exactly,
/// because the clip's length is not a whole number of frames.
pub fn expected(score: &Score, clip: &[[f32; 2]], anchor: i64, frame: i64) -> Option<[f32; 2]> {
    let begin = |round: i64| anchor + (round as f64 * score.exact_frames()).round() as i64;
    let mut round = ((frame - anchor) as f64 / score.exact_frames()).floor() as i64;
    round += i64::from(begin(round + 1) <= frame) - i64::from(begin(round) > frame);
    clip.get((frame - begin(round)) as usize).copied()
}

/// Differences between `out`, which starts at `start`, and the clip.
#[track_caller]
pub fn assert_exact(score: &Score, anchor: i64, start: i64, out: &[[f32; 2]], about: &str) {
    let clip = score.frames();
    let compared = out.iter().zip(start..).filter_map(|(heard, frame)| {
        let expected = expected(score, &clip, anchor, frame)?;
        Some((frame, *heard, expected))
    });
    let wrong: Vec<_> = compared.filter(|(_, heard, expected)| heard != expected).collect();
    assert!(wrong.is_empty(), "{about}: {} of {} samples are wrong, first {:?}", wrong.len(), out.len(), wrong[0]);
}

/// An instance that plays `scores`, and its first clip's song.
pub fn playing(scores: &[Score]) -> (Instance, Audio, Song) {
    let mut instance = Instance::new();
    assert!(instance.load(&clap_state(project(scores))));
    let score = scores[0];
    let audio = instance.start(score.rate, 8192);
    let meter = (score.meter.0 as u16, score.meter.1 as u16);
    (instance, audio, Song { meter, ..Song::new(score.rate, score.bpm) })
}

fn fade(rate: u32) -> usize {
    (FADE_SECONDS * f64::from(rate)).ceil() as usize
}

#[test]
fn every_rate_tempo_and_block_size_gives_the_clip() {
    let rates = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];
    let tempi = [60.0, 97.0, 120.0, 133.7, 240.0];
    for (seed, (index, rate)) in rates.into_iter().enumerate().flat_map(|pair| [(0u64, pair), (1, pair)]) {
        let bpm = tempi[(2 * index + seed as usize) % tempi.len()];
        let score = Score::noise(rate, bpm, seed + 10 * index as u64);
        let (_instance, mut audio, song) = playing(&[score]);
        let frames = (score.exact_frames() * 2.3) as usize;
        let out = song.play(&mut audio, 0, frames, odd_sizes(seed, 8192));
        assert_exact(&score, 0, 0, &out, &format!("{rate} Hz, {bpm} bpm"));
    }
}

#[test]
fn blocks_of_one_frame_and_of_8192_give_the_same() {
    let score = Score::noise(48_000, 126.0, 3);
    for size in [1, 2, 63, 64, 65, 441, 512, 1023, 4096, 8191, 8192] {
        let (_instance, mut audio, song) = playing(&[score]);
        let out = song.play(&mut audio, 0, 100_000, || size);
        assert_exact(&score, 0, 0, &out, &format!("blocks of {size}"));
    }
}

#[test]
fn realtime_and_offline_give_the_same() {
    let score = Score::noise(44_100, 97.0, 4);
    let [realtime, offline] = [false, true].map(|mode| {
        let (mut instance, audio, song) = playing(&[score]);
        instance.stop(audio);
        instance.set_offline(mode);
        let mut audio = instance.start(song.rate, 512);
        song.play(&mut audio, -777, 200_000, odd_sizes(5, 512))
    });
    assert_eq!(realtime, offline);
}

#[test]
fn repetitions_do_not_drift() {
    // 109113.4 frames: after 1000 rounds, 400 frames would be missing.
    let score = Score::noise(44_100, 97.0, 6);
    let (_instance, mut audio, song) = playing(&[score]);
    for round in [1_000, 7_919, 14_000] {
        let start = (f64::from(round) * score.exact_frames()).round() as i64 - 5_000;
        let out = song.play(&mut audio, start, 20_000, || 512);
        let after = fade(score.rate);
        assert_exact(&score, 0, start + after as i64, &out[after..], &format!("round {round}"));
    }
}

#[test]
fn after_a_seek_the_clip_is_where_the_host_is() {
    let score = Score { bars: 2, ..Score::noise(48_000, 111.0, 7) };
    let (_instance, mut audio, song) = playing(&[score]);
    let mut dice = StdRng::seed_from_u64(7);
    let mut sizes = odd_sizes(8, 2048);
    for _ in 0..200 {
        // As far as ten hours.
        let magnitude = dice.random_range(8..31);
        let start = dice.random_range(0..1i64 << magnitude);
        let out = song.play(&mut audio, start, 4_000, &mut sizes);
        let after = fade(score.rate);
        assert_exact(&score, 0, start + after as i64, &out[after..], &format!("seek to {start}"));
        assert!(out.iter().flatten().all(|sample| sample.abs() <= 1.0), "a seek must not be louder than the clip");
    }
}

#[test]
fn a_loop_of_the_clip_s_length_has_no_seam() {
    let score = Score::noise(48_000, 120.0, 8);
    let clip = score.frames();
    for size in [64, 100, 512, 8192] {
        let (_instance, mut audio, song) = playing(&[score]);
        let song = Song { cycle: Some((0, 96_000)), ..song };
        for (frame, heard) in song.play_cycle(&mut audio, 0, 400_000, size) {
            assert_eq!(heard, clip[frame as usize], "blocks of {size}, frame {frame}");
        }
    }
}

#[test]
fn a_loop_within_the_clip_is_followed_even_within_a_block() {
    let score = Score::noise(48_000, 120.0, 9);
    let clip = score.frames();
    for (from, to) in [(24_000, 48_000), (100, 60_001), (12_345, 80_007)] {
        let (_instance, mut audio, song) = playing(&[score]);
        let song = Song { cycle: Some((from, to)), ..song };
        let out = song.play_cycle(&mut audio, from, 500_000, 480);
        let after = from + fade(score.rate) as i64;
        let settled = out.iter().filter(|(frame, _)| *frame >= after);
        let wrong = settled.filter(|(frame, heard)| *heard != clip[*frame as usize]).count();
        assert_eq!(wrong, 0, "loop {from}..{to}");
    }
}

#[test]
fn hosts_that_cut_their_blocks_at_the_loop_s_end_get_the_same() {
    let score = Score::noise(48_000, 120.0, 10);
    let (_instance, mut audio, song) = playing(&[score]);
    let song = Song { cycle: Some((0, 96_000)), ..song };
    for round in 0..4 {
        let out = song.play(&mut audio, 0, 96_000, || 1000);
        assert_exact(&score, 0, 0, &out, &format!("round {round}"));
    }
}

#[test]
fn a_clip_begins_at_its_anchor_bar_in_any_meter() {
    for (meter, bar) in [((4, 4), 2), ((3, 4), 1), ((3, 4), 7), ((6, 8), 3), ((7, 8), 5), ((5, 4), 0)] {
        let score = Score { meter, bars: 2, ..Score::noise(44_100, 140.0, 11) };
        let mut project = project(&[score]);
        project.anchor_bar = bar;
        let mut instance = Instance::new();
        assert!(instance.load(&clap_state(project)));
        let mut audio = instance.start(score.rate, 512);
        let song = Song { meter: (meter.0 as u16, meter.1 as u16), ..Song::new(score.rate, score.bpm) };
        let anchor = song.bar(bar);
        let start = (anchor - 3_000).max(0);
        let out = song.play(&mut audio, start, 150_000, odd_sizes(12, 512));
        let from = (anchor - start) as usize;
        assert!(out[..from].iter().all(|heard| *heard == [0.0; 2]), "{meter:?}: nothing sounds before bar {bar}");
        assert_exact(&score, anchor, anchor, &out[from..], &format!("{meter:?} from bar {bar}"));
    }
}

#[test]
fn pre_roll_before_the_song_is_silent_and_the_clip_enters_on_its_first_frame() {
    let score = Score::noise(48_000, 120.0, 13);
    let (_instance, mut audio, song) = playing(&[score]);
    let out = song.play(&mut audio, -768, 100_000, || 500);
    assert!(out[..768].iter().all(|heard| *heard == [0.0; 2]));
    assert_exact(&score, 0, 0, &out[768..], "after pre-roll");
}

#[test]
fn a_quantised_beat_position_and_an_inexact_tempo_do_not_move_the_clip() {
    let score = Score { bars: 2, ..Score::noise(48_000, 95.0, 14) };
    let (_instance, mut audio, song) = playing(&[score]);
    let mut out = Vec::new();
    let mut frame = -768;
    while out.len() < 300_000 {
        let exact = song.at(frame);
        let beats = exact.beats.map(|beats| (beats * 1920.0).round() / 1920.0);
        let head = Head { beats, tempo: Some(95.000000056), ..exact };
        out.extend(audio.block(512, Some(&head), &[]));
        frame += 512;
    }
    assert_exact(&score, 0, 0, &out[768..], "as Ardour tells it");
}

#[test]
fn a_stopped_or_absent_transport_is_silence() {
    let score = Score::noise(48_000, 120.0, 15);
    let (_instance, mut audio, song) = playing(&[score]);
    assert!(is_silent(&audio.block(1000, None, &[])), "before the first transport");
    assert!(is_silent(&audio.block(1000, Some(&song.stopped(5_000)), &[])), "standing");
    let after = fade(score.rate);
    let stops: [fn(&Song) -> Option<Head>; 3] =
        [|song| Some(song.stopped(48_000)), |_| None, |song| Some(Head { frame: None, beats: None, ..song.at(0) })];
    for stop in stops {
        let out = song.play(&mut audio, 0, 48_000, || 480);
        assert_exact(&score, 0, after as i64, &out[after..], "rolling");
        let head = stop(&song);
        let tail = audio.block(after, head.as_ref(), &[]);
        assert!(tail.iter().flatten().all(|sample| sample.abs() <= 1.0));
        assert!(is_silent(&audio.block(1000, head.as_ref(), &[])), "{head:?}");
    }
}

#[test]
fn strange_positions_are_survived() {
    let score = Score::noise(48_000, 120.0, 16);
    let (_instance, mut audio, song) = playing(&[score]);
    let normal = song.at(0);
    let heads = [
        Head { tempo: Some(f64::NAN), ..normal },
        Head { tempo: Some(0.0), ..normal },
        Head { tempo: Some(-120.0), ..normal },
        Head { tempo: Some(f64::INFINITY), ..normal },
        Head { tempo: Some(1e-300), ..normal },
        Head { tempo: Some(1e12), ..normal },
        Head { tempo: None, ..normal },
        Head { meter: Some((0, 0)), ..normal },
        Head { meter: Some((65_535, 65_535)), ..normal },
        Head { meter: None, ..normal },
        Head { beats: Some(f64::NAN), ..normal },
        Head { beats: Some(-1e9), ..normal },
        Head { frame: Some(i64::from(i32::MAX) * 3), ..normal },
        Head { frame: Some(-i64::from(i32::MAX) * 3), ..normal },
        Head { frame: None, ..normal },
        Head { beats: None, ..normal },
        Head { cycle: Some([(10.0, 5.0), (1.0, 0.5)]), ..normal },
        Head { cycle: Some([(f64::NAN, f64::NAN); 2]), ..normal },
    ];
    for head in heads {
        for _ in 0..20 {
            let out = audio.block(333, Some(&head), &[]);
            // Stretched noise has higher peaks than noise.
            assert!(out.iter().flatten().all(|sample| sample.abs() <= 4.0), "{head:?}");
        }
    }
    let out = song.play(&mut audio, 0, 96_000, || 512);
    let after = fade(score.rate);
    assert_exact(&score, 0, after as i64, &out[after..], "afterwards");
}

pub fn is_silent(out: &[[f32; 2]]) -> bool {
    out.iter().all(|heard| *heard == [0.0; 2])
}
