//! Peak memory: every case in a fresh process of each side, which does nothing else.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{env, fs, thread};

use candle_core::Device;
use candle_nn::VarBuilder;
use melfusion::device::free_bytes;

use crate::Fallible;
use crate::cases::{Case, Work};
use crate::options::Options;
use crate::peer::Peer;
use crate::{machine, ours};

/// Peak memory of one case.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub ours_mb: f64,
    pub theirs_mb: f64,
    /// PyTorch's before it had anything to do.
    pub libraries_mb: f64,
}

/// Measures those of `cases` that hold whole networks, run plainly.
pub fn compare(cases: &[Case], python: &Path, directory: &Path, options: &Options) -> Fallible<Vec<Row>> {
    let wanted = |case: &&Case| matches!(case.work, Work::Unet { .. } | Work::MelDecoder { .. } | Work::HifiGan { .. });
    // Writing tensors takes memory too, so that another process does it.
    let mut writer = Peer::start(python, directory, options)?;
    let mut row = |case: &Case| -> Fallible<Row> {
        writer.prepare(&case.work, Some(&directory.join("case.safetensors")))?;
        let mut peer = Peer::start(python, directory, options)?;
        let variants = peer.prepare(&case.work, None)?;
        peer.run(&variants[0], 1)?;
        let (theirs_mb, libraries_mb) = (peer.peak_mb()?, peer.hello.memory_mb);
        drop(peer);
        Ok(Row { name: case.name.clone(), ours_mb: ask(&case.name, options)?, theirs_mb, libraries_mb })
    };
    cases.iter().filter(wanted).map(&mut row).collect()
}

/// Our own peak, from a child process.
fn ask(name: &str, options: &Options) -> Fallible<f64> {
    let mut child = Command::new(env::current_exe()?);
    child.args(["--memory-of", name, "--device", &options.device.to_string()]);
    child.args(options.full.then_some("--full")).args(options.reduced.then_some("--reduced"));
    let output = child.output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim()
        .parse()
        .map_err(|_| format!("no peak memory of {name}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// In the child: does the case once, with the tensors that the other side left, and prints the peak in MB.
pub fn hold(cases: &[Case], name: &str, options: &Options) -> Fallible {
    let case = cases.iter().find(|case| case.name == name).ok_or_else(|| format!("there is no case {name}"))?;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vs_pytorch/case.safetensors");
    let tensors = if fs::exists(&file)? { candle_core::safetensors::load(&file, &Device::Cpu)? } else { [].into() };
    let device = options.device.open()?;
    let tensors = VarBuilder::from_tensors(tensors, options.dtype(), &device);
    let once = || -> Fallible {
        for (_, mut call) in ours::build(&case.work, &tensors)?.into_iter().take(1) {
            call()?.device().synchronize()?;
        }
        Ok(())
    };
    let peak = if device.is_cpu() {
        once()?;
        machine::peak_mb("self").ok_or("only Linux tells the peak memory of a process")?
    } else {
        watched(&device, once)?
    };
    println!("{peak}");
    Ok(())
}

/// Most memory of a GPU that `work` takes, in MB, from how much is free while it runs.
fn watched(device: &Device, work: impl FnOnce() -> Fallible) -> Fallible<f64> {
    let free = || free_bytes(device).ok_or("this device does not tell how much memory is free");
    let (before, least, is_over) = (free()?, AtomicU64::new(u64::MAX), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                least.fetch_min(free().unwrap_or(u64::MAX), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        done
    })?;
    Ok(before.saturating_sub(least.load(Ordering::Relaxed).min(free()?)) as f64 / 1e6)
}
