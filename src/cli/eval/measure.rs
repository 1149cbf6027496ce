//! The measuring side: a Python program of the bundle's recipe.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;
use melfusion::bundle::Bundle;
use melfusion::error::Error;

use super::Eval;
use crate::cli::{FAILED, cancel};

/// The program's name in a recipe.
const PROGRAM: &str = "evaluate.py";
/// Recipe of the bundle that ships, in a checkout.
const MINI: &str = "bundles/mini/recipe";

/// A program that can be run.
pub struct Measure<'a> {
    args: &'a Eval,
    program: PathBuf,
}

impl<'a> Measure<'a> {
    /// Looks for the program before anything is made.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it is not there.
    pub fn find(args: &'a Eval, bundle: &Bundle) -> Result<Self, Error> {
        let folders = match &args.recipe {
            Some(folder) => vec![folder.clone()],
            None => vec![bundle.location().join("recipe"), Path::new(MINI).to_path_buf()],
        };
        let programs: Vec<_> = folders.iter().map(|folder| folder.join(PROGRAM)).collect();
        match programs.iter().find(|program| program.is_file()) {
            Some(program) => Ok(Self { args, program: program.clone() }),
            None => Err(Error::File {
                path: programs[0].clone(),
                problem:
                    "there is no such program; name its folder with --recipe, or measure nothing with --no-measure"
                        .into(),
            }),
        }
    }

    /// Has the clips measured; fails if the program does.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let Eval { python, set, out, .. } = self.args;
        let mut command = Command::new(python);
        command.arg(&self.program).arg("measure").arg("--set").arg(set).arg("--results").arg(out);
        let status = command.status().with_context(|| {
            format!("cannot run {}; name a Python with the recipe's requirements with --python", python.display())
        })?;
        if cancel::asked() {
            return Err(Error::Cancelled.into());
        }
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}
