//! What the measuring side is told of a run.

use std::io::Write;
use std::path::{Path, PathBuf};

use melfusion::bundle::Bundle;
use melfusion::device;
use melfusion::error::Error;
use serde::Serialize;

use super::ledger::Entry;
use super::maker::Maker;
use super::{Eval, Settings};

/// Folder of the clips in `--out`.
pub const CLIPS: &str = "clips";
/// The summary's file in `--out`.
const RUN: &str = "run.json";

#[derive(Serialize)]
struct Summary<'a> {
    engine: &'a str,
    bundle: About<'a>,
    device: String,
    threads: usize,
    settings: &'a Settings,
    clips: &'a [Entry],
}

#[derive(Serialize)]
struct About<'a> {
    name: &'a str,
    version: &'a str,
    sha256: &'a str,
    /// Of all files that it ships.
    bytes: u64,
    defaults: &'a melfusion::bundle::Defaults,
}

/// The file of a clip.
pub fn clip(out: &Path, id: &str) -> PathBuf {
    out.join(CLIPS).join(format!("{id}.wav"))
}

/// Writes the summary beside the clips.
///
/// # Errors
///
/// [`Error::File`] if it cannot be written.
pub fn write(args: &Eval, bundle: &Bundle, maker: &Maker<'_>, clips: &[Entry]) -> Result<(), Error> {
    let manifest = bundle.manifest();
    let bytes = bundle.files().into_iter().filter_map(|file| manifest.files.get(file)).map(|file| file.bytes).sum();
    let summary = Summary {
        engine: env!("CARGO_PKG_VERSION"),
        bundle: About {
            name: &manifest.name,
            version: &manifest.version,
            sha256: bundle.hash(),
            bytes,
            defaults: &manifest.defaults,
        },
        device: device::name(&args.device.open()?.device),
        threads: rayon::current_num_threads(),
        settings: maker.settings(),
        clips,
    };
    let path = args.out.join(RUN);
    let text = serde_json::to_string(&summary).expect("strings and finite numbers");
    melfusion::files::replace(&path, |file| file.write_all(text.as_bytes()))
}
