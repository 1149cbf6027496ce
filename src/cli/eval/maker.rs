//! Makes the clips of a set, one after the other, with one engine.

use std::fs;
use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Instant;

use hound::{WavSpec, WavWriter};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use melfusion::audio::Audio;
use melfusion::audio::wav::SampleFormat;
use melfusion::bundle::Bundle;
use melfusion::clip::Clip;
use melfusion::engine::{Engine, Resynthesis, Through};
use melfusion::error::{Error, Stage};
use melfusion::files;
use melfusion::hash::hex;
use melfusion::image::Picture;
use melfusion::progress::Progress;
use melfusion::request::{Request, RequestFields};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
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
        let mel = self.mel(job)?;
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::load(self.bundle, self.args.device.open()?)?,
        };
        let engine = self.engine.insert(engine);
        let start = Instant::now();
        let sound = sound(engine, job, &request, mel.as_deref())?;
        let made_in_seconds = start.elapsed().as_secs_f64();
        let entry = Entry {
            id: job.id.clone(),
            sha256,
            seconds: request.seconds(),
            made_in_seconds,
            codec_error: sound.codec_error(),
        };
        let _writing = cancel::writing();
        sound.write(&wav)?;
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

    fn mel(&self, job: &Job) -> Result<Option<Vec<f32>>, Error> {
        match &job.make {
            Make::Compose { .. } => Ok(None),
            Make::Codec { mel } | Make::Vocoder { mel } => read_mel(&self.args.set.join(mel)).map(Some),
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

/// What was made of a job.
enum Sound {
    Clip(Box<Clip>),
    Resynthesis { sound: Resynthesis, through: Through },
}

impl Sound {
    fn codec_error(&self) -> Option<f64> {
        match self {
            Self::Resynthesis { sound, through: Through::Codec } => Some(sound.codec_error),
            _ => None,
        }
    }

    fn write(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Clip(clip) => clip.write_wav(path, SampleFormat::Int24),
            Self::Resynthesis { sound, .. } => write_mono(path, &sound.audio),
        }
    }
}

/// Writes one channel, whole or not at all; in floats, for a spectrogram may be louder than integers can say.
fn write_mono(path: &Path, audio: &Audio) -> Result<(), Error> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: audio.sample_rate(),
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    files::replace(path, |file| {
        let write = || {
            let mut writer = WavWriter::new(BufWriter::new(file), spec)?;
            audio.channels()[0].iter().try_for_each(|sample| writer.write_sample(*sample))?;
            writer.finalize()
        };
        write().map_err(io::Error::other)
    })
}

fn sound(engine: &Engine, job: &Job, request: &Request, mel: Option<&[f32]>) -> Result<Sound, Error> {
    let through = match job.make {
        Make::Compose { .. } => return engine.generate(request, &Ear).map(|clip| Sound::Clip(Box::new(clip))),
        Make::Codec { .. } => Through::Codec,
        Make::Vocoder { .. } => Through::Vocoder,
    };
    let sound = engine.resynthesize(mel.unwrap_or(&[]), request.frames(request.sample_rate), through)?;
    Ok(Sound::Resynthesis { sound, through })
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

/// The f32 tensor `mel (frames, bands)` of a safetensors file, row by row.
fn read_mel(path: &PathBuf) -> Result<Vec<f32>, Error> {
    let fail = |problem: &str| Error::File { path: path.clone(), problem: format!("{problem}; prepare the set again") };
    let bytes = read(path)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| fail(&format!("is damaged ({error})")))?;
    let mel = tensors.tensor("mel").map_err(|_| fail("has no tensor named mel"))?;
    if mel.dtype() != Dtype::F32 || mel.shape().len() != 2 {
        return Err(fail("its mel is not f32 (frames, bands)"));
    }
    Ok(mel.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}
