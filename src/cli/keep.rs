//! What `generate` keeps: of a clip, or of a MIDI file.

use std::path::Path;

use melfusion::clip::Clip;
use melfusion::error::Error;
use melfusion::request;
use midi::{File, Frame, Track};
use score::{Key, Part, Score};
use serde::Serialize;

use super::args::{Generate, Keep};
use super::terminal;

/// Largest file that is read.
const MAX_BYTES: u64 = 16 << 20;

/// Notes that are kept, and what there is to say of them.
pub struct Kept {
    /// Their length, metre, tempo and key are the request's where nothing else was typed.
    pub keep: request::Keep,
    /// The key that what is composed has by itself.
    pub key: Option<Key>,
    /// What a MIDI file was read as.
    pub sketch: Option<Sketch>,
}

/// What a MIDI file was read as: `sketch` in `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct Sketch {
    tracks: Vec<SketchTrack>,
    key: Key,
    /// What is in the file and not used.
    unused: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct SketchTrack {
    /// From 1, among the tracks that have notes.
    track: usize,
    name: String,
    /// `null` where no part was left for it.
    part: Option<Part>,
    notes: usize,
}

/// Reads what is to be kept, if anything is.
pub fn read(args: &Generate) -> Result<Option<Kept>, Error> {
    let Keep { keep, keep_midi, keep_parts, redo_bars, vary, .. } = &args.keep;
    let (parts, redo, vary) = (keep_parts.clone(), redo_bars.clone(), *vary);
    let is_nothing = parts.is_empty() && redo.is_none() && vary.is_none();
    match (keep, keep_midi) {
        (None, None) if is_nothing => Ok(None),
        (None, None) => {
            let said =
                [("--redo-bars", redo.is_some()), ("--keep-parts", !parts.is_empty()), ("--vary", vary.is_some())];
            let what = said.into_iter().find_map(|(what, said)| said.then_some(what)).unwrap_or("--keep");
            Err(refuse(what, "of what? Give a clip with --keep, or notes with --keep-midi"))
        }
        (Some(_), _) if is_nothing => Err(refuse(
            "--keep",
            "say what is kept: --keep-parts names parts, --redo-bars the bars to compose anew, --vary how near the rest stays",
        )),
        (Some(clip), _) => {
            let state = Clip::read_state(clip)?;
            let none = "the clip has no notes in it; only clips whose bundle composes notes have";
            let score = state.score.ok_or_else(|| refuse("--keep", none))?;
            Ok(Some(Kept { keep: request::Keep { score, parts, redo, vary }, key: state.recipe.key, sketch: None }))
        }
        (None, Some(path)) => {
            let (score, sketch) = sketch(args, path)?;
            let all = score.players.iter().map(|player| player.part);
            let parts = if is_nothing { all.collect() } else { parts };
            let key = Some(score.key);
            Ok(Some(Kept { keep: request::Keep { score, parts, redo, vary }, key, sketch: Some(sketch) }))
        }
    }
}

impl Sketch {
    /// Says what the file was read as.
    pub fn say(&self) {
        let track = |track: &SketchTrack| match track.part {
            Some(part) => format!("track {} {:?} is the {part}", track.track, track.name),
            None => format!("track {} {:?} is not used, as no part is left for it", track.track, track.name),
        };
        let tracks: Vec<String> = self.tracks.iter().map(track).collect();
        terminal::warn(&format!("kept: {}; in {} (--track and --key say otherwise)", tracks.join(", "), self.key));
        self.unused.iter().for_each(|unused| terminal::warn(&format!("not used: {unused}")));
    }
}

/// The score of a MIDI file, and what it was read as.
fn sketch(args: &Generate, path: &Path) -> Result<(Score, Sketch), Error> {
    let problem = |problem: String| Error::File { path: path.to_path_buf(), problem };
    let size = std::fs::metadata(path).map_err(|error| problem(format!("cannot be read ({error}); check the path")))?;
    if size.len() > MAX_BYTES {
        return Err(problem(format!("is larger than {} MiB; export fewer bars", MAX_BYTES >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|error| problem(format!("cannot be read ({error}); check the path")))?;
    let file = File::parse(&bytes).map_err(|error| problem(error.to_string()))?;
    let told = args.keep.track.iter().map(|(part, name)| Ok((track(&file, name)?, *part)));
    let parts = file.parts(&told.collect::<Result<Vec<_>, Error>>()?);
    let meter = args.meter.or(file.meters.first().map(|(_, meter)| *meter)).unwrap_or_default();
    let frame = Frame {
        bars: args.bars.unwrap_or_else(|| file.bars(meter)),
        meter,
        bpm: args.bpm.or(file.tempi.first().map(|(_, bpm)| *bpm)).unwrap_or(96.0),
        key: args.key,
    };
    let (score, beyond) = file.score(&parts, &frame)?;
    let described = |(index, (track, part)): (usize, (&Track, &Option<Part>))| SketchTrack {
        track: index + 1,
        name: track.name.clone(),
        part: *part,
        notes: track.notes.len(),
    };
    let tracks = file.tracks.iter().zip(&parts).enumerate().map(described).collect();
    let unused = unused(&file, &frame, beyond);
    let key = score.key;
    Ok((score, Sketch { tracks, key, unused }))
}

/// The index of a track by its number from 1, or by its name.
fn track(file: &File, name: &str) -> Result<usize, Error> {
    let by_number = name.parse::<usize>().ok().filter(|number| (1..=file.tracks.len()).contains(number));
    let by_name = || file.tracks.iter().position(|track| track.name.eq_ignore_ascii_case(name));
    by_number.map(|number| number - 1).or_else(by_name).ok_or_else(|| {
        let names: Vec<String> =
            file.tracks.iter().enumerate().map(|(i, it)| format!("{} {:?}", i + 1, it.name)).collect();
        refuse("--track", &format!("there is no track {name:?} with notes; choose {}", names.join(", ")))
    })
}

/// What of a file is not used.
fn unused(file: &File, frame: &Frame, beyond: usize) -> Vec<String> {
    let changes =
        |what: &str, count: usize| (count > 1).then(|| format!("{} changes of {what} after the first", count - 1));
    let tempi = changes("tempo", file.tempi.len());
    let meters = changes("metre", file.meters.len());
    let notes = (beyond > 0).then(|| format!("{beyond} notes beyond bar {}", frame.bars));
    [tempi, meters, notes].into_iter().flatten().collect()
}

fn refuse(what: &'static str, problem: &str) -> Error {
    Error::Request { what, problem: problem.into() }
}
