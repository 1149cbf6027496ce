//! What has been made already, so that an interrupted evaluation goes on where it was.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use melfusion::error::Error;
use serde::{Deserialize, Serialize};

/// File that a line is added to for every clip.
const LEDGER: &str = "made.jsonl";

/// A clip that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The job's.
    pub id: String,
    /// Of everything that shapes the clip.
    pub sha256: String,
    /// Length of the sound.
    pub seconds: f64,
    /// Time that making it took, without writing the file.
    pub made_in_seconds: f64,
}

/// The clips that were made, and the file that remembers them.
pub struct Ledger {
    path: PathBuf,
    file: File,
    known: HashMap<String, Entry>,
}

impl Ledger {
    /// Opens the ledger in `folder`, or begins one.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it can be neither read nor written.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(LEDGER);
        let opened = || {
            let text = if path.exists() { fs::read_to_string(&path)? } else { String::new() };
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            if !text.is_empty() && !text.ends_with('\n') {
                file.write_all(b"\n")?;
            }
            Ok((text, file))
        };
        let (text, file) = opened().map_err(|error| failed(&path, &error))?;
        // A line that was cut short is a clip to be made again.
        let entries = text.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
        let known = entries.map(|entry| (entry.id.clone(), entry)).collect();
        Ok(Self { path, file, known })
    }

    /// The entry of a clip, if it was made of the same things.
    pub fn find(&self, id: &str, sha256: &str) -> Option<&Entry> {
        self.known.get(id).filter(|entry| entry.sha256 == sha256)
    }

    /// Remembers a clip whose file is complete.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the ledger cannot be written.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Error> {
        let line = serde_json::to_string(entry).expect("strings and finite numbers") + "\n";
        self.file.write_all(line.as_bytes()).map_err(|error| failed(&self.path, &error))?;
        self.known.insert(entry.id.clone(), entry.clone());
        Ok(())
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::File { path: path.to_path_buf(), problem: format!("{error}; choose another folder with --out") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn entry(id: &str, sha256: &str) -> Entry {
        let [id, sha256] = [id, sha256].map(String::from);
        Entry { id, sha256, seconds: 2.5, made_in_seconds: 0.5 }
    }

    #[test]
    fn what_was_added_is_found_again_until_it_is_made_of_other_things() {
        let folder = tempfile::tempdir().unwrap();
        Ledger::open(folder.path()).unwrap().add(&entry("a", "1")).unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(ledger.find("a", "1"), Some(&entry("a", "1")));
        ledger.add(&entry("a", "2")).unwrap();
        let again = Ledger::open(folder.path()).unwrap();
        assert_eq!((again.find("a", "1"), again.find("a", "2")), (None, Some(&entry("a", "2"))));
    }

    #[test]
    fn a_line_cut_short_loses_its_clip_alone() {
        let folder = tempfile::tempdir().unwrap();
        let whole = serde_json::to_string(&entry("a", "1")).unwrap();
        fs::write(folder.path().join(LEDGER), format!("{whole}\n{{\"id\": \"b\", \"sha")).unwrap();
        Ledger::open(folder.path()).unwrap().add(&entry("c", "3")).unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        assert!(ledger.find("a", "1").is_some() && ledger.find("c", "3").is_some());
        assert_eq!(ledger.known.len(), 2);
    }
}
