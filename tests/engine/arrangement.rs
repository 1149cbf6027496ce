//! What is asked of the notes themselves, on the bundle that ships.
#![cfg(feature = "embed-mini")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use candle_core::Device;
use melfusion::error::Error;
use melfusion::request::{Arrangement, Keep, Key, Request, RequestFields, Theme};
use melfusion::{Bundle, Engine};
use score::{Chart, ChordSymbol, Note, Part, Score, TICKS_PER_QUARTER};

use crate::laws::generate;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(&Bundle::mini().unwrap(), Device::Cpu).unwrap());

const PROMPT: &str = "heroic brass with loud drums and a deep bass";

fn fields(arrangement: Arrangement) -> RequestFields {
    RequestFields {
        prompt: PROMPT.into(),
        bpm: 120.0,
        seed: 5,
        steps: 8,
        sample_rate: 8_000,
        arrangement,
        ..Default::default()
    }
}

fn score(fields: RequestFields) -> Score {
    generate(&ENGINE, fields).score.unwrap()
}

fn bar(score: &Score) -> u32 {
    score.ticks() / score.bars
}

/// Metres, lengths and seeds that laws are tried on; of slow music a bar has twice as many columns.
fn shapes() -> Vec<RequestFields> {
    let shape = |seed, meter: &str, bars, bpm| RequestFields {
        seed,
        meter: meter.parse().unwrap(),
        bars,
        bpm,
        ..fields(Arrangement::default())
    };
    vec![shape(1, "4/4", 4, 120.0), shape(2, "3/4", 4, 96.0), shape(3, "6/8", 6, 100.0), shape(4, "4/4", 9, 60.0)]
}

fn chord_at(chart: &Chart, score: &Score, tick: u32) -> Option<ChordSymbol> {
    let laid = chart.laid(score.bars, score.meter).unwrap();
    laid.into_iter().find(|laid| laid.ticks.contains(&tick)).unwrap().chord
}

fn is_accompaniment(note: &Note) -> bool {
    !matches!(note.part, Part::Lead | Part::Counter | Part::Drums)
}

#[test]
fn the_accompaniment_plays_the_chords_and_the_bass_their_lowest_note() {
    for (shape, text) in shapes().into_iter().zip(["Am F C G/B", "Ebmaj7 Cm7", "F#m:3 D:3 E", "Dm Bb:2 N:2 A7"]) {
        let chart: Chart = text.parse().unwrap();
        let arrangement = Arrangement { chords: Some(chart.clone()), ..Default::default() };
        let score = score(RequestFields { arrangement, ..shape });
        assert_eq!(score.key, chart.key(), "{text}");
        let mut tried = 0;
        for note in score.notes.iter().filter(|note| is_accompaniment(note)) {
            for tick in [note.start, (note.start + note.length - 1) % score.ticks()] {
                let chord = chord_at(&chart, &score, tick).unwrap_or_else(|| panic!("{note:?} in a rest of {text}"));
                let is_bass = note.part == Part::Bass && note.pitch % 12 == chord.bass();
                assert!(chord.tones()[usize::from(note.pitch % 12)] || is_bass, "{text}: {note:?} in {chord}");
            }
            tried += 1;
        }
        let laid = chart.laid(score.bars, score.meter).unwrap();
        for laid in laid {
            for note in score.notes_of(Part::Bass).filter(|note| note.start == laid.ticks.start) {
                assert_eq!(Some(note.pitch % 12), laid.chord.as_ref().map(ChordSymbol::bass), "{text}");
            }
        }
        assert!(tried > 8, "{tried}");
    }
}

#[test]
fn melodies_meet_the_chords_on_the_beat_and_pass_through_the_scale() {
    let chart: Chart = "Em C G D".parse().unwrap();
    let arrangement = Arrangement { chords: Some(chart.clone()), ..Default::default() };
    let mut notes = 0;
    for seed in 0..3 {
        let fields = RequestFields { seed, parts: vec![Part::Lead, Part::Pad], ..fields(arrangement.clone()) };
        let score = score(fields);
        for note in score.notes_of(Part::Lead) {
            let tones = chord_at(&chart, &score, note.start).unwrap().tones();
            let is_tone = tones[usize::from(note.pitch % 12)];
            let on_beat = note.start.is_multiple_of(TICKS_PER_QUARTER);
            assert!(is_tone || (!on_beat && score.key.contains(note.pitch)), "{note:?}");
            notes += 1;
        }
    }
    assert!(notes > 10, "{notes}");
}

#[test]
fn a_locked_key_is_never_left() {
    for shape in shapes() {
        for key in ["D", "F# minor"] {
            let key: Key = key.parse().unwrap();
            let arrangement = Arrangement { key_lock: true, ..Default::default() };
            let score = score(RequestFields { arrangement, key: Some(key), steps: 4, ..shape.clone() });
            for note in score.notes.iter().filter(|note| !note.part.is_drums()) {
                assert!(key.contains(note.pitch), "{key}: {note:?}");
            }
        }
    }
}

#[test]
fn parts_begin_as_often_as_they_are_told_and_stay_in_their_range() {
    for shape in shapes() {
        for (lead, drums) in [(1.0, 2.0), (3.0, 5.5)] {
            let arrangement = Arrangement {
                density: BTreeMap::from([(Part::Lead, lead), (Part::Drums, drums)]),
                register: BTreeMap::from([
                    (Part::Lead, "C5-C6".parse().unwrap()),
                    (Part::Bass, "E2-E3".parse().unwrap()),
                ]),
                ..Default::default()
            };
            let score = score(RequestFields { arrangement, ..shape.clone() });
            for (part, density) in [(Part::Lead, lead), (Part::Drums, drums)] {
                let mut starts: Vec<u32> = score.notes_of(part).map(|note| note.start).collect();
                starts.dedup();
                assert_eq!(starts.len(), (density * f64::from(score.bars)).round() as usize, "{part}");
            }
            assert!(score.notes_of(Part::Lead).all(|note| (72..=84).contains(&note.pitch)));
            assert!(score.notes_of(Part::Bass).all(|note| (40..=52).contains(&note.pitch)));
        }
    }
}

#[test]
fn everybody_who_plays_has_an_accent_where_a_hit_is() {
    for shape in shapes() {
        let arrangement = Arrangement { hits: vec!["3.2.2".parse().unwrap()], ..Default::default() };
        let score = score(RequestFields { arrangement, ..shape });
        let at = "3.2.2".parse::<score::Position>().unwrap().ticks(score.bars, score.meter).unwrap();
        for player in &score.players {
            let struck: Vec<&Note> = score.notes_of(player.part).filter(|note| note.start == at).collect();
            assert!(!struck.is_empty(), "the {} rests", player.part);
            assert!(struck.iter().all(|note| note.velocity >= 110), "{struck:?}");
        }
    }
}

#[test]
fn an_ending_holds_the_tonic_and_nothing_goes_round() {
    for shape in shapes() {
        let arrangement = Arrangement { end: true, ..Default::default() };
        let key: Key = "D minor".parse().unwrap();
        let clip = generate(&ENGINE, RequestFields { arrangement, key: Some(key), ..shape });
        let score = clip.score.as_ref().unwrap();
        let last = score.ticks() - bar(score);
        assert!(score.ends);
        for note in &score.notes {
            assert!(note.start <= last && note.start + note.length <= score.ticks(), "{note:?}");
            if note.start == last && !note.part.is_drums() {
                assert!([2, 5, 9].contains(&(note.pitch % 12)), "{note:?}");
                assert!(note.part != Part::Bass || note.pitch % 12 == 2, "{note:?}");
            }
        }
        let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
        let [left, _] = clip.audio.channels();
        let (end, middle) = (&left[left.len() - left.len() / 200..], &left[left.len() / 3..left.len() / 2]);
        assert!(power(end) < power(middle) / 1000.0, "{} of {}", power(end), power(middle));
    }
}

#[test]
fn parts_enter_one_after_another_on_bar_lines() {
    for seed in 0..3 {
        let arrangement = Arrangement { build: true, ..Default::default() };
        let score = score(RequestFields { bars: 16, seed, ..fields(arrangement) });
        let section = 4 * bar(&score);
        let playing = |at: u32| -> Vec<Part> {
            let has = |part: &Part| score.notes_of(*part).any(|note| note.start / section == at);
            Part::ALL.into_iter().filter(has).collect()
        };
        let counts: Vec<usize> = (0..4).map(|at| playing(at).len()).collect();
        assert!(counts[0] < counts[2] && counts[3] < counts[2] && counts[0] > 0, "{counts:?}");
        // One may have nothing to play there by the model's own will.
        assert!(counts[2] + 1 >= score.players.len(), "{counts:?} of {}", score.players.len());
        let sounds_into = |note: &&Note| (note.start + note.length - 1) / section > note.start / section;
        for note in score.notes.iter().filter(sounds_into) {
            assert!(playing((note.start + note.length - 1) / section % 4).contains(&note.part), "{note:?}");
        }
    }
}

#[test]
fn intensity_thins_and_softens() {
    let (mut notes, mut loud) = ([0.0; 3], [0.0; 3]);
    for (i, intensity) in [0.1, 0.5, 0.9].into_iter().enumerate() {
        for seed in 0..4 {
            let arrangement = Arrangement { intensity: vec![intensity; 4], ..Default::default() };
            let score = score(RequestFields { seed, prompt: "strings".into(), ..fields(arrangement) });
            notes[i] += score.notes.len() as f64;
            loud[i] += score.notes.iter().map(|note| f64::from(note.velocity)).sum::<f64>();
        }
        loud[i] /= notes[i];
    }
    assert!(notes[0] < notes[1] && notes[1] < notes[2] && 1.5 * notes[0] < notes[2], "{notes:?}");
    assert!(loud[0] + 10.0 < loud[1] && loud[1] + 10.0 < loud[2], "{loud:?}");
}

/// Share of one's notes that begin where, and as, one of the other's does.
fn likeness(one: &Score, other: &Score) -> f64 {
    let same = |note: &&Note| {
        other.notes.iter().any(|it| (it.part, it.pitch, it.start) == (note.part, note.pitch, note.start))
    };
    2.0 * one.notes.iter().filter(same).count() as f64 / (one.notes.len() + other.notes.len()) as f64
}

#[test]
fn a_take_is_the_nearer_the_less_it_may_vary() {
    let (mut sums, seeds) = ([0.0; 4], 3);
    for seed in 0..seeds {
        let was = score(RequestFields { seed, ..fields(Arrangement::default()) });
        for (sum, vary) in sums.iter_mut().zip([0.0, 0.3, 0.7, 1.0]) {
            let keep = Some(Keep { score: was.clone(), parts: Vec::new(), redo: None, vary: Some(vary) });
            *sum += likeness(&was, &score(RequestFields { keep, seed: seed + 100, ..fields(Arrangement::default()) }));
        }
    }
    let means = sums.map(|sum| sum / f64::from(seeds as u32));
    assert!(means.windows(2).all(|pair| pair[0] > pair[1]), "{means:?}");
    assert_eq!(means[0], 1.0);
}

/// Share of bars' sixteenths in which both leads begin or both do not, and of steps between notes that go the same way.
fn rhythm_and_contour(one: &Score, other: &Score) -> (f64, f64) {
    let begins = |score: &Score| -> Vec<(u32, u8)> {
        let sixteenth = bar(score) / 48;
        score.notes_of(Part::Lead).map(|note| (note.start / sixteenth, note.pitch)).collect()
    };
    let (a, b) = (begins(one), begins(other));
    let near = |x: u32, all: &[(u32, u8)]| all.iter().find(|(y, _)| x.abs_diff(*y) <= 2).map(|(_, pitch)| *pitch);
    let matched: Vec<(u8, u8)> = a.iter().filter_map(|(x, pitch)| Some((*pitch, near(*x, &b)?))).collect();
    let rhythm = 2.0 * matched.len() as f64 / (a.len() + b.len()).max(1) as f64;
    let way = |pair: (u8, u8)| pair.1.cmp(&pair.0);
    let steps = matched.windows(2);
    let same = steps.filter(|pair| way((pair[0].0, pair[1].0)) == way((pair[0].1, pair[1].1))).count();
    (rhythm, same as f64 / matched.len().saturating_sub(1).max(1) as f64)
}

#[test]
fn a_theme_returns_in_another_key_mode_metre_and_tempo() {
    let with_lead = |seed| RequestFields {
        seed,
        parts: vec![Part::Lead, Part::Pad, Part::Bass],
        key: Some("C".parse().unwrap()),
        ..fields(Arrangement::default())
    };
    let (mut themed, mut chance) = ([(0.0, 0.0); 2], (0.0, 0.0));
    for seed in 0..3 {
        let theme = score(with_lead(seed));
        let elsewhere = |arrangement| RequestFields {
            key: Some("F# minor".parse().unwrap()),
            meter: "3/4".parse().unwrap(),
            bpm: 90.0,
            arrangement,
            ..with_lead(seed + 50)
        };
        for (sum, strength) in themed.iter_mut().zip([1.0, 0.6]) {
            let returns = Some(Theme { score: theme.clone(), strength });
            let found =
                rhythm_and_contour(&theme, &score(elsewhere(Arrangement { theme: returns, ..Default::default() })));
            *sum = (sum.0 + found.0 / 3.0, sum.1 + found.1 / 3.0);
        }
        let other = rhythm_and_contour(&theme, &score(elsewhere(Arrangement::default())));
        chance = (chance.0 + other.0 / 3.0, chance.1 + other.1 / 3.0);
    }
    assert!(themed[0].0 > 0.99 && themed[0].1 > 0.9, "{themed:?}");
    assert!(themed[1].0 > chance.0 + 0.1 && themed[1].1 > chance.1, "{themed:?} {chance:?}");
}

#[test]
fn what_is_kept_stays_whatever_is_asked_of_the_notes() {
    let was = score(fields(Arrangement::default()));
    let chords: Chart = "Bb Eb F Bb".parse().unwrap();
    let arrangement = Arrangement {
        chords: Some(chords),
        end: true,
        build: true,
        hits: vec!["2.3.1".parse().unwrap()],
        ..Default::default()
    };
    let keep = Some(Keep { score: was.clone(), parts: vec![Part::Drums], redo: None, vary: None });
    let found = score(RequestFields { keep, seed: 9, ..fields(arrangement) });
    let drums = |score: &Score| score.notes_of(Part::Drums).copied().collect::<Vec<_>>();
    assert!(!drums(&was).is_empty());
    assert_eq!(drums(&found), drums(&was));
}

#[test]
fn what_cannot_be_arranged_is_refused_in_words() {
    let refused = |arrangement| match Request::new(fields(arrangement)) {
        Err(Error::Request { what, problem }) => (what, problem),
        other => panic!("{other:?}"),
    };
    let usual = Arrangement::default;
    assert_eq!(refused(Arrangement { chords: Some("C F G C Am".parse().unwrap()), ..usual() }).0, "chords");
    assert_eq!(refused(Arrangement { density: BTreeMap::from([(Part::Lead, 17.0)]), ..usual() }).0, "density");
    assert_eq!(refused(Arrangement { density: BTreeMap::from([(Part::Lead, f64::NAN)]), ..usual() }).0, "density");
    assert_eq!(refused(Arrangement { hits: vec!["5".parse().unwrap()], ..usual() }).0, "position");
    assert_eq!(refused(Arrangement { intensity: vec![0.5; 3], ..usual() }).0, "intensity");
    let drums = BTreeMap::from([(Part::Drums, "C2-C4".parse().unwrap())]);
    assert_eq!(refused(Arrangement { register: drums, ..usual() }).0, "register");
    let silent = Theme { score: Score::new(Default::default()).unwrap(), strength: 0.5 };
    assert_eq!(refused(Arrangement { theme: Some(silent), ..usual() }).0, "theme");
    // Only the engine knows what its model's parts can play.
    let low = BTreeMap::from([(Part::Lead, "C0-C1".parse().unwrap())]);
    let request = Request::new(fields(Arrangement { register: low, ..usual() })).unwrap();
    let error = ENGINE.generate(&request, &melfusion::progress::Silent).unwrap_err().to_string();
    assert!(error.contains("what the lead can play"), "{error}");
}
