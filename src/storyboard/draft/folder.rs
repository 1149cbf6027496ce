//! A folder of frames.

use std::fs;
use std::path::{Path, PathBuf};

use super::lines::Lines;
use super::{Draft, Import, at};
use crate::error::Error;
use crate::storyboard::{Sheet, SheetCue};

/// Endings of the pictures that can be read.
pub const ENDINGS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "jfif"];

/// A cue for every picture: `frame2` comes before `frame10`.
pub fn read(path: &Path, import: &Import) -> Result<Draft, Error> {
    let unreadable = |error: std::io::Error| at(path, 0, format!("cannot be read: {error}"));
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let name = PathBuf::from(entry.map_err(unreadable)?.file_name());
        let is_hidden = name.to_string_lossy().starts_with('.');
        if is_picture(&name) && !is_hidden && path.join(&name).is_file() {
            names.push(name);
        }
    }
    if names.is_empty() {
        let problem = format!("there are no pictures in it; put frames there as {}", ENDINGS.join(", "));
        return Err(at(path, 0, problem));
    }
    alphanumeric_sort::sort_path_slice(&mut names);
    let cue = |name: &PathBuf| SheetCue {
        name: name.file_stem().unwrap_or_default().to_string_lossy().replace('_', " "),
        picture: Some(name.clone()),
        bars: import.bars,
        ..SheetCue::default()
    };
    let cues: Vec<_> = names.iter().map(cue).collect();
    let residues = vec![None; cues.len()];
    let sheet = Sheet { tempo: import.tempo.clone(), meter: import.meter, cues, ..Sheet::default() };
    Ok(Draft { sheet, residues, notes: Vec::new(), path: path.to_path_buf(), lines: Lines::default() })
}

/// Whether a file is called as pictures are.
pub fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ENDINGS.iter().any(|ending| extension.eq_ignore_ascii_case(ending)))
}
