//! A loaded engine that records takes: makes, writes and draws them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use melfusion::bundle::Bundle;
use melfusion::clip::Clip;
use melfusion::device::{self, Memory};
use melfusion::engine::{Engine, Instruments, Stem};
use melfusion::error::{Error, Stage};
use melfusion::progress::Progress;
use melfusion::request::Request;
use melfusion::text::Reading;
use serde::Serialize;

use super::args::{Export, Setup, Style};
use super::destination::Files;
use super::keep::Sketch;
use super::take::{StemFile, Take, draw};
use super::terminal::plain;
use super::watch::{self, Watch, milliseconds};
use super::{cancel, terminal};

/// An engine and what is the same for all takes of a run.
pub struct Studio<'a> {
    engine: Engine,
    setup: &'a Setup,
    style: Style,
    load_ms: f64,
    /// Of the words of all takes, where a request made them.
    reading: Option<Reading>,
    /// What a MIDI file was read as, if its notes are kept.
    sketch: Option<Sketch>,
    /// How what is asked of the notes was read.
    arranged: Vec<String>,
    takes: Vec<Take>,
}

impl<'a> Studio<'a> {
    /// Loads the engine; from here on Ctrl-C is heard.
    pub fn open(bundle: &Bundle, setup: &'a Setup) -> anyhow::Result<Self> {
        let (engine, load_ms) = load(bundle, setup)?;
        let style = watch::style(setup);
        Ok(Self { engine, setup, style, load_ms, reading: None, sketch: None, arranged: Vec::new(), takes: Vec::new() })
    }

    /// Says how a request's words are read, where that is not as they were typed.
    pub fn say_reading(&mut self, request: &Request) -> Result<(), Error> {
        let reading = self.engine.reading(request)?;
        let remark = reading.remark(&request.prompt, &request.negative);
        if let Some(remark) = remark.filter(|_| !self.setup.quiet && !self.setup.json) {
            terminal::warn(&plain(&remark));
        }
        self.reading = Some(reading);
        Ok(())
    }

    /// Says which words stand for the picture, where any do.
    pub fn say_picture(&self, request: &Request) {
        if let Some(words) = self.engine.picture_words(request).filter(|_| !self.setup.quiet && !self.setup.json) {
            terminal::warn(&format!("the picture is told as {:?}; --picture-words says it otherwise", plain(&words)));
        }
    }

    /// Says what a MIDI file whose notes are kept was read as.
    pub fn say_sketch(&mut self, sketch: Option<Sketch>) {
        if let Some(sketch) = sketch.as_ref().filter(|_| !self.setup.quiet && !self.setup.json) {
            sketch.say();
        }
        self.sketch = sketch;
    }

    /// Says how what is asked of the notes was read.
    pub fn say_arranged(&mut self, remarks: Vec<String>) {
        let is_said = !self.setup.quiet && !self.setup.json;
        remarks.iter().filter(|_| is_said).for_each(|remark| terminal::warn(remark));
        self.arranged = remarks;
    }

    /// Has `make` make a clip, writes it and says so; returns the seed that made it. `label` stands before the stages
    /// in the progress.
    pub fn record(
        &mut self,
        label: String,
        files: &Files,
        make: impl FnOnce(&Engine, &Watch) -> Result<Clip, Error>,
    ) -> anyhow::Result<u64> {
        let (start, memory) = (Instant::now(), self.engine.memory());
        let watch = Watch::new(self.style, label);
        let clip = make(&self.engine, &watch);
        let mut timings = watch.finish();
        let clip = clip?;
        self.say_memory(memory);
        let made = Instant::now();
        let stems = self.write(&clip, files)?;
        timings.insert("write", milliseconds(made.elapsed()));
        timings.insert("total", milliseconds(start.elapsed()));
        let take = Take::new(&clip, files, stems, timings, self.engine.stand_ins(&clip)?);
        if !self.setup.json && !self.setup.quiet {
            let seen = clip.recipe.impression.as_ref().filter(|_| self.takes.is_empty());
            seen.iter().for_each(|seen| terminal::warn(&format!("the picture shows {}", plain(&seen.words))));
            take.remark().iter().for_each(|remark| terminal::warn(&plain(remark)));
            terminal::line(&format!("{} on {}", take.line(), device::name(self.engine.device())))?;
        }
        self.takes.push(take);
        Ok(clip.recipe.seed)
    }

    /// Says that memory ran out on the way, where it did.
    fn say_memory(&self, before: Memory) {
        let now = self.engine.memory();
        if now != before && !self.setup.quiet && !self.setup.json {
            let device = device::name(self.engine.device());
            terminal::warn(&format!("{device} ran out of memory; made with --memory {now}, which takes longer"));
        }
    }

    /// Says what there is to say once all takes are there.
    pub fn close(self) -> anyhow::Result<()> {
        if !self.setup.json {
            return Ok(());
        }
        let summary = Summary {
            engine: env!("CARGO_PKG_VERSION"),
            bundle: &self.engine.manifest().name,
            device: device::name(self.engine.device()),
            dtype: self.engine.dtype().as_str(),
            memory: self.engine.memory().name(),
            load_ms: self.load_ms,
            reading: self.reading.as_ref(),
            sketch: self.sketch.as_ref(),
            arranged: &self.arranged,
            takes: &self.takes,
        };
        terminal::line(&serde_json::to_string(&summary)?)
    }

    /// Writes everything that was asked for; returns the stems' files.
    fn write(&self, clip: &Clip, files: &Files) -> Result<Vec<StemFile>, Error> {
        let stems = match &files.export.stems {
            Some(_) => self.engine.stems(clip)?,
            None => Vec::new(),
        };
        let _writing = cancel::writing();
        if cancel::asked() {
            return Err(Error::Cancelled);
        }
        clip.write_wav(&files.wav, self.setup.format.into())?;
        files.plot.iter().try_for_each(|path| self.draw(clip, path))?;
        let Export { notes, stems: folder } = &files.export;
        notes.midi.iter().try_for_each(|path| clip.write_midi(path, notes.timing()))?;
        let stem = |(folder, stem): (&PathBuf, &Stem)| {
            let path = files.stem(folder, stem.part);
            clip.write_stem(&path, self.setup.format.into(), stem.part, &stem.audio)?;
            Ok(StemFile { part: stem.part, path: path.to_string_lossy().into_owned() })
        };
        folder.iter().flat_map(|folder| stems.iter().map(move |it| (folder, it))).map(stem).collect()
    }

    fn draw(&self, clip: &Clip, path: &Path) -> Result<(), Error> {
        let (mel, bands) = self.engine.mel(clip)?;
        draw(clip, (&mel, bands), path)
    }
}

/// Loads an engine and says how many milliseconds it took; from here on Ctrl-C is heard.
pub fn load(bundle: &Bundle, setup: &Setup) -> anyhow::Result<(Engine, f64)> {
    cancel::listen()?;
    let start = Instant::now();
    let watch = Watch::new(watch::style(setup), String::new());
    watch.step(Stage::Load, 0, 1);
    // Small beside the weights, and named by the user: what is wrong with it is said first.
    let instruments = Instruments::open(&setup.instruments)?;
    let engine = setup.device.open().and_then(|placement| Engine::load(bundle, placement));
    let engine = engine.and_then(|engine| engine.with_instruments(instruments));
    watch.finish();
    Ok((engine?, milliseconds(start.elapsed())))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    /// Version.
    engine: &'a str,
    /// Name.
    bundle: &'a str,
    device: String,
    /// Type of the denoisers' numbers.
    dtype: &'a str,
    /// How sparing the engine was at the end.
    memory: &'a str,
    load_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<&'a Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sketch: Option<&'a Sketch>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    arranged: &'a [String],
    takes: &'a [Take],
}
