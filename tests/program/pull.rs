//! `melfusion bundle pull` against a hub of our own: whole, interrupted, wrong, closed, and on bad disks.
#![cfg(feature = "cli")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::hub::{Hub, MAIN, TANGO};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Pulls from `hub` to `to`, types `answer`, and has no token but what `more` gives.
fn pull_typing(hub: &Hub, to: &Path, more: &[&str], answer: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_melfusion"));
    program.args(["bundle", "pull", "tango-full-ft-audio-music-caps", "--to"]).arg(to).args(more);
    program.env("HF_ENDPOINT", hub.url()).env_remove("HF_TOKEN").env("HF_HOME", to.join("no home"));
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    // It may have ended already.
    let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
    child.wait_with_output().unwrap()
}

fn pull(hub: &Hub, to: &Path, more: &[&str]) -> Output {
    pull_typing(hub, to, &[&["--yes"], more].concat(), "")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Ended with `code`, and said all of `words`.
#[track_caller]
fn assert_ended(output: &Output, code: i32, words: &[&str]) {
    let said = format!("{}{}", out(output), err(output));
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}

#[track_caller]
fn assert_whole(hub: &Hub, to: &Path) {
    for (folder, name, content) in hub.wanted() {
        assert_eq!(fs::read(to.join(folder).join(name)).unwrap(), content, "{folder}/{name}");
    }
    assert!(!to.join(".incomplete").exists());
}

#[test]
fn everything_an_import_reads_arrives_and_the_import_is_named() {
    let (hub, to) = (Hub::new(), folder());
    let output = pull(&hub, to.path(), &[]);
    let place = to.path().display().to_string();
    let command = format!(
        "melfusion bundle import --tango {place}/tango --stable-diffusion {place}/image --tokenizer {place}/tokenizer/tokenizer.json \
         --name tango-full-ft-audio-music-caps"
    );
    assert_ended(&output, 0, &["NON-COMMERCIAL", "cc-by-nc-sa-4.0", "OpenRAIL++-M", "0.4 MB", &command]);
    assert_whole(&hub, to.path());
    // Halves where there are some, nothing that no import reads.
    assert!(to.path().join("image/unet/diffusion_pytorch_model.fp16.safetensors").is_file());
    assert!(!to.path().join("image/unet/diffusion_pytorch_model.safetensors").exists());
    assert!(!hub.log().iter().any(|request| request.contains("README")));
}

#[test]
fn nothing_is_downloaded_before_the_licences_are_agreed_to() {
    for answer in ["", "no\n", "y\n"] {
        let (hub, to) = (Hub::new(), folder());
        let output = pull_typing(&hub, to.path(), &[], answer);
        assert_ended(&output, 2, &["NON-COMMERCIAL", "nothing was downloaded", "--yes"]);
        assert!(hub.downloads().is_empty(), "{:?}", hub.downloads());
    }
    let (hub, to) = (Hub::new(), folder());
    assert_ended(&pull_typing(&hub, to.path(), &[], "Yes\n"), 0, &["All is there"]);
    assert_whole(&hub, to.path());
}

#[test]
fn what_is_there_already_is_not_downloaded_again_and_what_was_changed_is() {
    let (hub, to) = (Hub::new(), folder());
    assert_ended(&pull(&hub, to.path(), &[]), 0, &[]);
    hub.forget();
    assert_ended(
        &pull_typing(&hub, to.path(), &[], ""),
        0,
        &["is there already", "0.0 MB to download", "All is there"],
    );
    assert!(hub.downloads().is_empty(), "{:?}", hub.downloads());

    let main = to.path().join("tango").join(MAIN);
    let mut bytes = fs::read(&main).unwrap();
    bytes[7] ^= 1;
    fs::write(&main, bytes).unwrap();
    assert_ended(&pull(&hub, to.path(), &[]), 0, &[]);
    assert!(hub.downloads().iter().all(|request| request.contains(MAIN)), "{:?}", hub.downloads());
    assert_whole(&hub, to.path());
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let (hub, to) = (Hub::new(), folder());
    hub.cut(MAIN, 100_000, 2);
    assert_ended(&pull(&hub, to.path(), &[]), 0, &["All is there"]);
    assert_whole(&hub, to.path());
    assert_eq!(hub.starts(MAIN), [0, 100_000, 200_000]);
}

#[test]
fn a_pull_that_ended_early_is_taken_up_by_the_next() {
    let (hub, to) = (Hub::new(), folder());
    hub.cut(MAIN, 100_000, 1);
    hub.cut_at_once_after(MAIN);
    assert_ended(&pull(&hub, to.path(), &[]), 1, &[MAIN, "pull again to go on"]);
    assert!(!to.path().join("tango").join(MAIN).exists());
    hub.heal();
    hub.forget();
    assert_ended(&pull(&hub, to.path(), &[]), 0, &["All is there"]);
    assert_eq!(hub.starts(MAIN), [100_000]);
    assert_whole(&hub, to.path());
}

#[test]
fn a_file_of_another_hash_is_refused_and_not_kept() {
    let (hub, to) = (Hub::new(), folder());
    hub.corrupt(MAIN);
    assert_ended(&pull(&hub, to.path(), &[]), 1, &[MAIN, "not what the hub says it is", "was not kept"]);
    assert!(!to.path().join("tango").join(MAIN).exists());
    assert!(bytes_in(&to.path().join(".incomplete")) < 1000, "of 300000");
    hub.heal();
    assert_ended(&pull(&hub, to.path(), &[]), 0, &[]);
    assert_whole(&hub, to.path());
}

/// Bytes of all files in a folder; links are none.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let bytes = entries.map(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => bytes_in(&entry.path()),
        kind if kind.is_file() => entry.metadata().unwrap().len(),
        _ => 0,
    });
    bytes.sum()
}

#[test]
fn a_file_that_ends_early_is_refused_and_not_kept() {
    let (hub, to) = (Hub::new(), folder());
    hub.shorten("vae_config.json");
    assert_ended(&pull(&hub, to.path(), &[]), 1, &["vae_config.json", "the hub sent", "pull again"]);
    assert!(!to.path().join("tango/vae_config.json").exists());
}

#[test]
fn a_closed_repository_wants_a_token_and_gets_it() {
    let (hub, to) = (Hub::new(), folder());
    hub.close("secret");
    assert_ended(&pull(&hub, to.path(), &[]), 1, &[TANGO, "HF_TOKEN", "--token-file", "--tango-repo"]);
    let token = to.path().join("token");
    fs::write(&token, "secret\n").unwrap();
    assert_ended(&pull(&hub, to.path(), &["--token-file", token.to_str().unwrap()]), 0, &["All is there"]);
    assert_whole(&hub, to.path());
    let missing = to.path().join("none");
    assert_ended(
        &pull(&hub, to.path(), &["--token-file", missing.to_str().unwrap()]),
        2,
        &["the token cannot be read"],
    );
}

#[test]
fn what_the_hub_has_not_is_named_with_what_to_do() {
    let (hub, to) = (Hub::new(), folder());
    let output = pull(&hub, to.path(), &["--image-repo", "nobody/nothing"]);
    assert_ended(&output, 1, &["nobody/nothing", "not found", "--image-repo"]);
    let output = pull(&hub, to.path(), &["--tokenizer-repo", TANGO]);
    assert_ended(&output, 1, &["has no tokenizer.json", "--tokenizer-repo"]);
    assert!(hub.downloads().is_empty());
}

#[test]
fn a_hub_that_cannot_be_reached_is_an_error() {
    let (hub, to) = (Hub::new(), folder());
    hub.stop();
    assert_ended(&pull(&hub, to.path(), &[]), 1, &[TANGO, &hub.url(), "does not answer"]);
}

#[test]
fn an_unknown_name_is_refused_with_those_there_are() {
    let to = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_melfusion"))
        .args(["bundle", "pull", "mini", "--to"])
        .arg(to.path())
        .output()
        .unwrap();
    assert_ended(&output, 2, &["\"mini\"", "tango-music-af-ft-mc"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_anything_is_asked() {
    let (hub, to) = (Hub::new(), folder());
    let file = to.path().join("file");
    fs::write(&file, "").unwrap();
    assert_ended(&pull(&hub, &file, &[]), 2, &["file", "--to"]);
    #[cfg(target_os = "linux")]
    assert_ended(&pull(&hub, Path::new("/proc/melfusion"), &[]), 2, &["/proc/melfusion", "cannot be created", "--to"]);
    assert!(hub.log().is_empty());
}
