//! Where bundles are looked for.

use super::{Bundle, MANIFEST, MINI, broken, embedded};
use crate::error::Error;
use directories::ProjectDirs;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders that hold bundles, each in a folder of its name: `bundles` next to the executable, then `bundles` in
/// the user's data folder.
///
/// A plugin's executable is its host; it passes its own folders to [`Bundle::find_in`].
pub fn places() -> Vec<PathBuf> {
    let executable = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.to_path_buf()));
    let user = ProjectDirs::from("", "", "melfusion").map(|project| project.data_dir().to_path_buf());
    executable.into_iter().chain(user).map(|folder| folder.join("bundles")).collect()
}

impl Bundle {
    /// Opens a bundle by the path of its folder, the name of that folder or the name in its manifest; the one that ships
    /// with the product if there is neither.
    ///
    /// # Errors
    ///
    /// [`Error::Bundle`]: there is none of that name, or it is broken.
    pub fn find(name_or_path: Option<&str>) -> Result<Self, Error> {
        Self::find_in(name_or_path, &places())
    }

    /// [`find`](Self::find) in other places. A path comes first, then the places in order, then what is built in.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn find_in(name_or_path: Option<&str>, places: &[PathBuf]) -> Result<Self, Error> {
        let name = name_or_path.unwrap_or(MINI);
        let path = Path::new(name);
        let is_name = path.components().count() == 1 && path.file_name().is_some();
        if name_or_path.is_some() && (!is_name || path.join(MANIFEST).exists()) {
            return Self::open(path);
        }
        for folder in places.iter().map(|place| place.join(name)) {
            if folder.join(MANIFEST).exists() {
                return Self::open(folder);
            }
        }
        if name == MINI && !embedded::FILES.is_empty() {
            return Self::mini();
        }
        // What `melfusion bundle list` calls it, whatever its folder is called.
        if let Some(named) = Self::list_in(places).into_iter().flatten().find(|bundle| bundle.manifest().name == name) {
            return Ok(named);
        }
        let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        let problem = format!("no bundle of this name in {}; give the path of its folder", looked.join(" or "));
        Err(broken(name, problem))
    }

    /// Every bundle there is to find by name, broken ones included, in the order in which they are looked for.
    pub fn list() -> Vec<Result<Self, Error>> {
        Self::list_in(&places())
    }

    /// [`list`](Self::list) of other places.
    pub fn list_in(places: &[PathBuf]) -> Vec<Result<Self, Error>> {
        let built_in = (!embedded::FILES.is_empty()).then(Self::mini);
        places.iter().flat_map(|place| folders(place)).map(Self::open).chain(built_in).collect()
    }
}

/// The folders in `place` that have a manifest, by name; none if it cannot be read.
fn folders(place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.join(MANIFEST).exists()).collect();
    folders.sort();
    folders
}
