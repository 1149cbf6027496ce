//! A job that was handed in.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::connection::Connection;
use crate::audio::Audio;
use crate::clip::{Clip, Latents};
use crate::error::Error;
use crate::progress::Progress;
use crate::request::MAX_SECONDS;
use crate::service::message::{FromWorker, ToWorker};
use crate::service::{Job, Parcel, lost};

/// How often it is asked whether the job is still wanted, while nothing is heard of it.
const ROUND: Duration = Duration::from_millis(10);
/// Most samples of a side: of the longest clip at the highest rate.
const MOST_SAMPLES: usize = MAX_SECONDS as usize * 192_000;

/// A job that a worker has, or will have. Dropping it withdraws the job.
pub struct Ticket {
    line: Arc<Connection>,
    job: u64,
    answers: Receiver<FromWorker>,
    sound: [Vec<f32>; 2],
    is_answered: bool,
    is_done: bool,
}

impl Ticket {
    pub(super) fn new(line: Arc<Connection>, job: &Job) -> Result<Self, Error> {
        let parcel = Parcel::from(job);
        if !line.fits(&parcel) {
            let problem = "too large to be sent; use shorter words".into();
            return Err(Error::Request { what: "request", problem });
        }
        Ok(Self::enrolled(line, |job| ToWorker::Submit { job, parcel }))
    }

    /// For the weights.
    pub(super) fn load(line: Arc<Connection>) -> Self {
        Self::enrolled(line, |job| ToWorker::Load { job })
    }

    fn enrolled(line: Arc<Connection>, ask: impl FnOnce(u64) -> ToWorker) -> Self {
        let (job, answers) = line.enrol();
        line.send(ask(job));
        Self { line, job, answers, sound: Default::default(), is_answered: false, is_done: false }
    }

    /// Waits for the clip. If `progress` says that it is no longer wanted, at most a moment.
    ///
    /// # Errors
    ///
    /// Those of the engine, and [`Error::Worker`] if the worker ended.
    pub fn wait(&mut self, progress: &dyn Progress) -> Result<Clip, Error> {
        self.await_end(progress)?.ok_or_else(|| nonsense("no clip"))
    }

    /// As [`wait`](Self::wait), for the weights.
    pub(super) fn wait_load(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        self.await_end(progress).map(drop)
    }

    /// Waits for the last answer: a clip, or `None` if only weights were asked for.
    fn await_end(&mut self, progress: &dyn Progress) -> Result<Option<Clip>, Error> {
        loop {
            if progress.is_cancelled() {
                self.withdraw();
                return Err(Error::Cancelled);
            }
            match self.answers.recv_timeout(ROUND) {
                Ok(answer) => {
                    self.is_answered = true;
                    if let Some(result) = self.take(answer, progress) {
                        self.withdraw();
                        return result;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.is_done = true;
                    return Err(lost(self.line.lost()));
                }
            }
        }
    }

    /// Whether the worker has begun with it.
    pub(super) fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// What an answer means for the job; `None` if there will be another.
    fn take(&mut self, answer: FromWorker, progress: &dyn Progress) -> Option<Result<Option<Clip>, Error>> {
        match answer {
            FromWorker::Ready { .. } => {
                self.is_done = true;
                return Some(Ok(None));
            }
            FromWorker::Progress { stage, done, total, .. } => progress.step(stage, done as usize, total as usize),
            FromWorker::Sound { left, right, .. } => {
                self.sound.iter_mut().zip([left, right]).for_each(|(side, part)| side.extend(part));
                if self.sound[0].len() > MOST_SAMPLES || self.sound[0].len() != self.sound[1].len() {
                    return Some(Err(nonsense("sound without end")));
                }
            }
            FromWorker::Clip { sample_rate, shape, latents, recipe, score, .. } => {
                self.is_done = true;
                let frames = (recipe.seconds() * f64::from(sample_rate)).round();
                let [left, right] = std::mem::take(&mut self.sound);
                if left.len() as f64 != frames {
                    return Some(Err(nonsense("a clip of another length than its own")));
                }
                let clip = Latents::from_halves(shape, &latents).map(|latents| {
                    let audio = Audio::new(left, right, sample_rate);
                    Some(Clip { audio, latents, recipe: *recipe, score: score.map(|score| *score) })
                });
                return Some(clip.map_err(|_| nonsense("damaged latents")));
            }
            FromWorker::Failed { failure, .. } => {
                self.is_done = true;
                return Some(Err(failure.into()));
            }
            _ => {}
        }
        None
    }

    fn withdraw(&mut self) {
        if !std::mem::replace(&mut self.is_done, true) {
            self.line.forget(self.job);
            self.line.send(ToWorker::Cancel { job: self.job });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.withdraw();
    }
}

fn nonsense(what: &str) -> Error {
    lost(format!("sent {what}; install program and plugin of one version"))
}
