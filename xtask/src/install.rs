//! Where hosts look for plugins.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use directories::{BaseDirs, ProjectDirs};

/// For whom to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Who runs this.
    User,
    /// Everyone; may need an administrator.
    System,
}

/// A bundle and the folder it belongs into.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the file or folder in `target/bundled`.
    pub bundle: &'static str,
    /// Where it goes.
    pub folder: PathBuf,
}

/// The folders that the CLAP and VST3 specifications name for this system.
pub fn places(reach: Reach) -> Result<[Place; 2]> {
    let base = BaseDirs::new().context("no home folder is known; set HOME")?;
    let [clap, vst3] = match reach {
        Reach::User if cfg!(target_os = "macos") => {
            ["CLAP", "VST3"].map(|format| base.home_dir().join("Library/Audio/Plug-Ins").join(format))
        }
        Reach::User if cfg!(windows) => {
            ["CLAP", "VST3"].map(|format| base.data_local_dir().join("Programs").join("Common").join(format))
        }
        Reach::User => [".clap", ".vst3"].map(|format| base.home_dir().join(format)),
        Reach::System if cfg!(target_os = "macos") => {
            ["CLAP", "VST3"].map(|format| Path::new("/Library/Audio/Plug-Ins").join(format))
        }
        Reach::System if cfg!(windows) => {
            let common = std::env::var_os("COMMONPROGRAMFILES").context("COMMONPROGRAMFILES is not set")?;
            ["CLAP", "VST3"].map(|format| Path::new(&common).join(format))
        }
        Reach::System => ["clap", "vst3"].map(|format| Path::new("/usr/lib").join(format)),
    };
    Ok([Place { bundle: "MeLFusion.clap", folder: clap }, Place { bundle: "MeLFusion.vst3", folder: vst3 }])
}

/// The folder in which plugins look for the `melfusion` program: `melfusion::service::Program` has the same.
pub fn program_folder(reach: Reach) -> Result<PathBuf> {
    match reach {
        Reach::User => {
            let project = ProjectDirs::from("", "", "melfusion").context("no home folder is known; set HOME")?;
            Ok(project.data_local_dir().join("bin"))
        }
        Reach::System if cfg!(target_os = "macos") => Ok("/Library/Application Support/melfusion/bin".into()),
        Reach::System if cfg!(windows) => {
            let programs = std::env::var_os("PROGRAMFILES").context("PROGRAMFILES is not set")?;
            Ok(Path::new(&programs).join("melfusion").join("bin"))
        }
        Reach::System => Ok("/usr/lib/melfusion/bin".into()),
    }
}

/// Puts a bundle or a program into `folder` and returns where it is. What was there of its name goes away only once the new one is
/// complete; a host that runs keeps the old one, as nothing is written over.
#[allow(clippy::disallowed_methods, reason = "what is installed has the mode that it was built with")]
pub fn replace(bundle: &Path, folder: &Path) -> Result<PathBuf> {
    let name = bundle.file_name().context("a bundle has a name")?;
    let target = folder.join(name);
    let about = || format!("{} could not be installed in {}", bundle.display(), folder.display());
    fs::create_dir_all(folder).with_context(about)?;
    // No host takes it for a plugin by this name.
    let part = folder.join(".melfusion.part");
    remove(&part).with_context(about)?;
    copy(bundle, &part).with_context(about)?;
    if target.is_dir() {
        remove(&target).with_context(about)?;
    }
    fs::rename(&part, &target).with_context(about)?;
    Ok(target)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[allow(clippy::disallowed_methods, reason = "as above")]
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new, hosts] = ["old", "new", "hosts"].map(|name| folder.path().join(name));
        for (version, file) in [(&old, "a/was"), (&new, "a/is")] {
            let file = version.join("MeLFusion.vst3").join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
            fs::write(version.join("MeLFusion.clap"), version.to_str().unwrap()).unwrap();
        }
        for version in [&old, &new] {
            for bundle in ["MeLFusion.clap", "MeLFusion.vst3"] {
                assert_eq!(replace(&version.join(bundle), &hosts).unwrap(), hosts.join(bundle));
            }
        }
        assert_eq!(fs::read_to_string(hosts.join("MeLFusion.clap")).unwrap(), new.to_str().unwrap());
        assert!(hosts.join("MeLFusion.vst3/a/is").is_file() && !hosts.join("MeLFusion.vst3/a/was").exists());
        assert_eq!(fs::read_dir(&hosts).unwrap().count(), 2);
    }
}
