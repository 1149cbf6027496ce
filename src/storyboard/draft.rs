//! A storyboard read from disk, before its pictures are opened: it knows where everything was written.

mod arrangement;
mod edl;
mod folder;
mod lines;
mod regions;
mod snap;
mod table;
mod timecode;
mod written;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use self::lines::Lines;
pub use self::timecode::FrameRate;
use super::{Board, BoardFields, Cue, Sheet, SheetCue, TempoMap};
use crate::bundle::Defaults;
use crate::error::{CueName, Error};
use crate::image::Picture;
use crate::request::Meter;

/// Largest file that is read as a storyboard.
const MOST_BYTES: u64 = 16 << 20;
const NO_BOARD: &str = "is no storyboard; give a .toml, .csv or .edl file, or a folder of pictures";

/// What a file without bars leaves open.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Tempo of the bars that times are snapped to.
    pub tempo: TempoMap,
    /// Length of these bars.
    pub meter: Meter,
    /// Bars of a cue that has no end.
    pub bars: u32,
    /// Frames per second of timecodes.
    pub fps: Option<FrameRate>,
}

impl Default for Import {
    fn default() -> Self {
        Self { tempo: TempoMap::default(), meter: Meter::default(), bars: 4, fps: None }
    }
}

/// A storyboard from a file or folder.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What was read.
    pub sheet: Sheet,
    /// How far every cue's bar line is from the time in the file, in seconds; positive where the bar comes later. `None`
    /// where the file has bars.
    pub residues: Vec<Option<f64>>,
    /// What the reader should know, a sentence each.
    pub notes: Vec<String>,
    path: PathBuf,
    lines: Lines,
}

impl Draft {
    /// Reads a storyboard.
    ///
    /// | what | becomes |
    /// | --- | --- |
    /// | `*.toml` | what it says: see [`Sheet`] |
    /// | folder | a cue of `import.bars` bars for every picture, in natural order |
    /// | `*.edl` | a cue for every picture event of a CMX 3600 list |
    /// | `*.csv` | a cue for every row of a table, or for every region (without regions, marker) that Reaper exported |
    ///
    /// Times are snapped to the nearest bar line of `import`'s tempo. Pictures that are only named are looked for beside
    /// the file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] with the line, what is wrong there and what would be right.
    pub fn read(path: &Path, import: &Import) -> Result<Self, Error> {
        if path.is_dir() {
            return folder::read(path, import);
        }
        if !path.exists() {
            return Err(at(path, 0, "there is no such file or folder; check the path".into()));
        }
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let kind = extension.as_deref().filter(|kind| ["toml", "edl", "csv", "tsv"].contains(kind));
        let Some(kind) = kind else { return Err(at(path, 0, NO_BOARD.into())) };
        let text = text(path)?;
        let read = match kind {
            "toml" => written::read(path, &text),
            "edl" => edl::read(path, &text, import),
            _ if regions::is_regions(&text) => regions::read(path, &text, import),
            _ => table::read(path, &text, import),
        };
        read.map_err(|(line, problem)| at(path, line, problem))
    }

    /// Opens the pictures and checks the board; steps, guidance and sampler are the bundle's where the sheet has none.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] or [`Error::File`], with the line.
    pub fn board(&self, defaults: &Defaults) -> Result<Board, Error> {
        let sheet = &self.sheet;
        let mut known: HashMap<PathBuf, Picture> = HashMap::new();
        let (mut cues, mut next_bar) = (Vec::with_capacity(sheet.cues.len()), 1);
        for (index, cue) in sheet.cues.iter().enumerate() {
            let start_bar = cue.start_bar.unwrap_or(next_bar);
            next_bar = start_bar.saturating_add(cue.bars);
            let picture = match &cue.picture {
                Some(path) => Some(self.open(index, &self.resolved(path), &mut known)?),
                None if cue.picture_words.is_some() => return Err(self.speechless(index)),
                None => None,
            };
            cues.push(self.arranged(index, Cue { start_bar, picture, ..as_cue(cue, sheet) })?);
        }
        let fields = BoardFields {
            title: sheet.title.clone(),
            tempo: sheet.tempo.clone(),
            meter: sheet.meter,
            key: sheet.key,
            style: sheet.style.clone(),
            negative: sheet.negative.clone(),
            seed: sheet.seed,
            steps: sheet.steps.unwrap_or(defaults.steps as u32),
            guidance: sheet.guidance.unwrap_or(defaults.guidance),
            sampler: sheet.sampler.unwrap_or(defaults.sampler),
            sample_rate: sheet.rate,
            gaps: sheet.gaps,
            intensity: sheet.intensity.clone(),
            tails: sheet.tails,
            cues,
        };
        Board::new(fields).map_err(|error| self.located(error))
    }

    /// The sheet as TOML, for a file in `folder`: relative paths lead to the same pictures from there.
    pub fn to_toml(&self, folder: &Path) -> String {
        let mut sheet = self.sheet.clone();
        for picture in sheet.cues.iter_mut().filter_map(|cue| cue.picture.as_mut()) {
            let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
            let path = self.resolved(picture);
            *picture = pathdiff::diff_paths(absolute(&path), absolute(folder)).unwrap_or(path);
        }
        toml::to_string(&sheet).expect("a sheet has only strings, numbers and tables of them")
    }

    fn open(&self, index: usize, path: &Path, known: &mut HashMap<PathBuf, Picture>) -> Result<Picture, Error> {
        if let Some(picture) = known.get(path) {
            return Ok(picture.clone());
        }
        let picture = Picture::open(path).map_err(|error| match error {
            Error::Picture { path, problem } => {
                let line = self.lines.of(Some(index), "picture");
                let place = if line > 0 { format!(" ({}, line {line})", self.path.display()) } else { String::new() };
                Error::Picture { path, problem: format!("{problem}{place}") }
            }
            error => error,
        })?;
        known.insert(path.to_path_buf(), picture.clone());
        Ok(picture)
    }

    /// Where a picture's path leads from here, also if it was written under another system.
    fn resolved(&self, picture: &Path) -> PathBuf {
        let folder = base(&self.path);
        let there = folder.join(picture);
        if there.is_file() {
            return there;
        }
        found(folder, &picture.to_string_lossy()).map_or(there, |found| folder.join(found))
    }

    /// What a picture is said to be, where there is none.
    fn speechless(&self, index: usize) -> Error {
        let what = "picture_words";
        let problem = "there is no picture that they could be of; give the cue one, or put them into its prompt";
        let line = self.lines.of(Some(index), what);
        let name = CueName { index, name: self.sheet.cues[index].name.clone() };
        at(&self.path, line, format!("{name}: {what}: {problem}"))
    }

    /// Adds the line to what is wrong with a board.
    fn located(&self, error: Error) -> Error {
        match error {
            Error::Board { cue, what, problem } => {
                let line = self.lines.of(cue.as_ref().map(|cue| cue.index), what);
                let name = cue.map(|cue| format!("{cue}: ")).unwrap_or_default();
                at(&self.path, line, format!("{name}{what}: {problem}"))
            }
            error => error,
        }
    }
}

fn as_cue(cue: &SheetCue, sheet: &Sheet) -> Cue {
    Cue {
        name: cue.name.clone(),
        crop: cue.crop,
        picture_words: cue.picture_words.clone(),
        prompt: cue.prompt.clone(),
        bars: cue.bars,
        transition: cue.transition.unwrap_or(sheet.transition),
        influence: cue.influence,
        seed: cue.seed,
        ..Cue::default()
    }
}

/// The folder that relative paths begin at.
fn base(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) }
}

/// Line 0 is the whole file.
fn at(path: &Path, line: usize, problem: String) -> Error {
    let problem = if line > 0 { format!("line {line}: {problem}") } else { problem };
    Error::File { path: path.to_path_buf(), problem }
}

/// The file's text without its byte order mark.
fn text(path: &Path) -> Result<String, Error> {
    let fail = |problem: &str| at(path, 0, problem.into());
    let found = fs::metadata(path).map_err(|error| fail(&format!("cannot be read: {error}")))?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(fail(NO_BOARD));
    }
    let bytes = fs::read(path).map_err(|error| fail(&format!("cannot be read: {error}")))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(fail("is text in UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        at(path, line, "is not text in UTF-8; save it as such".into())
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_string())
}

/// A picture's path as a file from anywhere has it: backslashes are separators, and what is not there under its whole
/// path is looked for by its name, in `folder` and in `frames` or `stills` there.
fn found(folder: &Path, written: &str) -> Option<PathBuf> {
    let written = written.trim().trim_matches('"').replace('\\', "/");
    let name = written.rsplit('/').next().filter(|name| !name.is_empty())?.to_string();
    let beside = ["", "frames/", "stills/"].map(|place| format!("{place}{name}"));
    [written].into_iter().chain(beside).map(PathBuf::from).find(|path| folder.join(path).is_file())
}

/// The picture called `name`, with any of the endings that pictures have.
fn picture_called(folder: &Path, name: &str) -> Option<PathBuf> {
    let endings = folder::ENDINGS.iter().flat_map(|ending| [ending.to_string(), ending.to_uppercase()]);
    found(folder, name).filter(|path| folder::is_picture(path)).or_else(|| {
        // A name with a dot in it may be without an ending.
        let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let names = [name.to_string(), stem];
        endings.flat_map(|ending| names.clone().map(|name| format!("{name}.{ending}"))).find_map(|n| found(folder, &n))
    })
}

/// A clip's name as people say it: without the ending of a picture's file.
fn without_ending(name: &str) -> String {
    let path = Path::new(name);
    let stem = path.file_stem().filter(|_| folder::is_picture(path));
    stem.map_or_else(|| name.to_string(), |stem| stem.to_string_lossy().into_owned())
}

/// What is wrong, and in which line; 0 is the whole file.
type Problem = (usize, String);
