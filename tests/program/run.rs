//! Runs of the program.
#![cfg(feature = "cli")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub const MINI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini");
pub const HARBOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/frames/harbour.png");
/// One bar in as little time as it takes.
pub const SHORT: [&str; 11] =
    ["generate", "--bundle", MINI, "--bars", "1", "--bpm", "120", "--steps", "2", "--seed", "7"];

/// How a run ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn assert_fine(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    /// Ended with code 2 and a message that has all of `words`.
    #[track_caller]
    pub fn assert_bad_input(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert!(self.out.is_empty(), "{}", self.out);
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in: {}", self.err);
        }
        for fault in ["panicked", "fault in melfusion", "stack backtrace"] {
            assert!(!self.err.contains(fault), "{}", self.err);
        }
    }
}

pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_melfusion"));
    program.stdin(Stdio::null());
    program
}

pub fn run(args: impl IntoIterator<Item: AsRef<OsStr>>) -> Ran {
    let output = program().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// [`SHORT`] with `more`, to `out`.
pub fn generate(out: &Path, more: &[&str]) -> Ran {
    run(SHORT.iter().chain(more).map(OsStr::new).chain([OsStr::new("--out"), out.as_os_str()]))
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}
