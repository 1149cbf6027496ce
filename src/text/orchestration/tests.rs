//! Prompts with who plays in them.

use super::*;
use crate::text::Wish;

fn read(prompt: &str) -> Orchestration {
    let wish = Wish::new(prompt);
    Orchestration::new(&wish.asked, &wish.avoided)
}

/// Numbers of the first candidates; kits as negative numbers less one, so that kit 0 is -1.
fn numbers(asked: &[Asked]) -> Vec<i32> {
    asked.iter().map(|asked| number(asked.candidates[0])).collect()
}

fn number(instrument: Instrument) -> i32 {
    match instrument {
        Instrument::Program(number) => i32::from(number),
        Instrument::Kit(number) => -1 - i32::from(number),
    }
}

/// Prompt, first candidates of those asked for, forces.
const ASKED: &[(&str, &[i32], Forces)] = &[
    ("", &[], Forces::Full),
    ("calm and hopeful, slow", &[], Forces::Full),
    ("piano", &[0], Forces::Full),
    ("calm piano over soft strings", &[0, 49], Forces::Full),
    ("solo piano", &[0], Forces::Solo),
    ("piano solo, sad", &[0], Forces::Solo),
    ("A lonely cello, solo", &[42], Forces::Solo),
    ("unaccompanied violin", &[40], Forces::Solo),
    ("cello alone", &[42], Forces::Solo),
    ("a lullaby for piano", &[0], Forces::Solo),
    ("just a soft flute", &[73], Forces::Solo),
    ("nothing but a harp", &[46], Forces::Solo),
    ("harp only", &[46], Forces::Solo),
    ("clarinet by itself in the night", &[71], Forces::Solo),
    ("strings only, no other instruments", &[48], Forces::Solo),
    ("solo cello over soft strings", &[42, 49], Forces::Full),
    ("solo trumpet with orchestra", &[56], Forces::Full),
    ("rock band with a guitar solo", &[29], Forces::Full),
    ("solo violin and solo cello", &[40, 42], Forces::Duo),
    ("duet for flute and harp", &[73, 46], Forces::Duo),
    ("violin and piano duo", &[40, 0], Forces::Duo),
    ("flute duet", &[73, 73], Forces::Duo),
    ("two cellos, mournful", &[42, 42], Forces::Full),
    ("trio for clarinet, cello and piano", &[71, 42, 0], Forces::Trio),
    ("only piano, bass and drums", &[0, 33, -1], Forces::Trio),
    ("string quartet", &[40, 41, 42, 49], Forces::Chamber),
    ("jazz trio in a smoky bar", &[0, 32, -41], Forces::Trio),
    ("a cappella", &[52], Forces::Solo),
    ("loud drums, rock beat", &[-1], Forces::Full),
    ("heavy drums and brass", &[-1, 61], Forces::Full),
    ("epic orchestral drums", &[-49], Forces::Full),
    ("lofi hip hop drums with jazzy keys", &[-41, 4], Forces::Full),
    ("808s and synth bass", &[-26, 38], Forces::Full),
    ("brushed drums, walking bass", &[-41, 32], Forces::Full),
    ("choir singing, sacred", &[52], Forces::Full),
    ("electric piano", &[4], Forces::Full),
    ("a warm Rhodes", &[4], Forces::Full),
    ("muted trumpet", &[59], Forces::Full),
    ("muted jazz trumpet", &[59], Forces::Full),
    ("nylon guitar", &[24], Forces::Full),
    ("distorted electric guitar", &[30], Forces::Full),
    ("pizzicato strings", &[45], Forces::Full),
    ("pizzicato, playful", &[45], Forces::Full),
    ("church organ", &[19], Forces::Full),
    ("organ in a cathedral", &[19], Forces::Full),
    ("bowed double bass", &[43], Forces::Full),
    ("upright jazz bass", &[32], Forces::Full),
    ("hammered dulcimer and kalimba", &[15, 108], Forces::Full),
    ("analog synth pad", &[89], Forces::Full),
    ("synthwave with bass and synth lead", &[38, 81], Forces::Full),
    ("drum and bass", &[], Forces::Full),
    ("liquid drum & bass with piano", &[0], Forces::Full),
    ("drums and bass", &[-1, 33], Forces::Full),
    ("drum and bass guitar", &[-1, 33], Forces::Full),
    ("bass music", &[], Forces::Full),
    ("piano bar jazz", &[], Forces::Full),
    ("in the key of C, flutes", &[73], Forces::Full),
    ("summer vibes, ukulele", &[24], Forces::Full),
    ("vibes and upright bass", &[11, 32], Forces::Full),
    ("bed under a voice-over, soft pads", &[89], Forces::Full),
    ("backing track for guitar with drums", &[-1], Forces::Full),
    ("flute-like synth", &[81], Forces::Full),
    ("bells and whistles", &[], Forces::Full),
    ("off-beat and upbeat", &[], Forces::Full),
    ("erhu and guzheng by the river", &[110, 107], Forces::Full),
    ("theremin", &[85], Forces::Full),
    ("viola da gamba, harpsichord", &[42, 6], Forces::Full),
    ("cor anglais, bass clarinet", &[69, 71], Forces::Full),
    ("hurdy-gurdy & tabla", &[110, -1], Forces::Full),
    ("French horns", &[60], Forces::Full),
    ("string section, horn section", &[48, 61], Forces::Full),
    ("percussion", &[-1], Forces::Full),
    ("woodwinds: oboe and bassoon", &[73, 68, 70], Forces::Full),
    ("piano, then the same piano louder", &[0], Forces::Full),
    ("fl\u{fb}te, C\u{e9}lesta", &[73, 8], Forces::Full),
    ("the pianist's hands", &[0], Forces::Full),
    ("a grand finale in the Grand Canyon", &[], Forces::Full),
    ("a cave of crystals", &[], Forces::Full),
    ("ney flute, two-part", &[77], Forces::Full),
    ("tabla drums", &[-1], Forces::Full),
    ("three beats to the bar", &[], Forces::Full),
    ("tense string ostinato", &[48], Forces::Full),
    ("everything but drums", &[], Forces::Full),
    ("an orchestra", &[], Forces::Full),
];

#[test]
fn a_prompt_asks_for_those_it_names_and_says_who_else_plays() {
    for (prompt, asked, forces) in ASKED {
        let read = read(prompt);
        assert_eq!((numbers(&read.asked), read.forces), (asked.to_vec(), *forces), "{prompt:?}: {read:?}");
        assert_eq!(read.contradicted, Vec::<String>::new(), "{prompt:?}");
    }
    assert!(ASKED.len() >= 60);
}

/// Prompt, who is silenced among others, who is not, silenced parts.
type Told = (&'static str, &'static [i32], &'static [i32], &'static [Part]);

const SILENCED: &[Told] = &[
    ("calm strings, no drums", &[-1, -49, 116], &[47, 48], &[Part::Drums]),
    ("ambient, no percussion", &[-1, 47, 114], &[11], &[Part::Drums]),
    ("strings without piano", &[0, 1, 4], &[6, 48], &[]),
    ("no brass or choir", &[61, 56, 52], &[48], &[]),
    ("no strings", &[40, 45, 48, 50], &[46], &[]),
    ("instrumental folk", &[52, 85], &[73], &[]),
    ("no vocals", &[52, 53], &[73], &[]),
    ("beatless ambient", &[-1], &[], &[Part::Drums]),
    ("no bass", &[33, 38, 43], &[42], &[Part::Bass]),
    ("no melody", &[], &[73], &[Part::Lead, Part::Counter]),
    ("no electric guitar", &[27, 30], &[24, 25], &[]),
    ("no guitar solos", &[], &[30], &[]),
    ("no orchestra", &[48, 60], &[0], &[]),
    ("not sad", &[], &[0], &[]),
];

#[test]
fn what_a_prompt_wants_none_of_is_silenced_and_nothing_else() {
    for (prompt, silenced, free, parts) in SILENCED {
        let read = read(prompt);
        let mute: Vec<i32> = read.silenced.iter().flat_map(|it| &it.instruments).map(|one| number(*one)).collect();
        assert!(silenced.iter().all(|one| mute.contains(one)), "{prompt:?}: {read:?}");
        assert!(!free.iter().any(|one| mute.contains(one)), "{prompt:?}: {read:?}");
        let silent: Vec<Part> = read.silenced.iter().flat_map(|it| it.parts.clone()).collect();
        assert_eq!(silent, *parts, "{prompt:?}");
    }
}

#[test]
fn single_drums_are_silenced_without_their_kit() {
    let read = read("rock drums, no cymbals");
    assert_eq!(numbers(&read.asked), [-17]);
    assert!(read.silenced[0].instruments.is_empty() && read.silenced[0].drums.contains(&49), "{read:?}");
}

#[test]
fn of_what_is_asked_for_and_silenced_the_narrower_wins() {
    for (prompt, asked, contradicted) in [
        ("solo cello, no strings", vec![42], vec![]),
        ("electric piano, no piano", vec![4], vec![]),
        ("808 drums, no drums", vec![-26], vec![]),
        ("taiko, no drums", vec![116], vec![]),
        ("soft drums, no heavy drums", vec![-1], vec![]),
        ("instrumental, with a choir", vec![52], vec![]),
        ("piano, no piano", vec![], vec!["piano"]),
        ("strings, no strings", vec![], vec!["strings"]),
    ] {
        let read = read(prompt);
        assert_eq!(
            (numbers(&read.asked), read.contradicted),
            (asked, contradicted.iter().map(|it| it.to_string()).collect())
        );
    }
    let taiko = read("taiko, no drums");
    assert_eq!(taiko.silenced[0].parts, [Part::Drums]);
    assert!(!taiko.silenced[0].instruments.contains(&Instrument::Program(116)));
}

#[test]
fn what_general_midi_has_is_exact_and_the_rest_is_not() {
    for (prompt, is_exact) in [
        ("bandoneon", true),
        ("cor anglais", true),
        ("shakuhachi", true),
        ("steel drums", true),
        ("theremin", false),
        ("erhu", false),
        ("oud", false),
        ("ney", false),
        ("mandolin", false),
        ("duduk", false),
        ("didgeridoo", false),
        ("handpan", false),
        ("cajon", false),
        ("bongos", false),
        ("gamelan", false),
        ("flugelhorn", false),
        ("pipa", false),
        ("lyre", false),
        ("melodica", false),
        ("euphonium", false),
        ("glass harmonica", false),
    ] {
        let read = read(prompt);
        assert_eq!(read.asked.len(), 1, "{prompt}");
        assert_eq!((read.asked[0].is_exact, &read.asked[0].words[..]), (is_exact, prompt));
    }
}

#[test]
fn words_are_kept_as_they_were_said() {
    let said = |prompt: &str| read(prompt).asked.iter().map(|it| it.words.clone()).collect::<Vec<_>>();
    assert_eq!(said("Muted jazz Trumpet & a Hurdy-Gurdy"), ["muted jazz trumpet", "hurdy-gurdy"]);
}

#[test]
fn any_text_is_read_in_time_in_proportion() {
    for text in
        ["solo ", "piano, ", "for a ", "drum and ", "'", "-", "& ", "\u{301}\u{1f3bb} ", "string section ", "two "]
    {
        let _ = Orchestration::new(&text.repeat(4_000), &[text.repeat(400)]);
    }
}
