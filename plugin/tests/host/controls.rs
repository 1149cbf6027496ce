//! Parameters, as a host automates them.

use crate::fixture::{Score, project};
use crate::instance::{Audio, Change, Instance, param};
use crate::playback::{FADE_SECONDS, assert_exact, is_silent, playing};
use crate::transport::Song;

const BLOCK: usize = 480;

/// Rolls on from `start`, with `change` said at the start of the first block.
fn roll(audio: &mut Audio, song: &Song, start: i64, frames: usize, change: (&str, f64)) -> Vec<[f32; 2]> {
    let change = (0, Change::Param(param(change.0), change.1));
    let mut out = audio.block(BLOCK, Some(&song.at(start)), &[change]);
    out.extend(song.play(audio, start + BLOCK as i64, frames - BLOCK, || BLOCK));
    out
}

/// Frames after which nothing is left of a fade or of a smoothed parameter.
fn settled(song: &Song) -> usize {
    ((FADE_SECONDS.max(0.03)) * f64::from(song.rate)) as usize
}

#[test]
fn parameter_ids_are_those_of_every_saved_project() {
    let mut ids = Instance::new().param_list();
    ids.sort_by(|a, b| a.1.cmp(&b.1));
    let expected = [
        ("changes", "Changes"),
        ("by_note", "Cues by note"),
        ("gain", "Gain"),
        ("generate", "Generate"),
        ("guidance", "Guidance"),
        ("influence", "Influence"),
        ("loop", "Loop"),
        ("mute", "Mute"),
        ("steps", "Steps"),
        ("board", "Storyboard"),
        ("take", "Take"),
    ];
    assert_eq!(ids, expected.map(|(id, name)| (param(id).get(), name.to_string())));
}

#[test]
fn automation_of_the_take_moves_between_slots_in_place() {
    let scores = [20, 21, 22].map(|seed| Score::noise(48_000, 120.0, seed));
    let (mut instance, mut audio, song) = playing(&scores);
    let mut start = 0;
    for (text, score) in [(c"1", 0), (c"3", 2), (c"2", 1), (c"1", 0), (c"2", 1)] {
        let value = instance.value("take", text);
        let out = roll(&mut audio, &song, start, 20_160, ("take", value));
        let after = settled(&song);
        assert_exact(&scores[score], 0, start + after as i64, &out[after..], &format!("take {text:?}"));
        assert!(out.iter().flatten().all(|sample| sample.abs() <= 1.0), "a change of takes adds nothing");
        start += out.len() as i64;
    }
    let value = instance.value("take", c"9");
    let out = roll(&mut audio, &song, start, 20_160, ("take", value));
    assert!(is_silent(&out[settled(&song)..]), "an empty slot");
}

#[test]
fn gain_is_exact_when_it_rests_and_goes_there_in_a_line() {
    let score = Score::noise(48_000, 120.0, 23);
    let (mut instance, mut audio, song) = playing(&[score]);
    let clip = score.frames();
    song.play(&mut audio, 0, 9_600, || BLOCK);
    let mut start = 9_600;
    for (text, db) in [(c"-6", -6.0f32), (c"6", 6.0), (c"-60", -60.0)] {
        let value = instance.value("gain", text);
        let gain = 10f32.powf(db / 20.0);
        let out = roll(&mut audio, &song, start, 9_600, ("gain", value));
        for (heard, frame) in out.iter().zip(start as usize..).skip(settled(&song)) {
            for (heard, plain) in heard.iter().zip(clip[frame]) {
                assert!((heard - plain * gain).abs() <= 2e-4 * gain, "{db} dB, frame {frame}: {heard} of {plain}");
            }
        }
        start += out.len() as i64;
    }
    let unity = instance.value("gain", c"0");
    let out = roll(&mut audio, &song, start, 9_600, ("gain", unity));
    let slope = out.iter().zip(start as usize..).map(|(heard, frame)| heard[0] / clip[frame][0]);
    let slope: Vec<f32> = slope.take(settled(&song)).collect();
    let steps = slope.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steps < 0.01, "the gain jumps by {steps}");
}

#[test]
fn mute_silences_and_lets_go_where_the_host_is() {
    let score = Score::noise(48_000, 120.0, 24);
    let (_instance, mut audio, song) = playing(&[score]);
    song.play(&mut audio, 0, 9_600, || BLOCK);
    let muted = roll(&mut audio, &song, 9_600, 9_600, ("mute", 1.0));
    assert!(is_silent(&muted[settled(&song)..]));
    let back = roll(&mut audio, &song, 19_200, 96_000, ("mute", 0.0));
    let after = settled(&song);
    assert_exact(&score, 0, 19_200 + after as i64, &back[after..], "after mute");
}

#[test]
fn without_loop_the_clip_sounds_once() {
    let score = Score::noise(48_000, 120.0, 25);
    let (_instance, mut audio, song) = playing(&[score]);
    let out = roll(&mut audio, &song, 0, 300_000, ("loop", 0.0));
    // Its last frame leads into its first; alone, it falls silent by a fade.
    assert_exact(&score, 0, 0, &out[..96_000 - settled(&song)], "the only round");
    assert!(is_silent(&out[96_000..]), "after it");
    let again = roll(&mut audio, &song, 300_000, 96_000, ("loop", 1.0));
    let after = settled(&song);
    assert_exact(&score, 0, 300_000 + after as i64, &again[after..], "looped again");
}

#[test]
fn the_state_s_parameters_hold_from_the_first_frame() {
    let score = Score::noise(48_000, 120.0, 26);
    let mut state = crate::fixture::state(project(&[score, Score::noise(48_000, 120.0, 27)]));
    let json = serde_json::json!({"take": {"i32": 2}});
    state.params = serde_json::from_value(json).unwrap();
    let mut instance = Instance::new();
    assert!(instance.load(&crate::fixture::with_length(&serde_json::to_vec(&state).unwrap())));
    let mut audio = instance.start(48_000, 512);
    let out = Song::new(48_000, 120.0).play(&mut audio, 0, 50_000, || 512);
    assert_exact(&Score::noise(48_000, 120.0, 27), 0, 0, &out, "take 2");
}
