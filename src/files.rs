//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::Error;

/// Links that lead to links are followed this far.
const LINKS: usize = 40;

/// Calls `write` with an empty file beside `path` and gives it that name once it is complete and on disk.
///
/// Whatever was at `path` stays until then; on failure nothing new is left in the folder. The new file has the mode and
/// group of the one it replaces, and its owner where the system allows it; what a group may that cannot be given to the new
/// file, another group may not. Without one to replace, the mode is what the user's mask leaves. Behind a symbolic link it
/// is what the link leads to that is replaced, or made. Other hard links of a file keep its old content.
///
/// # Errors
///
/// [`Error::File`] if `path` cannot be replaced by a file, or with what `write` failed on.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Error> {
    let failed = |problem| Error::File { path: path.to_owned(), problem };
    let (target, replaced) = target(path).map_err(failed)?;
    let explain = |error: io::Error| failed(explain(&error, &target));
    let mut part = begin(&target, replaced.as_ref()).map_err(explain)?;
    write(part.as_file_mut()).map_err(explain)?;
    keep(part, &target).map_err(explain)
}

/// Gives a complete file the name `path`, on the same disk, as [`replace`] does with the one it has written.
///
/// # Errors
///
/// [`Error::File`] if `path` cannot be replaced by a file.
pub fn rename(from: &Path, path: &Path) -> Result<(), Error> {
    let failed = |problem| Error::File { path: path.to_owned(), problem };
    let (target, replaced) = target(path).map_err(failed)?;
    let inherit = |replaced| mode::inherit(&File::open(from)?, replaced);
    #[allow(clippy::disallowed_methods, reason = "this is what keeps the mode")]
    let renamed = replaced.as_ref().map_or(Ok(()), inherit).and_then(|()| fs::rename(from, &target));
    renamed.map_err(|error| failed(explain(&error, &target)))
}

/// Where links from `path` lead, be there something or not. The error is a sentence for the user.
pub fn behind_links(path: &Path) -> Result<PathBuf, String> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err("is a link that leads round in a circle; choose another name".to_owned())
}

/// The folder that `path` is in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where the file goes, and what is known of the one that is there. The error is a sentence for the user.
fn target(path: &Path) -> Result<(PathBuf, Option<fs::Metadata>), String> {
    if path.file_name().is_none() {
        return Err("is not a file name".to_owned());
    }
    let target = behind_links(path)?;
    let Ok(there) = fs::metadata(&target) else {
        return Ok((target, None));
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
    Ok((target, Some(there)))
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

/// A file in the making; removed on drop unless kept.
fn begin(target: &Path, replaced: Option<&fs::Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    // A short name of its own: the target's plus a suffix may be longer than a name can be.
    builder.prefix(".melfusion-").suffix(".part");
    match replaced {
        // Nobody else's before it is as the one before: the builder's own mode is 600.
        Some(replaced) => {
            let part = builder.tempfile_in(folder(target))?;
            mode::inherit(part.as_file(), replaced)?;
            Ok(part)
        }
        None => {
            mode::leave_to_mask(&mut builder);
            builder.tempfile_in(folder(target))
        }
    }
}

fn keep(part: NamedTempFile, target: &Path) -> io::Result<()> {
    part.as_file().sync_all()?;
    part.persist(target).map_err(|failed| failed.error)?;
    Ok(())
}

/// Who may do what with a file.
#[cfg(unix)]
mod mode {
    use std::fs::{File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    use tempfile::Builder;

    /// As any program's new files.
    pub fn leave_to_mask(builder: &mut Builder<'_, '_>) {
        builder.permissions(Permissions::from_mode(0o666));
    }

    /// Makes `file` belong to those to whom `replaced` belonged, and only then lets them at it.
    pub fn inherit(file: &File, replaced: &Metadata) -> io::Result<()> {
        let new = file.metadata()?;
        if new.uid() != replaced.uid() {
            // Only an administrator may; for others the file is now theirs, as with any program that replaces one.
            let _ = fchown(file, Some(replaced.uid()), None);
        }
        let has_group = new.gid() == replaced.gid() || fchown(file, None, Some(replaced.gid())).is_ok();
        let mode = kept(replaced.mode(), has_group);
        match file.metadata()?.mode() & 0o7777 == mode {
            // Also where the file system has one mode for all files and refuses to change it.
            true => Ok(()),
            false => file.set_permissions(Permissions::from_mode(mode)),
        }
    }

    /// Writing takes the right to run as another user from a file, and another group may no more than everyone may.
    pub fn kept(mode: u32, has_group: bool) -> u32 {
        let mode = mode & 0o777;
        if has_group { mode } else { mode & !0o070 | mode & (mode & 0o007) << 3 }
    }

    #[cfg(test)]
    mod tests {
        use super::kept;

        #[test]
        fn another_group_may_no_more_than_everyone() {
            assert_eq!(
                [0o660, 0o664, 0o640, 0o755, 0o775, 0o607].map(|mode| kept(mode, true)),
                [0o660, 0o664, 0o640, 0o755, 0o775, 0o607]
            );
            assert_eq!(
                [0o660, 0o664, 0o640, 0o755, 0o775, 0o607].map(|mode| kept(mode, false)),
                [0o600, 0o644, 0o600, 0o755, 0o755, 0o607]
            );
            assert_eq!(kept(0o6755, true), 0o755, "what runs as another user");
        }
    }
}

/// Folders say who may do what with the files in them.
#[cfg(not(unix))]
mod mode {
    use std::fs::{File, Metadata};
    use std::io;

    use tempfile::Builder;

    pub fn leave_to_mask(_: &mut Builder<'_, '_>) {}

    pub fn inherit(_: &File, _: &Metadata) -> io::Result<()> {
        Ok(())
    }
}
