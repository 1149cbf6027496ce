//! `melfusion eval` from outside, on a set of three clips that take no time.
#![cfg(feature = "cli")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const MINI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini");
const HARBOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/frames/harbour.png");
/// Length of one bar at 120 bpm.
const SECONDS: u32 = 2;

/// A folder with a set in `set`; results go to `out`.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        fs::create_dir(&set).unwrap();
        fs::copy(HARBOUR, set.join("harbour.png")).unwrap();
        let bench = Self(folder);
        bench.write(&[&seen("both_000"), &unseen("words_000", "words"), &unseen("named_000", "named")]);
        bench
    }

    fn write(&self, lines: &[&str]) {
        fs::write(self.path("set/set.jsonl"), lines.join("\n")).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// `melfusion eval` on the set.
    fn program(&self, more: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_melfusion"));
        program.arg("eval").arg(self.path("set")).arg("--out").arg(self.path("out"));
        program.args(["--bundle", MINI, "--steps", "1"]).args(more).stdin(Stdio::null());
        program
    }

    /// Exit code, standard output, standard error.
    fn run(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let output = self.program(more).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Makes the clips; returns what was said.
    #[track_caller]
    fn make(&self, more: &[&str]) -> String {
        let (code, out, err) = self.run(&[&["--no-measure"], more].concat());
        assert_eq!(code, Some(0), "{err}");
        out
    }

    fn clips(&self) -> BTreeMap<String, Vec<u8>> {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_string();
        let paths = fs::read_dir(self.path("out/clips")).unwrap().map(|entry| entry.unwrap().path());
        paths.map(|path| (name(&path), fs::read(path).unwrap())).collect()
    }

    #[track_caller]
    fn assert_refused(&self, more: &[&str], words: &[&str]) {
        let (code, out, err) = self.run(more);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        for word in words {
            assert!(err.starts_with("error: ") && err.contains(word), "no {word:?} in: {err}");
        }
        assert!(!self.path("out").exists());
    }
}

/// A line that composes with a picture.
fn seen(id: &str) -> String {
    format!(
        r#"{{"id": "{id}", "way": "both", "clip": 0, "bars": 1, "meter": "4/4", "bpm": 120, "make": "compose", "prompt": "piano", "picture": "harbour.png", "key": "D minor", "seed": 3, "about": {{}}}}"#
    )
}

/// A line that composes from words.
fn unseen(id: &str, way: &str) -> String {
    seen(id).replace("\"harbour.png\"", "null").replace("\"way\": \"both\"", &format!("\"way\": \"{way}\""))
}

/// A line that plays a score.
fn written(id: &str) -> String {
    format!(
        r#"{{"id": "{id}", "way": "composed", "clip": 0, "bars": 1, "meter": "4/4", "bpm": 120, "make": "score", "score": "score.json", "seed": 3, "about": {{}}}}"#
    )
}

#[test]
fn every_line_becomes_a_clip_of_its_length() {
    let bench = Bench::new();
    assert!(bench.make(&[]).contains("3 clips") && bench.clips().len() == 3);
    for name in bench.clips().keys() {
        let wav = hound::WavReader::open(bench.path("out/clips").join(name)).unwrap();
        assert_eq!(wav.duration(), SECONDS * wav.spec().sample_rate, "{name}");
    }
    let run: Value = serde_json::from_slice(&fs::read(bench.path("out/run.json")).unwrap()).unwrap();
    assert_eq!((&run["settings"]["steps"], &run["bundle"]["name"]), (&1.into(), &"mini".into()));
    assert!((0..3).all(|i| run["clips"][i]["seconds"] == f64::from(SECONDS)));
}

#[test]
fn what_is_there_is_not_made_again_and_what_is_missing_is() {
    let bench = Bench::new();
    bench.make(&[]);
    let first = bench.clips();
    assert!(bench.make(&[]).contains("0 of them new"));
    fs::remove_file(bench.path("out/clips/both_000.wav")).unwrap();
    assert!(bench.make(&[]).contains("1 of them new"));
    assert_eq!(bench.clips(), first);
    assert!(bench.make(&["--guidance", "1"]).contains("3 of them new"));
    assert_ne!(bench.clips()["both_000.wav"], first["both_000.wav"]);
}

#[test]
fn some_ways_or_fewer_clips_can_be_asked_for() {
    let bench = Bench::new();
    assert!(bench.make(&["--only", "words,named"]).contains("2 clips"));
    assert!(bench.make(&["--only", "words", "--clips", "1"]).contains("1 clips"));
    assert_eq!(bench.clips().len(), 2);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_clips() {
    let lines: Vec<_> =
        (0..40).map(|i| seen(&format!("both_{i:03}")).replace("\"seed\": 3", &format!("\"seed\": {i}"))).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let [interrupted, whole] = [Bench::new(), Bench::new()];
    interrupted.write(&lines);
    whole.write(&lines[..6]);
    let mut running =
        interrupted.program(&["--no-measure", "--progress", "lines"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(running.stderr.take().unwrap()).lines();
    assert_eq!(err.next().unwrap().unwrap(), "both_000 1/40");
    let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", running.id())]).status();
    assert!(interrupt.unwrap().success());
    let rest: Vec<_> = err.map(Result::unwrap).collect();
    assert_eq!((running.wait().unwrap().code(), rest.last().unwrap().as_str()), (Some(130), "cancelled"));
    let ledger = fs::read_to_string(interrupted.path("out/made.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), interrupted.clips().len());
    interrupted.write(&lines[..6]);
    interrupted.make(&[]);
    whole.make(&[]);
    for (name, bytes) in whole.clips() {
        assert_eq!(interrupted.clips()[&name], bytes, "{name}");
    }
}

#[test]
fn faults_of_a_set_are_told_before_anything_is_made() {
    let bench = Bench::new();
    bench.assert_refused(&["--no-measure", "--only", "singing"], &["singing", "both, named, words"]);
    bench.assert_refused(&["--no-measure", "--clips", "0"], &["--clips"]);
    bench.assert_refused(&["--recipe", "no/such"], &["no/such/evaluate.py", "--recipe", "--no-measure"]);
    bench.assert_refused(&["--no-measure", "--steps", "0"], &["line 1", "steps"]);
    bench.write(&[&seen("both_000"), "{\"id\": 3"]);
    bench.assert_refused(&["--no-measure"], &["set.jsonl", "line 2", "prepare"]);
    bench.write(&[&seen("both_000"), &seen("both_001").replace("harbour", "station")]);
    bench.assert_refused(&["--no-measure"], &["line 2", "station.png is missing"]);
    fs::remove_file(bench.path("set/set.jsonl")).unwrap();
    bench.assert_refused(&["--no-measure"], &["set.jsonl", "evaluate.py prepare"]);
}

#[test]
fn a_damaged_score_is_named() {
    let bench = Bench::new();
    bench.write(&[&written("composed_000")]);
    bench.assert_refused(&["--no-measure"], &["line 1", "score.json is missing"]);
    fs::write(bench.path("set/score.json"), "{\"bars\": 1}").unwrap();
    let (code, _, err) = bench.run(&["--no-measure"]);
    assert!(code == Some(2) && err.contains("score.json") && err.contains("prepare the set again"), "{err}");
}

#[cfg(unix)]
#[test]
fn the_measuring_side_is_given_set_and_results_and_its_failure_is_ours() {
    let bench = Bench::new();
    let recipe = bench.path("recipe");
    fs::create_dir(&recipe).unwrap();
    fs::write(recipe.join("evaluate.py"), "echo \"measured: $*\"\nexit ${MEASURE_EXIT:-0}\n").unwrap();
    let more = ["--only", "words", "--recipe", recipe.to_str().unwrap(), "--python"];
    let (code, out, err) = bench.run(&[&more[..], &["sh"]].concat());
    assert_eq!(code, Some(0), "{err}");
    let [set, results] = ["set", "out"].map(|name| bench.path(name).display().to_string());
    assert!(out.contains(&format!("measured: measure --set {set} --results {results}")), "{out}");
    let failing = bench.program(&[&more[..], &["sh"]].concat()).env("MEASURE_EXIT", "3").output().unwrap();
    assert_eq!(failing.status.code(), Some(1));
    let (code, _, err) = bench.run(&[&more[..], &["no-such-python"]].concat());
    assert!(code == Some(1) && err.contains("no-such-python") && err.contains("--python"), "{err}");
}
