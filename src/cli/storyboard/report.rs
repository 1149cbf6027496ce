//! What is told of a board: lines for people, one object for programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use melfusion::audio::loudness::{Level, measure};
use melfusion::device;
use melfusion::error::Error;
use melfusion::storyboard::{Bed, Draft};
use melfusion::text::Reading;
use melfusion::{Clip, Engine, Request};
use serde::Serialize;

use super::beds::{Beds, title};
use crate::cli::args::{Export, Setup};
use crate::cli::destination::Files;
use crate::cli::take::{Loudness, Take, facts};
use crate::cli::terminal::{self, plain};

/// Collects what `--json` prints, and prints the rest at once.
#[derive(Serialize)]
pub struct Report<'a> {
    /// Version.
    engine: &'static str,
    /// Name.
    bundle: &'a str,
    device: String,
    /// Type of the denoisers' numbers.
    dtype: &'static str,
    load_ms: f64,
    cues: Vec<CueReport>,
    bed: Option<BedReport>,
    /// MIDI files, and the parts' WAV files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<PathBuf>,
    #[serde(skip)]
    reader: &'a Engine,
    #[serde(skip)]
    setup: &'a Setup,
}

#[derive(Serialize)]
struct CueReport {
    /// From 1.
    cue: usize,
    name: String,
    start_bar: u32,
    start_frame: usize,
    /// Whether it was there already.
    kept: bool,
    reading: Reading,
    #[serde(flatten)]
    take: Take,
}

#[derive(Serialize)]
struct BedReport {
    path: PathBuf,
    seconds: f64,
    frames: usize,
    sample_rate: u32,
    /// 0 where no peak had to be lowered.
    gain_db: f64,
    loudness: Loudness,
    contact_sheets: Vec<PathBuf>,
    projects: Vec<PathBuf>,
}

/// How far cues were moved to their bar lines, and what else an import has to say.
pub fn say_import(draft: &Draft) -> anyhow::Result<()> {
    for (cue, residue) in draft.sheet.cues.iter().zip(&draft.residues) {
        if let (Some(residue), Some(bar)) = (residue, cue.start_bar) {
            let (bars, moved) = (cue.bars, moved(*residue));
            terminal::line(&format!("{}: bar {bar}, {bars} long, {moved}", plain(&cue.name)))?;
        }
    }
    draft.notes.iter().for_each(|note| terminal::warn(&format!("note: {}", plain(note))));
    Ok(())
}

fn moved(residue: f64) -> String {
    match (residue * 1e3).round() {
        0.0 => "on its time".into(),
        later if later > 0.0 => format!("{:.3} s later than its time", later / 1e3),
        earlier => format!("{:.3} s earlier than its time", -earlier / 1e3),
    }
}

impl<'a> Report<'a> {
    pub fn new(engine: &'a Engine, setup: &'a Setup, load_ms: f64) -> Self {
        Self {
            engine: env!("CARGO_PKG_VERSION"),
            bundle: &engine.manifest().name,
            device: device::name(engine.device()),
            dtype: engine.dtype().as_str(),
            load_ms,
            cues: Vec::new(),
            bed: None,
            notes: Vec::new(),
            reader: engine,
            setup,
        }
    }

    /// Says how a cue's words are read, where that is not as they were typed, and which stand for its picture.
    pub fn reading(&self, index: usize, request: &Request) -> Result<(), Error> {
        if self.setup.quiet || self.setup.json {
            return Ok(());
        }
        if let Some(remark) = self.reader.reading(request)?.remark(&request.prompt, &request.negative) {
            terminal::warn(&format!("cue {}: {}", index + 1, plain(&remark)));
        }
        if let Some(words) = self.reader.picture_words(request) {
            let else_said = if request.picture_words.is_none() { "; its picture_words say it otherwise" } else { "" };
            terminal::warn(&format!("cue {}: the picture is told as {:?}{else_said}", index + 1, plain(&words)));
        }
        Ok(())
    }

    /// A cue is there.
    pub fn cue(
        &mut self,
        beds: &Beds<'_>,
        index: usize,
        (clip, timings, kept): (&Clip, BTreeMap<&'static str, f64>, bool),
    ) -> anyhow::Result<()> {
        let board = beds.board();
        let (name, start_bar, path) = (title(board, index), board.cues[index].start_bar, beds.wav(index));
        let made = if kept { "kept".into() } else { format!("made in {:.1} s", timings.values().sum::<f64>() / 1e3) };
        let files = Files { wav: path, plot: None, export: Export::default() };
        let take = Take::new(clip, &files, Vec::new(), timings, self.reader.stand_ins(clip)?);
        if let Some(remark) = take.remark().filter(|_| !self.setup.quiet && !self.setup.json) {
            terminal::warn(&format!("cue {}: {}", index + 1, plain(&remark)));
        }
        let facts = facts(&clip.recipe, clip.recipe.seconds());
        self.say(&format!("{}: from bar {start_bar}, {facts}, {made}", files.wav.display()))?;
        let start_frame = board.frame(start_bar);
        let reading = self.reader.reading(&board.request(index))?;
        self.cues.push(CueReport { cue: index + 1, name, start_bar, start_frame, kept, reading, take });
        Ok(())
    }

    /// Files of notes and parts are there.
    pub fn notes(&mut self, files: Vec<PathBuf>) -> anyhow::Result<()> {
        for (extension, what) in [("mid", "MIDI files"), ("wav", "WAV files of parts")] {
            let of: Vec<&PathBuf> =
                files.iter().filter(|file| file.extension().is_some_and(|e| e == extension)).collect();
            if let Some(folder) = of.first().and_then(|file| file.parent()) {
                self.say(&format!("{}: {} {what}", folder.display(), of.len()))?;
            }
        }
        self.notes = files;
        Ok(())
    }

    /// The bed is there.
    pub fn bed(
        &mut self,
        beds: &Beds<'_>,
        bed: &Bed,
        (contact_sheets, projects): (Vec<PathBuf>, Vec<PathBuf>),
    ) -> anyhow::Result<()> {
        let level: Level = measure(&bed.audio);
        let (frames, sample_rate) = (bed.audio.frames(), bed.audio.sample_rate());
        let seconds = frames as f64 / f64::from(sample_rate);
        let lufs = level.lufs.map_or_else(|| "silent".into(), |lufs| format!("{lufs:.1} LUFS"));
        let gain = match bed.gain_db {
            0.0 => String::new(),
            gain => format!(", turned down by {:.1} dB to keep its peaks below -1 dBTP", -gain),
        };
        let bars = beds.board().end_bar() - 1;
        self.say(&format!("{}: {bars} bars, {seconds:.3} s, {lufs}{gain}", beds.bed().display()))?;
        for sheet in &contact_sheets {
            self.say(&format!("{}: frames, words and sound", sheet.display()))?;
        }
        for project in &projects {
            self.say(&format!("{}: cues on two tracks, the bed on a third, muted", project.display()))?;
        }
        let (path, gain_db, loudness) = (beds.bed(), bed.gain_db, level.into());
        self.bed = Some(BedReport { path, seconds, frames, sample_rate, gain_db, loudness, contact_sheets, projects });
        Ok(())
    }

    /// A line, unless people asked for silence.
    pub fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.setup.json || self.setup.quiet { Ok(()) } else { terminal::line(text) }
    }

    /// Says what there is to say at the end.
    pub fn close(self) -> anyhow::Result<()> {
        if self.setup.json { terminal::line(&serde_json::to_string(&self)?) } else { Ok(()) }
    }
}
