//! A board's notes: MIDI files, and every cue's parts.

use std::io::Write;
use std::path::PathBuf;

use melfusion::clip::Timing;
use melfusion::error::Error;
use melfusion::storyboard::midi;
use melfusion::{Clip, Engine};

use super::beds::{Beds, title};
use crate::cli::args::{Storyboard, Tracks};
use crate::cli::destination::make_folder;

/// Folder of the parts.
const PARTS: &str = "parts";

/// Refuses what only notes can give, where the bundle has none.
pub fn check(args: &Storyboard, plays_notes: bool, bundle: &str) -> Result<(), Error> {
    let asked = [("--midi", args.midi), ("--stems", args.stems), ("--tracks", args.tracks != Tracks::Cues)];
    if args.quantised && !args.midi && args.tracks == Tracks::Cues {
        let problem =
            "there are no notes to write on the grid; give --midi, or a --project with --tracks parts or both";
        return Err(Error::Request { what: "--quantised", problem: problem.into() });
    }
    match asked.into_iter().find(|(_, asked)| *asked && !plays_notes) {
        Some((what, _)) => {
            let problem = format!("the bundle {bundle} composes sound and no notes; leave it out or choose another");
            Err(Error::Request { what, problem })
        }
        None => Ok(()),
    }
}

/// Where notes stand in time.
pub fn timing(args: &Storyboard) -> Timing {
    if args.quantised { Timing::Quantised } else { Timing::Performed }
}

/// Writes what was asked for of the cues that are there; returns the files.
pub fn write(
    engine: &Engine,
    beds: &Beds<'_>,
    clips: &[Option<Clip>],
    args: &Storyboard,
) -> Result<Vec<PathBuf>, Error> {
    let mut written = Vec::new();
    let there = || clips.iter().enumerate().filter_map(|(index, clip)| Some((index, clip.as_ref()?)));
    if args.midi {
        let timing = timing(args);
        for (index, clip) in there().filter(|(_, clip)| clip.score.is_some()) {
            let path = beds.wav(index).with_extension("mid");
            clip.write_midi(&path, timing)?;
            written.push(path);
        }
        let names: Vec<String> = (0..clips.len()).map(|index| title(beds.board(), index)).collect();
        let bytes = midi(beds.board(), &names, clips, timing)?;
        let path = beds.bed().with_extension("mid");
        melfusion::files::replace(&path, |file| file.write_all(&bytes))?;
        written.push(path);
    }
    if args.stems {
        let folder = beds.folder().join(PARTS);
        make_folder(&folder)?;
        for (index, clip) in there().filter(|(_, clip)| clip.score.is_some()) {
            let name = beds.wav(index).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            for stem in engine.stems(clip)? {
                let path = folder.join(format!("{name}-{}.wav", stem.part));
                clip.write_stem(&path, beds.format(), stem.part, &stem.audio)?;
                written.push(path);
            }
        }
    }
    Ok(written)
}
