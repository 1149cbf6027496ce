//! The command line.

use std::path::PathBuf;
use std::thread;

use candle_core::DType;
use melfusion::device::{DeviceChoice, UnknownDevice};

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
    /// Turns that each side takes at every case.
    pub rounds: usize,
    /// Words of which a case's name has one; none is every case.
    pub only: Vec<String>,
    /// Seconds to wait before a case for other processes to come to rest.
    pub patience: usize,
    /// Whether PyTorch may compile.
    pub compile: bool,
    /// Whether peak memory is measured too.
    pub memory: bool,
    /// Whether processor time counts instead of time: for a machine that is busy, where there is one thread.
    pub processor_time: bool,
    /// Where both sides compute.
    pub device: DeviceChoice,
    /// Networks of the public weights' full size, and nothing else; what a GPU is measured with.
    pub full: bool,
    /// Those at a fifth of their width and of a quarter of the size, to see that it all runs.
    pub reduced: bool,
    /// A Python that has what `requirements.txt` names, instead of our own environment.
    pub python: Option<PathBuf>,
}

const HELP: &str = "options: --device cpu|cuda|cuda:N | --full | --reduced | --threads N | --rounds N | --only WORD,WORD | \
                    --patience SECONDS | --no-compile | --no-memory | --processor-time | --python PATH";

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
            processor_time: false,
            device: DeviceChoice::Cpu,
            full: false,
            reduced: false,
            python: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value; {HELP}"));
            match argument.as_str() {
                "--bench" if options.task == Task::TryOut => options.task = Task::Compare,
                "--bench" => {}
                "--device" => options.device = device(&value()?)?,
                "--full" => options.full = true,
                "--reduced" => options.reduced = true,
                "--threads" => options.threads = count(&value()?)?,
                "--rounds" => options.rounds = count(&value()?)?,
                "--only" => options.only = value()?.split(',').map(|word| word.trim().to_lowercase()).collect(),
                "--patience" => options.patience = count(&value()?)?,
                "--no-compile" => options.compile = false,
                "--no-memory" => options.memory = false,
                "--processor-time" => options.processor_time = true,
                "--python" => options.python = Some(value()?.into()),
                "--memory-of" => options.task = Task::Memory(value()?),
                _ => return Err(format!("{argument} is no option of this benchmark; {HELP}")),
            }
        }
        if options.processor_time && options.threads != 1 {
            return Err("processor time is that of one thread; add --threads 1".into());
        }
        // The mini bundle is made for processors.
        options.full |= options.reduced || options.device != DeviceChoice::Cpu;
        Ok(options)
    }

    /// What both sides' weights and activations are: bf16 on a GPU, as public weights are run there.
    pub fn dtype(&self) -> DType {
        if self.device == DeviceChoice::Cpu { DType::F32 } else { DType::BF16 }
    }

    /// Whether a case is among those asked for.
    pub fn wants(&self, case: &Case) -> bool {
        let name = format!("{} {}", case.name, case.shape).to_lowercase();
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word))
    }
}

fn device(text: &str) -> Result<DeviceChoice, String> {
    match text.parse().map_err(|error: UnknownDevice| error.to_string())? {
        DeviceChoice::Cuda(_) if cfg!(not(feature = "cuda")) => {
            Err("this build has no CUDA; run cargo bench with --features cuda, as README.md tells".into())
        }
        device @ (DeviceChoice::Cpu | DeviceChoice::Cuda(_)) => Ok(device),
        other => Err(format!("PyTorch's side knows cpu and cuda, not {other}")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| format!("{text} is no number of 1 or more"))
}
