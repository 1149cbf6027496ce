//! Where clips and plots are written, checked before anything is computed.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use melfusion::error::Error;
use melfusion::files;

/// The files of a run, of one take or several.
#[derive(Debug, Clone)]
pub struct Destination {
    wav: PathBuf,
    plot: Option<PathBuf>,
    takes: u32,
}

impl Destination {
    /// Takes the names as they are for one take; several are told apart by `-1`, `-2`, ...
    pub fn new(wav: &Path, plot: Option<&Path>, takes: u32) -> Self {
        Self { wav: wav.to_path_buf(), plot: plot.map(Path::to_path_buf), takes }
    }

    /// The WAV file of a take, counted from 0.
    pub fn wav(&self, take: u32) -> PathBuf {
        self.numbered(&self.wav, take)
    }

    /// The plot of a take, if one was asked for.
    pub fn plot(&self, take: u32) -> Option<PathBuf> {
        self.plot.as_ref().map(|path| self.numbered(path, take))
    }

    /// Makes sure that all files can be written and none of them is `source`.
    ///
    /// # Errors
    ///
    /// [`Error::File`], which names the file or folder.
    pub fn check(&self, source: Option<&Path>) -> Result<(), Error> {
        for take in 0..self.takes {
            check_name(&self.wav(take), "wav", source)?;
            if let Some(plot) = self.plot(take) {
                check_name(&plot, "png", source)?;
            }
        }
        [Some(&self.wav), self.plot.as_ref()].into_iter().flatten().try_for_each(|path| check_folder(path))
    }

    fn numbered(&self, path: &Path, take: u32) -> PathBuf {
        if self.takes == 1 {
            return path.to_path_buf();
        }
        let mut name = path.file_stem().unwrap_or_default().to_os_string();
        name.push(format!("-{}", take + 1));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    }
}

fn fail(path: &Path, problem: impl Into<String>) -> Result<(), Error> {
    Err(Error::File { path: path.to_path_buf(), problem: problem.into() })
}

fn check_name(path: &Path, extension: &str, source: Option<&Path>) -> Result<(), Error> {
    if path.is_dir() {
        return fail(path, "is a folder; add a file name");
    }
    // Files are written as one kind only; under another name they would not open.
    if !path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
        return fail(path, format!("its name does not end in .{extension}, the kind of file that is written there"));
    }
    let same = |source: &Path| fs::canonicalize(source).is_ok_and(|a| fs::canonicalize(path).is_ok_and(|b| a == b));
    if source.is_some_and(same) {
        return fail(path, "is the picture itself, which would be lost; choose another name");
    }
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => fail(path, "is not a regular file; choose another name"),
        Ok(found) if found.permissions().readonly() => fail(path, "is write-protected; choose another name"),
        _ => Ok(()),
    }
}

/// Tries whether files can be made where `path` will be: permissions alone do not tell.
pub fn check_folder(path: &Path) -> Result<(), Error> {
    let target = files::behind_links(path).or_else(|problem| fail(path, problem).map(|()| PathBuf::new()))?;
    let folder = files::folder(&target);
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => (),
        Ok(_) => return fail(path, format!("{} is not a folder", folder.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return fail(path, format!("the folder {} does not exist; create it first", folder.display()));
        }
        Err(error) => return fail(path, format!("the folder {} cannot be read: {error}", folder.display())),
    }
    let probe = folder.join(format!(".melfusion-{}.probe", process::id()));
    match OpenOptions::new().write(true).create(true).truncate(true).open(&probe) {
        Ok(_) => {
            // What could be made can be removed; if not, an empty hidden file is no reason to stop.
            let _ = fs::remove_file(&probe);
            Ok(())
        }
        Err(error) => fail(path, format!("cannot write in {} ({error}); choose another folder", folder.display())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_take_keeps_its_name_and_several_are_numbered() {
        let one = Destination::new(Path::new("a.b/bed.wav"), None, 1);
        assert_eq!(one.wav(0), Path::new("a.b/bed.wav"));
        assert_eq!(one.plot(0), None);
        let two = Destination::new(Path::new("a.b/bed.wav"), Some(Path::new("bed.1.png")), 2);
        assert_eq!((two.wav(0), two.wav(1)), ("a.b/bed-1.wav".into(), "a.b/bed-2.wav".into()));
        assert_eq!(two.plot(1), Some("bed.1-2.png".into()));
    }

    #[test]
    fn checking_leaves_nothing_behind_and_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let wav = folder.path().join("bed.wav");
        fs::write(&wav, "old").unwrap();
        Destination::new(&wav, Some(&folder.path().join("bed.PNG")), 1).check(None).unwrap();
        assert_eq!(fs::read(&wav).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn places_where_no_file_can_be_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("picture.png");
        fs::write(&picture, "").unwrap();
        fs::create_dir(folder.path().join("folder.wav")).unwrap();
        let refused = |wav: &str, plot: Option<&Path>| {
            let destination = Destination::new(&folder.path().join(wav), plot, 1);
            destination.check(Some(&picture)).unwrap_err().to_string()
        };
        assert!(refused("no/bed.wav", None).contains("does not exist"));
        assert!(refused("picture.png/bed.wav", None).contains("folder"));
        assert!(refused("folder.wav", None).contains("is a folder"));
        assert!(refused("bed.mp3", None).contains(".wav"));
        assert!(refused("bed.wav", Some(&picture)).contains("would be lost"));
    }
}
