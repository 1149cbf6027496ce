//! Notes from outside: what is shown of a clip, what leaves as MIDI and stems, and what is kept.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{MINI, folder, run};

const WAVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/wave");
/// Two bars with much in them.
const LOUD: [&str; 13] = [
    "generate",
    "--bundle",
    MINI,
    "--prompt",
    "heroic brass, loud drums, deep bass",
    "--bars",
    "2",
    "--bpm",
    "120",
    "--steps",
    "4",
    "--rate",
    "16000",
];

struct Made {
    folder: TempDir,
    json: Value,
}

/// A clip with its notes and parts; made once.
static MADE: LazyLock<Made> = LazyLock::new(|| {
    let folder = folder();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (wav, midi, stems) = (at("bed.wav"), at("bed.mid"), at("parts"));
    let more = ["--seed", "7", "--out", &wav, "--midi", &midi, "--quantised", "--stems", &stems, "--json"];
    let ran = run(LOUD.iter().copied().chain(more)).assert_fine();
    Made { json: serde_json::from_str(&ran.out).unwrap(), folder }
});

fn bed() -> PathBuf {
    MADE.folder.path().join("bed.wav")
}

fn shown(clip: &Path) -> Value {
    let ran = run(["show".as_ref(), clip.as_os_str(), "--json".as_ref()]).assert_fine();
    serde_json::from_str(&ran.out).unwrap()
}

/// Parts and how many notes each has.
fn parts(clip: &Path) -> Vec<(String, u64)> {
    let shown = shown(clip);
    let part = |part: &Value| (part["part"].as_str().unwrap().to_owned(), part["notes"].as_u64().unwrap());
    shown["parts"].as_array().unwrap().iter().map(part).collect()
}

#[test]
fn what_is_written_is_told_and_shown_alike() {
    let take = &MADE.json["takes"][0];
    let file = midi::File::parse(&fs::read(take["midi"].as_str().unwrap()).unwrap()).unwrap();
    let notes: Vec<u64> = file.tracks.iter().map(|track| track.notes.len() as u64).collect();
    let parts = parts(&bed());
    assert_eq!(notes, parts.iter().map(|(_, notes)| *notes).collect::<Vec<_>>());
    let stems = take["stems"].as_array().unwrap();
    assert_eq!(stems.len(), parts.len());
    for (stem, (part, _)) in stems.iter().zip(&parts) {
        assert_eq!(stem["part"], part.as_str());
        let reader = hound::WavReader::open(stem["path"].as_str().unwrap()).unwrap();
        assert_eq!((reader.duration(), reader.spec().sample_rate), (64_000, 16_000));
    }
    let text = run(["show".as_ref(), bed().as_os_str()]).assert_fine().out;
    for word in ["2 bars of 4/4", "chords:", "drums", "made by mini"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_clip_is_shown_as_picture_and_midi_without_its_bundle() {
    let folder = folder();
    let (bed, plot, midi) = (bed(), folder.path().join("bed.png"), folder.path().join("bed.mid"));
    let args =
        ["show".as_ref(), bed.as_os_str(), "--plot".as_ref(), plot.as_os_str(), "--midi".as_ref(), midi.as_os_str()];
    run(args.into_iter().chain(["--quantised".as_ref()])).assert_fine();
    assert!(image::open(plot).is_ok());
    assert_eq!(fs::read(midi).unwrap(), fs::read(MADE.folder.path().join("bed.mid")).unwrap());
}

#[test]
fn levels_are_moved_and_stay_in_the_clip() {
    let folder = folder();
    let (wav, bed) = (folder.path().join("quiet.wav"), bed());
    let (wav, bed) = (wav.to_str().unwrap(), bed.to_str().unwrap());
    let render = |mix: &str| run(["render", bed, "--bundle", MINI, "--mix", mix, "--out", wav]);
    render("drums off, Bass +3").assert_fine();
    let shown = shown(wav.as_ref());
    let level = |name: &str| {
        let parts = shown["parts"].as_array().unwrap();
        parts.iter().find(|part| part["part"] == name).unwrap()["level_db"].as_f64().unwrap()
    };
    assert_eq!(level("drums"), -60.0);
    for (mix, word) in [
        ("drums", "lead +3"),
        ("violin off", "choose pad"),
        ("bass +99", "give less"),
        ("bass on, bass off", "twice"),
        ("lead 3", "lead +3"),
    ] {
        let ran = render(mix);
        assert!(ran.code == Some(2) && ran.err.contains(word), "{mix}: {}", ran.err);
    }
}

#[test]
fn kept_midi_is_in_the_clip_note_for_note_and_what_was_read_is_said() {
    let folder = folder();
    let wav = folder.path().join("kept.wav");
    let midi = MADE.folder.path().join("bed.mid");
    let more = [
        "--bundle",
        MINI,
        "--keep-midi",
        midi.to_str().unwrap(),
        "--keep-parts",
        "drums,bass",
        "--seed",
        "9",
        "--steps",
        "4",
    ];
    let ran =
        run(["generate"].into_iter().chain(more).chain(["--rate", "16000", "--json", "--out", wav.to_str().unwrap()]));
    let json: Value = serde_json::from_str(&ran.assert_fine().out).unwrap();
    let of = |clip: &Path, name: &str| parts(clip).into_iter().find(|(part, _)| part == name);
    for part in ["drums", "bass"] {
        assert_eq!(of(&wav, part), of(&bed(), part));
    }
    let tracks = json["sketch"]["tracks"].as_array().unwrap();
    assert!(tracks.iter().all(|track| track["name"].as_str().unwrap().starts_with(track["part"].as_str().unwrap())));
    assert_eq!(json["takes"][0]["recipe"]["bars"], 2, "as many bars as there are");
    assert_eq!(json["takes"][0]["recipe"]["keep"]["parts"], serde_json::json!(["drums", "bass"]));
}

#[test]
fn what_cannot_be_kept_or_written_is_refused_before_anything_is_composed() {
    let folder = folder();
    let (out, text) = (folder.path().join("bed.wav"), folder.path().join("not.mid"));
    fs::write(&text, "no MIDI").unwrap();
    let (out, text, bed) = (out.to_str().unwrap(), text.to_str().unwrap(), bed());
    let generate = |more: &[&str]| run(["generate", "--bundle", MINI, "--out", out].iter().chain(more));
    generate(&["--keep", bed.to_str().unwrap()]).assert_bad_input(&["--keep-parts", "--redo-bars"]);
    generate(&["--keep-parts", "bass"]).assert_bad_input(&["--keep"]);
    generate(&["--keep", bed.to_str().unwrap(), "--redo-bars", "3"]).assert_bad_input(&["bar 3", "has 2"]);
    generate(&["--keep-midi", text]).assert_bad_input(&["not.mid", "no MIDI file"]);
    generate(&["--keep-midi", "nowhere.mid"]).assert_bad_input(&["nowhere.mid", "check the path"]);
    let midi = MADE.folder.path().join("bed.mid");
    generate(&["--keep-midi", midi.to_str().unwrap(), "--track", "lead=Violin"])
        .assert_bad_input(&["Violin", "choose 1"]);
    generate(&["--midi", "bed.wav"]).assert_bad_input(&[".mid"]);
    let wave = |more: &[&str]| run(["generate", "--bundle", WAVE, "--out", out].iter().chain(more));
    wave(&["--midi", "bed.mid"]).assert_bad_input(&["--midi", "no notes"]);
    wave(&["--stems", out]).assert_bad_input(&["--stems", "no notes"]);
    assert!(!Path::new(out).exists());
}

#[test]
fn how_what_is_asked_of_the_notes_was_read_is_said_in_text_and_in_json() {
    let folder = folder();
    let wav = folder.path().join("cue.wav");
    let asked = ["--chords", "Dm:2 A7:2", "--hit", "1.5s,2.1", "--end", "--density", "drums=4"];
    let generate = |more: &[&str]| {
        let all = LOUD.iter().chain(&asked).chain(more).copied();
        run(all.chain(["--seed", "7", "--out", wav.to_str().unwrap()])).assert_fine()
    };
    let said = generate(&[]).err;
    let json: Value = serde_json::from_str(&generate(&["--json"]).out).unwrap();
    for (remark, words) in json["arranged"].as_array().unwrap().iter().zip(["1 of 2 bars", "1.5 s is at 1.4.1"]) {
        let remark = remark.as_str().unwrap();
        assert!(remark.contains(words) && said.contains(remark), "{remark}: {said}");
    }
    let recipe = &json["takes"][0]["recipe"];
    assert_eq!(recipe["key"], "D minor", "by the chords");
    assert_eq!(recipe["arrangement"]["asked"]["hits"], serde_json::json!(["1.4.1", "2.1.1"]));
    assert_eq!(shown(&wav)["recipe"]["arrangement"], recipe["arrangement"]);
    let text = run(["show".as_ref(), wav.as_os_str()]).assert_fine().out;
    let typed = "asked: --chords \"Dm:2 A7:2\" --density drums=4 --hit 1.4.1,2.1.1 --end";
    assert!(text.contains(typed), "{text}");
}

#[test]
fn what_cannot_be_arranged_is_refused_before_anything_is_composed() {
    let folder = folder();
    let (out, bed) = (folder.path().join("cue.wav"), bed());
    let (out, bed) = (out.to_str().unwrap(), bed.to_str().unwrap());
    let generate = |more: &[&str]| run(LOUD.iter().copied().chain(["--out", out]).chain(more.iter().copied()));
    generate(&["--chords", "Am F Hm"]).assert_bad_input(&["chord 3", "Hm"]);
    generate(&["--chords", "C F G"]).assert_bad_input(&["3 bars", "there are 2"]);
    generate(&["--hit", "3.1.1"]).assert_bad_input(&["2 bars"]);
    generate(&["--hit", "99s"]).assert_bad_input(&["2 bars"]);
    generate(&["--hit", "now"]).assert_bad_input(&["bar.beat.sixteenth"]);
    generate(&["--density", "drums"]).assert_bad_input(&["lead=2"]);
    generate(&["--density", "drums=2,drums=3"]).assert_bad_input(&["twice"]);
    generate(&["--register", "lead=C4-E4"]).assert_bad_input(&["octave"]);
    generate(&["--register", "lead=C0-C1"]).assert_bad_input(&["what the lead can play"]);
    generate(&["--theme", "nowhere.wav"]).assert_bad_input(&["nowhere.wav"]);
    generate(&["--theme", bed, "--theme-strength", "2"]).assert_bad_input(&["theme strength", "from 0 to 1"]);
    generate(&["--vary", "0.5"]).assert_bad_input(&["--vary", "--keep"]);
    generate(&["--keep", bed, "--vary", "-1"]).assert_bad_input(&["vary", "from 0 to 1"]);
    let wave = |more: &[&str]| run(["generate", "--bundle", WAVE, "--out", out].iter().chain(more));
    wave(&["--chords", "C F"]).assert_bad_input(&["no notes"]);
    assert!(!Path::new(out).exists());
}
