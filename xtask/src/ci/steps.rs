//! What each step of `cargo xtask ci` does.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{bundle, cargo, target};

const CARGO_DENY: &str = "0.20.2";

pub(super) fn format() -> Result<()> {
    succeed(cargo().args(["fmt", "--all", "--check"]))
}

/// Licences, sources and duplicate versions of the dependencies.
pub(super) fn licences() -> Result<()> {
    let tools = target().join("tools").join(format!("cargo-deny-{CARGO_DENY}"));
    let deny = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !deny.exists() {
        // Without optimisation: it is compiled in a third of the time, and runs for a second.
        let install = ["install", "cargo-deny", "--version", CARGO_DENY, "--locked", "--debug", "--quiet", "--root"];
        succeed(cargo().args(install).arg(&tools))?;
    }
    // A name that is skipped for nothing is a fault, too: the list is to say what is there.
    let graph = ["--workspace", "--all-features", "--log-level", "error"];
    let check = ["check", "--deny", "unnecessary-skip", "--deny", "unmatched-skip", "bans", "licenses", "sources"];
    succeed(Command::new(deny).args(graph).args(check))
}

pub(super) fn lints() -> Result<()> {
    succeed(cargo().args(["clippy", "--release", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

pub(super) fn docs() -> Result<()> {
    let doc = ["doc", "--release", "--workspace", "--no-deps", "--quiet"];
    succeed(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The engine without the program and without the built-in bundle.
pub(super) fn bare() -> Result<()> {
    let lint = ["clippy", "--release", "--package", "melfusion", "--lib", "--no-default-features", "--quiet"];
    succeed(cargo().args(lint).args(["--", "-D", "warnings"]))
}

pub(super) fn tests() -> Result<()> {
    succeed(cargo().args(["test", "--release", "--workspace"]))
}

/// The plugin in a host, and the kernels, read and write no memory but their own.
pub(super) fn valgrind() -> Result<()> {
    watch("test", "host", &["playback::pre_roll", "controls::without"])?;
    watch("lib", "melfusion", &["kernels::"])
}

/// A score and a clip from the built-in bundle, and every stage of it against PyTorch's results.
pub(super) fn clips() -> Result<()> {
    let out = tempfile::tempdir()?;
    let beds = out.path().join("beds");
    let board =
        ["storyboard", "examples/storyboard/board.toml", "--project", "reaper", "--project", "dawproject", "--out"];
    succeed(melfusion().args(board).arg(beds))?;
    let bed = ["generate", "--image", "examples/frames/harbour.png", "--prompt", "calm piano over soft strings"];
    let musical = ["--bars", "4", "--bpm", "96", "--seed", "7", "--out"];
    succeed(melfusion().args(bed).args(musical).arg(out.path().join("bed.wav")))?;
    succeed(melfusion().args(["bundle", "verify", "bundles/mini"]))?;
    succeed(melfusion().args(["check", "bundles/mini"]))
}

/// What the hosts load: the plugin as it ships, and in `target/checked` one that aborts when its audio thread allocates.
#[expect(clippy::disallowed_methods, reason = "what cargo built, copied for tests alone")]
pub(super) fn plugin() -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--release", "--workspace", "--lib", "--quiet"]);
    build.args(["--features", "melfusion-plugin/assert_process_allocs"]);
    for package in ["nice-plug", "nice-plug-core", "nice-assert-no-alloc"] {
        build.args(["--config", &format!("profile.release.package.{package}.debug-assertions=true")]);
    }
    succeed(&mut build)?;
    let checked = target().join("checked");
    fs::create_dir_all(&checked)?;
    let name = format!("{}melfusion_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    fs::copy(target().join("release").join(&name), checked.join(&name))
        .context("the checked plugin cannot be copied")?;
    bundle(&[])?;
    // With them the hosts' tests make projects and play storyboards.
    succeed(cargo().args(["build", "--release", "--workspace", "--quiet", "--bin", "melfusion", "--example", "host"]))
}

/// Runs the tests of one program that `filters` choose under valgrind, which has one thread: twice at once, half of them each.
fn watch(kind: &str, name: &str, filters: &[&str]) -> Result<()> {
    let program = test_program(kind, name)?;
    let mut tests = Vec::new();
    for filter in filters {
        let found = listed(&program, filter)?;
        ensure!(!found.is_empty(), "no test of {name} is called {filter}");
        tests.extend(found);
    }
    let runs: Vec<Child> = tests
        .chunks(tests.len().div_ceil(2))
        .map(|tests| {
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--quiet", "--error-exitcode=9"]).arg(&program);
            valgrind.args(["--test-threads", "1", "--exact"]).args(tests).spawn()
        })
        .collect::<io::Result<_>>()
        .context("valgrind could not be run: apt install valgrind")?;
    // All are waited for before one is judged.
    let ends = runs.into_iter().map(|mut run| run.wait()).collect::<io::Result<Vec<_>>>()?;
    ensure!(ends.iter().all(ExitStatus::success), "valgrind found a fault in the tests of {name}");
    Ok(())
}

/// Names of the tests that `filter` chooses.
fn listed(program: &Path, filter: &str) -> Result<Vec<String>> {
    let list = Command::new(program).args(["--list", filter]).output()?;
    let lines = String::from_utf8(list.stdout)?;
    Ok(lines.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// Where cargo built the tests of the target `name`; `kind` is `lib` or `test`.
fn test_program(kind: &str, name: &str) -> Result<PathBuf> {
    let build = ["test", "--release", "--workspace", "--no-run", "--quiet", "--message-format", "json"];
    let built = cargo().args(build).stderr(Stdio::inherit()).output()?;
    ensure!(built.status.success(), "the tests could not be built");
    for line in std::str::from_utf8(&built.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let target = &message["target"];
        if message["profile"]["test"] == true && target["name"] == name && target["kind"][0] == kind {
            return Ok(message["executable"].as_str().context("cargo names no executable")?.into());
        }
    }
    bail!("there are no tests called {name}")
}

/// The program as the tests built it.
fn melfusion() -> Command {
    let mut run = cargo();
    run.args(["run", "--release", "--quiet", "--"]);
    run
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} could not be run"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
