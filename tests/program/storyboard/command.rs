//! `melfusion storyboard` from outside.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use melfusion::Clip;
use melfusion::audio::wav;
use serde_json::Value;
use tempfile::TempDir;

const MINI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini");
const FRAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/frames");

pub struct Ran {
    code: Option<i32>,
    pub out: String,
    pub err: String,
}

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_melfusion"));
    program.stdin(Stdio::null()).arg("storyboard");
    program
}

pub fn run(args: impl IntoIterator<Item: AsRef<OsStr>>) -> Ran {
    let output = program().args(["--bundle", MINI]).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder with a board of three one-bar cues in it, and three of the examples' frames.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["harbour", "battlefield", "open_road"] {
        fs::copy(format!("{FRAMES}/{name}.png"), folder.path().join(format!("{name}.png"))).unwrap();
    }
    let board = folder.path().join("board.toml");
    write(&board, "");
    (folder, board)
}

/// `more` is of the second cue.
fn write(board: &Path, more: &str) {
    let text = format!(
        "title = \"Three\"\ntempo = 187.3\nsteps = 2\nrate = 8000\ntransition = \"crossfade 1\"\n\n\
         [[cue]]\npicture = \"harbour.png\"\nbars = 1\n\n\
         [[cue]]\npicture = \"battlefield.png\"\nbars = 1\n{more}\n\n\
         [[cue]]\npicture = \"open_road.png\"\nprompt = \"bells\"\nbars = 1\n"
    );
    fs::write(board, text).unwrap();
}

pub fn score(board: &Path, out: &Path, more: &[&str]) -> Ran {
    run([board.as_os_str(), OsStr::new("--out"), out.as_os_str()].into_iter().chain(more.iter().map(OsStr::new)))
}

#[track_caller]
pub fn fine(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

/// Refused with a message that has all of `words`, and nothing computed.
#[track_caller]
pub fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    for word in words {
        assert!(ran.err.contains(word), "no {word:?} in: {}", ran.err);
    }
    assert!(!ran.err.contains("panicked") && !ran.err.contains("fault in melfusion"), "{}", ran.err);
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Names and contents, of folders in it too.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| match folder.join(&name) {
        path if path.is_dir() => contents(&path),
        path => vec![(name, fs::read(path).unwrap())],
    };
    files(folder).into_iter().flat_map(read).collect()
}

/// Both kinds of project.
const PROJECTS: [&str; 4] = ["--project", "reaper", "--project", "dawproject"];

const WRITTEN: [&str; 5] = ["01-harbour.wav", "02-battlefield.wav", "03-open-road.wav", "bed.wav", "contact-sheet.png"];

#[test]
fn a_board_becomes_a_file_per_cue_a_bed_and_a_contact_sheet() {
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    let ran = score(&board, &out, &["--json"]);
    fine(&ran);
    assert_eq!(files(&out), WRITTEN);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let cues = told["cues"].as_array().unwrap();
    assert_eq!(cues.len(), 3);
    let frame = |bars: f64| (bars * 4.0 * 60.0 / 187.3 * 8000.0).round() as u64;
    for (i, cue) in cues.iter().enumerate() {
        assert_eq!((&cue["cue"], &cue["kept"]), (&Value::from(i + 1), &Value::from(false)));
        assert_eq!(cue["start_frame"], frame(i as f64));
        let start = wav::read_start_frame(&out.join(WRITTEN[i])).unwrap();
        assert_eq!(start, Some(frame(i as f64)));
    }
    assert_eq!(told["bed"]["frames"], frame(3.0));
    assert_eq!(wav::read(&out.join("bed.wav")).unwrap().frames() as u64, frame(3.0));
    let recipe = Clip::read_state(&out.join(WRITTEN[2])).unwrap().recipe;
    assert_eq!((recipe.prompt.as_str(), recipe.bars), ("bells", 1));
    let sheet = melfusion::image::Picture::open(&out.join("contact-sheet.png")).unwrap();
    assert!(sheet.width() > sheet.height());
}

#[test]
fn how_the_words_of_each_cue_are_read_is_said_in_text_and_in_json() {
    let (folder, board) = folder();
    write(&board, "prompt = \"stirngs and duduk, no drums\"");
    let ran = score(&board, &folder.path().join("text"), &[]);
    fine(&ran);
    let said = "cue 2: the prompt is read as \"strings and duduk\"; avoided: drums; English Horn plays the duduk";
    assert_eq!(ran.err, format!("{said}\n"));
    let out = folder.path().join("json");
    for kept in [false, true] {
        let ran = score(&board, &out, &["--json"]);
        fine(&ran);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        let cue = &told["cues"][1];
        assert_eq!((&cue["kept"], &cue["recipe"]["prompt"]), (&kept.into(), &"stirngs and duduk, no drums".into()));
        let reading = &cue["reading"];
        assert_eq!((&reading["prompt"], &reading["negative"]), (&"strings and duduk".into(), &"drums".into()));
        assert_eq!(
            (&reading["avoided"][0], &reading["cast"][0]),
            (&"drums".into(), &"English Horn plays the duduk".into())
        );
        assert_eq!(told["cues"][2]["reading"]["prompt"], "bells");
    }
}

#[test]
fn interrupted_and_resumed_is_the_same_as_uninterrupted_byte_for_byte() {
    let (folder, board) = folder();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    fine(&score(&board, &whole, &PROJECTS));
    let ran = score(&board, &parts, &["--cue", "2"]);
    fine(&ran);
    assert!(ran.out.contains("2 of 3 cues are still to be made"), "{}", ran.out);
    assert_eq!(files(&parts), ["02-battlefield.wav"]);
    let ran = score(&board, &parts, &[&PROJECTS[..], &["--json"]].concat());
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let kept: Vec<_> = told["cues"].as_array().unwrap().iter().map(|cue| cue["kept"].as_bool().unwrap()).collect();
    assert_eq!(kept, [false, true, false]);
    assert_eq!(contents(&whole), contents(&parts));
    assert_eq!(files(&whole), [&WRITTEN[..], &["stems", "storyboard.dawproject", "storyboard.rpp"]].concat());
    // And a third time nothing is made, and nothing changes.
    let ran = score(&board, &parts, &["--progress", "lines"]);
    assert!(!ran.err.contains("composing") && ran.out.matches("kept").count() == 3, "{}{}", ran.out, ran.err);
    assert_eq!(contents(&whole), contents(&parts));
}

#[test]
fn only_what_changed_is_made_again() {
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    fine(&score(&board, &out, &[]));
    let made = |more: &str, options: &[&str]| -> Vec<bool> {
        write(&board, more);
        let ran = score(&board, &out, &[options, &["--json"]].concat());
        fine(&ran);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        told["cues"].as_array().unwrap().iter().map(|cue| !cue["kept"].as_bool().unwrap()).collect()
    };
    assert_eq!(made("", &[]), [false; 3]);
    assert_eq!(made("prompt = \"rain\"", &[]), [false, true, false]);
    assert_eq!(made("prompt = \"rain\"\nname = \"The rain\"", &[]), [false; 3]);
    assert!(out.join("02-the-rain.wav").exists());
    assert_eq!(made("prompt = \"rain\"\ntransition = \"cut\"", &[]), [false; 3]);
    // What the first cue leans towards is part of it.
    assert_eq!(made("prompt = \"rain\"\ntransition = \"morph 1\"", &[]), [true, false, false]);
    assert_eq!(made("prompt = \"sun\"\ntransition = \"morph 1\"", &[]), [true, true, false]);
    assert_eq!(made("prompt = \"sun\"\ntransition = \"morph 1\"\ncrop = [0, 0, 0.5, 1]", &[]), [true, true, false]);
    // Another kind of file holds the same music.
    assert_eq!(made("prompt = \"rain\"", &["--format", "float"]), [true, false, false]);
    fs::copy(format!("{FRAMES}/harbour.png"), folder.path().join("battlefield.png")).unwrap();
    assert_eq!(made("prompt = \"rain\"", &["--format", "float"]), [false, true, false]);
}

#[test]
fn a_damaged_cue_is_made_again() {
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    fine(&score(&board, &out, &[]));
    let before = contents(&out);
    let path = out.join(WRITTEN[0]);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    fs::remove_file(out.join(WRITTEN[1])).unwrap();
    fine(&score(&board, &out, &[]));
    assert_eq!(contents(&out), before);
}

#[test]
fn what_is_wrong_with_a_board_is_said_with_its_line_and_nothing_is_lost() {
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    fine(&score(&board, &out, &[]));
    let before = contents(&out);
    for (more, line, words) in [
        ("bars = 0", "line 14", &["duplicate key"][..]),
        ("promt = \"rain\"", "line 14", &["promt", "prompt"]),
        ("transition = \"fade 1\"", "line 14", &["not a transition", "crossfade 2"]),
        ("transition = \"crossfade 2\"", "line 14", &["cue 2", "needs 2 bars"]),
        ("start_bar = 1", "line 14", &["cue 2", "still belongs to cue 1", "begin at bar 2"]),
        ("start_bar = 4", "line 14", &["cue 2", "nothing plays from bar 2", "gaps = \"silence\""]),
        ("influence = 2.0", "line 14", &["cue 2", "influence", "from 0 to 1"]),
        ("crop = [0.5, 0, 0.6, 1]", "line 14", &["inside the picture"]),
        ("name = \"unclosed", "line 14", &["string"]),
    ] {
        write(&board, more);
        refused(&score(&board, &out, &[]), &[&["board.toml", line], words].concat());
    }
    let text = fs::read_to_string(&board).unwrap();
    for (from, to, line, words) in [
        ("bars = 1", "bars = 0", "line 9", &["cue 1", "from 1 to 64"][..]),
        ("harbour.png", "no.png", "line 8", &["no.png", "no such file"]),
        ("steps = 2", "steps = 0", "line 3", &["steps", "from 1 to 200"]),
        ("187.3", "9", "line 2", &["9 bpm", "from 20 to 300"]),
        ("187.3", "[{ bar = 2, bpm = 90 }]", "line 2", &["begin at bar 1"]),
    ] {
        fs::write(&board, text.replace("name = \"unclosed", "").replacen(from, to, 1)).unwrap();
        refused(&score(&board, &out, &[]), &[&["board.toml", line], words].concat());
    }
    fs::write(&board, "title = \"empty\"\n").unwrap();
    refused(&score(&board, &out, &[]), &["board.toml", "add at least one"]);
    assert_eq!(contents(&out), before);
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    refused(&score(&board, &out, &["--cue", "4"]), &["cue", "from 1 to 3"]);
    refused(&score(&board, &out, &["--bpm", "90"]), &["--bpm", "write it into the file"]);
    refused(&score(&folder.path().join("no.toml"), &out, &[]), &["no.toml", "no such file"]);
    refused(&score(&folder.path().join("nowhere"), &out, &[]), &["nowhere", "no such file or folder"]);
    refused(&score(&folder.path().join("harbour.png"), &out, &[]), &["harbour.png", "is no storyboard"]);
    refused(&score(&board, &folder.path().join("harbour.png"), &[]), &["harbour.png", "folder"]);
    refused(&run([&board]), &["--out"]);
    assert!(!out.exists());
}

#[test]
fn a_frame_that_disappears_while_cues_are_made_is_not_needed_any_more() {
    use std::io::{BufRead, BufReader, Read};
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    let mut running = program()
        .args(["--bundle", MINI, "--progress", "lines", "--out"])
        .args([&out, &board])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("cue 1/3") {
        line.clear();
        assert!(err.read_line(&mut line).unwrap() > 0, "ended before");
    }
    fs::remove_file(folder.path().join("open_road.png")).unwrap();
    err.read_to_string(&mut line).unwrap();
    assert!(running.wait().unwrap().success(), "{line}");
    let before = contents(&out);
    // The next run says what is missing, and leaves what is there.
    refused(&score(&board, &out, &[]), &["open_road.png", "no such file", "line 17"]);
    assert_eq!(contents(&out), before);
}

#[cfg(unix)]
#[test]
fn a_cancelled_board_keeps_its_finished_cues_and_no_half_file() {
    use std::io::{BufRead, BufReader, Read};
    let (folder, board) = folder();
    let [out, whole] = ["beds", "whole"].map(|name| folder.path().join(name));
    fs::write(&board, fs::read_to_string(&board).unwrap().replace("steps = 2", "steps = 60")).unwrap();
    let mut running = program()
        .args(["--bundle", MINI, "--progress", "lines", "--out"])
        .args([&out, &board])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("cue 2/3: composing 1/") {
        line.clear();
        assert!(err.read_line(&mut line).unwrap() > 0, "ended before it was cancelled");
    }
    let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", running.id())]).status();
    assert!(interrupt.unwrap().success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130));
    assert!(rest.ends_with("cancelled\n"), "{rest}");
    assert_eq!(files(&out), ["01-harbour.wav"]);
    fine(&score(&board, &out, &[]));
    fine(&score(&board, &whole, &[]));
    assert_eq!(contents(&out), contents(&whole));
}

#[cfg(unix)]
#[test]
fn every_file_that_is_written_again_keeps_its_mode() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    fn all(folder: &Path) -> Vec<PathBuf> {
        let inside = |path: PathBuf| if path.is_dir() { all(&path) } else { vec![path] };
        files(folder).into_iter().flat_map(|name| inside(folder.join(name))).collect()
    }
    let (folder, board) = folder();
    let out = folder.path().join("beds");
    let more = ["--save", "beds/saved.toml", "--project", "reaper", "--project", "dawproject"];
    let make = || {
        let args = [board.as_os_str(), OsStr::new("--out"), out.as_os_str()].into_iter().chain(more.map(OsStr::new));
        let made = program().current_dir(folder.path()).args(["--bundle", MINI]).args(args).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    fs::create_dir(&out).unwrap();
    make();
    let written = all(&out);
    // Clips of cues are kept while they are as the board says.
    fs::write(&board, fs::read_to_string(&board).unwrap().replace("bells", "drums")).unwrap();
    let inode = |path: &PathBuf| fs::metadata(path).unwrap().ino();
    let before: Vec<u64> = written.iter().map(inode).collect();
    written.iter().for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap());
    make();
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
    let wider: Vec<_> = written.iter().filter(|path| mode(path) != 0o600).collect();
    assert!(wider.is_empty(), "{wider:?}");
    let replaced = written.iter().zip(before).filter(|(path, before)| inode(path) != *before);
    let kinds: Vec<_> = replaced.filter_map(|(path, _)| path.extension()?.to_str()).collect();
    assert!(["wav", "png", "toml", "rpp", "dawproject"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
}
