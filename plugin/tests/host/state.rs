//! What a host saves and opens.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::fixture::{Score, clap_state, project, read_with_notices, state, with_length};
use crate::instance::Instance;
use crate::playback::{assert_exact, is_silent};
use crate::transport::Song;

/// One quarter note: half a second.
const SCORE: fn(u64) -> Score = |seed| Score { meter: (1, 4), ..Score::noise(48_000, 120.0, seed) };

#[track_caller]
fn assert_plays(instance: &mut Instance, seed: u64, about: &str) {
    let mut audio = instance.start(48_000, 512);
    let out = Song::new(48_000, 120.0).play(&mut audio, 0, 10_000, || 512);
    assert_exact(&SCORE(seed), 0, 0, &out, about);
    instance.stop(audio);
}

#[test]
fn sound_comes_back_from_the_state_sample_for_sample_at_every_rate() {
    for (seed, rate) in [8_000, 11_025, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000].into_iter().enumerate() {
        let score = Score::noise(rate, 120.0, 60 + seed as u64);
        let (project, notices) = read_with_notices(&clap_state(project(&[score])));
        let take = project.takes[0].as_ref().expect("the take comes back");
        assert_eq!(notices, [], "{rate} Hz");
        assert!(*take.sound.frames == *score.frames(), "{rate} Hz: {} frames came back", take.sound.frames.len());
        assert_eq!((take.sound.rate, take.sound.bpm), (rate, 120.0));
    }
}

#[test]
fn a_hundred_round_trips_change_nothing() {
    let mut instance = Instance::new();
    assert!(instance.load(&clap_state(project(&[SCORE(30), SCORE(31)]))));
    let first = instance.save();
    let mut state = first.clone();
    for trip in 0..100 {
        let mut next = Instance::new();
        assert!(next.load(&state));
        state = next.save();
        assert!(state == first, "trip {trip} changed the state");
        instance = next;
    }
    assert_plays(&mut instance, 30, "after a hundred trips");
}

#[test]
fn a_state_that_is_loaded_while_audio_runs_is_heard() {
    let mut instance = Instance::new();
    let mut audio = instance.start(48_000, 512);
    let song = Song::new(48_000, 120.0);
    assert!(is_silent(&song.play(&mut audio, 0, 4_800, || 480)));
    for seed in [32, 33, 34] {
        assert!(instance.load(&clap_state(project(&[SCORE(seed)]))));
        let out = song.play(&mut audio, 4_800, 40_000, || 480);
        let after = 4_800;
        assert_exact(&SCORE(seed), 0, 4_800 + after as i64, &out[after..], &format!("state {seed}"));
    }
    assert!(instance.load(&clap_state(project(&[]))));
    let out = song.play(&mut audio, 44_800, 9_600, || 480);
    assert!(is_silent(&out[4_800..]), "an empty project takes the clips away");
    instance.stop(audio);
}

#[test]
fn what_is_no_state_is_refused_and_changes_nothing() {
    let mut dice = StdRng::seed_from_u64(35);
    let mut instance = Instance::new();
    assert!(instance.load(&clap_state(project(&[SCORE(36)]))));
    let before = instance.save();
    for length in [0, 1, 7, 8, 9, 100, 5_000] {
        let noise: Vec<u8> = (0..length).map(|_| dice.random()).collect();
        assert!(!instance.load(&noise), "{length} random bytes are no state");
        assert!(!instance.load(&with_length(&noise)), "{length} random bytes are no JSON");
    }
    for length in [u64::MAX, 1 << 40, (1 << 28) + 1] {
        assert!(!instance.load(&length.to_le_bytes()), "a length of {length}");
    }
    for json in ["null", "[]", "{}", "\"\"", "3", "{\"version\":\"1\"}"] {
        assert!(!instance.load(&with_length(json.as_bytes())), "{json}");
    }
    assert!(instance.save() == before);
    assert_plays(&mut instance, 36, "after garbage");
}

#[test]
fn cut_and_damaged_states_are_survived() {
    let whole = clap_state(project(&[SCORE(37), SCORE(38)]));
    let mut dice = StdRng::seed_from_u64(39);
    for _ in 0..40 {
        let mut instance = Instance::new();
        instance.load(&whole[..dice.random_range(0..whole.len())]);
        let mut damaged = whole.clone();
        for _ in 0..dice.random_range(1..20) {
            let at = dice.random_range(8..damaged.len());
            damaged[at] = dice.random_range(b' '..=b'~');
        }
        instance.load(&damaged);
        instance.save();
        let mut audio = instance.start(48_000, 512);
        let out = Song::new(48_000, 120.0).play(&mut audio, 0, 2_000, || 512);
        assert!(out.iter().flatten().all(|sample| sample.abs() <= 1.0));
        instance.stop(audio);
        assert!(instance.load(&whole));
        assert_plays(&mut instance, 37, "the whole state after a damaged one");
    }
}

/// The state with another text in the project's place.
fn with_project(text: &str) -> Vec<u8> {
    let mut state = state(project(&[]));
    let field = state.fields.get_mut("project").expect("the project is a field of the state");
    *field = serde_json::to_string(text).unwrap();
    with_length(&serde_json::to_vec(&state).unwrap())
}

fn project_text(saved: &[u8]) -> String {
    let state: serde_json::Value = serde_json::from_slice(&saved[8..]).unwrap();
    serde_json::from_str(state["fields"]["project"].as_str().unwrap()).unwrap()
}

#[test]
fn a_project_of_a_newer_version_or_a_broken_one_is_kept_as_it_is() {
    let texts =
        ["9:{\"takes\":\"told otherwise\"}", "1:{\"takes\":", "nonsense", "1:[1,2,3]", "99999999999999999999:x"];
    for text in texts {
        let mut instance = Instance::new();
        assert!(instance.load(&with_project(text)), "{text}: the parameters are good");
        assert_eq!(project_text(&instance.save()), text, "saving must not lose what could not be read");
        let mut audio = instance.start(48_000, 512);
        assert!(is_silent(&Song::new(48_000, 120.0).play(&mut audio, 0, 5_000, || 512)));
        instance.stop(audio);
        assert!(instance.load(&clap_state(project(&[SCORE(40)]))));
        assert_plays(&mut instance, 40, "a good state after it");
    }
}

#[test]
fn parameters_from_elsewhere_are_ignored_and_missing_ones_keep_their_values() {
    let mut state = serde_json::to_value(state(project(&[SCORE(41)]))).unwrap();
    state["params"] = serde_json::json!({
        "gain": {"f32": 1.0}, "no such": {"f32": 3.0}, "take": {"f32": 2.0}, "steps": {"i32": 100_000},
    });
    state["later"] = serde_json::json!({"added": true});
    let mut instance = Instance::new();
    assert!(instance.load(&with_length(&serde_json::to_vec(&state).unwrap())));
    assert_eq!(instance.param_value("take"), 0.0);
    assert_eq!(instance.param_value("steps"), 96.0, "a value beyond the range is brought into it");
    assert_plays(&mut instance, 41, "with odd parameters");
}

#[test]
fn a_state_made_at_another_rate_sounds_in_time_and_comes_back_unharmed() {
    let score = SCORE(42);
    let mut instance = Instance::new();
    assert!(instance.load(&clap_state(project(&[score]))));
    let mut audio = instance.start(44_100, 512);
    let song = Song::new(44_100, 120.0);
    let out = song.play(&mut audio, 0, 88_200, || 512);
    let energy: f32 = out.iter().flatten().map(|sample| sample * sample).sum::<f32>() / out.len() as f32;
    assert!(energy > 0.05, "the clip is heard at the host's rate");
    instance.stop(audio);
}
