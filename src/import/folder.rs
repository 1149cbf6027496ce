//! Files in a folder that somebody downloaded.

use super::bad;
use crate::error::Error;
use std::path::{Path, PathBuf};

/// A folder, and where another copy of it can be had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder<'a> {
    pub path: &'a Path,
    /// For messages: "declare-lab/tango2 on huggingface.co".
    pub origin: &'static str,
}

impl Folder<'_> {
    /// Refuses what is no folder.
    pub fn check(&self) -> Result<(), Error> {
        if self.path.is_dir() {
            return Ok(());
        }
        Err(bad(self.path, format!("no such folder; give the one that holds the files of {}", self.origin)))
    }

    /// The first of `names` that there is.
    pub fn find(&self, names: &[&str]) -> Option<PathBuf> {
        names.iter().map(|name| self.path.join(name)).find(|path| path.is_file())
    }

    /// The first of `names` that there is, or the error that the first is missing.
    pub fn need(&self, names: &[&str]) -> Result<PathBuf, Error> {
        self.find(names).ok_or_else(|| {
            let others = if names.len() > 1 { format!(", nor {}", names[1..].join(", ")) } else { String::new() };
            bad(self.path.join(names[0]), format!("missing{others}; download it from {} into this folder", self.origin))
        })
    }
}
