//! Stems and projects for DAWs.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use melfusion::audio::wav::{self, Labels};
use melfusion::error::Error;
use melfusion::progress::Progress;
use melfusion::storyboard::project::{Project, dawproject, reaper};
use melfusion::storyboard::{Bed, Item, items};
use melfusion::{Clip, Engine};

use super::beds::{Beds, title};
use crate::cli::args::Daw;
use crate::cli::destination::make_folder;

/// Folder of the stems, beside the project.
const STEMS: &str = "stems";

/// Writes every cue with its lead-in to a file of its own, and the projects that have them on tracks; returns the
/// projects.
pub fn write(
    engine: &Engine,
    beds: &Beds<'_>,
    (clips, bed): (&[Option<Clip>], &Bed),
    daws: &[Daw],
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, Error> {
    if daws.is_empty() {
        return Ok(Vec::new());
    }
    make_folder(&beds.folder().join(STEMS))?;
    let board = beds.board();
    let mut files = Vec::with_capacity(clips.len());
    for item in items(board) {
        let name = beds.wav(item.cue);
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = format!("{STEMS}/{name}");
        stem(engine, beds, (clips, &item, &file), progress)?;
        files.push(file);
    }
    let names: Vec<String> = (0..board.cues.len()).map(|index| title(board, index)).collect();
    let project = Project { board, names: &names, stems: &files, bed: "bed.wav", gain_db: bed.gain_db };
    let mut paths = Vec::new();
    for daw in [Daw::Reaper, Daw::Dawproject].into_iter().filter(|daw| daws.contains(daw)) {
        let path = beds.folder().join(match daw {
            Daw::Reaper => "storyboard.rpp",
            Daw::Dawproject => "storyboard.dawproject",
        });
        melfusion::files::replace(&path, |file| match daw {
            Daw::Reaper => file.write_all(reaper(&project).as_bytes()),
            Daw::Dawproject => dawproject(&project, file, |name| fs::read(beds.folder().join(name))),
        })?;
        paths.push(path);
    }
    Ok(paths)
}

fn stem(
    engine: &Engine,
    beds: &Beds<'_>,
    (clips, item, file): (&[Option<Clip>], &Item, &str),
    progress: &dyn Progress,
) -> Result<(), Error> {
    let board = beds.board();
    let audio = engine.stem(board, item.cue, clips, progress)?;
    let labels = Labels {
        title: &title(board, item.cue),
        comment: &board.cues[item.cue].prompt,
        bpm: board.tempo.at(board.cues[item.cue].start_bar),
        quarters: f64::from(board.cues[item.cue].bars) * board.meter.quarters(),
        meter: board.meter,
        key: board.key,
        recipe: &[],
        is_loop: false,
        start_frame: Some(item.start as u64),
        markers: &[],
    };
    wav::write(&beds.folder().join(file), &audio, beds.format(), &labels)
}
