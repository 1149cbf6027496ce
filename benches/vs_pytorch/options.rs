//! The command line.

use std::path::PathBuf;
use std::thread;

use crate::cases::Case;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Only see that our side runs: without `--bench`, as under `cargo test --benches`.
    TryOut,
    /// Both sides.
    Compare,
    /// Do the case of this name once and tell the peak memory; for a child process.
    Memory(String),
}

/// The command line, read.
#[derive(Debug, Clone)]
pub struct Options {
    pub task: Task,
    /// Of both sides.
    pub threads: usize,
    /// Turns that each side takes at every case; a third of them at a clip.
    pub rounds: usize,
    /// Words of which a case's name has one; none is every case.
    pub only: Vec<String>,
    /// Seconds to wait before a case for other processes to come to rest.
    pub patience: usize,
    /// Whether PyTorch may compile.
    pub compile: bool,
    /// Whether peak memory is measured too.
    pub memory: bool,
    /// A Python that has what `requirements.txt` names, instead of our own environment.
    pub python: Option<PathBuf>,
}

const HELP: &str = "options: --device cpu | --threads N | --rounds N | --only WORD,WORD | --patience SECONDS | --no-compile | --no-memory | \
                    --python PATH";

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            task: Task::TryOut,
            threads: thread::available_parallelism().map_or(1, usize::from),
            rounds: 9,
            only: Vec::new(),
            patience: 10,
            compile: true,
            memory: true,
            python: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value; {HELP}"));
            match argument.as_str() {
                "--bench" if options.task == Task::TryOut => options.task = Task::Compare,
                "--bench" => {}
                "--device" => cpu(&value()?)?,
                "--threads" => options.threads = count(&value()?)?,
                "--rounds" => options.rounds = count(&value()?)?,
                "--only" => options.only = value()?.split(',').map(|word| word.trim().to_lowercase()).collect(),
                "--patience" => options.patience = count(&value()?)?,
                "--no-compile" => options.compile = false,
                "--no-memory" => options.memory = false,
                "--python" => options.python = Some(value()?.into()),
                "--memory-of" => options.task = Task::Memory(value()?),
                _ => return Err(format!("{argument} is no option of this benchmark; {HELP}")),
            }
        }
        Ok(options)
    }

    /// Whether a case is among those asked for.
    pub fn wants(&self, case: &Case) -> bool {
        let name = format!("{} {}", case.name, case.shape).to_lowercase();
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word))
    }
}

fn cpu(device: &str) -> Result<(), String> {
    match device {
        "cpu" => Ok(()),
        "cuda" => Err("this build has no CUDA: the engine has no feature `cuda` yet".into()),
        _ => Err(format!("{device} is no device; there is cpu")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| format!("{text} is no number of 1 or more"))
}
