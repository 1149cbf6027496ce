//! Both sides of every operation, step and stage, ours and PyTorch's, alternating in one run.
//!
//! ```sh
//! cargo bench --bench vs_pytorch                                    # everything
//! cargo bench --bench vs_pytorch -- --only conv2d,unet --rounds 5   # those with such words in their name
//! cargo bench --bench vs_pytorch --features cuda -- --device cuda   # networks of full size, on a GPU
//! ```
//!
//! [`cases`] is the table of what is compared. The other side is `peer.py`, in a Python environment of its own that the
//! first run makes. `benches/README.md` tells how it measures, and what it found.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what it is for")]

mod cases;
mod machine;
mod memory;
mod options;
mod ours;
mod peer;
mod report;
mod roofline;
mod rounds;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use melfusion::Bundle;
use melfusion::device::DeviceChoice;

use self::cases::{Case, Section};
use self::options::{Options, Task};
use self::peer::Peer;
use self::rounds::Outcome;

type Fallible<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    // On a thread of the pool, as the engine computes: from outside, every operation would be handed over and waited for.
    let result = rayon::scope(|_| run().map_err(|error| error.to_string()));
    result.unwrap_or_else(|error| {
        println!("{error}");
        ExitCode::FAILURE
    })
}

fn run() -> Fallible<ExitCode> {
    let options = Options::parse(env::args().skip(1))?;
    let directory = directory()?;
    let cases = match options.full {
        true => cases::full(options.reduced),
        false => cases::all(Bundle::mini()?.manifest()),
    };
    match &options.task {
        Task::TryOut => try_out(&cases)?,
        Task::Memory(name) => memory::hold(&cases, name, &options)?,
        Task::Compare if !has_threads(options.threads) => return again(options.threads),
        Task::Compare => {
            // Two runs at once would read each other's tensors, and neither would measure anything.
            let lock = fs::File::create(directory.join("lock"))?;
            lock.try_lock().map_err(|_| "another run of this benchmark is not over yet")?;
            let cases: Vec<Case> = cases.into_iter().filter(|case| options.wants(case)).collect();
            return compare(&cases, &options, &directory);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the Python environment, exchanged tensors and compiled kernels are kept.
fn directory() -> Fallible<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vs_pytorch");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Under `cargo test --benches` there is no Python: our side of every operation, on zeros.
fn try_out(cases: &[Case]) -> Fallible {
    let zeros = VarBuilder::zeros(DType::F32, &Device::Cpu);
    for case in cases.iter().filter(|case| case.section == Section::Operation) {
        for (layout, mut call) in ours::build(&case.work, &zeros)? {
            let answer = call()?;
            println!("{} ({}), {layout}: {:?}", case.name, case.shape, answer.shape());
        }
    }
    Ok(())
}

/// Whether this process was started with as many threads as are wanted; both pools read it once, at their first use.
fn has_threads(threads: usize) -> bool {
    ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"].iter().all(|name| env::var(name) == Ok(threads.to_string()))
}

fn again(threads: usize) -> Fallible<ExitCode> {
    let status = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env("RAYON_NUM_THREADS", threads.to_string())
        .env("CANDLE_NUM_THREADS", threads.to_string())
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(cases: &[Case], options: &Options, directory: &Path) -> Fallible<ExitCode> {
    let python = peer::environment(options.python.as_deref(), directory)?;
    let mut peer = Peer::start(&python, directory, options)?;
    report::header(&peer, options);
    let is_cpu = options.device == DeviceChoice::Cpu;
    let peak_now = || if is_cpu && !options.processor_time { roofline::peak_gflops(options.threads) } else { None };
    let mut peak = peak_now();
    let (mut outcomes, mut restless) = (Vec::new(), 0f64);
    for section in Section::ALL {
        let found = measure(cases, section, &mut peer, options, directory);
        for outcome in found.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()) {
            restless = restless.max(outcome.ours.restless()).max(outcome.theirs.restless());
        }
        if !found.is_empty() {
            // The best of all: something may have disturbed the others.
            peak = roofline::higher(peak, peak_now());
        }
        outcomes.extend(found);
    }
    let sound = outcomes.iter().all(|(_, outcome)| outcome.is_ok());
    let measured = outcomes.iter().filter_map(|(case, outcome)| Some((*case, outcome.as_ref().ok()?)));
    report::roofline(&measured.collect::<Vec<(&Case, &Outcome)>>(), peak);
    drop(peer);
    println!("\nWhile one side ran, the other used at most {:.0} % of a core.", 100.0 * restless);
    if options.memory {
        report::memory(&memory::compare(cases, &python, directory, options)?);
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs and reports the cases of a section.
fn measure<'a>(
    cases: &'a [Case],
    section: Section,
    peer: &mut Peer,
    options: &Options,
    directory: &Path,
) -> Vec<(&'a Case, Fallible<Outcome>)> {
    let mut outcomes = Vec::new();
    for case in cases.iter().filter(|case| case.section == section) {
        if outcomes.is_empty() {
            report::begin(section);
        }
        let outcome = rounds::run(case, peer, options, directory);
        report::line(case, &outcome);
        outcomes.push((case, outcome));
    }
    if !outcomes.is_empty() {
        report::end(section, &outcomes);
    }
    outcomes
}
