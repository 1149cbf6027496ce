//! From the brief, the storyboard, the parameters and the host's transport to what the engine is asked for.

use std::sync::Arc;

use melfusion::request::{Meter, RequestFields};
use melfusion::service::Job;
use melfusion::storyboard::{Board, BoardFields, TempoMap};
use melfusion::{Error, Request};

use super::costs::Work;
use super::mix;
pub use crate::project::Strengths;
use crate::project::{Frame, Project, Seen};
use crate::session::Session;

/// Tempo and rate where neither the brief nor the host says: what hosts begin a project with.
const USUAL_BPM: f64 = 120.0;
const USUAL_RATE: u32 = 48_000;
/// Seeds that are drawn stay below this, so that people can read them out and type them.
const SEEDS: u64 = 1_000_000_000;

/// What one press of Generate asked for: the brief, the storyboard, the parameters and the host as they were then.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Without its picture.
    request: Request,
    picture: Option<Arc<Frame>>,
    scene: Option<Scene>,
}

/// A cue among its neighbours.
#[derive(Debug, Clone)]
struct Scene {
    cue: u64,
    seen: Seen,
    /// Without pictures.
    board: Board,
    index: usize,
    /// The picture of the cue that follows: the music may lean towards it.
    next: Option<Arc<Frame>>,
}

impl Ask {
    /// Asks for a clip. Draws a new seed, unless it is locked, and notes it in the brief. A meter or tempo that the brief
    /// leaves open is the host's; where that says nothing either, 4/4 at 120 bpm.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the engine would refuse it.
    pub fn new(session: &Session, strengths: Strengths) -> Result<Self, Error> {
        let brief = {
            let mut project = session.project.lock();
            if !project.brief.seed_locked {
                project.brief.seed = draw();
            }
            project.brief.clone()
        };
        let request = Request::new(RequestFields {
            prompt: brief.prompt,
            negative: brief.negative,
            picture: None,
            picture_words: brief.picture_words,
            bars: brief.bars,
            meter: host_meter(session, brief.meter)?.unwrap_or_default(),
            bpm: tempo(session, brief.bpm),
            key: brief.key,
            seed: brief.seed,
            steps: strengths.steps,
            guidance: strengths.guidance,
            influence: strengths.influence,
            sample_rate: rate(session),
            ..Default::default()
        })?;
        Ok(Self { request, picture: brief.picture, scene: None })
    }

    /// Asks for a cue, with what the brief says of all. `None` if there is no such cue.
    ///
    /// # Errors
    ///
    /// [`Error::Board`] if the engine would refuse it.
    pub fn cue(session: &Session, strengths: Strengths, cue: u64) -> Result<Option<Self>, Error> {
        let project = session.project.lock().clone();
        let Some(index) = project.board.index_of(cue) else { return Ok(None) };
        let board = board(session, &project, strengths)?;
        let of = |index: usize| project.board.cues.get(index).and_then(|cue| cue.picture.clone());
        let request = board.request(index);
        let seen = project.board.seen(index);
        let scene = Scene { cue, seen, board, index, next: of(index + 1) };
        Ok(Some(Self { request, picture: of(index), scene: Some(scene) }))
    }

    /// The cue that it is for; `None` is the brief.
    pub fn of_cue(&self) -> Option<u64> {
        self.scene.as_ref().map(|scene| scene.cue)
    }

    /// What is looked at for a cue.
    pub fn seen(&self) -> Option<&Seen> {
        self.scene.as_ref().map(|scene| &scene.seen)
    }

    /// What the engine is to make, pictures and all, and whether it looks at the original. Reads files, so not for the editor's thread.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if there is nothing left of the picture.
    pub fn job(&self) -> Result<(Job, bool), Error> {
        let own = self.picture.as_ref().map(|frame| frame.picture()).transpose()?;
        let (picture, is_original) = own.map_or((None, true), |(picture, is_original)| (Some(picture), is_original));
        let job = match &self.scene {
            None => {
                let fields = RequestFields { picture, ..self.request.clone().into_fields() };
                Job::Generate(Box::new(Request::new(fields)?))
            }
            Some(scene) => {
                let mut fields = scene.board.clone().into_fields();
                fields.cues[scene.index].picture = picture;
                if let (Some(next), Some(frame)) = (fields.cues.get_mut(scene.index + 1), &scene.next) {
                    next.picture = Some(frame.picture()?.0);
                }
                Job::Score(Board::new(fields)?, scene.index)
            }
        };
        Ok((job, is_original))
    }

    /// The picture.
    pub fn picture(&self) -> Option<&Frame> {
        self.picture.as_deref()
    }

    /// How much there is to do.
    pub fn work(&self, has_to_load: bool) -> Work {
        Work {
            steps: self.request.steps as usize,
            quarters: self.request.quarters(),
            has_picture: self.picture.is_some() && self.request.influence > 0.0,
            has_to_load,
        }
    }
}

/// The cues that Generate makes, in order: those without a current take; if there are none, all, from another seed unless
/// it is locked.
pub fn wanting(session: &Session) -> Vec<u64> {
    let mut project = session.project.lock();
    let Project { brief, board, .. } = &mut *project;
    let wanting: Vec<u64> = board.wanting(brief).map(|index| board.cues[index].id).collect();
    if !wanting.is_empty() {
        return wanting;
    }
    if !brief.seed_locked {
        brief.seed = draw();
        // They shall sound like one score again.
        board.cues.iter_mut().for_each(|cue| cue.seed = None);
    }
    board.cues.iter().map(|cue| cue.id).collect()
}

/// A seed that people can read out.
fn draw() -> u64 {
    rand::random_range(0..SEEDS)
}

/// Another press for a cue whose take is current asks for something else: it gets another seed, unless seeds are locked.
pub fn reseed(session: &Session, cue: u64) {
    let mut project = session.project.lock();
    let Project { brief, board, .. } = &mut *project;
    let index = board.index_of(cue).filter(|index| !brief.seed_locked && board.is_current(*index, brief));
    if let Some(index) = index {
        board.cues[index].seed = Some(draw());
    }
}

/// The whole storyboard as the engine knows it, without pictures.
fn board(session: &Session, project: &Project, strengths: Strengths) -> Result<Board, Error> {
    let Project { brief, board, .. } = project;
    let mut cues = mix::cues(board.cues.iter().map(|cue| (cue.bars, cue.transition)));
    for (index, (engine, cue)) in cues.iter_mut().zip(&board.cues).enumerate() {
        engine.name = cue.name.clone();
        engine.crop = cue.crop;
        engine.picture_words = cue.picture_words.clone();
        engine.prompt = cue.words.clone();
        let automated = || session.passages.influence(index);
        engine.influence = cue.influence.or_else(automated).unwrap_or(strengths.influence);
        engine.seed = cue.seed;
    }
    let meter = host_meter(session, brief.meter)?.or(project.meter());
    Board::new(BoardFields {
        tempo: TempoMap::constant(tempo(session, brief.bpm))?,
        meter: meter.unwrap_or_default(),
        key: brief.key,
        style: brief.prompt.clone(),
        negative: brief.negative.clone(),
        seed: brief.seed,
        steps: strengths.steps,
        guidance: strengths.guidance,
        sample_rate: rate(session),
        cues,
        ..BoardFields::default()
    })
}

/// The meter that the brief asks for, else the host's.
fn host_meter(session: &Session, asked: Option<Meter>) -> Result<Option<Meter>, Error> {
    let host = || Ok(session.readout.meter().map(|(beats, unit)| Meter::new(beats, unit)).transpose()?);
    asked.map_or_else(host, |meter| Ok(Some(meter)))
}

fn tempo(session: &Session, asked: Option<f64>) -> f64 {
    asked.or(session.readout.tempo()).unwrap_or(USUAL_BPM)
}

fn rate(session: &Session) -> u32 {
    Some(session.readout.rate()).filter(|rate| *rate > 0).unwrap_or(USUAL_RATE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::link;

    fn session() -> Arc<Session> {
        Session::new(link::pair().0)
    }

    fn ask(session: &Session) -> Ask {
        Ask::new(session, Strengths::default()).unwrap()
    }

    #[test]
    fn the_brief_comes_before_the_host_and_the_host_before_what_is_usual() {
        let session = session();
        let heard = |session: &Session| {
            let request = ask(session).request;
            (request.bpm, request.meter.to_string(), request.sample_rate)
        };
        assert_eq!(heard(&session), (120.0, "4/4".into(), 48_000));
        session.readout.set_tempo(Some(97.5));
        session.readout.set_meter(Some((6, 8)));
        session.readout.set_rate(44_100);
        assert_eq!(heard(&session), (97.5, "6/8".into(), 44_100));
        session.project.lock().brief.bpm = Some(80.0);
        session.project.lock().brief.meter = Some(Meter::new(3, 4).unwrap());
        assert_eq!(heard(&session), (80.0, "3/4".into(), 44_100));
    }

    #[test]
    fn a_new_seed_is_drawn_and_shown_unless_it_is_locked() {
        let session = session();
        let drawn: Vec<u64> = (0..4).map(|_| ask(&session).request.seed).collect();
        assert!(drawn.windows(2).any(|pair| pair[0] != pair[1]), "{drawn:?}");
        assert!(drawn.iter().all(|seed| *seed < SEEDS));
        assert_eq!(session.project.lock().brief.seed, drawn[3]);
        session.project.lock().brief.seed = 7;
        session.project.lock().brief.seed_locked = true;
        assert_eq!(ask(&session).request.seed, 7);
        assert_eq!(session.project.lock().brief.seed, 7);
    }

    #[test]
    fn what_the_engine_refuses_is_refused_in_its_words() {
        let session = session();
        session.project.lock().brief.bars = 65;
        let error = Ask::new(&session, Strengths::default()).unwrap_err().to_string();
        assert_eq!(error, "bars: 65 is out of range; give a number from 1 to 64");
        session.project.lock().brief.bars = 4;
        session.readout.set_meter(Some((5, 32)));
        assert!(Ask::new(&session, Strengths::default()).unwrap_err().to_string().contains("5/32 is not a meter"));
    }

    #[test]
    fn a_picture_that_is_gone_is_looked_at_in_small() {
        let session = session();
        let pixels: Vec<u8> = (0..16 * 16 * 3).map(|i| i as u8).collect();
        let pasted = Frame::from_rgb(16, 16, pixels, "pasted").unwrap();
        session.project.lock().brief.picture = Some(Arc::new(pasted));
        let (job, is_original) = ask(&session).job().unwrap();
        let Job::Generate(request) = job else { panic!("{job:?}") };
        assert_eq!(request.picture.as_ref().unwrap().width(), 16);
        assert!(!is_original);
    }
}
