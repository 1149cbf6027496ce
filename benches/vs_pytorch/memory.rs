//! Peak memory: every case in a fresh process of each side, which does nothing else.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;

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
    let wanted = |case: &&Case| match &case.work {
        Work::Unet { .. } | Work::MelDecoder { .. } | Work::HifiGan { .. } => true,
        Work::Clip(clip) => !clip.known,
        _ => false,
    };
    // Writing tensors takes memory too, so that another process does it.
    let mut writer = Peer::start(python, directory, options)?;
    let mut row = |case: &Case| -> Fallible<Row> {
        writer.prepare(&case.work, Some(&directory.join("case.safetensors")))?;
        let mut peer = Peer::start(python, directory, options)?;
        let variants = peer.prepare(&case.work, None)?;
        peer.run(&variants[0], 1)?;
        let (theirs_mb, libraries_mb) = (peer.peak_mb()?, peer.hello.memory_mb);
        drop(peer);
        Ok(Row { name: case.name.clone(), ours_mb: ask(&case.name)?, theirs_mb, libraries_mb })
    };
    cases.iter().filter(wanted).map(&mut row).collect()
}

/// Our own peak, from a child process.
fn ask(name: &str) -> Fallible<f64> {
    let output = Command::new(env::current_exe()?).args(["--memory-of", name]).output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim()
        .parse()
        .map_err(|_| format!("no peak memory of {name}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// In the child: does the case once, with the tensors that the other side left, and prints the peak in MB.
pub fn hold(cases: &[Case], name: &str) -> Fallible {
    let case = cases.iter().find(|case| case.name == name).ok_or_else(|| format!("there is no case {name}"))?;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vs_pytorch/case.safetensors");
    let tensors = if fs::exists(&file)? { candle_core::safetensors::load(&file, &Device::Cpu)? } else { [].into() };
    let tensors = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    for (_, mut call) in ours::build(&case.work, &tensors)?.into_iter().take(1) {
        call()?;
    }
    println!("{}", machine::peak_mb("self").ok_or("only Linux tells the peak memory of a process")?);
    Ok(())
}
