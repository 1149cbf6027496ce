//! `melfusion worker`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use melfusion::bundle::Bundle;
use melfusion::device::{self, Placement};
use melfusion::service::{ENGINE, Options, PROTOCOL, Place, Probe, Server, Workshop};

use super::args::Device;
use super::{cancel, terminal};

/// What is said on standard output once clients can connect.
const READY: &str = "ready";
/// A log longer than this, in bytes, is begun anew.
const LONGEST_LOG: u64 = 1 << 20;

/// Compose for plugins: one process for all of them, which uses a GPU if this build has one
///
/// Plugins start it when they need it; there is no need to. It listens on a socket that only its user can open, composes
/// for one client after the other, and ends when nobody has needed it for a while. A second one for the same folder ends
/// at once and says nothing.
#[derive(Debug, clap::Args)]
pub struct Worker {
    /// Where its socket, lock and log lie [default: melfusion in the user's runtime folder, else in the cache]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Name of a bundle or path of its folder, for clients that do not say which [default: mini]
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<String>,
    #[command(flatten)]
    device: Device,
    /// Free the weights when there has been no job for so long
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    unload_after: Duration,
    /// End when there has been no job for so long
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = seconds)]
    exit_after: Duration,
    /// Free the weights between jobs when less than this share of the machine's memory is free, 0 to 100
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    keep_free: u8,
    /// Start it in the background and return once it is ready, or there already
    #[arg(long)]
    detach: bool,
    /// Only print, as JSON, what a worker would compute on
    #[arg(long, conflicts_with = "detach")]
    probe: bool,
}

/// Works, or starts another process that does.
pub fn run(args: &Worker) -> anyhow::Result<ExitCode> {
    if args.probe {
        return probe(args);
    }
    let place = args.folder.clone().map_or_else(Place::of_user, |folder| Ok(Place::at(folder)))?;
    if args.detach {
        return detach(&place);
    }
    cancel::listen()?;
    let bundle = Bundle::find(args.bundle.as_deref())?;
    let placement = args.device.open()?;
    let device = device_name(&placement);
    let options = Options {
        workshop: Workshop::new(bundle, placement, device),
        unload_after: args.unload_after,
        exit_after: args.exit_after,
        keep_free: f64::from(args.keep_free) / 100.0,
    };
    // Whoever started this may have gone meanwhile.
    let ready = || drop(terminal::line(READY));
    // However it ended, it ended well: also if another one was there.
    Server::run(&place, options, ready, cancel::asked)?;
    Ok(ExitCode::SUCCESS)
}

fn probe(args: &Worker) -> anyhow::Result<ExitCode> {
    let placement = args.device.open()?;
    let probe = Probe {
        engine: ENGINE.into(),
        protocol: PROTOCOL,
        device: device_name(&placement),
        is_gpu: !placement.device.is_cpu(),
    };
    terminal::line(&serde_json::to_string(&probe)?)?;
    Ok(ExitCode::SUCCESS)
}

/// For people; it is shown where the plugin says what it computes on.
fn device_name(placement: &Placement) -> String {
    if placement.device.is_cpu() { "CPU".into() } else { device::name(&placement.device) }
}

/// Starts this program anew with the same arguments, waits until it is ready, and leaves it to the system.
fn detach(place: &Place) -> anyhow::Result<ExitCode> {
    place.prepare()?;
    let path = place.log();
    let about = || format!("{} cannot be written", path.display());
    if fs::metadata(&path).is_ok_and(|log| log.len() > LONGEST_LOG) {
        fs::remove_file(&path).with_context(about)?;
    }
    let log = File::options().create(true).append(true).open(&path).with_context(about)?;
    let before = log.metadata().with_context(about)?.len();
    let mut command = Command::new(std::env::current_exe().context("this program cannot be found")?);
    command.args(std::env::args_os().skip(1).filter(|argument| argument != "--detach"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    leave_group(&mut command);
    let mut child = command.spawn().context("the worker cannot be started")?;
    if is_ready(&mut child) {
        return Ok(ExitCode::SUCCESS);
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    let words = read_from(&path, before).unwrap_or_default();
    let words = words.trim().trim_start_matches("error: ");
    let words = if words.is_empty() { "the worker ended before it was ready, and did not say why" } else { words };
    terminal::warn(&format!("error: {words}"));
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(super::FAILED)))
}

/// Waits until it says so, or ends.
fn is_ready(child: &mut Child) -> bool {
    let Some(said) = child.stdout.take() else { return false };
    BufReader::new(said).lines().map_while(Result::ok).any(|line| line == READY)
}

fn read_from(path: &Path, start: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut words = String::new();
    file.take(LONGEST_LOG).read_to_string(&mut words)?;
    Ok(words)
}

/// Ctrl-C in a terminal where the host runs is meant for the host.
#[cfg(unix)]
fn leave_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(windows)]
fn leave_group(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "give a number of seconds, 0 or more".to_owned())
}
