//! Fits takes to the host's tempo and sample rate, and to another key.
//!
//! A take whose bundle is here is decoded again from its latents where that changes tempo or key, and one of notes played
//! again by any bundle that plays notes; any other is stretched, always from the sound it first had, so that a hundred changes of tempo sound no worse than one. A rate
//! alone needs neither.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use melfusion::clip::Recipe;
use melfusion::engine::Redecoding;
use melfusion::progress::Progress;
use melfusion::request::Key;
use melfusion::service::Job;
use melfusion::{Clip, Error};

use super::mix;
use super::resample::resample_loop;
use super::stretch::stretch_loop;
use super::studio::Studio;
use crate::project::{Sound, Take};
use crate::session::Session;

/// Tempi that are the same; hosts count in fractions of a beat and arrive at 95.000000056.
const SAME_TEMPO: f64 = 1e-6;

/// What a take is to be fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Quarter notes per minute.
    pub bpm: f64,
    /// In Hz.
    pub rate: u32,
    /// Key it is to be heard in, if not the one it was made in.
    pub key: Option<Key>,
}

/// Why a take could not be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] Error),
    /// There is no sound to stretch, and no bundle to decode the latents with.
    #[error("its sound is gone, and decoding it again needs the bundle {0}, which is not here; install that bundle")]
    Missing(String),
    /// A fault of our own, outside the engine.
    #[error("fitting it stopped on a fault of its own ({0})")]
    Panicked(String),
}

/// Brings all takes that the player has to `rate` Hz, mixes the storyboard from them and publishes all, now. For the
/// host's main thread before audio starts. Takes that are at that rate stay the very same; the engine is not needed. At a
/// rate of 0, of a host that has not said it yet, all is published as it is.
pub fn conform(session: &Session, rate: u32) {
    if rate > 0 {
        resample_all(session, rate);
        mix::renew(session, rate);
    }
    // Even if nothing was renewed: the fitter may just have mixed the bed, and not have sent it yet.
    session.publish();
}

/// Puts the sound at `rate` Hz in the place of every take's that is at another.
fn resample_all(session: &Session, rate: u32) {
    let takes: Vec<Arc<Take>> = session.project.lock().live_takes().map(|(_, take)| take.clone()).collect();
    let others = takes.iter().filter(|take| take.sound.rate != rate && !take.sound.is_missing());
    let others: Vec<&Arc<Take>> = others.collect();
    let sounds = all_at(&others, rate);
    for (take, sound) in others.iter().zip(sounds) {
        replace(session, take, sound, take.key);
    }
}

/// The sounds of `takes` at `rate` Hz, made by as many threads as there are cores: someone is waiting.
fn all_at(takes: &[&Arc<Take>], rate: u32) -> Vec<Arc<Sound>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = takes.len().div_ceil(cores).max(1);
    let resample = |takes: &[&Arc<Take>]| takes.iter().map(|take| resampled(take, rate)).collect::<Vec<_>>();
    thread::scope(|scope| {
        let mut shares = takes.chunks(share);
        let first = shares.next().unwrap_or_default();
        let others: Vec<_> =
            shares.map(|takes| (takes, thread::Builder::new().spawn_scoped(scope, || resample(takes)))).collect();
        let mut sounds = resample(first);
        for (takes, thread) in others {
            // What no thread could be had for is done here.
            let made = thread.ok().and_then(|thread| thread.join().ok());
            sounds.extend(made.unwrap_or_else(|| resample(takes)));
        }
        sounds
    })
}

/// `take`'s sound, fitted. Takes as long as decoding; loads the engine if that is needed.
///
/// # Errors
///
/// The sound it has is as good as before.
pub fn fit(take: &Take, to: &Target, studio: &Studio, progress: &dyn Progress) -> Result<Arc<Sound>, FitError> {
    let is_missing = take.sound.is_missing();
    if !is_missing && same_tempo(take.sound.bpm, to.bpm) && take.key == to.key {
        return Ok(resampled(take, to.rate));
    }
    match decoded(take, to, studio, progress)? {
        Some(sound) => Ok(Arc::new(sound)),
        None if is_missing => Err(FitError::Missing(take.recipe.bundle.clone())),
        None => Ok(stretched(take, to)),
    }
}

/// Whether `take` sounds as `to` says.
pub fn is_fitted(take: &Take, to: &Target) -> bool {
    let sound = &take.sound;
    !sound.is_missing() && sound.rate == to.rate && same_tempo(sound.bpm, to.bpm) && take.key == to.key
}

/// Puts a fitted sound in the place of `take`'s, unless that has changed meanwhile. Does not publish.
pub fn replace(session: &Session, take: &Arc<Take>, sound: Arc<Sound>, key: Option<Key>) -> bool {
    let mut project = session.project.lock();
    // The name may have changed: that is no reason not to.
    let found = project.take_mut(take.id).filter(|now| Arc::ptr_eq(&now.sound, &take.sound));
    let Some(now) = found else { return false };
    *now = Arc::new(Take { key, sound, ..Take::clone(now) });
    true
}

/// A clip's sound.
pub fn sound_of(clip: &Clip) -> Sound {
    let [left, right] = clip.audio.channels();
    let frames = left.iter().zip(right).map(|(left, right)| [*left, *right]).collect();
    Sound::new(frames, clip.audio.sample_rate(), clip.recipe.bpm)
}

/// Length in frames of `quarters` quarter notes, to the nearest.
pub fn length(quarters: f64, bpm: f64, rate: u32) -> usize {
    (quarters * 60.0 / bpm * f64::from(rate)).round() as usize
}

/// Whether two tempi are the same.
pub fn same_tempo(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME_TEMPO * a.abs().max(b.abs())
}

/// Refuses keys of another mode: no transposition leads there.
///
/// # Errors
///
/// In words.
pub fn check_key(recipe: &Recipe, key: Option<Key>) -> Result<(), String> {
    match (recipe.key, key) {
        (Some(was), Some(wanted)) if was.mode() != wanted.mode() => Err(format!(
            "a take in {was} can move to another tonic, but {wanted} has another mode; generate it anew in {wanted}"
        )),
        _ => Ok(()),
    }
}

/// Decodes the take again, if its bundle is here and can do that.
fn decoded(take: &Take, to: &Target, studio: &Studio, progress: &dyn Progress) -> Result<Option<Sound>, FitError> {
    // Damaged ones are stretched.
    let Ok(state) = Clip::parse_state(&take.latents) else { return Ok(None) };
    let can_play = state.score.is_some() && studio.plays_notes();
    if !can_play && !studio.has_bundle(&take.recipe.bundle_sha256) {
        return Ok(None);
    }
    let state = Box::new(state);
    let redecoding = Redecoding { bpm: Some(to.bpm), key: to.key, sample_rate: to.rate };
    let decode = || -> Option<Result<Clip, Error>> {
        // What is wrong with the bundle, the engine's own panel says.
        let composer = studio.get(progress).ok()?;
        let clip = composer.run(&Job::Redecode(state.clone(), redecoding), progress);
        studio.rest();
        studio.heed(&clip);
        Some(clip)
    };
    let clip = match decode() {
        // Nobody asked for this fit who could ask again.
        Some(Err(Error::Worker { .. })) => decode(),
        clip => clip,
    };
    let Some(clip) = clip else { return Ok(None) };
    match clip {
        Ok(clip) => Ok(Some(sound_of(&clip))),
        // Latents that are not what they say, or a decoder that is bound to tempo and key.
        Err(Error::Request { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The take's sound at another rate: from the one it first had, if that is of the same tempo and key.
fn resampled(take: &Take, rate: u32) -> Arc<Sound> {
    let sound = &take.sound;
    let to = Target { bpm: sound.bpm, rate, key: take.key };
    match sound.origin() {
        // Stretching anew would keep the host's main thread waiting.
        Some((origin, key)) if key != to.key || !same_tempo(origin.bpm, to.bpm) => {
            let frames = resample_loop(sound.frames.to_vec(), length(take.quarters(), to.bpm, rate));
            Arc::new(Sound::new(frames, rate, to.bpm).with_origin(origin.clone(), key))
        }
        _ => stretched(take, &to),
    }
}

/// The sound that the take first had, stretched, transposed and resampled as far as needed.
fn stretched(take: &Take, to: &Target) -> Arc<Sound> {
    let (origin, key) = take.sound.origin().unwrap_or((&take.sound, take.key));
    if origin.rate == to.rate && same_tempo(origin.bpm, to.bpm) && key == to.key {
        return origin.clone();
    }
    let semitones = semitones(&take.recipe, key, to.key);
    let mut frames = origin.frames.to_vec();
    if !same_tempo(origin.bpm, to.bpm) || semitones != 0.0 {
        frames = stretch_loop(&frames, origin.rate, length(take.quarters(), to.bpm, origin.rate), semitones);
    }
    let frames = resample_loop(frames, length(take.quarters(), to.bpm, to.rate));
    Arc::new(Sound::new(frames, to.rate, to.bpm).with_origin(origin.clone(), key))
}

/// From one key to the other by the nearer way; of a clip composed without one, C major or A minor is taken to be its
/// own.
fn semitones(recipe: &Recipe, from: Option<Key>, to: Option<Key>) -> f64 {
    let above = |key: Option<Key>| key.or(recipe.key).map_or(0, Key::transposition);
    f64::from((above(to) - above(from) + 6).rem_euclid(12) - 6)
}
