//! Composing around notes that are there, and what leaves as parts and MIDI, on the bundle that ships.
#![cfg(feature = "embed-mini")]

use std::sync::LazyLock;

use crate::laws::generate;
use candle_core::Device;
use melfusion::clip::Timing;
use melfusion::error::Error;
use melfusion::request::{Keep, Request, RequestFields};
use melfusion::{Bundle, Clip, Engine};
use score::{Note, Part, Score};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(&Bundle::mini().unwrap(), Device::Cpu).unwrap());

/// What most laws are tried on; made once.
static CLIP: LazyLock<Clip> = LazyLock::new(|| generate(&ENGINE, fields()));

fn fields() -> RequestFields {
    RequestFields {
        prompt: "heroic brass with loud drums and a deep bass".into(),
        bpm: 120.0,
        seed: 5,
        steps: 6,
        sample_rate: 16_000,
        ..Default::default()
    }
}

fn score() -> &'static Score {
    CLIP.score.as_ref().unwrap()
}

fn keep(parts: &[Part], redo: Option<&str>) -> Option<Keep> {
    let redo = redo.map(|bars| bars.parse().unwrap());
    Some(Keep { score: score().clone(), parts: parts.to_vec(), redo, vary: None })
}

/// A take with another seed.
fn renewed(fields: RequestFields) -> Score {
    generate(&ENGINE, RequestFields { seed: fields.seed + 1, ..fields }).score.unwrap()
}

fn notes(score: &Score, is: impl Fn(&Note) -> bool) -> Vec<Note> {
    score.notes.iter().copied().filter(is).collect()
}

#[test]
fn kept_parts_are_the_same_note_for_note_and_the_others_are_new() {
    let kept = [Part::Bass, Part::Drums];
    let other = renewed(RequestFields { keep: keep(&kept, None), ..fields() });
    let is_kept = |note: &Note| kept.contains(&note.part);
    assert!(!notes(score(), is_kept).is_empty());
    assert_eq!(notes(&other, is_kept), notes(score(), is_kept));
    assert_ne!(notes(&other, |note| !is_kept(note)), notes(score(), |note| !is_kept(note)));
    for part in kept {
        assert_eq!(other.player(part), score().player(part));
    }
}

#[test]
fn bars_are_composed_anew_between_those_that_stay() {
    let bar = score().ticks() / score().bars;
    let other = renewed(RequestFields { keep: keep(&[Part::Drums], Some("3")), ..fields() });
    let is_kept = |note: &Note| note.part == Part::Drums || note.start / bar != 2;
    assert_eq!(notes(&other, is_kept), notes(score(), is_kept));
    assert_ne!(notes(&other, |note| !is_kept(note)), notes(score(), |note| !is_kept(note)));
    for player in &other.players {
        assert_eq!(other.player(player.part), score().player(player.part), "who plays goes on playing");
    }
}

#[test]
fn ten_renewals_lose_nothing_of_what_is_kept() {
    let mut last = score().clone();
    for seed in 0..10 {
        let keep = Keep { score: last, parts: vec![Part::Drums], redo: Some("2-4".parse().unwrap()), vary: None };
        last = generate(&ENGINE, RequestFields { keep: Some(keep), seed, steps: 2, ..fields() }).score.unwrap();
    }
    let bar = score().ticks() / score().bars;
    let is_kept = |note: &Note| note.part == Part::Drums || note.start < bar;
    assert_eq!(notes(&last, is_kept), notes(score(), is_kept));
}

#[test]
fn kept_notes_move_with_the_key_and_not_with_the_tempo() {
    let key = Some("D".parse().unwrap());
    let parts = [Part::Bass, Part::Drums];
    let other = renewed(RequestFields { keep: keep(&parts, None), key, bpm: 90.0, ..fields() });
    // Both are at home without a key of their own: D major, or B minor, is two semitones above.
    let moved = score().transposed(2);
    for part in parts {
        let of = |score: &Score| notes(score, |note| note.part == part);
        assert_eq!(of(&other), of(&moved), "{part}");
    }
    assert_eq!(other.bpm, 90.0);
}

#[test]
fn what_cannot_be_kept_is_refused_in_words() {
    let refused = |fields: RequestFields| match Request::new(fields) {
        Err(Error::Request { what: "keep", problem }) => problem,
        other => panic!("{other:?}"),
    };
    assert!(
        refused(RequestFields { keep: keep(&[Part::Bass], None), bars: 8, ..fields() }).contains("ask for as many")
    );
    assert!(refused(RequestFields { keep: keep(&[], None), ..fields() }).contains("name parts"));
    assert!(refused(RequestFields { keep: keep(&[], Some("5")), ..fields() }).contains("bar 5"));
    assert!(refused(RequestFields { keep: keep(&Part::ALL, None), ..fields() }).contains("nobody plays"));
    for bars in ["0", "4-3", "a", "1-", ""] {
        assert!(bars.parse::<melfusion::request::Bars>().is_err(), "{bars}");
    }
}

#[test]
fn only_the_parts_that_are_asked_for_play() {
    for parts in [vec![Part::Lead], vec![Part::Bass, Part::Drums], vec![Part::Pad, Part::Counter, Part::Mallets]] {
        let score = generate(&ENGINE, RequestFields { parts: parts.clone(), ..fields() }).score.unwrap();
        let playing: Vec<Part> = score.players.iter().map(|player| player.part).collect();
        assert_eq!(playing, parts);
    }
}

#[test]
fn stems_add_up_to_the_mix_before_its_bus() {
    let stems = ENGINE.stems(&CLIP).unwrap();
    assert_eq!(stems.iter().map(|stem| stem.part).collect::<Vec<_>>(), parts_of(score()));
    let bank = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini/instruments.sf3");
    let ensemble = instruments::Ensemble::from(instruments::Bank::open(bank.as_ref()).unwrap());
    let rendering = instruments::Rendering { rate: 16_000, seed: CLIP.recipe.seed, ..Default::default() };
    let sum = instruments::render(score(), &ensemble, &rendering).unwrap().sum(&instruments::Faders::default());
    let added = |side: usize| -> Vec<f32> {
        (0..CLIP.audio.frames()).map(|i| stems.iter().map(|stem| stem.audio.channels()[side][i]).sum()).collect()
    };
    for (side, mix) in [sum.left, sum.right].into_iter().enumerate() {
        let stems = added(side);
        let gain = stems.iter().zip(&mix).map(|(a, b)| a * b).sum::<f32>() / mix.iter().map(|x| x * x).sum::<f32>();
        let worst = stems.iter().zip(&mix).map(|(a, b)| (a - gain * b).abs()).fold(0.0, f32::max);
        assert!(gain > 0.0 && worst < 1e-4, "{worst}");
    }
}

fn parts_of(score: &Score) -> Vec<Part> {
    score.players.iter().map(|player| player.part).collect()
}

#[test]
fn notes_leave_as_midi_as_they_are_written_or_as_they_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bed.mid");
    CLIP.write_midi(&path, Timing::Quantised).unwrap();
    let file = midi::File::parse(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((file.end, file.tempi[0].1), (score().ticks(), 120.0));
    assert_eq!(file.tracks.len(), score().players.len());
    let starts = |track: &midi::Track| track.notes.iter().map(|note| note.start).collect::<Vec<_>>();
    for (track, part) in file.tracks.iter().zip(parts_of(score())) {
        assert_eq!(starts(track), score().notes_of(part).map(|note| note.start).collect::<Vec<_>>());
    }
    CLIP.write_midi(&path, Timing::Performed).unwrap();
    let played = midi::File::parse(&std::fs::read(&path).unwrap()).unwrap();
    let apart = file.tracks.iter().zip(&played.tracks).flat_map(|(one, two)| starts(one).into_iter().zip(starts(two)));
    let apart: Vec<u32> = apart.map(|(one, two)| one.abs_diff(two)).collect();
    // Some 50 ms, in ticks at 120 bpm.
    assert!(apart.iter().any(|ticks| *ticks > 0) && apart.iter().all(|ticks| *ticks < 96), "{apart:?}");
}
