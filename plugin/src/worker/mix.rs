//! Mixes the storyboard: the takes that are heard of its cues, laid on the bar lines as the command line does it.

use melfusion::audio::Audio;
use melfusion::storyboard::{self, BoardFields, TempoMap, Transition};
use melfusion::{Error, storyboard::Board};

use super::complain;
use super::fit::same_tempo;
use crate::project::{self, Bed, Cue, Part, Plan, Project, Sound};
use crate::session::{Place, Session};

/// Mixes the session's storyboard at `rate` Hz and its own [`tempo`], unless it is mixed so already; says whether it is
/// another now. Takes that are not fitted to both are silent. Does not publish.
///
/// May be called from several threads at once: of those that mix the same, one has its bed kept. What the others made
/// would sound the same, but the player would cross over to it.
pub fn renew(session: &Session, rate: u32) -> bool {
    let plan = plan(&session.project.lock(), rate);
    if session.bed.lock().as_ref().map(|bed| &bed.plan) == plan.as_ref() {
        return false;
    }
    let sound = plan.as_ref().and_then(|plan| mixed(plan).map_err(|error| refuse(session, &error)).ok());
    let mut bed = plan.clone().zip(sound).map(|(plan, sound)| Bed { plan, sound: sound.into() });
    let is_current = |project: &Project| self::plan(project, rate) == plan;
    // Whichever is not kept may be a hundred megabytes, and is freed without a lock.
    exchange(session, &mut bed, is_current)
}

/// Changes `bed` for the session's, unless meanwhile another thread has mixed the same, or the project is another; says
/// whether it did.
fn exchange(session: &Session, bed: &mut Option<Bed>, is_current: impl Fn(&Project) -> bool) -> bool {
    let project = session.project.lock();
    let mut current = session.bed.lock();
    let [known, mixed] = [&*current, &*bed].map(|bed| bed.as_ref().map(|bed| &bed.plan));
    let is_other = known != mixed && is_current(&project);
    if is_other {
        std::mem::swap(&mut *current, bed);
    }
    is_other
}

/// Says once why the storyboard cannot be heard.
fn refuse(session: &Session, error: &Error) {
    let text = format!("The storyboard cannot be heard: {error}");
    let is_told = session.status.lock().notices.iter().any(|notice| notice.text == text);
    if !is_told {
        complain(session, Place::Board, text);
    }
}

/// The storyboard's own tempo: that of most of the takes that are heard in it, and of the first of as many.
pub fn tempo(board: &project::Board) -> Option<f64> {
    let tempi: Vec<f64> = board.cues.iter().filter_map(|cue| Some(cue.take()?.sound.bpm)).collect();
    let count = |bpm: f64| tempi.iter().filter(|other| same_tempo(**other, bpm)).count();
    tempi.iter().copied().rev().max_by_key(|bpm| count(*bpm))
}

/// What there is to mix; `None` if nothing is heard.
fn plan(project: &Project, rate: u32) -> Option<Plan> {
    let cues = &project.board.cues;
    let bpm = tempo(&project.board)?;
    let part = |cue: &Cue| {
        let is_fitted = |sound: &Sound| !sound.is_missing() && sound.rate == rate && same_tempo(sound.bpm, bpm);
        let take = cue.take().filter(|take| is_fitted(&take.sound) && !take.sound.frames.is_empty());
        let (take, sound) = (take.map(|take| take.id), take.map(|take| take.sound.clone()));
        Part { take, sound, bars: cue.bars, transition: cue.transition }
    };
    let parts = cues.iter().map(part).collect();
    let plan = Plan { parts, meter: project.meter()?, bpm, rate };
    (!plan.is_silent()).then_some(plan)
}

/// The sound that the command line writes for the same cues.
///
/// # Errors
///
/// [`Error::Board`] if the storyboard is longer than the engine allows.
pub fn mixed(plan: &Plan) -> Result<Sound, Error> {
    let parts = plan.parts.iter().map(|part| (part.bars, part.transition));
    let board = Board::new(BoardFields {
        tempo: TempoMap::constant(plan.bpm)?,
        meter: plan.meter,
        sample_rate: plan.rate,
        cues: cues(parts),
        ..BoardFields::default()
    })?;
    let bed = storyboard::mix(&board, |index, _| Ok(plan.parts[index].sound.as_ref().map(|sound| audio(sound))))?;
    let [left, right] = bed.audio.channels();
    let frames = left.iter().zip(right).map(|(left, right)| [*left, *right]).collect();
    Ok(Sound::new(frames, plan.rate, plan.bpm))
}

/// Cues of these lengths one after the other. A transition takes no more bars than the cue before it has, so that none
/// is refused when that one is made shorter.
pub fn cues(parts: impl IntoIterator<Item = (u32, Transition)>) -> Vec<storyboard::Cue> {
    let (mut start_bar, mut before) = (1, 0);
    let cue = |(bars, transition)| {
        let cue = storyboard::Cue { start_bar, bars, transition: within(transition, before), ..Default::default() };
        (start_bar, before) = (start_bar + bars, bars);
        cue
    };
    parts.into_iter().map(cue).collect()
}

fn within(transition: Transition, room: u32) -> Transition {
    match transition {
        _ if room == 0 => Transition::Cut,
        Transition::Cut => Transition::Cut,
        Transition::Crossfade { bars } => Transition::Crossfade { bars: bars.clamp(1, room) },
        Transition::Morph { bars } => Transition::Morph { bars: bars.clamp(1, room) },
    }
}

fn audio(sound: &Sound) -> Audio {
    let side = |side: usize| sound.frames.iter().map(|frame| frame[side]).collect();
    Audio::new(side(0), side(1), sound.rate)
}
