//! What boards ask of the notes of their cues, from outside.

use std::fs;
use std::path::Path;

use melfusion::Clip;
use score::{Part, Score};

use super::command::{fine, refused, score};

fn notes(folder: &Path, name: &str) -> Score {
    Clip::read_state(&folder.join(name)).unwrap().score.unwrap()
}

fn board(folder: &Path, cues: &str) -> std::path::PathBuf {
    let path = folder.join("board.toml");
    let head = "tempo = [{ bar = 1, bpm = 120 }, { bar = 7, bpm = 90 }]\nmeter = \"3/4\"\nkey = \"D minor\"\nsteps = 4\nrate = 8000\n";
    fs::write(&path, format!("{head}{cues}")).unwrap();
    path
}

const CUES: &str = "intensity = [[1, 0.2], [8, 0.9]]

[[cue]]
name = \"Harbour\"
prompt = \"flute melody over strings\"
bars = 4
parts = [\"lead\", \"pad\", \"bass\"]
chords = \"Dm Bb F C\"

[[cue]]
name = \"Storm\"
prompt = \"drums and brass\"
bars = 4
theme = \"harbour\"
theme_strength = 1.0
density = { drums = 4 }
register = { bass = \"E2-G3\" }
hits = [\"2.2.1\", \"3.1s\"]
end = true
";

#[test]
fn cues_are_arranged_and_a_theme_returns_from_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (board(folder.path(), CUES), folder.path().join("beds"));
    let ran = score(&path, &out, &[]);
    fine(&ran);
    // Two bars at 120 and a third of which a beat lasts 2/3 s: 3.1 s is 3.09 s.
    assert!(ran.err.contains("Storm") && ran.err.contains("the hit at 3.1 s is at 3.1.2"), "{}{}", ran.out, ran.err);
    let [first, second] = ["01-harbour.wav", "02-storm.wav"].map(|name| notes(&out, name));
    let playing: Vec<Part> = first.players.iter().map(|player| player.part).collect();
    assert!(playing.iter().all(|part| [Part::Lead, Part::Pad, Part::Bass].contains(part)), "{playing:?}");
    let starts = |score: &Score, part: Part| score.notes_of(part).map(|note| note.start).collect::<Vec<_>>();
    let last = 3 * second.ticks() / second.bars;
    let before = |starts: Vec<u32>| starts.into_iter().filter(|start| *start < last).collect::<Vec<_>>();
    let (was, is) = (before(starts(&first, Part::Lead)), before(starts(&second, Part::Lead)));
    let returned = was.iter().filter(|start| is.contains(start)).count();
    assert!(!was.is_empty() && returned as f64 >= 0.8 * was.len() as f64, "{was:?} {is:?}");
    assert!(second.ends && !first.ends);
    assert!(second.notes_of(Part::Bass).all(|note| (40..=55).contains(&note.pitch)));
    // What is made is what a second run finds.
    let made = fs::read(out.join("02-storm.wav")).unwrap();
    let again = score(&path, &out, &["--json"]);
    fine(&again);
    assert!(again.out.contains("\"kept\":true") && !again.out.contains("\"kept\":false"), "{}", again.out);
    assert_eq!(fs::read(out.join("02-storm.wav")).unwrap(), made);
}

#[test]
fn what_was_read_is_written_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = board(folder.path(), CUES);
    let saved = folder.path().join("saved.toml");
    let save = [path.as_os_str(), "--save".as_ref(), saved.as_os_str()];
    fine(&super::command::run(save));
    let text = fs::read_to_string(&saved).unwrap();
    for word in
        ["intensity = [[1, 0.2], [8, 0.9]]", "chords = \"Dm Bb F C\"", "\"3.1s\"", "drums = 4.0", "bass = \"E2-G3\""]
    {
        assert!(text.contains(word), "no {word} in {text}");
    }
}

#[test]
fn what_cannot_be_arranged_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let cue = |more: &str| format!("[[cue]]\nname = \"one\"\nbars = 2\n{more}\n[[cue]]\nname = \"two\"\nbars = 2\n");
    for (more, words) in [
        ("chords = \"C H\"", &["line 9", "chord 2"][..]),
        ("chords = \"C F G\"", &["line 9", "3 bars", "there are 2"]),
        ("hits = [\"3.1.1\"]", &["line 9", "2 bars"]),
        ("hits = [\"soon\"]", &["line 9"]),
        ("theme = \"two\"", &["line 9", "comes later"]),
        ("theme = \"nobody\"", &["line 9", "no cue of that name"]),
        ("theme_strength = 0.5", &["line 9", "of what"]),
        ("keep = \"none.wav\"\nvary = 0.3", &["line 9", "none.wav"]),
        ("vary = 0.3", &["line 9", "of what"]),
        ("density = { drums = 99 }", &["line 9", "density"]),
        ("register = { choir = \"C3-C5\" }", &["line 9"]),
    ] {
        let path = board(folder.path(), &cue(more));
        refused(&score(&path, &folder.path().join("beds"), &[]), words);
    }
}
