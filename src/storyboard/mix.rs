//! Clips on the bar lines, as one bed.

use std::borrow::Borrow;
use std::f64::consts::FRAC_PI_2;

use super::voice::{Segment, Voice, clickless};
use super::{Board, tail};
use crate::audio::loudness::{Loudness, measure};
use crate::audio::{Audio, wav};
use crate::error::Error;

/// What the meter may read above the ceiling of a clip that was brought to it, in decibels.
const TOLERANCE_DB: f64 = 0.01;

/// All cues of a board, mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct Bed {
    /// `board.frames()` frames at `board.sample_rate`, every sample a whole multiple of 2⁻²³.
    pub audio: Audio,
    /// The one gain that brought the bed below −1 dBTP, in decibels; 0 if its peaks were there already.
    pub gain_db: f64,
}

/// Lays the clips of all cues on their bar lines.
///
/// `clip(cue, bpm)` gives a cue's whole clip, decoded at `bpm` and at the board's rate and key, for each of
/// [`Board::tempi`]; `None`, where there is none yet, is silence. A clip is a loop: one of another length than its cue
/// is repeated or cut off.
///
/// - Bar `k` begins at [`Board::frame`]`(k)`; the bed ends with the last cue. Transitions change no length.
/// - Clips are rounded to 24 bits before they are mixed, so that those read back from their WAV files make the same bed.
/// - What ends in silence is faded out over 5 ms, and so is the end of a bed; a bed that is one cue stays the loop that
///   it is.
///
/// The same board and clips give the same samples.
///
/// # Errors
///
/// Those of `clip`; [`Error::Board`] if a clip has another rate than the board, or no frames.
pub fn mix<A: Borrow<Audio>>(
    board: &Board,
    clip: impl FnMut(usize, f64) -> Result<Option<A>, Error>,
) -> Result<Bed, Error> {
    mix_ringing(board, clip, |_, _| Ok(None))
}

/// As [`mix`], on a board with [`tails`](super::BoardFields::tails): `tail(cue, bpm)` gives what rings on after the end of a cue at the
/// level of its clip; `None`, where nothing does.
///
/// # Errors
///
/// Those of [`mix`] and of `tail`.
pub fn mix_ringing<A: Borrow<Audio>>(
    board: &Board,
    mut clip: impl FnMut(usize, f64) -> Result<Option<A>, Error>,
    mut tail: impl FnMut(usize, f64) -> Result<Option<A>, Error>,
) -> Result<Bed, Error> {
    let mut bed = [vec![0.0; board.frames()], vec![0.0; board.frames()]];
    for index in 0..board.cues.len() {
        let voice = Voice::new(board, index);
        let mut sound = sound(board, index, &voice, (&mut clip, &mut tail))?;
        let rings = tail::frames(board, index);
        if rings > 0 {
            sound.iter_mut().for_each(|channel| fade_out(channel, tail::fade(rings)));
        } else if ends_in_silence(board, index) {
            sound.iter_mut().for_each(|channel| fade_out(channel, clickless(board)));
        }
        // What rings on goes its own way below what comes.
        let is_over = index > 0 && tail::frames(board, index - 1) > 0;
        for (bed, sound) in bed.iter_mut().zip(&sound) {
            overlay(&mut bed[voice.start..], sound, voice.lead, is_over);
        }
    }
    let [left, right] = bed;
    let mut audio = Audio::new(left, right, board.sample_rate);
    let gain_db = below_ceiling(&mut audio);
    to_24_bits(&mut audio);
    Ok(Bed { audio, gain_db })
}

/// A cue's own sound from its lead-in to its end, and what rings on of it, not faded.
pub(super) fn sound<A: Borrow<Audio>>(
    board: &Board,
    index: usize,
    voice: &Voice,
    (clip, tail): (
        &mut impl FnMut(usize, f64) -> Result<Option<A>, Error>,
        &mut impl FnMut(usize, f64) -> Result<Option<A>, Error>,
    ),
) -> Result<[Vec<f32>; 2], Error> {
    let frames = board.frame(board.bars(index).end) - voice.start;
    let mut sound = [vec![0.0; frames], vec![0.0; frames]];
    for segment in &voice.segments {
        let Some(clip) = clip(index, segment.bpm)? else { continue };
        let clip = checked(board, index, clip.borrow())?;
        // The very first preroll has nothing of the cue's own before it.
        let fade = if segment.start() == voice.start { 0 } else { segment.preroll };
        for (sound, channel) in sound.iter_mut().zip(clip.channels()) {
            overlay(&mut sound[segment.start() - voice.start..], &heard(segment, clip, channel), fade, false);
        }
    }
    let rings = tail::frames(board, index);
    let bpm = voice.segments.last().map_or(board.tempo.at(1), |segment| segment.bpm);
    match tail::sound((index, bpm, rings), tail)? {
        Some(tails) => {
            let rounded = |tail: Vec<f32>| tail.into_iter().map(wav::round_to_24_bits);
            sound.iter_mut().zip(tails).for_each(|(sound, tail)| sound.extend(rounded(tail)));
        }
        None if rings > 0 => sound.iter_mut().for_each(|channel| {
            fade_out(channel, clickless(board));
            channel.resize(channel.len() + rings, 0.0);
        }),
        None => {}
    }
    Ok(sound)
}

fn checked<'a>(board: &Board, index: usize, clip: &'a Audio) -> Result<&'a Audio, Error> {
    if clip.sample_rate() == board.sample_rate && clip.frames() > 0 {
        return Ok(clip);
    }
    let problem = format!(
        "it has {} frames at {} Hz, but the board has {} Hz; decode it again at that rate",
        clip.frames(),
        clip.sample_rate(),
        board.sample_rate
    );
    Err(Error::Board { cue: Some(board.name(index)), what: "clip", problem })
}

/// The samples of a segment, 24 bits each.
fn heard(segment: &Segment, clip: &Audio, channel: &[f32]) -> Vec<f32> {
    let samples = channel.iter().cycle().skip(segment.offset(clip));
    samples.take(segment.frames.end - segment.start()).map(|sample| wav::round_to_24_bits(*sample)).collect()
}

/// Puts `sound` at the beginning of `bed`; its first `fade` frames fade in over what is there, at equal power, or where that rings
/// on (`is_over`) beside it.
fn overlay(bed: &mut [f32], sound: &[f32], fade: usize, is_over: bool) {
    for (i, (bed, sample)) in bed.iter_mut().zip(sound).enumerate() {
        let (sine, cosine) = if i < fade { fade_gains(i, fade) } else { (1.0, 0.0) };
        *bed = match (i < fade, is_over) {
            (_, true) => *bed + sample * sine,
            (true, false) => *bed * cosine + sample * sine,
            (false, false) => *sample,
        };
    }
}

fn fade_out(channel: &mut [f32], fade: usize) {
    let fade = fade.min(channel.len());
    let tail = channel.len() - fade;
    for (i, sample) in channel[tail..].iter_mut().enumerate() {
        *sample *= fade_gains(i, fade).1;
    }
}

/// Gain of what comes and of what goes at frame `i` of a fade; their squares add up to one.
fn fade_gains(i: usize, fade: usize) -> (f32, f32) {
    let (sine, cosine) = ((i as f64 + 0.5) / fade as f64 * FRAC_PI_2).sin_cos();
    (sine as f32, cosine as f32)
}

/// Frames over which the end of cue `index` goes: the next cue's lead-in, or what keeps silence from clicking.
pub(super) fn fade_out_frames(board: &Board, index: usize) -> usize {
    let frames = board.frame(board.bars(index).end) - board.frame(board.cues[index].start_bar);
    let rings = tail::frames(board, index);
    if rings > 0 {
        return tail::fade(rings);
    }
    match ends_in_silence(board, index) {
        true => clickless(board).min(frames),
        false if index + 1 == board.cues.len() => 0,
        false => Voice::new(board, index + 1).lead,
    }
}

/// Whether nothing follows cue `index`. A bed of one cue and no silence leads into its own beginning.
fn ends_in_silence(board: &Board, index: usize) -> bool {
    let is_last = index + 1 == board.cues.len();
    if is_last { board.cues.len() > 1 || board.cues[0].start_bar > 1 } else { !board.is_joined(index + 1) }
}

/// Turns the whole bed down where a crossfade put two peaks on top of each other.
fn below_ceiling(audio: &mut Audio) -> f64 {
    let over = measure(audio).true_peak_dbtp - Loudness::default().ceiling_dbtp;
    if over <= TOLERANCE_DB {
        return 0.0;
    }
    let gain = 10f64.powf(-over / 20.0) as f32;
    audio.channels_mut().into_iter().flatten().for_each(|sample| *sample *= gain);
    -over
}

pub(super) fn to_24_bits(audio: &mut Audio) {
    audio.channels_mut().into_iter().flatten().for_each(|sample| *sample = wav::round_to_24_bits(*sample));
}
