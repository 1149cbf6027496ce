//! From the brief, the parameters and the host's transport to what the engine is asked for.

use std::sync::Arc;

use melfusion::request::{Meter, RequestFields};
use melfusion::{Error, Request};

use super::costs::Work;
use crate::project::Frame;
pub use crate::project::Strengths;
use crate::session::Session;

/// Tempo and rate where neither the brief nor the host says: what hosts begin a project with.
const USUAL_BPM: f64 = 120.0;
const USUAL_RATE: u32 = 48_000;
/// Seeds that are drawn stay below this, so that people can read them out and type them.
const SEEDS: u64 = 1_000_000_000;

/// What one press of Generate asked for: the brief, the parameters and the host as they were then.
#[derive(Debug, Clone)]
pub struct Ask {
    request: Request,
    picture: Option<Arc<Frame>>,
}

impl Ask {
    /// Draws a new seed, unless it is locked, and notes it in the brief. A meter or tempo that the brief leaves open is
    /// the host's; where that says nothing either, 4/4 at 120 bpm.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the engine would refuse it.
    pub fn new(session: &Session, strengths: Strengths) -> Result<Self, Error> {
        let brief = {
            let mut project = session.project.lock();
            if !project.brief.seed_locked {
                project.brief.seed = rand::random_range(0..SEEDS);
            }
            project.brief.clone()
        };
        let readout = &session.readout;
        let host_meter = || readout.meter().map(|(beats, unit)| Meter::new(beats, unit)).transpose();
        let meter = match brief.meter {
            Some(meter) => meter,
            None => host_meter()?.unwrap_or_default(),
        };
        let request = Request::new(RequestFields {
            prompt: brief.prompt,
            negative: brief.negative,
            picture: None,
            bars: brief.bars,
            meter,
            bpm: brief.bpm.or(readout.tempo()).unwrap_or(USUAL_BPM),
            key: brief.key,
            seed: brief.seed,
            steps: strengths.steps,
            guidance: strengths.guidance,
            influence: strengths.influence,
            sample_rate: Some(readout.rate()).filter(|rate| *rate > 0).unwrap_or(USUAL_RATE),
            ..Default::default()
        })?;
        Ok(Self { request, picture: brief.picture })
    }

    /// The request with its picture, and whether that is the original. Reads the file, so not for the editor's thread.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if there is nothing left of the picture.
    pub fn request(&self) -> Result<(Request, bool), Error> {
        let Some(frame) = &self.picture else { return Ok((self.request.clone(), true)) };
        let (picture, is_original) = frame.picture()?;
        let fields = RequestFields { picture: Some(picture), ..self.request.clone().into_fields() };
        Ok((Request::new(fields)?, is_original))
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
        let (request, is_original) = ask(&session).request().unwrap();
        assert_eq!(request.picture.as_ref().unwrap().width(), 16);
        assert!(!is_original);
    }
}
