//! Makes the clips of a set, one after the other, with one engine.

use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use melfusion::audio::wav::SampleFormat;
use melfusion::bundle::Bundle;
use melfusion::engine::Engine;
use melfusion::error::{Error, Stage};
use melfusion::hash::hex;
use melfusion::image::Picture;
use melfusion::progress::Progress;
use melfusion::request::{Request, RequestFields};
use score::Score;
use sha2::{Digest, Sha256};

use super::job::{Job, Make};
use super::ledger::{Entry, Ledger};
use super::{Eval, Settings, settings, summary};
use crate::cli::args::Style;
use crate::cli::{cancel, terminal};

/// An engine, and what it has made.
pub struct Maker<'a> {
    args: &'a Eval,
    bundle: &'a Bundle,
    settings: Settings,
    /// Loaded for the first clip that is missing.
    engine: Option<Engine>,
    ledger: Ledger,
    made: usize,
}

impl<'a> Maker<'a> {
    /// From here on Ctrl-C is heard.
    pub fn new(args: &'a Eval, bundle: &'a Bundle, ledger: Ledger) -> anyhow::Result<Self> {
        cancel::listen()?;
        Ok(Self { args, bundle, settings: settings(args, bundle), engine: None, ledger, made: 0 })
    }

    /// How many clips were not there before.
    pub fn made(&self) -> usize {
        self.made
    }

    /// What all composed clips share.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Makes what is missing; returns an entry per job.
    pub fn make_all(&mut self, jobs: &[Job]) -> anyhow::Result<Vec<Entry>> {
        let style =
            self.args.progress.unwrap_or(if std::io::stderr().is_terminal() { Style::Bar } else { Style::None });
        let bar = bar(style, jobs.len());
        let mut entries = Vec::with_capacity(jobs.len());
        for (done, job) in jobs.iter().enumerate() {
            bar.set_message(job.id.clone());
            entries.push(self.make(job)?);
            bar.inc(1);
            if style == Style::Lines {
                terminal::warn(&format!("{} {}/{}", job.id, done + 1, jobs.len()));
            }
        }
        bar.finish_and_clear();
        Ok(entries)
    }

    fn make(&mut self, job: &Job) -> Result<Entry, Error> {
        if cancel::asked() {
            return Err(Error::Cancelled);
        }
        let wav = summary::clip(&self.args.out, &job.id);
        let sha256 = self.fingerprint(job)?;
        if let Some(entry) = self.ledger.find(&job.id, &sha256).filter(|_| wav.is_file()) {
            return Ok(entry.clone());
        }
        let request = self.request(job)?;
        let score = self.score(job)?;
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::load(self.bundle, self.args.device.open()?)?,
        };
        let engine = self.engine.insert(engine);
        let start = Instant::now();
        let clip = match &score {
            Some(score) => engine.perform(&request, score, &Ear)?,
            None => engine.generate(&request, &Ear)?,
        };
        let made_in_seconds = start.elapsed().as_secs_f64();
        let entry = Entry { id: job.id.clone(), sha256, seconds: request.seconds(), made_in_seconds };
        let _writing = cancel::writing();
        clip.write_wav(&wav, SampleFormat::Int24)?;
        self.ledger.add(&entry)?;
        self.made += 1;
        Ok(entry)
    }

    fn request(&self, job: &Job) -> Result<Request, Error> {
        let picture = match &job.make {
            Make::Compose { picture: Some(_), .. } => job.source(&self.args.set),
            _ => None,
        };
        let picture = picture.as_deref().map(Picture::open).transpose()?;
        let sample_rate = self.bundle.manifest().sample_rate;
        Request::new(RequestFields { picture, sample_rate, ..job.fields(&self.settings) })
    }

    fn score(&self, job: &Job) -> Result<Option<Score>, Error> {
        match &job.make {
            Make::Compose { .. } => Ok(None),
            Make::Score { score, .. } => read_score(&self.args.set.join(score)).map(Some),
        }
    }

    /// A hash of everything that shapes a clip.
    fn fingerprint(&self, job: &Job) -> Result<String, Error> {
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        hash.update(self.bundle.hash());
        for part in [serde_json::to_vec(job), serde_json::to_vec(&self.settings)] {
            hash.update(part.expect("strings and finite numbers"));
        }
        if let Some(source) = job.source(&self.args.set) {
            hash.update(read(&source)?);
        }
        Ok(hex(hash))
    }
}

/// Listens for Ctrl-C while a clip is made.
struct Ear;

impl Progress for Ear {
    fn step(&self, _: Stage, _: usize, _: usize) {}

    fn is_cancelled(&self) -> bool {
        cancel::asked()
    }
}

fn bar(style: Style, jobs: usize) -> ProgressBar {
    if style != Style::Bar {
        return ProgressBar::hidden();
    }
    let template = "{msg:20} {bar:32} {pos}/{len}  {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr()).with_style(style)
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File { path: path.clone(), problem: format!("cannot be read: {error}") })
}

/// A score that serde wrote.
fn read_score(path: &PathBuf) -> Result<Score, Error> {
    serde_json::from_slice(&read(path)?).map_err(|error| Error::File {
        path: path.clone(),
        problem: format!("is no score ({error}); prepare the set again"),
    })
}
