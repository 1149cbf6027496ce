//! The `melfusion` program: where it is, what it can do, and how it is started as a worker.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};

use super::{Place, lost};
use crate::error::Error;

/// How long a program may take to say what it can do, or to have a worker ready: looking for a GPU takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// Most that is kept of what it said, in bytes from the end.
const LONGEST_WORDS: usize = 2000;

/// An executable that runs workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
}

/// What `melfusion worker --probe` says: what a worker started now would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Version of the engine.
    pub engine: String,
    /// Version of the messages.
    pub protocol: u32,
    /// Where it would compute.
    pub device: String,
    /// That is no CPU.
    pub is_gpu: bool,
}

impl Program {
    /// A program of which the path is known.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The program, if it is in one of the [`places`](Self::places).
    pub fn find() -> Option<Self> {
        Self::places().into_iter().find(|path| path.is_file()).map(Self::at)
    }

    /// Where it is looked for: where `cargo xtask install` puts it for this user, where it puts it for everyone, and then
    /// wherever a shell would look.
    pub fn places() -> Vec<PathBuf> {
        let user = ProjectDirs::from("", "", "melfusion").map(|project| project.data_local_dir().join("bin"));
        let path = env::var_os("PATH").unwrap_or_default();
        let shell: Vec<_> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
        let name = format!("melfusion{}", env::consts::EXE_SUFFIX);
        user.into_iter().chain(for_everyone()).chain(shell).map(|folder| folder.join(&name)).collect()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks what it can do. Reads no weights.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if it cannot be run or says something else.
    pub fn probe(&self) -> Result<Probe, Error> {
        let said = self.run(&["--probe".as_ref()])?;
        serde_json::from_str(&said).map_err(|_| self.problem("is another version; install the one of this plugin"))
    }

    /// Has a worker started at `place`, unless there is one, and waits until it can be connected to. It is no child of this
    /// process, so that it may outlive it and never has to be waited for.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if it cannot be, with its own reason.
    pub fn start(&self, place: &Place) -> Result<(), Error> {
        self.run(&["--detach".as_ref(), "--folder".as_ref(), place.folder().as_os_str()]).map(drop)
    }

    /// Runs it to its end and answers what it said on standard output.
    fn run(&self, arguments: &[&std::ffi::OsStr]) -> Result<String, Error> {
        let mut command = Command::new(&self.path);
        command.arg("worker").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        without_window(&mut command);
        let mut child = command.spawn().map_err(|error| self.problem(&format!("cannot be run ({error})")))?;
        let words = [reader(child.stdout.take()), reader(child.stderr.take())];
        let status = await_end(&mut child).map_err(|error| self.problem(&format!("did not end ({error})")))?;
        let [said, complaint] = words.map(|words| words.and_then(|words| words.join().ok()).unwrap_or_default());
        if status.success() {
            return Ok(said);
        }
        let reason = complaint.trim().trim_start_matches("error: ").replace('\n', "; ");
        let reason = if reason.is_empty() { status.to_string() } else { reason };
        Err(self.problem(&format!("could not work: {reason}")))
    }

    fn problem(&self, problem: &str) -> Error {
        lost(format!("is missing: {} {problem}", self.path.display()))
    }
}

/// Waits for a child to end, and ends it if that takes too long. It is never left for the system to keep.
fn await_end(child: &mut Child) -> io::Result<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
    }
}

/// Reads to the end on a thread of its own, so that a full pipe holds nobody up; keeps the last of it.
fn reader(pipe: Option<impl io::Read + Send + 'static>) -> Option<thread::JoinHandle<String>> {
    let mut pipe = pipe?;
    let read = move || {
        let mut words = Vec::new();
        let mut part = [0; 1024];
        while let Ok(length @ 1..) = pipe.read(&mut part) {
            words.extend(&part[..length]);
            words.drain(..words.len().saturating_sub(LONGEST_WORDS));
        }
        String::from_utf8_lossy(&words).into_owned()
    };
    thread::Builder::new().name("mlfn-words".into()).spawn(read).ok()
}

/// Where programs for all users lie that belong to a plugin.
fn for_everyone() -> Option<PathBuf> {
    if cfg!(target_os = "macos") {
        return Some("/Library/Application Support/melfusion/bin".into());
    }
    if cfg!(windows) {
        return Some(PathBuf::from(env::var_os("PROGRAMFILES")?).join("melfusion").join("bin"));
    }
    Some("/usr/lib/melfusion/bin".into())
}

#[cfg(windows)]
fn without_window(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn without_window(_command: &mut Command) {}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(folder: &Path, text: &str) -> Program {
        let path = folder.join("melfusion");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Program::at(path)
    }

    #[test]
    fn what_a_program_says_is_taken_for_what_it_can_do() {
        let folder = tempfile::tempdir().unwrap();
        let say = r#"echo '{"engine": "1", "protocol": 7, "device": "a card", "is_gpu": true}'"#;
        let probe = script(folder.path(), say).probe().unwrap();
        assert_eq!((probe.protocol, probe.device.as_str(), probe.is_gpu), (7, "a card", true));
    }

    #[test]
    fn what_is_wrong_with_a_program_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::at(folder.path());
        let problem = |program: Program| program.start(&place).unwrap_err().to_string();
        assert!(problem(Program::at(folder.path().join("none"))).contains("cannot be run"));
        let said = problem(script(folder.path(), "echo 'error: no driver' >&2; exit 1"));
        assert!(said.contains("could not work: no driver"), "{said}");
        assert!(problem(script(folder.path(), "kill -9 $$")).contains("signal: 9"));
        // More than a pipe holds.
        let said = problem(script(folder.path(), "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 3"));
        assert!(said.len() < 3000 && said.contains("xxx"));
        assert!(script(folder.path(), "echo usage").probe().is_err());
    }
}
