//! The PyTorch process.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Fallible;
use crate::cases::Work;
use crate::options::Options;

/// Blocks up to this many bytes are kept by the allocator. PyTorch's tuning guide advises an allocator that does not
/// give every large tensor back to the system; glibc can be told not to.
const KEPT_BYTES: &str = "1073741824";

/// A PyTorch process that waits for requests.
pub struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub hello: Hello,
}

/// What the process says of itself.
#[derive(Debug, Deserialize)]
pub struct Hello {
    /// Versions.
    pub about: String,
    pub threads: usize,
    /// Held once the libraries are loaded, in MB.
    pub memory_mb: f64,
}

/// One turn.
#[derive(Debug, Deserialize)]
pub struct Turn {
    /// Milliseconds of one call.
    pub ms: f64,
}

/// The Python to use: `given`, or that of our environment, which is made if it is not there.
pub fn environment(given: Option<&Path>, directory: &Path) -> Fallible<PathBuf> {
    if let Some(python) = given {
        return Ok(python.to_path_buf());
    }
    let venv = directory.join("venv");
    let python = venv.join("bin/python");
    let requirements = source().join("requirements.txt");
    let wanted =
        fs::read_to_string(&requirements)? + &fs::read_to_string(source().join("../../tests/golden/requirements.txt"))?;
    let installed = venv.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    eprintln!("installing PyTorch into {}", venv.display());
    done(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    done(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    fs::write(installed, wanted)?;
    Ok(python)
}

fn done(command: &mut Command) -> Fallible {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/vs_pytorch")
}

impl Peer {
    /// Starts a process and waits until it is ready.
    pub fn start(python: &Path, directory: &Path, options: &Options) -> Fallible<Self> {
        let mut command = Command::new(python);
        command.arg(source().join("peer.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(fs::File::create(directory.join("peer.log"))?);
        command.env("TORCHINDUCTOR_CACHE_DIR", directory.join("inductor"));
        command.env("OMP_NUM_THREADS", options.threads.to_string());
        for name in ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"] {
            if env::var_os(name).is_none() {
                command.env(name, KEPT_BYTES);
            }
        }
        let mut child = command.spawn().map_err(|e| format!("{}: {e}", python.display()))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("PyTorch's process has no streams".into());
        };
        let hello = Hello { about: String::new(), threads: 0, memory_mb: 0.0 };
        let mut peer = Self { child, requests, answers: BufReader::new(answers), hello };
        let hello = json!({
            "do": "hello", "threads": options.threads, "device": options.device.to_string(), "dtype": options.dtype().as_str(),
            "processor_time": options.processor_time,
        });
        peer.hello = peer.ask(hello).map_err(|e| {
            let log = directory.join("peer.log");
            let messages = fs::read_to_string(&log).unwrap_or_default();
            let last = messages.lines().last().unwrap_or("it said nothing");
            format!("PyTorch does not start ({e}): {last} (all its messages are in {})", log.display())
        })?;
        Ok(peer)
    }

    /// Builds a case, writes its tensors to `file` if there is one, and returns the ways to run it.
    pub fn prepare(&mut self, work: &Work, file: Option<&Path>) -> Fallible<Vec<String>> {
        #[derive(Deserialize)]
        struct Prepared {
            variants: Vec<String>,
        }
        let prepared: Prepared = self.ask(json!({ "do": "prepare", "work": work, "file": file }))?;
        Ok(prepared.variants)
    }

    /// Runs what was prepared.
    pub fn run(&mut self, variant: &str, repeats: usize) -> Fallible<Turn> {
        self.ask(json!({ "do": "run", "variant": variant, "repeats": repeats }))
    }

    /// Most memory that it ever held, in MB.
    pub fn peak_mb(&mut self) -> Fallible<f64> {
        #[derive(Deserialize)]
        struct Memory {
            peak_mb: f64,
        }
        let memory: Memory = self.ask(json!({ "do": "memory" }))?;
        Ok(memory.peak_mb)
    }

    /// Its number among the system's processes.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn ask<T: DeserializeOwned>(&mut self, request: Value) -> Fallible<T> {
        writeln!(self.requests, "{request}")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("PyTorch's process has ended".into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.lines().next().unwrap_or_default().into()),
            None => Ok(serde_json::from_value(answer)?),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may be compiling; nothing of it is worth waiting for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
