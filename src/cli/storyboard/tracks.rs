//! Stems and projects for DAWs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use melfusion::audio::Audio;
use melfusion::audio::wav::{self, Labels};
use melfusion::error::Error;
use melfusion::progress::Progress;
use melfusion::storyboard::project::{PartFiles, Project, dawproject, reaper};
use melfusion::storyboard::{Bed, Item, items};
use melfusion::{Clip, Engine};
use score::{Part, Score};

use super::beds::{Beds, title};
use super::notes::timing;
use crate::cli::args::{Daw, Storyboard, Tracks};
use crate::cli::destination::make_folder;

/// Folders of the stems, beside the project.
const STEMS: &str = "stems";
const PARTS: &str = "stems/parts";

/// Writes every cue, or every part of every cue, with its lead-in to a file of its own, and the projects that have them on tracks;
/// returns the projects.
pub fn write(
    engine: &Engine,
    beds: &Beds<'_>,
    (clips, bed): (&[Option<Clip>], &Bed),
    args: &Storyboard,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, Error> {
    if args.project.is_empty() {
        return Ok(Vec::new());
    }
    let stems = Stems { engine, beds, clips, progress };
    let cues = if args.tracks == Tracks::Parts { Vec::new() } else { stems.cues()? };
    let parts = if args.tracks == Tracks::Cues { Vec::new() } else { stems.parts()? };
    let names: Vec<String> = (0..clips.len()).map(|index| title(beds.board(), index)).collect();
    let timed = |clip: &Clip| clip.score.as_ref().map(|score| timing(args).of(score, clip.recipe.seed));
    let scores: Vec<Option<Score>> = clips.iter().map(|clip| clip.as_ref().and_then(timed)).collect();
    let project = Project {
        board: beds.board(),
        names: &names,
        stems: &cues,
        parts: &parts,
        scores: &scores,
        bed: "bed.wav",
        gain_db: bed.gain_db,
    };
    let mut paths = Vec::new();
    for daw in [Daw::Reaper, Daw::Dawproject].into_iter().filter(|daw| args.project.contains(daw)) {
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

/// What stems are made of.
struct Stems<'a> {
    engine: &'a Engine,
    beds: &'a Beds<'a>,
    clips: &'a [Option<Clip>],
    progress: &'a dyn Progress,
}

impl Stems<'_> {
    /// The files of the cues.
    fn cues(&self) -> Result<Vec<String>, Error> {
        make_folder(&self.beds.folder().join(STEMS))?;
        let stem = |item: Item| {
            let file = format!("{STEMS}/{}.wav", self.name(item.cue));
            let audio = self.engine.stem(self.beds.board(), item.cue, self.clips, self.progress)?;
            self.write(&item, &file, &audio)?;
            Ok(file)
        };
        items(self.beds.board()).into_iter().map(stem).collect()
    }

    /// The files of the parts, those in the order of [`Part::ALL`].
    fn parts(&self) -> Result<Vec<PartFiles>, Error> {
        make_folder(&self.beds.folder().join(PARTS))?;
        let (board, count) = (self.beds.board(), self.clips.len());
        let mut found: BTreeMap<Part, Vec<Option<String>>> = BTreeMap::new();
        for item in items(board) {
            for (part, audio) in self.engine.part_stems(board, item.cue, self.clips, self.progress)? {
                let file = format!("{PARTS}/{}-{part}.wav", self.name(item.cue));
                self.write(&item, &file, &audio)?;
                found.entry(part).or_insert_with(|| vec![None; count])[item.cue] = Some(file);
            }
        }
        Ok(found.into_iter().map(|(part, stems)| PartFiles { part, stems }).collect())
    }

    fn name(&self, cue: usize) -> String {
        self.beds.wav(cue).file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn write(&self, item: &Item, file: &str, audio: &Audio) -> Result<(), Error> {
        let board = self.beds.board();
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
        wav::write(&self.beds.folder().join(file), audio, self.beds.format(), &labels)
    }
}
