//! The user's folder for what does not fit into a project.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use melfusion::files;
use melfusion::hash::sha256;

use super::text::is_hash;
use crate::project::{Link, Packed};

/// Files longer than this are not read: no sound is.
const LONGEST_FILE: u64 = 1 << 30;

/// A folder of sounds, each a FLAC file named by its hash, with a folder `aside` for saved projects that could not be
/// read. Files are written whole or not at all, and never written over.
#[derive(Debug, Clone)]
pub struct Library {
    folder: PathBuf,
}

impl Library {
    /// The library in `folder`, which is made when something is first put into it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder that the environment variable `MELFUSION_LIBRARY` names; else `library` in the user's data folder,
    /// beside the bundles; in the folder for temporary files if there is no user.
    pub fn of_user() -> Self {
        if let Some(folder) = std::env::var_os("MELFUSION_LIBRARY").filter(|folder| !folder.is_empty()) {
            return Self::new(folder);
        }
        let data = ProjectDirs::from("", "", "melfusion").map(|project| project.data_dir().to_path_buf());
        Self::new(data.unwrap_or_else(|| std::env::temp_dir().join("melfusion")).join("library"))
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a sound into the library, if it is not there yet.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn store(&self, sound: &Packed) -> io::Result<PathBuf> {
        let path = self.path_of(&sound.sha256);
        if !path.is_file() {
            write_new(&path, &sound.flac())?;
        }
        Ok(path)
    }

    /// The FLAC file that `link` means: where the link says, else in this library. `None` if it is gone or changed.
    pub fn find(&self, link: &Link) -> Option<Vec<u8>> {
        if !is_hash(&link.sha256) {
            return None;
        }
        let places = [link.path.clone(), self.path_of(&link.sha256)];
        places.iter().filter_map(|path| read(path)).find(|bytes| sha256(bytes) == link.sha256)
    }

    fn path_of(&self, hash: &str) -> PathBuf {
        self.folder.join(hash).with_extension("flac")
    }

    /// Keeps a saved project that could not be read; the same text only once. Says where.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn keep_aside(&self, text: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join("aside");
        let ending = format!("-{}.txt", &sha256(text.as_bytes())[..16]);
        let known = fs::read_dir(&folder).into_iter().flatten().flatten();
        if let Some(entry) = known.into_iter().find(|entry| entry.file_name().to_string_lossy().ends_with(&ending)) {
            return Ok(entry.path());
        }
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let path = folder.join(format!("{seconds}{ending}"));
        write_new(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// A regular file's content: a project from elsewhere may name a device or a pipe, which would never end.
fn read(path: &Path) -> Option<Vec<u8>> {
    let about = fs::metadata(path).ok()?;
    (about.is_file() && about.len() <= LONGEST_FILE).then(|| fs::read(path).ok())?
}

/// Nobody ever sees half a file.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(files::folder(path))?;
    files::replace(path, |file| file.write_all(bytes)).map_err(io::Error::other)
}
