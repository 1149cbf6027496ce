use super::*;
use melfusion::audio::loudness;
use melfusion::error::Error;
use melfusion::storyboard::{self, Bed, Gaps, mix};
use std::f64::consts::FRAC_PI_2;

/// Five milliseconds.
const CLICKLESS: usize = 40;

fn bed(board: &Board) -> Bed {
    let bed = mix(board, |cue, bpm| Ok(Some(clip(board, cue, bpm)))).unwrap();
    assert_eq!(bed.gain_db, 0.0);
    bed
}

fn left(board: &Board) -> Vec<f32> {
    bed(board).audio.channels()[0].to_vec()
}

/// The clip's frame, from its beginning or, where negative, from its end.
fn sample(board: &Board, cue: usize, frame: i64) -> f32 {
    let clip = clip(board, cue, board.tempo.at(board.cues[cue].start_bar));
    clip.channels()[0][frame.rem_euclid(clip.frames() as i64) as usize]
}

/// `going` and `coming` at frame `i` of a fade.
fn faded(going: f32, coming: f32, i: usize, fade: usize) -> f32 {
    let angle = (i as f64 + 0.5) / fade as f64 * FRAC_PI_2;
    going * angle.cos() as f32 + coming * angle.sin() as f32
}

#[track_caller]
fn assert_close(found: f32, expected: f32) {
    // Half a step of 24 bits, and what the sum is rounded to.
    assert!((found - expected).abs() <= 1.0 / 8_388_608.0, "{found} is not {expected}");
}

#[test]
fn a_bed_is_as_long_as_its_bars_to_the_frame_whatever_the_transitions() {
    for transition in [Transition::Cut, Transition::Crossfade { bars: 1 }, Transition::Morph { bars: 1 }] {
        for bpm in [20.0, 61.7, 95.000000056, 187.3, 299.9] {
            for rate in [8_000, 11_025, 44_100] {
                let mut fields = fields(cues(&[3, 1, 2, 5], transition));
                (fields.tempo, fields.sample_rate) = (TempoMap::constant(bpm).unwrap(), rate);
                fields.meter = "7/8".parse().unwrap();
                let exact = 11.0 * 3.5 * 60.0 / bpm * f64::from(rate);
                let board = Board::new(fields).unwrap();
                assert_eq!(board.frames(), exact.round() as usize);
                assert_eq!(bed(&board).audio.frames(), board.frames());
            }
        }
    }
}

#[test]
fn five_hundred_cues_do_not_drift() {
    let board = board(cues(&[2; 500], Transition::Crossfade { bars: 1 }));
    let left = left(&board);
    for cue in 0..500 {
        let exact = cue as f64 * 8.0 * 60.0 / 187.3 * f64::from(RATE);
        let frame = board.frame(board.cues[cue].start_bar);
        assert_eq!(frame, exact.round() as usize);
        // Its very first frame is heard there, alone.
        assert_eq!(left[frame], sample(&board, cue, 0));
    }
}

#[test]
fn a_bed_of_one_cue_is_its_clip() {
    let board = board(cues(&[3], Transition::Cut));
    assert_eq!(bed(&board).audio, clip(&board, 0, 187.3));
}

#[test]
fn a_cut_is_on_the_bar_line_and_fades_only_milliseconds_before() {
    let board = board(cues(&[2, 1], Transition::Cut));
    let (left, line) = (left(&board), board.frame(3));
    for (i, found) in left[..line - CLICKLESS].iter().enumerate() {
        assert_eq!(*found, sample(&board, 0, i as i64));
    }
    for i in 0..CLICKLESS {
        let frame = line - CLICKLESS + i;
        let coming = sample(&board, 1, i as i64 - CLICKLESS as i64);
        assert_close(left[frame], faded(sample(&board, 0, frame as i64), coming, i, CLICKLESS));
    }
    for i in 0..left.len() - line - CLICKLESS {
        assert_eq!(left[line + i], sample(&board, 1, i as i64));
    }
    assert!(left.last().unwrap().abs() < 0.03 * sample(&board, 1, -1), "the end is faded out");
}

#[test]
fn a_crossfade_leads_the_next_cue_in_with_its_own_last_bars_at_equal_power() {
    let board = board(cues(&[3, 2, 1], Transition::Crossfade { bars: 1 }));
    let left = left(&board);
    for (cue, begin, line) in [(1, board.frame(3), board.frame(4)), (2, board.frame(5), board.frame(6))] {
        let start = board.frame(board.cues[cue - 1].start_bar);
        for (i, found) in left[begin..line].iter().enumerate() {
            let going = sample(&board, cue - 1, (begin + i - start) as i64);
            let coming = sample(&board, cue, (begin + i) as i64 - line as i64);
            assert_close(*found, faded(going, coming, i, line - begin));
        }
        assert_eq!(left[line], sample(&board, cue, 0));
        assert_eq!(left[begin - 1], sample(&board, cue - 1, (begin - 1 - start) as i64));
    }
}

#[test]
fn a_fade_longer_than_its_clip_goes_around_the_loop() {
    let board = board(cues(&[4, 1], Transition::Crossfade { bars: 3 }));
    let (left, begin, line) = (left(&board), board.frame(2), board.frame(5));
    for frame in [begin, begin + 1, (begin + line) / 2, line - 1] {
        let coming = sample(&board, 1, frame as i64 - line as i64);
        assert_close(left[frame], faded(sample(&board, 0, frame as i64), coming, frame - begin, line - begin));
    }
}

#[test]
fn a_gap_is_silent_and_both_its_sides_are_faded() {
    let mut fields = fields(cues(&[1, 2, 1], Transition::Cut));
    fields.cues.remove(1);
    fields.gaps = Gaps::Silence;
    let board = Board::new(fields).unwrap();
    let (left, from, to) = (left(&board), board.frame(2), board.frame(4));
    assert!(left[from..to - CLICKLESS].iter().all(|sample| *sample == 0.0));
    for i in 0..CLICKLESS {
        let going = sample(&board, 0, (from - CLICKLESS + i) as i64);
        assert_close(left[from - CLICKLESS + i], faded(going, 0.0, i, CLICKLESS));
        let coming = sample(&board, 1, i as i64 - CLICKLESS as i64);
        assert_close(left[to - CLICKLESS + i], faded(0.0, coming, i, CLICKLESS));
    }
    assert_eq!(left[to], sample(&board, 1, 0));
}

#[test]
fn a_cue_without_a_clip_is_silence_that_the_others_fade_to() {
    let board = board(cues(&[1, 1, 1], Transition::Cut));
    let bed = mix(&board, |cue, bpm| Ok((cue != 1).then(|| clip(&board, cue, bpm)))).unwrap();
    let left = bed.audio.channels()[0];
    let [second, third] = [2, 3].map(|bar| board.frame(bar));
    assert!(left[second..third - CLICKLESS].iter().all(|sample| *sample == 0.0));
    assert_eq!((left[0], left[third]), (sample(&board, 0, 0), sample(&board, 2, 0)));
    assert!(left[second - 1].abs() < 0.03 * sample(&board, 0, -1));
}

#[test]
fn a_tempo_change_inside_a_cue_goes_on_at_the_same_bar_of_the_other_decoding() {
    let tempo = tempi(&[(1, 187.3), (3, 143.7), (5, 91.1)]);
    let board = Board::new(BoardFields { tempo, ..fields(cues(&[3, 4], Transition::Crossfade { bars: 2 })) }).unwrap();
    assert_eq!((board.tempi(0), board.tempi(1)), (vec![187.3, 143.7], vec![143.7, 187.3, 91.1]));
    let left = left(&board);
    let at = |cue, bpm, bars: f64| {
        let clip = clip(&board, cue, bpm);
        clip.channels()[0][(bars * 4.0 * 60.0 / bpm * f64::from(RATE)).round() as usize % clip.frames()]
    };
    // Bar 5 is the second bar of the second cue, now at another tempo.
    assert_eq!(left[board.frame(4)], at(1, 143.7, 0.0));
    assert_eq!(left[board.frame(5)], at(1, 91.1, 1.0));
    // It was led in by its third bar at the tempo of bar 2, whose last frame is followed by the fourth bar's first.
    let (begin, middle, line) = (board.frame(2), board.frame(3), board.frame(4));
    let clip_at = |bpm| clip(&board, 1, bpm);
    let end_of_third_bar = (3.0 * 4.0 * 60.0 / 187.3 * f64::from(RATE)).round() as usize;
    let coming = clip_at(187.3).channels()[0][end_of_third_bar - (middle - begin)];
    assert_close(left[begin], faded(at(0, 187.3, 1.0), coming, 0, line - begin));
    assert_close(left[middle], faded(at(0, 143.7, 2.0), at(1, 143.7, 3.0), middle - begin, line - begin));
}

#[test]
fn a_clip_of_another_length_is_repeated_or_cut_off() {
    let board = board(cues(&[2, 1], Transition::Cut));
    let clips = [vec![0.25; 100], (0..50_000).map(|i| i as f32 / 8_388_608.0).collect()];
    let bed = mix(&board, |cue, _| Ok(Some(Audio::mono(clips[cue].clone(), RATE)))).unwrap();
    let (left, line) = (bed.audio.channels()[0], board.frame(3));
    assert!(left[..line - CLICKLESS].iter().all(|sample| *sample == 0.25));
    assert_eq!(left[line..][..9], clips[1][..9]);
}

#[test]
fn peaks_above_the_ceiling_are_brought_below_by_one_gain() {
    let board = board(cues(&[1, 1], Transition::Crossfade { bars: 1 }));
    let loud: Vec<f32> = (0..10_249).map(|i| 0.85 * (i as f32 * 0.3).sin()).collect();
    let bed = mix(&board, |_, _| Ok(Some(Audio::mono(loud.clone(), RATE)))).unwrap();
    // Two like waves on top of each other: three decibels.
    assert!((-3.0..-1.0).contains(&bed.gain_db), "{}", bed.gain_db);
    let peak = loudness::measure(&bed.audio).true_peak_dbtp;
    assert!((-1.05..=-0.99).contains(&peak), "{peak}");
}

#[test]
fn a_bed_is_on_the_grid_of_24_bits_and_so_are_its_clips() {
    let board = board(cues(&[2, 2], Transition::Crossfade { bars: 1 }));
    let odd = |cue: usize| (0..20_000).map(|i| 0.1 + (i * (cue + 1)) as f32 * 1e-6 + 1e-9).collect::<Vec<f32>>();
    let rounded = |x: f32| ((f64::from(x) * 8_388_608.0).round() / 8_388_608.0) as f32;
    let fine = mix(&board, |cue, _| Ok(Some(Audio::mono(odd(cue), RATE)))).unwrap();
    let coarse = mix(&board, |cue, _| Ok(Some(Audio::mono(odd(cue).into_iter().map(rounded).collect(), RATE))));
    assert_eq!(fine, coarse.unwrap());
    assert!(fine.audio.channels()[0].iter().all(|sample| *sample == rounded(*sample)));
}

#[test]
fn a_clip_of_another_rate_is_refused() {
    let board = board(cues(&[1, 1], Transition::Cut));
    for wrong in [Audio::mono(vec![0.1; 99], RATE + 1), Audio::mono(vec![], RATE)] {
        let error = mix(&board, |cue, bpm| Ok(Some(if cue == 1 { wrong.clone() } else { clip(&board, cue, bpm) })));
        let error = error.unwrap_err();
        assert!(matches!(&error, Error::Board { what: "clip", .. }) && error.to_string().contains("cue 2"), "{error}");
    }
}

#[test]
fn faded_items_on_tracks_are_the_bed() {
    let tempo = tempi(&[(1, 187.3), (4, 143.7)]);
    let transitions = [Transition::Cut, Transition::Crossfade { bars: 1 }, Transition::Morph { bars: 2 }];
    for (transition, tails) in transitions.into_iter().flat_map(|transition| [(transition, false), (transition, true)])
    {
        let mut fields = BoardFields { tempo: tempo.clone(), tails, ..fields(cues(&[2, 3, 2, 1, 2], transition)) };
        if let Transition::Morph { .. } = transition {
            fields.cues.pop();
            fields.cues.pop();
        }
        // A gap that is faded into and out of.
        fields.cues.remove(2);
        fields.gaps = Gaps::Silence;
        let board = Board::new(fields).unwrap();
        let clips = |cue, bpm| Ok(Some(clip(&board, cue, bpm)));
        // The first cue has nothing that rings on.
        let rings = |cue, bpm| Ok(Some(clip(&board, cue + 1, bpm)).filter(|_| cue != 0));
        let bed = storyboard::mix_ringing(&board, clips, rings).unwrap().audio;
        let is_dry = bed == self::bed(&board).audio;
        assert!(if tails { !is_dry || transition != Transition::Cut } else { is_dry }, "{transition}, tails {tails}");
        let mut sum = vec![0f64; bed.frames()];
        for item in storyboard::items(&board) {
            let stem = storyboard::stem(&board, item.cue, clips, rings).unwrap();
            assert_eq!(stem.frames(), item.frames);
            let rise = |i: usize, length: usize| ((i as f64 + 0.5) / length as f64 * FRAC_PI_2).sin();
            for (i, sample) in stem.channels()[0].iter().enumerate() {
                let left = item.frames - 1 - i;
                let fade_in = if i < item.fade_in { rise(i, item.fade_in) } else { 1.0 };
                let fade_out = if left < item.fade_out { rise(left, item.fade_out) } else { 1.0 };
                sum[item.start + i] += f64::from(*sample) * fade_in * fade_out;
            }
        }
        let apart = sum.iter().zip(bed.channels()[0]).map(|(sum, bed)| (sum - f64::from(*bed)).abs());
        let apart = apart.fold(0.0, f64::max);
        assert!(apart < 3.0 / 8_388_608.0, "{transition}, tails {tails}: {apart:e}");
    }
}
