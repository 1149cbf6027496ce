//! `melfusion show`.

use std::process::ExitCode;

use melfusion::audio::wav;
use melfusion::clip::{Clip, Recipe};
use melfusion::error::Error;
use score::{Part, Score, TICKS_PER_QUARTER};
use serde::Serialize;

use super::args::Show;
use super::arrange::options;
use super::destination::{check_folder, check_name};
use super::take::{draw, facts, settings};
use super::terminal::{self, plain};

/// Names of the twelve notes.
const NOTES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    path: String,
    seconds: f64,
    sample_rate: u32,
    /// Whether there are notes; without, all below but the recipe is empty.
    has_notes: bool,
    parts: Vec<PlayedPart>,
    chords: Vec<PlayedChord>,
    recipe: &'a Recipe,
}

#[derive(Serialize)]
struct PlayedPart {
    part: Part,
    instrument: &'static str,
    /// Of General MIDI; of drums, the kit.
    program: u8,
    /// Above the part's usual level.
    level_db: f32,
    notes: usize,
    /// MIDI notes.
    lowest: u8,
    highest: u8,
}

#[derive(Serialize)]
struct PlayedChord {
    name: String,
    /// From 1.
    bar: u32,
    /// In quarter notes from the beginning of the bar.
    quarter: f64,
    /// In quarter notes.
    length: f64,
}

/// Reads a clip and says what is in it; needs no bundle.
pub fn run(args: &Show) -> anyhow::Result<ExitCode> {
    let state = Clip::read_state(&args.clip)?;
    let audio = wav::read(&args.clip)?;
    let clip = Clip { audio, latents: state.latents, recipe: state.recipe, score: state.score };
    check(args, &clip)?;
    if let Some(path) = &args.plot {
        // Notes are drawn in place of a spectrogram.
        draw(&clip, (&[], 0), path)?;
    }
    if let Some(path) = &args.notes.midi {
        clip.write_midi(path, args.notes.timing())?;
    }
    if args.json {
        terminal::line(&serde_json::to_string(&shown(args, &clip))?)?;
    } else {
        lines(args, &clip).iter().try_for_each(|line| terminal::line(&plain(line)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether all that was asked for can be written.
fn check(args: &Show, clip: &Clip) -> Result<(), Error> {
    let wanted = [(&args.plot, "--plot", "png"), (&args.notes.midi, "--midi", "mid")];
    for (path, what, extension) in
        wanted.into_iter().filter_map(|(path, what, kind)| Some((path.as_ref()?, what, kind)))
    {
        if clip.score.is_none() {
            let problem = "the clip has no notes in it; melfusion render --plot draws its spectrogram".into();
            return Err(Error::Request { what, problem });
        }
        check_name(path, extension, Some(&args.clip))?;
        check_folder(path)?;
    }
    Ok(())
}

fn shown<'a>(args: &Show, clip: &'a Clip) -> Shown<'a> {
    Shown {
        path: args.clip.to_string_lossy().into_owned(),
        seconds: clip.audio.frames() as f64 / f64::from(clip.audio.sample_rate()),
        sample_rate: clip.audio.sample_rate(),
        has_notes: clip.score.is_some(),
        parts: clip.score.as_ref().map(parts).unwrap_or_default(),
        chords: clip.score.as_ref().map(chords).unwrap_or_default(),
        recipe: &clip.recipe,
    }
}

fn parts(score: &Score) -> Vec<PlayedPart> {
    let part = |part: Part| {
        let player = score.player(part)?;
        let pitches: Vec<u8> = score.notes_of(part).map(|note| note.pitch).collect();
        Some(PlayedPart {
            part,
            instrument: player.instrument.name(),
            program: player.instrument.number(),
            level_db: player.level_db,
            notes: pitches.len(),
            lowest: pitches.iter().copied().min()?,
            highest: pitches.iter().copied().max()?,
        })
    };
    Part::ALL.into_iter().filter_map(part).collect()
}

fn chords(score: &Score) -> Vec<PlayedChord> {
    let quarters = |ticks: u32| f64::from(ticks) / f64::from(TICKS_PER_QUARTER);
    let bar = score.ticks() / score.bars;
    let chord = |chord: score::Chord| PlayedChord {
        name: chord.to_string(),
        bar: chord.start / bar + 1,
        quarter: quarters(chord.start % bar),
        length: quarters(chord.length),
    };
    score.chords().into_iter().map(chord).collect()
}

/// The same for people.
fn lines(args: &Show, clip: &Clip) -> Vec<String> {
    let Recipe { bundle, .. } = &clip.recipe;
    let mut lines = vec![clip.recipe.title(), facts(&clip.recipe, clip.recipe.seconds())];
    match &clip.score {
        Some(score) => {
            lines.push(format!("chords: {}", by_bar(score)));
            lines.extend(parts(score).iter().map(line));
        }
        None => lines.push(format!("{} has sound in it and no notes", args.clip.display())),
    }
    lines.extend(clip.recipe.arrangement.as_ref().map(|arrangement| format!("asked: {}", options(arrangement))));
    lines.push(format!("made by {bundle}: {}", settings(&clip.recipe)));
    lines
}

/// The chords of every bar, bars apart by lines; a bar that goes on with the last one's chord repeats it.
fn by_bar(score: &Score) -> String {
    let (chords, bar) = (score.chords(), score.ticks() / score.bars);
    let of_bar = |index: u32| {
        let (start, end) = (index * bar, (index + 1) * bar);
        let within = chords.iter().filter(|chord| chord.start < end && chord.start + chord.length > start);
        let mut names: Vec<String> = within.map(ToString::to_string).collect();
        // Said once, where only silence is between.
        names.dedup();
        if names.is_empty() { "-".into() } else { names.join(" ") }
    };
    (0..score.bars).map(of_bar).collect::<Vec<_>>().join(" | ")
}

fn line(part: &PlayedPart) -> String {
    let plural = if part.notes == 1 { "" } else { "s" };
    let range = match part.part {
        Part::Drums => String::new(),
        _ => format!(", {} to {}", note(part.lowest), note(part.highest)),
    };
    let level = match part.level_db {
        level if level <= score::SILENT_DB => ", off".into(),
        0.0 => String::new(),
        level => format!(", {level:+.1} dB"),
    };
    format!("{:<9} {:<24} {} note{plural}{range}{level}", part.part.name(), part.instrument, part.notes)
}

/// A note's name; 60 is C4.
fn note(pitch: u8) -> String {
    format!("{}{}", NOTES[usize::from(pitch % 12)], i32::from(pitch / 12) - 1)
}
