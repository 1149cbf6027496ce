//! Builds, installs and runs the plugin, and checks everything: `cargo xtask bundle | install | standalone | ci`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod ci;
mod install;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::install::Reach;

const PACKAGE: &str = "melfusion-plugin";
const USAGE: &str = "\
cargo xtask bundle [options of cargo build]    MeLFusion.clap and MeLFusion.vst3 in target/bundled
cargo xtask install [--user | --system]        bundles them and puts them where hosts look, and the melfusion program
                                               where they look for it; --user is the default
cargo xtask standalone [options]               runs the plugin as a program; --help lists its options
cargo xtask ci [--list | --only STEP...]       checks everything that needs neither Python nor an administrator";

fn main() -> Result<()> {
    nice_plug_xtask::chdir_workspace_root()?;
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let arguments: Vec<String> = arguments.collect();
    match command.as_deref() {
        Some("bundle") => bundle(&arguments),
        Some("install") => install(&arguments),
        Some("standalone") => standalone(&arguments),
        Some("ci") => ci::run(&arguments),
        _ => bail!("say what to do:\n{USAGE}"),
    }
}

fn bundle(options: &[String]) -> Result<()> {
    let options: Vec<String> = std::iter::once("--release".to_owned()).chain(options.iter().cloned()).collect();
    // The whole workspace, as the tests build it: for the one package, cargo would choose other features of some
    // dependencies and compile nearly everything again.
    let status = cargo().args(["build", "--workspace", "--lib"]).args(&options).status();
    ensure!(status.context("cargo could not be run")?.success(), "the plugin could not be built");
    nice_plug_xtask::bundle(&target(), PACKAGE, &options, false)
}

fn install(options: &[String]) -> Result<()> {
    let reach = match options {
        [] => Reach::User,
        [option] if option == "--user" => Reach::User,
        [option] if option == "--system" => Reach::System,
        _ => bail!("{options:?} is not understood\n{USAGE}"),
    };
    bundle(&[])?;
    let program = program()?;
    let bundled = target().join("bundled");
    let bundles = install::places(reach)?.map(|place| (bundled.join(place.bundle), place.folder));
    for (from, folder) in bundles.into_iter().chain([(program, install::program_folder(reach)?)]) {
        let installed = install::replace(&from, &folder)?;
        println!("Installed {}", installed.display());
    }
    Ok(())
}

/// Builds the program that plugins start as their worker.
fn program() -> Result<PathBuf> {
    let status = cargo().args(["build", "--release", "--workspace", "--bin", "melfusion"]).status();
    ensure!(status.context("cargo could not be run")?.success(), "the melfusion program could not be built");
    Ok(target().join("release").join(format!("melfusion{}", std::env::consts::EXE_SUFFIX)))
}

fn standalone(options: &[String]) -> Result<()> {
    let feature = format!("{PACKAGE}/standalone");
    let status = cargo()
        .args(["build", "--release", "--workspace", "--bin", "melfusion-standalone", "--features", &feature])
        .status()
        .context("cargo could not be run")?;
    ensure!(
        status.success(),
        "the program could not be built; cargo says above why, and on Linux it needs libasound2-dev, libjack-jackd2-dev \
         and pkg-config"
    );
    let program = target().join("release").join(format!("melfusion-standalone{}", std::env::consts::EXE_SUFFIX));
    // Meant for tests: `.cargo/config.toml`.
    let status = Command::new(&program).args(options).env_remove("MELFUSION_ENGINE").status();
    let status = status.with_context(|| format!("{} could not be run", program.display()))?;
    std::process::exit(status.code().unwrap_or(1));
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}
