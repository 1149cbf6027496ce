//! Which of an instance's takes are to be fitted to what, and which fits wait to be heard.
//!
//! **What is heard of a project depends on the project and the host's transport, never on when a fit was done.** A render
//! that begins at once and one that begins a minute later are the same samples. Therefore:
//!
//! - A take keeps the tempo that its sound has, and the storyboard [its own](mix::tempo). At any other tempo of the host
//!   the player stretches it, for as long as nobody says otherwise.
//! - Where the host's tempo stands still, takes are fitted to it *ahead*: in the background, unheard, not saved.
//! - The user has them heard, all at once: [`Seat::adopt`](super::Seat::adopt). This changes the project, and is saved
//!   with it. A host that runs on has them from its next start, jump or round of its loop on.
//!
//! What cannot wait is fitted and heard at once, and changes no tempo of the project: a key that the user asked for, a
//! sound whose file is gone, another sample rate, and a cue's take at another tempo than its storyboard's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chair::Chair;
use super::fit::{self, Target};
use super::mix;
use crate::link::cue_of;
use crate::project::{Sound, Take};
use crate::session::{Fitting, Session};

/// Tempi that takes are fitted to: what the engine can decode. Beyond, the player stretches.
const TEMPI: std::ops::RangeInclusive<f64> = 20.0..=300.0;

/// One instance's fits.
#[derive(Default)]
pub(super) struct Fits {
    tempo: Option<f64>,
    /// Rounds for which the tempo has been the same.
    rounds: u32,
    /// The tempo, if it stands still.
    host: Option<f64>,
    /// Fits that failed, not to be tried again as long as the target stays.
    failed: Vec<(u64, Target)>,
    /// Fits that wait to be heard, by their takes' ids.
    ahead: BTreeMap<u64, Ahead>,
    /// What there is to do, as of the last round.
    pub work: Work,
}

/// A fit that waits to be heard.
struct Ahead {
    /// What it takes the place of.
    of: Arc<Sound>,
    to: Target,
    sound: Arc<Sound>,
}

/// What there is to fit.
#[derive(Default)]
pub(super) struct Work {
    /// What cannot wait.
    pub wanted: Option<(Arc<Take>, Target)>,
    /// What can.
    pub ahead: Option<(Arc<Take>, Target)>,
}

/// A take, with what it is to be now, and at the host's tempo if that is another.
struct Aim {
    slot: usize,
    take: Arc<Take>,
    now: Target,
    later: Option<Target>,
}

impl Fits {
    /// Reads the host's tempo, once a round.
    pub fn hear_tempo(&mut self, session: &Session) {
        let tempo = session.readout.tempo().filter(|tempo| TEMPI.contains(tempo));
        let is_same = match (self.tempo, tempo) {
            (Some(before), Some(now)) => fit::same_tempo(before, now),
            (before, now) => before == now,
        };
        self.rounds = if is_same { self.rounds.saturating_add(1) } else { 0 };
        // What creeps is compared with where it set out, so that it does not pass for standing still.
        if !is_same {
            self.tempo = tempo;
        }
    }

    /// Finds out what there is to do: first what the user asked for, then what is being heard, then the rest. `settled`
    /// is for how many rounds a tempo must stand still.
    pub fn look(&mut self, chair: &Chair, session: &Session, settled: u32) {
        self.work = Work::default();
        self.host = self.tempo.filter(|_| self.rounds >= settled);
        let aims = aims(chair, session, self.host);
        let is_aim = |id: u64, to: &Target| aims.iter().any(|aim| aim.take.id == id && aim.has(to));
        // Another target deserves another try, and so does a user who asks again.
        self.failed.retain(|(id, to)| is_aim(*id, to));
        self.ahead.retain(|_, fit| aims.iter().any(|aim| fit.is_of(aim)));
        let fails = |take: &Take, to: &Target| self.failed.contains(&(take.id, *to));
        for Aim { take, now, later, .. } in &aims {
            if self.work.wanted.is_none() && !fit::is_fitted(take, now) && !fails(take, now) {
                self.work.wanted = Some((take.clone(), *now));
            }
            let is_open = |later: &Target| !self.ahead.contains_key(&take.id) && !fails(take, later);
            if let (None, Some(later)) = (&self.work.ahead, later.filter(is_open)) {
                self.work.ahead = Some((take.clone(), later));
            }
        }
        let is_ready = self.work.ahead.is_none();
        // If what counts has failed, there is nothing to wait for.
        let has_fits = !is_ready || self.adoptable(&aims).next().is_some();
        tell(session, self.host.filter(|_| has_fits).map(|bpm| Fitting { bpm, is_ready }));
    }

    /// Keeps a fit that was made ahead.
    pub fn keep(&mut self, take: &Take, to: Target, sound: Arc<Sound>) {
        self.ahead.insert(take.id, Ahead { of: take.sound.clone(), to, sound });
    }

    /// Remembers that a fit failed.
    pub fn fail(&mut self, take: u64, to: Target) {
        self.failed.push((take, to));
    }

    /// Has what was fitted ahead heard, and the storyboard mixed from it; says whether there was anything. Nothing is
    /// until all is fitted.
    pub fn adopt(&mut self, chair: &Chair, session: &Session) -> bool {
        if self.work.ahead.is_some() {
            return false;
        }
        let aims = aims(chair, session, self.host);
        let replace = |(aim, fit): &(&Aim, &Ahead)| fit::replace(session, &aim.take, fit.sound.clone(), aim.take.key);
        let adopted = self.adoptable(&aims).filter(replace).count();
        mix::renew(session, session.readout.rate());
        session.publish();
        adopted > 0
    }

    /// Fits that can be heard. Cues go to another tempo together: those that stayed behind would be silent.
    fn adoptable<'a>(&'a self, aims: &'a [Aim]) -> impl Iterator<Item = (&'a Aim, &'a Ahead)> {
        let fit = |aim: &Aim| self.ahead.get(&aim.take.id).filter(|fit| fit.is_of(aim));
        let is_cue = |aim: &&Aim| cue_of(aim.slot).is_some();
        let has_cues = aims.iter().filter(is_cue).all(|aim| aim.later.is_none() || fit(aim).is_some());
        let aims = aims.iter().filter(move |aim| has_cues || !is_cue(aim));
        aims.filter_map(move |aim| Some((aim, fit(aim)?)))
    }
}

/// Says in the editor how far takes are on their way to the host's tempo.
fn tell(session: &Session, fitting: Option<Fitting>) {
    let before = std::mem::replace(&mut session.status.lock().fitting, fitting);
    if before != fitting {
        session.repaint.request_repaint();
    }
}

impl Aim {
    fn has(&self, to: &Target) -> bool {
        self.now == *to || self.later == Some(*to)
    }
}

impl Ahead {
    fn is_of(&self, aim: &Aim) -> bool {
        Arc::ptr_eq(&self.of, &aim.take.sound) && aim.later == Some(self.to)
    }
}

/// Aims of the takes that the player has, in the order in which they are to be reached; none while the host has said no
/// sample rate. `host` is its tempo.
fn aims(chair: &Chair, session: &Session, host: Option<f64>) -> Vec<Aim> {
    let rate = session.readout.rate();
    if rate == 0 {
        return Vec::new();
    }
    let (takes, board) = {
        let project = session.project.lock();
        let takes: Vec<(usize, Arc<Take>)> = project.live_takes().map(|(slot, take)| (slot, take.clone())).collect();
        (takes, mix::tempo(&project.board))
    };
    let wishes = chair.wishes(|take, key| takes.iter().any(|(_, t)| t.id == take && t.key != key));
    let aim = |(slot, take): (usize, Arc<Take>)| {
        let key = wishes.get(&take.id).copied().unwrap_or(take.key);
        let own = take.sound.bpm;
        let bpm = cue_of(slot).and(board).filter(|board| !fit::same_tempo(*board, own)).unwrap_or(own);
        let now = Target { bpm, rate, key };
        let is_heard = now.key == take.key && !take.sound.is_missing();
        let later = host.filter(|host| is_heard && !fit::same_tempo(*host, own));
        Aim { slot, take, now, later: later.map(|bpm| Target { bpm, ..now }) }
    };
    let mut aims: Vec<Aim> = takes.into_iter().map(aim).collect();
    let heard = session.params().map_or(0, |params| params.slot());
    aims.sort_by_key(|aim| (!wishes.contains_key(&aim.take.id), aim.slot != heard));
    aims
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::link;
    use crate::project::Cue;

    const SETTLED: u32 = 4;

    fn session(bpm: f64) -> (Arc<Session>, Arc<Chair>) {
        let session = Session::new(link::pair().0);
        session.readout.set_rate(48_000);
        session.readout.set_tempo(Some(bpm));
        let chair = Arc::new(Chair::new(1, &session));
        (session, chair)
    }

    /// What is to be fitted ahead after each of `tempi`, one a round.
    fn targets(fits: &mut Fits, session: &Session, chair: &Chair, tempi: &[f64]) -> Vec<Option<f64>> {
        let target = |tempo: &f64| {
            session.readout.set_tempo(Some(*tempo));
            fits.hear_tempo(session);
            fits.look(chair, session, SETTLED);
            fits.work.ahead.as_ref().map(|(_, to)| to.bpm)
        };
        tempi.iter().map(target).collect()
    }

    fn take(id: u64, bpm: f64) -> Arc<Take> {
        let recipe = serde_json::from_value(serde_json::json!({
            "engine": "", "bundle": "", "bundle_sha256": "", "prompt": "", "negative": "", "picture": null,
            "picture_sha256": null, "bars": 1, "meter": "4/4", "bpm": bpm, "key": null, "seed": 1, "steps": 4,
            "guidance": 3.0, "influence": 1.0, "sampler": melfusion::request::SamplerKind::default(),
            "composed_bpm": bpm,
        }));
        Arc::new(Take {
            id,
            name: String::new(),
            recipe: recipe.unwrap(),
            latents: [].into(),
            key: None,
            measured: None,
            seen: None,
            sound: Arc::new(Sound::new(vec![[0.0; 2]; 100], 48_000, bpm)),
        })
    }

    fn wanted(fits: &Fits) -> Option<(u64, Target)> {
        fits.work.wanted.as_ref().map(|(take, to)| (take.id, *to))
    }

    /// Makes what is to be fitted ahead next.
    fn fit_next(fits: &mut Fits, session: &Session, chair: &Chair) {
        let (take, to) = fits.work.ahead.clone().unwrap();
        fits.keep(&take, to, Arc::new(Sound::new(vec![[0.5; 2]; 90], 48_000, to.bpm)));
        fits.look(chair, session, SETTLED);
    }

    fn fitting(session: &Session) -> Option<(f64, bool)> {
        session.status.lock().fitting.map(|fitting| (fitting.bpm, fitting.is_ready))
    }

    #[test]
    fn a_tempo_has_to_stand_still_before_takes_are_fitted_to_it() {
        let (session, chair) = session(120.0);
        session.project.lock().takes[0] = Some(take(1, 120.0));
        let mut fits = Fits::default();
        let ahead = |fits: &mut Fits, tempi: &[f64]| targets(fits, &session, &chair, tempi);
        assert_eq!(ahead(&mut fits, &[120.0; 6]), [None; 6], "it fits");
        assert_eq!(ahead(&mut fits, &[90.0; 6]), [None, None, None, None, Some(90.0), Some(90.0)]);
        let ramp: Vec<f64> = (0..50).map(|i| 90.0 + f64::from(i) * 0.01).collect();
        assert_eq!(ahead(&mut fits, &ramp)[1..], [None; 49], "it moves");
        // So slowly that no two rounds differ, but far all the same.
        let creep: Vec<f64> = (0..50).map(|i| 80.0 + f64::from(i) * 3e-5).collect();
        assert!(ahead(&mut fits, &creep).iter().filter(|fit| fit.is_some()).count() < 5);
        assert_eq!(ahead(&mut fits, &[1000.0; 9]), [None; 9], "no tempo that can be decoded");
        assert!(wanted(&fits).is_none(), "none of this is heard");
    }

    #[test]
    fn what_is_asked_for_is_wanted_at_its_own_tempo_and_what_failed_is_not_tried_again() {
        let (session, chair) = session(90.0);
        session.project.lock().takes[3] = Some(take(1, 120.0));
        session.project.lock().takes[5] = Some(take(2, 120.0));
        let key = Some("D minor".parse().unwrap());
        chair.wish(2, key);
        let mut fits = Fits::default();
        targets(&mut fits, &session, &chair, &[90.0; 6]);
        assert_eq!(wanted(&fits), Some((2, Target { bpm: 120.0, rate: 48_000, key })));
        fits.fail(2, wanted(&fits).unwrap().1);
        chair.settle(2, key);
        fits.look(&chair, &session, SETTLED);
        assert_eq!(wanted(&fits), None);
        chair.wish(2, key);
        fits.look(&chair, &session, SETTLED);
        assert!(wanted(&fits).is_some(), "who asks again is heard again");
        chair.settle(2, key);
        for id in [1, 2] {
            fits.look(&chair, &session, SETTLED);
            let (take, to) = fits.work.ahead.clone().unwrap();
            assert_eq!((take.id, to.bpm, to.key), (id, 90.0, None));
            assert_eq!(fitting(&session), Some((90.0, false)));
            fits.fail(id, to);
        }
        assert_eq!(targets(&mut fits, &session, &chair, &[90.0]), [None]);
        assert_eq!(fitting(&session), None, "there is nothing to wait for");
        assert_eq!(targets(&mut fits, &session, &chair, &[91.0; 6])[5], Some(91.0), "another tempo is another try");
    }

    #[test]
    fn nothing_is_adopted_before_all_is_ready_and_a_tempo_that_moves_forgets_it() {
        let (session, chair) = session(90.0);
        let [first, second] = [1, 2].map(|id| take(id, 120.0));
        session.project.lock().takes[..2].clone_from_slice(&[Some(first.clone()), Some(second)]);
        let tempi = || session.project.lock().takes.each_ref().map(|take| take.as_ref().map(|take| take.sound.bpm));
        let mut fits = Fits::default();
        targets(&mut fits, &session, &chair, &[90.0; 6]);
        fit_next(&mut fits, &session, &chair);
        assert_eq!(fitting(&session), Some((90.0, false)));
        assert!(!fits.adopt(&chair, &session));
        fit_next(&mut fits, &session, &chair);
        assert_eq!(fitting(&session), Some((90.0, true)));
        assert_eq!(tempi()[..2], [Some(120.0); 2], "ready, but unheard");
        targets(&mut fits, &session, &chair, &[91.0]);
        assert!(!fits.adopt(&chair, &session), "of another tempo");
        targets(&mut fits, &session, &chair, &[90.0; 6]);
        fit_next(&mut fits, &session, &chair);
        fit_next(&mut fits, &session, &chair);
        // What the user has made since is not written over.
        let renamed = Arc::new(first.renamed("mine"));
        session.project.lock().takes[0] = Some(renamed);
        assert!(fits.adopt(&chair, &session));
        assert_eq!(tempi()[..2], [Some(90.0); 2]);
        assert_eq!(session.project.lock().takes[0].as_ref().unwrap().name, "mine");
        fits.look(&chair, &session, SETTLED);
        assert_eq!(fitting(&session), None);
    }

    #[test]
    fn cues_are_kept_at_their_storyboard_s_tempo_and_adopted_together_or_not_at_all() {
        let (session, chair) = session(90.0);
        for (id, bpm) in [(1, 100.0), (2, 120.0), (3, 120.0)] {
            let mut cue = Cue { bars: 1, ..Cue::new(10 + id, None) };
            assert!(cue.add(take(id, bpm)));
            session.project.lock().board.cues.push(cue);
        }
        let mut fits = Fits::default();
        targets(&mut fits, &session, &chair, &[90.0; 6]);
        let (id, to) = wanted(&fits).unwrap();
        assert_eq!((id, to.bpm), (1, 120.0), "as most of them have it");
        session.project.lock().board.cues[0].takes[0] = take(1, 120.0);
        fits.look(&chair, &session, SETTLED);
        assert_eq!(wanted(&fits), None);
        fit_next(&mut fits, &session, &chair);
        fit_next(&mut fits, &session, &chair);
        let (last, to) = fits.work.ahead.clone().unwrap();
        fits.fail(last.id, to);
        fits.look(&chair, &session, SETTLED);
        assert_eq!(fitting(&session), None, "there is nothing to wait for");
        assert!(!fits.adopt(&chair, &session), "one would be silent");
        assert!(session.project.lock().live_takes().all(|(_, take)| take.sound.bpm == 120.0));
    }

    #[test]
    fn a_wish_for_what_is_so_already_is_no_wish() {
        let (session, chair) = session(120.0);
        session.project.lock().takes[0] = Some(take(1, 120.0));
        chair.wish(1, None);
        let mut fits = Fits::default();
        assert_eq!(targets(&mut fits, &session, &chair, &[120.0; 6]), [None; 6]);
        // Else it would come true when undo or the user changes the key later.
        assert!(chair.wishes(|_, _| true).is_empty() && wanted(&fits).is_none());
    }
}
