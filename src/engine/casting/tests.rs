//! Prompts with the parts of those who play.

use score::Part::{Bass, Counter, Drums, Keys, Lead, Mallets, Ostinato, Pad};

use super::*;
use crate::text::Forces;

/// What the composer's scores have.
const KNOWN: [(Part, &[u8]); 8] = [
    (Pad, &[16, 18, 20, 21, 44, 48, 49, 50, 52, 53, 61, 80, 87, 88, 89, 90, 91, 92, 94, 95, 97]),
    (Bass, &[19, 32, 33, 34, 35, 38, 39, 42, 43, 58, 70, 87]),
    (Keys, &[0, 3, 4, 5, 6, 8, 10, 11, 15, 19, 24, 25, 26, 27, 28, 29, 30, 46, 57, 61, 62, 63, 80, 81, 90, 107]),
    (
        Ostinato,
        &[4, 6, 8, 11, 12, 15, 24, 26, 27, 28, 44, 45, 46, 48, 80, 81, 87, 88, 99, 103, 104, 105, 106, 107, 108],
    ),
    (
        Lead,
        &[
            27, 29, 30, 40, 41, 42, 52, 53, 56, 59, 60, 61, 65, 66, 68, 69, 70, 71, 72, 73, 74, 75, 77, 78, 80, 81, 84,
            85, 91, 110,
        ],
    ),
    (
        Counter,
        &[16, 21, 26, 27, 29, 40, 41, 42, 48, 49, 52, 57, 59, 60, 63, 66, 69, 70, 71, 73, 75, 78, 80, 81, 85, 91, 110],
    ),
    (Mallets, &[8, 9, 10, 11, 12, 13, 14, 47, 98, 100, 108, 114, 116]),
    (Drums, &[0, 8, 24, 25, 40, 48]),
];
/// Programs that the bank lacks.
const LACKING: [u8; 47] = [
    1, 2, 3, 5, 7, 10, 13, 15, 17, 18, 20, 22, 23, 28, 29, 31, 37, 55, 62, 63, 64, 67, 74, 76, 78, 82, 83, 84, 85, 86,
    96, 97, 102, 103, 109, 111, 113, 115, 118, 119, 120, 121, 122, 123, 124, 125, 126,
];

fn has(instrument: Instrument) -> bool {
    instrument.is_kit() || !LACKING.contains(&instrument.number())
}

fn cast(prompt: &str) -> Casting {
    let wish = crate::text::Wish::new(prompt);
    Casting::new(&Orchestration::new(&wish.asked, &wish.avoided), &KNOWN, has)
}

#[test]
fn everybody_gets_the_part_that_suits_and_the_first_melody_leads() {
    for (prompt, parts) in [
        ("piano", vec![(Keys, 0)]),
        ("solo cello", vec![(Lead, 42)]),
        ("cello and flute", vec![(Lead, 42), (Counter, 73)]),
        ("flute and cello", vec![(Lead, 73), (Counter, 42)]),
        ("calm piano over soft strings", vec![(Keys, 0), (Pad, 49)]),
        ("choir", vec![(Pad, 52)]),
        ("harp", vec![(Ostinato, 46)]),
        ("harp and sitar", vec![(Keys, 46), (Ostinato, 104)]),
        ("piano, violin, cello and flute", vec![(Keys, 0), (Lead, 40), (Bass, 42), (Counter, 73)]),
        ("heroic brass", vec![(Lead, 61)]),
        ("brass and violin", vec![(Lead, 61), (Counter, 40)]),
        ("violin and brass", vec![(Lead, 40), (Pad, 61)]),
        ("bass and drums", vec![(Bass, 33), (Drums, 0)]),
        ("orchestral drums", vec![(Drums, 48)]),
        ("tuba", vec![(Bass, 58)]),
        ("timpani, glockenspiel", vec![(Mallets, 47), (Ostinato, 8)]),
        ("warm pad and a flute", vec![(Pad, 89), (Lead, 73)]),
        ("church organ", vec![(Keys, 19)]),
        ("string quartet", vec![(Lead, 40), (Counter, 41), (Bass, 42), (Pad, 49)]),
        ("flute duet", vec![(Lead, 73), (Counter, 73)]),
    ] {
        let casting = cast(prompt);
        let found: Vec<(Part, u8)> = casting.casts.iter().map(|cast| (cast.part, cast.code)).collect();
        assert_eq!(found, parts, "{prompt}");
        assert_eq!(casting.unplaced, Vec::<String>::new(), "{prompt}");
    }
}

#[test]
fn a_solo_silences_all_other_parts_and_a_duo_all_but_two() {
    for (prompt, playing) in [
        ("solo piano", vec![Keys]),
        ("duet for flute and harp", vec![Ostinato, Lead]),
        ("only piano, bass and drums", vec![Bass, Keys, Drums]),
    ] {
        let silent: Vec<Part> = Part::ALL.into_iter().filter(|part| !playing.contains(part)).collect();
        assert_eq!(cast(prompt).silent, silent, "{prompt}");
    }
    assert_eq!(cast("solo cello over strings").silent, []);
}

#[test]
fn nobody_is_silenced_by_a_solo_of_nobody() {
    let orchestration = Orchestration { forces: Forces::Solo, ..Orchestration::default() };
    assert_eq!(Casting::new(&orchestration, &KNOWN, has).silent, []);
}

#[test]
fn what_is_not_wanted_is_silent_or_played_by_others() {
    assert_eq!(cast("no drums").silent, [Drums]);
    assert_eq!(cast("no bass").silent, [Bass]);
    let casting = cast("calm, no piano");
    assert_eq!((&casting.silent[..], &casting.casts[..]), (&[][..], &[][..]));
    let keys = casting.allowed(Keys, KNOWN[2].1);
    assert!(!keys.iter().any(|code| *code < 6) && keys.contains(&46), "{keys:?}");
    let casting = cast("no strings, solo cello over a choir");
    assert!(
        casting.forbidden.contains(&Instrument::Program(48)) && !casting.forbidden.contains(&Instrument::Program(42))
    );
    assert_eq!(casting.allowed(Lead, KNOWN[4].1), [42]);
}

#[test]
fn a_part_that_only_the_unwanted_could_play_is_silent() {
    let known: [(Part, &[u8]); 2] = [(Pad, &[48, 49]), (Lead, &[40, 73])];
    let wish = crate::text::Wish::new("no strings");
    let casting = Casting::new(&Orchestration::new(&wish.asked, &wish.avoided), &known, has);
    assert_eq!((&casting.silent[..], casting.allowed(Lead, known[1].1)), (&[Pad][..], vec![73]));
}

#[test]
fn who_has_no_code_is_composed_as_kin_and_heard_as_asked() {
    for (prompt, code, played) in
        [("ocarina", 78, 79), ("slap bass", 35, 36), ("baritone sax", 66, 66), ("tremolo strings", 44, 44)]
    {
        let casting = cast(prompt);
        let [Cast { code: found, played: heard, .. }] = casting.casts[..] else { panic!("{prompt}: {casting:?}") };
        assert_eq!((found, heard), (code, Instrument::Program(played)), "{prompt}");
        assert_eq!(casting.substitutions.is_empty(), prompt != "baritone sax", "{prompt}");
    }
}

#[test]
fn what_plays_in_the_place_of_another_is_told() {
    for (prompt, told) in [
        ("erhu", "Fiddle plays the erhu"),
        ("bongos", "Standard Kit plays the bongos"),
        ("upright piano", "Acoustic Grand Piano plays the upright piano"),
        ("a ukulele", "Acoustic Guitar (nylon) plays the ukulele"),
    ] {
        let told_of: Vec<String> = cast(prompt).substitutions.iter().map(Substitution::to_string).collect();
        assert_eq!(told_of, [told]);
    }
}

#[test]
fn nobody_shares_a_part_and_whoever_finds_none_is_named() {
    let casting = cast("piano, violin, viola, cello, flute, oboe, clarinet, trumpet, horn, harp, tuba, drums");
    let mut parts: Vec<Part> = casting.casts.iter().map(|cast| cast.part).collect();
    parts.sort();
    parts.dedup();
    assert_eq!(parts.len(), casting.casts.len());
    assert_eq!(casting.casts.len() + casting.unplaced.len(), 12);
    assert_eq!((casting.casts[0].part, casting.in_part(Drums).is_some()), (Keys, true), "{casting:?}");
}

#[test]
fn all_that_general_midi_has_finds_a_part() {
    for program in 0..128 {
        let asked = Asked { words: "it".into(), candidates: vec![Instrument::Program(program)], is_exact: true };
        let orchestration = Orchestration { asked: vec![asked], ..Orchestration::default() };
        let casting = Casting::new(&orchestration, &KNOWN, has);
        assert_eq!(casting.casts.len(), 1, "{program}");
        let own = KNOWN.iter().any(|(part, codes)| !part.is_drums() && codes.contains(&program));
        assert_eq!(casting.casts[0].code == program, own, "{program}: {casting:?}");
    }
}
