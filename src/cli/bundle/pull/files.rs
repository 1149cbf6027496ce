//! Which files of the repositories come, and where they go.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use hf_hub::api::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use melfusion::error::Error;
use melfusion::files;
use melfusion::hash::hex;
use sha2::{Digest, Sha256};

use super::hub::{Hub, Repository, Sibling};
use super::known::{Part, Wanted};
use crate::cli::terminal::{plain, warn};

/// Folder of what is on its way; it stays after an interruption, so that the next pull goes on.
const INCOMPLETE: &str = ".incomplete";
/// Bytes that are hashed at a time.
const BLOCK: usize = 1 << 20;

/// The chosen folder.
pub struct Files {
    to: PathBuf,
}

/// A file that is wanted.
pub struct Download {
    /// Of its part, under the chosen folder.
    pub folder: &'static str,
    /// In its repository, and in the part's folder.
    pub name: String,
    pub size: u64,
    pub is_there: bool,
    /// What the repository itself says of its licence.
    pub said_licence: Option<String>,
    commit: String,
    sibling: Sibling,
}

impl Files {
    pub fn new(to: &Path) -> Self {
        Self { to: to.to_path_buf() }
    }

    /// Where files are until they are whole.
    pub fn incomplete(&self) -> PathBuf {
        self.to.join(INCOMPLETE)
    }

    /// The files of a part, each under the first name that its repository has.
    pub fn plan(&self, part: &Part, found: &Repository) -> anyhow::Result<Vec<Download>> {
        if found.sha.is_empty() || !found.sha.chars().all(|c| c.is_ascii_alphanumeric()) {
            bail!("{}: the hub names the commit {:?}; set HF_ENDPOINT to another hub", part.repository, found.sha);
        }
        let licence = found.card.as_ref().map(|card| card.license.to_string().replace('"', ""));
        let said = licence.filter(|said| said != "null").map(|said| {
            let said = plain(&said);
            format!("{} says of its licence: {said}", part.repository)
        });
        let mut downloads = Vec::new();
        for wanted in part.files {
            let Some(sibling) = find(wanted, found) else {
                if wanted.is_optional {
                    continue;
                }
                let names = wanted.names.join(" or ");
                bail!("{} has no {names}; name another repository with {}", part.repository, part.option);
            };
            let there = self.to.join(part.folder).join(&sibling.name);
            downloads.push(Download {
                folder: part.folder,
                name: sibling.name.clone(),
                size: sibling.size,
                is_there: is_same(&there, sibling)?,
                said_licence: said.clone(),
                commit: found.sha.clone(),
                sibling: sibling.clone(),
            });
        }
        Ok(downloads)
    }

    /// Refuses what the disk has no room for.
    pub fn check_space(&self, missing: &[&Download]) -> anyhow::Result<()> {
        let wanted: u64 = missing.iter().map(|download| download.size).sum();
        let begun = begun(&self.incomplete()).unwrap_or(0);
        // Where the system does not say, the download itself will tell.
        let Ok(free) = fs4::available_space(&self.to) else { return Ok(()) };
        if wanted.saturating_sub(begun) > free {
            let problem = format!(
                "has room for {:.1} GB, of {:.1} GB that are to come; free some space or choose another folder with --to",
                free as f64 / 1e9,
                wanted as f64 / 1e9
            );
            return Err(Error::File { path: self.to.clone(), problem }.into());
        }
        Ok(())
    }

    /// Downloads, checks and places what is missing, one after the other.
    pub fn bring(&self, hub: &Hub, parts: &[Part], missing: &[&Download]) -> anyhow::Result<()> {
        let bar = bar(missing.iter().map(|download| download.size).sum());
        let mut done = 0;
        for download in missing {
            let part = parts.iter().find(|part| part.folder == download.folder).context("a file of no part")?;
            bar.set_message(download.name.clone());
            let progress = || OnBar { bar: bar.clone(), before: done };
            let (blob, sha256) = hub.fetch(part, &download.commit, &download.sibling, progress)?;
            self.place(part, download, &blob, sha256.as_deref())?;
            done += download.size;
            bar.set_position(done);
            if bar.is_hidden() {
                warn(&format!("{}/{} is there", download.folder, download.name));
            }
        }
        bar.finish_and_clear();
        // Only empty folders and links are left in it.
        let _ = fs::remove_dir_all(self.incomplete());
        Ok(())
    }

    /// Moves a file that has arrived to its place, if it is the one that was meant; else it is not kept.
    fn place(&self, part: &Part, download: &Download, blob: &Path, sha256: Option<&str>) -> anyhow::Result<()> {
        if let Some(expected) = sha256 {
            let found = hash(blob)?;
            if found != expected {
                fs::remove_file(blob)?;
                bail!(
                    "{}: {} is not what the hub says it is (its SHA-256 is {found:.12}..., not {expected:.12}...) and was not \
                     kept; pull again, and if it is so again, not from there",
                    part.repository,
                    download.name
                );
            }
        }
        let path = self.to.join(download.folder).join(&download.name);
        path.parent().map(fs::create_dir_all).transpose().map_err(|error| {
            let problem = format!("cannot be written ({error}); choose another folder with --to");
            Error::File { path: path.clone(), problem }
        })?;
        Ok(files::rename(blob, &path)?)
    }
}

fn find<'a>(wanted: &Wanted, found: &'a Repository) -> Option<&'a Sibling> {
    wanted.names.iter().find_map(|name| found.siblings.iter().find(|sibling| sibling.name == **name))
}

/// Whether the file that lies at `path` is the repository's, as far as that can be told.
fn is_same(path: &Path, sibling: &Sibling) -> io::Result<bool> {
    if !fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == sibling.size) {
        return Ok(false);
    }
    match &sibling.lfs {
        Some(lfs) => Ok(hash(path)? == lfs.sha256),
        None => Ok(true),
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut block) = (File::open(path)?, Sha256::new(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(hash)),
            read => hash.update(&block[..read]),
        }
    }
}

/// Bytes of an earlier pull.
fn begun(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += if kind.is_dir() { begun(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn bar(bytes: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{msg:45} {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_style(style)
}

/// A file's part of the bar.
struct OnBar {
    bar: ProgressBar,
    /// Bytes of the files before it.
    before: u64,
}

impl Progress for OnBar {
    fn init(&mut self, _: usize, _: &str) {
        self.bar.set_position(self.before);
    }

    fn update(&mut self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    fn finish(&mut self) {}
}
