//! Where clips and plots are written, checked before anything is computed.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use melfusion::error::Error;
use melfusion::files;
use score::Part;

use super::args::{Export, Run};

/// The files of a run, of one take or several.
#[derive(Debug, Clone)]
pub struct Destination {
    wav: PathBuf,
    plot: Option<PathBuf>,
    export: Export,
    takes: u32,
}

/// The files of one take.
#[derive(Debug, Clone)]
pub struct Files {
    /// Its sound.
    pub wav: PathBuf,
    /// Its picture, if one was asked for.
    pub plot: Option<PathBuf>,
    /// Its notes and stems, where asked for.
    pub export: Export,
}

impl Files {
    /// The file of a part's stem: that of the sound, with the part's name, in the folder of stems.
    pub fn stem(&self, folder: &Path, part: Part) -> PathBuf {
        let name = self.wav.file_stem().unwrap_or_default().to_string_lossy();
        folder.join(format!("{name}-{part}.wav"))
    }
}

impl Destination {
    /// Takes the names as they are for one take; several are told apart by `-1`, `-2`, ...
    pub fn new(run: &Run, takes: u32) -> Self {
        Self { wav: run.out.clone(), plot: run.plot.clone(), export: run.export.clone(), takes }
    }

    /// The files of a take, counted from 0.
    pub fn files(&self, take: u32) -> Files {
        let numbered = |path: &Option<PathBuf>| path.as_ref().map(|path| self.numbered(path, take));
        let mut export = self.export.clone();
        export.notes.midi = numbered(&export.notes.midi);
        Files { wav: self.numbered(&self.wav, take), plot: numbered(&self.plot), export }
    }

    /// Makes sure that all files can be written and none of them is `source`.
    ///
    /// # Errors
    ///
    /// [`Error::File`], which names the file or folder.
    pub fn check(&self, source: Option<&Path>) -> Result<(), Error> {
        for files in (0..self.takes).map(|take| self.files(take)) {
            check_name(&files.wav, "wav", source)?;
            files.plot.iter().try_for_each(|plot| check_name(plot, "png", source))?;
            files.export.notes.midi.iter().try_for_each(|midi| check_name(midi, "mid", source))?;
        }
        let written = [Some(&self.wav), self.plot.as_ref(), self.export.notes.midi.as_ref()];
        written.into_iter().flatten().try_for_each(|path| check_folder(path))?;
        self.export.stems.iter().try_for_each(|folder| make_folder(folder))
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

pub fn check_name(path: &Path, extension: &str, source: Option<&Path>) -> Result<(), Error> {
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

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| Error::File {
        path: path.to_path_buf(),
        problem: format!("cannot be made a folder ({error}); choose another place"),
    })?;
    check_folder(&path.join("stem.wav"))
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
    use clap::Parser;

    use super::super::args::{Args, Command};
    use super::*;

    fn destination(wav: &Path, more: &[&str], takes: u32) -> Destination {
        let typed = ["melfusion", "generate", "--out"].into_iter().map(Into::into).chain([wav.as_os_str().to_owned()]);
        let args = Args::parse_from(typed.chain(more.iter().map(Into::into)));
        let Command::Generate(args) = args.command else { panic!("another command") };
        Destination::new(&args.run, takes)
    }

    #[test]
    fn one_take_keeps_its_name_and_several_are_numbered() {
        let one = destination(Path::new("a.b/bed.wav"), &[], 1).files(0);
        assert_eq!((one.wav.as_path(), one.plot), (Path::new("a.b/bed.wav"), None));
        let more = ["--plot", "bed.1.png", "--midi", "bed.mid", "--stems", "parts"];
        let two = destination(Path::new("a.b/bed.wav"), &more, 2);
        assert_eq!((two.files(0).wav, two.files(1).wav), ("a.b/bed-1.wav".into(), "a.b/bed-2.wav".into()));
        assert_eq!(two.files(1).plot, Some("bed.1-2.png".into()));
        assert_eq!(two.files(1).export.notes.midi, Some("bed-2.mid".into()));
        assert_eq!(two.files(1).stem(Path::new("parts"), Part::Lead), Path::new("parts/bed-2-lead.wav"));
    }

    #[test]
    fn checking_leaves_nothing_behind_and_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let wav = folder.path().join("bed.wav");
        fs::write(&wav, "old").unwrap();
        let plot = folder.path().join("bed.PNG");
        destination(&wav, &["--plot", plot.to_str().unwrap()], 1).check(None).unwrap();
        assert_eq!(fs::read(&wav).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn places_where_no_file_can_be_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("picture.png");
        fs::write(&picture, "").unwrap();
        fs::create_dir(folder.path().join("folder.wav")).unwrap();
        let refused = |wav: &str, more: &[&str]| {
            let destination = destination(&folder.path().join(wav), more, 1);
            destination.check(Some(&picture)).unwrap_err().to_string()
        };
        assert!(refused("no/bed.wav", &[]).contains("does not exist"));
        assert!(refused("picture.png/bed.wav", &[]).contains("folder"));
        assert!(refused("folder.wav", &[]).contains("is a folder"));
        assert!(refused("bed.mp3", &[]).contains(".wav"));
        assert!(refused("bed.wav", &["--plot", picture.to_str().unwrap()]).contains("would be lost"));
        assert!(refused("bed.wav", &["--midi", "bed.midi"]).contains(".mid"));
        assert!(refused("bed.wav", &["--stems", picture.to_str().unwrap()]).contains("cannot be made a folder"));
    }
}
