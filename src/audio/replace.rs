//! Writes a file whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;

/// Calls `write` with an empty file beside `path` and gives it that name once it is complete and on disk.
///
/// Whatever was at `path` stays until then. On failure nothing new is left in the folder.
///
/// # Errors
///
/// [`Error::File`] if `path` cannot be replaced by a file, or with what `write` failed on.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Error> {
    let failed = |problem| Error::File { path: path.to_owned(), problem };
    let target = target(path).map_err(failed)?;
    let explain = |error: io::Error| failed(explain(&error, &target));
    let mut part = Part::create(&target).map_err(explain)?;
    write(&mut part.file).map_err(explain)?;
    part.keep_as(&target).map_err(explain)
}

/// Where the file goes: behind a link, to what it points at. The error is a sentence for the user.
fn target(path: &Path) -> Result<PathBuf, String> {
    if path.file_name().is_none() {
        return Err("is not a file name".to_owned());
    }
    let Ok(there) = fs::metadata(path) else {
        return Ok(path.to_owned());
    };
    if there.is_dir() {
        return Err("is a folder; add a file name".to_owned());
    }
    // Renaming would put a file in a device's place.
    if !there.is_file() {
        return Err("is not a regular file; choose a file name".to_owned());
    }
    if there.permissions().readonly() {
        return Err("is write-protected; choose another name or change its permissions".to_owned());
    }
    fs::canonicalize(path).map_err(|error| error.to_string())
}

fn explain(error: &io::Error, target: &Path) -> String {
    let folder = folder(target);
    match error.kind() {
        io::ErrorKind::NotFound if !folder.exists() => {
            format!("the folder {} does not exist; create it first", folder.display())
        }
        io::ErrorKind::NotADirectory => format!("{} is not a folder", folder.display()),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("no permission to write in {}; choose another folder", folder.display())
        }
        io::ErrorKind::StorageFull => "the disk is full; make room or choose another disk".to_owned(),
        _ => format!("cannot be written: {error}"),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file in the making; removed on drop unless kept.
struct Part {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Part {
    fn create(target: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // A short name of its own: the target's plus a suffix may be longer than a name can be.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder(target).join(format!(".melfusion-{}-{count}.part", process::id()));
        // What a killed process of the same number left behind is of no use.
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok(Self { file, path, kept: false })
    }

    fn keep_as(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody to tell; the first failure is already on its way.
            let _ = fs::remove_file(&self.path);
        }
    }
}
