//! `melfusion eval`.

mod job;
mod ledger;
mod maker;
mod measure;
mod summary;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use melfusion::bundle::Bundle;
use melfusion::error::Error;

use self::job::Job;
use self::ledger::Ledger;
use self::maker::Maker;
use self::measure::Measure;
use super::args::{Device, Style};
use super::terminal;

/// File of a set that lists its clips.
const SET: &str = "set.jsonl";

#[derive(Debug, clap::Args)]
pub struct Eval {
    /// Folder that `evaluate.py prepare` wrote
    #[arg(value_name = "SET")]
    pub set: PathBuf,
    /// Folder for clips, tables and report.html; clips that are there are not made again
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of a bundle or path of its folder [default: mini]
    #[arg(long, value_name = "BUNDLE")]
    pub bundle: Option<String>,
    /// At most so many clips of each way of asking [default: all]
    #[arg(long, value_name = "N")]
    pub clips: Option<u32>,
    /// Only these ways of asking, such as both,words
    #[arg(long, value_name = "WAY", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Denoising steps, 1 to 200 [default: the bundle's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub steps: Option<u32>,
    /// How strictly prompt and picture are followed, 0 to 20 [default: the bundle's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    /// How much the pictures are heard, 0 to 1
    #[arg(long, value_name = "N", default_value_t = 1.0, allow_negative_numbers = true)]
    pub influence: f64,
    /// Make the clips and measure nothing
    #[arg(long)]
    pub no_measure: bool,
    /// Python with the recipe's requirements
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub python: PathBuf,
    /// Folder of evaluate.py [default: the bundle's recipe folder, else bundles/mini/recipe]
    #[arg(long, value_name = "DIR")]
    pub recipe: Option<PathBuf>,
    #[command(flatten)]
    pub device: Device,
    /// Progress on standard error: a bar, a line per clip, or none [default: bar on a terminal, else none]
    #[arg(long, value_enum, value_name = "HOW")]
    pub progress: Option<Style>,
}

/// Checks everything that can be checked at once, makes the clips that are missing, and has them measured.
pub fn run(args: &Eval) -> anyhow::Result<ExitCode> {
    let bundle = Bundle::find(args.bundle.as_deref())?;
    let measure = if args.no_measure { None } else { Some(Measure::find(args, &bundle)?) };
    let jobs = wanted(args, job::read(&args.set, &settings(args, &bundle))?)?;
    create(&args.out.join(summary::CLIPS))?;
    let ledger = Ledger::open(&args.out)?;
    let mut maker = Maker::new(args, &bundle, ledger)?;
    let entries = maker.make_all(&jobs)?;
    summary::write(args, &bundle, &maker, &entries)?;
    terminal::line(&format!("{} clips in {}, {} of them new", entries.len(), args.out.display(), maker.made()))?;
    match measure {
        Some(measure) => measure.run(),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// What is the same for all clips that are composed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Settings {
    pub steps: u32,
    pub guidance: f64,
    pub influence: f64,
    pub sampler: melfusion::request::SamplerKind,
}

fn settings(args: &Eval, bundle: &Bundle) -> Settings {
    let defaults = &bundle.manifest().defaults;
    Settings {
        steps: args.steps.unwrap_or(defaults.steps as u32),
        guidance: args.guidance.unwrap_or(defaults.guidance),
        influence: args.influence,
        sampler: defaults.sampler,
    }
}

/// The jobs that were asked for.
fn wanted(args: &Eval, jobs: Vec<Job>) -> Result<Vec<Job>, Error> {
    let set = args.set.join(SET);
    if let Some(unknown) = args.only.iter().find(|way| jobs.iter().all(|job| job.way != **way)) {
        let ways: Vec<_> = jobs.iter().map(|job| job.way.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
        let problem = format!("the set has no way {unknown}; it has {}", ways.join(", "));
        return Err(Error::Request { what: "only", problem });
    }
    let asked = |job: &Job| {
        (args.only.is_empty() || args.only.contains(&job.way)) && args.clips.is_none_or(|clips| job.clip < clips)
    };
    let jobs: Vec<_> = jobs.into_iter().filter(asked).collect();
    if jobs.is_empty() {
        return Err(Error::File { path: set, problem: "no clips are asked for; give --clips 1 or more".into() });
    }
    Ok(jobs)
}

fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::File {
        path: folder.to_path_buf(),
        problem: format!("cannot be created ({error}); choose another folder with --out"),
    })
}
