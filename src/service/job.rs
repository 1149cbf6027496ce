//! What a client can ask for, and how it travels.

use score::Score;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::clip::{Latents, Recipe, State};
use crate::engine::Redecoding;
use crate::error::Error;
use crate::image::Picture;
use crate::request::{Request, RequestFields};
use crate::storyboard::{Board, BoardFields};

/// A job of the engine, checked.
#[derive(Debug, Clone)]
pub enum Job {
    /// As [`Engine::generate`](crate::Engine::generate).
    Generate(Box<Request>),
    /// As [`Engine::score`](crate::Engine::score): the cue at this index.
    Score(Board, usize),
    /// As [`Engine::redecode`](crate::Engine::redecode).
    Redecode(Box<State>, Redecoding),
}

/// A [`Job`] on its way, unchecked. Pictures travel as their pixels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Parcel {
    /// For [`Job::Generate`].
    Generate {
        /// The request without its picture.
        fields: Box<RequestFields>,
        /// Its picture.
        picture: Option<Pixels>,
    },
    /// For [`Job::Score`]. Of other cues than this one and the next it has neither words nor pictures.
    Score {
        /// The board without its pictures.
        fields: Box<BoardFields>,
        /// Which cue, from 0.
        cue: usize,
        /// Its picture, and that of the next.
        pictures: [Option<Pixels>; 2],
    },
    /// For [`Job::Redecode`].
    Redecode {
        /// Shape of the latents.
        shape: [usize; 4],
        /// The latents: little-endian f16.
        latents: ByteBuf,
        /// How they came to be.
        recipe: Box<Recipe>,
        /// The notes, where they are notes.
        score: Option<Box<Score>>,
        /// What else to decode them as.
        to: Redecoding,
    },
}

/// A picture on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: ByteBuf,
    /// Of its file, which does not travel: what the pixels are known by.
    sha256: String,
    name: Option<String>,
}

impl Job {
    /// Whether music is composed, and not only made sound again.
    pub fn is_composed(&self) -> bool {
        !matches!(self, Self::Redecode(..))
    }
}

impl From<&Job> for Parcel {
    fn from(job: &Job) -> Self {
        match job {
            Job::Generate(request) => Self::Generate {
                fields: Box::new(RequestFields { picture: None, ..Request::clone(request).into_fields() }),
                picture: request.picture.as_ref().map(Pixels::from),
            },
            Job::Score(board, cue) => {
                let mut fields = Box::new(board.clone().into_fields());
                let mut pictures = [None, None];
                for (index, other) in fields.cues.iter_mut().enumerate() {
                    let picture = other.picture.take();
                    match index.checked_sub(*cue) {
                        Some(place @ (0 | 1)) => pictures[place] = picture.as_ref().map(Pixels::from),
                        _ => (other.name, other.prompt, other.picture_words) = Default::default(),
                    }
                }
                Self::Score { fields, cue: *cue, pictures }
            }
            Job::Redecode(state, to) => Self::Redecode {
                shape: state.latents.shape(),
                latents: state.latents.to_halves().into(),
                recipe: Box::new(state.recipe.clone()),
                score: state.score.clone().map(Box::new),
                to: *to,
            },
        }
    }
}

impl TryFrom<Parcel> for Job {
    type Error = Error;

    /// Checks all of it, as if it came from a stranger's file.
    fn try_from(parcel: Parcel) -> Result<Self, Error> {
        match parcel {
            Parcel::Generate { fields, picture } => {
                let picture = picture.map(Picture::try_from).transpose()?;
                Ok(Self::Generate(Box::new(Request::new(RequestFields { picture, ..*fields })?)))
            }
            Parcel::Score { mut fields, cue, pictures } => {
                for (place, picture) in pictures.into_iter().enumerate() {
                    let picture = picture.map(Picture::try_from).transpose()?;
                    if let Some(cue) = cue.checked_add(place).and_then(|index| fields.cues.get_mut(index)) {
                        cue.picture = picture;
                    }
                }
                let board = Board::new(*fields)?;
                if cue >= board.cues.len() {
                    let problem =
                        format!("there is no cue {}; the board has {}", cue.saturating_add(1), board.cues.len());
                    return Err(Error::Board { cue: None, what: "cue", problem });
                }
                Ok(Self::Score(board, cue))
            }
            Parcel::Redecode { shape, latents, recipe, score, to } => {
                let damaged = |what: &str| Error::Request {
                    what: "clip",
                    problem: format!("its latents are damaged ({what}); generate it anew"),
                };
                let latents = Latents::from_halves(shape, &latents).map_err(damaged)?;
                let state = State { latents, recipe: *recipe, score: score.map(|score| *score) };
                Ok(Self::Redecode(Box::new(state), to))
            }
        }
    }
}

impl From<&Picture> for Pixels {
    fn from(picture: &Picture) -> Self {
        Self {
            width: picture.width(),
            height: picture.height(),
            rgb: picture.rgb().to_vec().into(),
            sha256: picture.sha256().into(),
            name: picture.name().map(|name| name.to_string_lossy().into_owned()),
        }
    }
}

impl TryFrom<Pixels> for Picture {
    type Error = Error;

    fn try_from(pixels: Pixels) -> Result<Self, Error> {
        let Pixels { width, height, rgb, sha256, name } = pixels;
        Self::from_parts((width, height), rgb.into_vec(), sha256, name.map(Into::into))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::image::Crop;
    use crate::storyboard::{Cue, Tempo, TempoMap, Transition};

    fn sent(job: &Job) -> Result<Job, Error> {
        let bytes = rmp_serde::to_vec_named(&Parcel::from(job)).unwrap();
        rmp_serde::from_slice::<Parcel>(&bytes).unwrap().try_into()
    }

    fn picture(shade: u8) -> Picture {
        Picture::from_rgb(6, 4, (0..72).map(|i| shade ^ i).collect()).unwrap()
    }

    fn request() -> RequestFields {
        RequestFields {
            prompt: "tense strings".into(),
            negative: "drums".into(),
            picture: Some(picture(1)),
            picture_words: Some("grey light".into()),
            bars: 3,
            meter: "7/8".parse().unwrap(),
            bpm: 95.3,
            key: Some("F# minor".parse().unwrap()),
            seed: u64::MAX,
            influence: 0.1 + 0.2,
            sample_rate: 44_100,
            ..Default::default()
        }
    }

    fn board() -> Board {
        let cue = |index: u32| Cue {
            name: format!("cue {index}"),
            picture: Some(picture(index as u8)),
            crop: Some(Crop::new(0.0, 0.25, 1.0, 0.5).unwrap()),
            picture_words: Some(format!("look {index}")),
            prompt: format!("words {index}"),
            start_bar: 1 + 4 * index,
            transition: if index == 0 { Transition::Cut } else { Transition::Morph { bars: 2 } },
            ..Default::default()
        };
        let tempo = [Tempo { bar: 1, bpm: 97.3 }, Tempo { bar: 6, bpm: 131.7 }];
        let tempo = TempoMap::new(tempo.to_vec()).unwrap();
        Board::new(BoardFields { tempo, cues: (0..4).map(cue).collect(), ..Default::default() }).unwrap()
    }

    #[test]
    fn a_request_arrives_as_it_was() {
        let request = Request::new(request()).unwrap();
        let Job::Generate(arrived) = sent(&Job::Generate(Box::new(request.clone()))).unwrap() else { panic!() };
        assert_eq!(*arrived, request);
        let pixels = |request: &Request| request.picture.as_ref().map(|picture| picture.rgb().to_vec());
        assert_eq!(pixels(&arrived), pixels(&request));
    }

    #[test]
    fn of_a_board_arrives_all_that_matters_to_the_cue() {
        let board = board();
        for cue in 0..4 {
            let Job::Score(arrived, index) = sent(&Job::Score(board.clone(), cue)).unwrap() else { panic!() };
            assert_eq!((index, arrived.request(cue)), (cue, board.request(cue)));
            let towards = |board: &Board| board.morph(cue).map(|morph| (morph.bars, morph.next));
            assert_eq!(towards(&arrived), towards(&board));
            let seen = |cue: &Cue| cue.picture.is_some();
            assert_eq!(arrived.cues.iter().filter(|cue| seen(cue)).count(), if cue == 3 { 1 } else { 2 });
        }
        // One number where a board of several tempi has a list.
        let fields = BoardFields { tempo: TempoMap::constant(120.0).unwrap(), ..board.into_fields() };
        let Job::Score(arrived, _) = sent(&Job::Score(Board::new(fields).unwrap(), 0)).unwrap() else { panic!() };
        assert_eq!(arrived.tempo.at(1), 120.0);
    }

    #[test]
    fn what_is_not_so_does_not_pass() {
        let refused = |parcel: Parcel, word: &str| {
            let error = Job::try_from(parcel).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        let fields = |change: fn(&mut RequestFields)| {
            let mut fields = RequestFields { picture: None, ..request() };
            change(&mut fields);
            Box::new(fields)
        };
        refused(Parcel::Generate { fields: fields(|fields| fields.bars = 65), picture: None }, "bars");
        refused(Parcel::Generate { fields: fields(|fields| fields.bpm = f64::NAN), picture: None }, "bpm");
        let pixels = Pixels::from(&picture(1));
        for wrong in [
            Pixels { height: 5, ..pixels.clone() },
            Pixels { width: 0, height: 0, rgb: ByteBuf::new(), ..pixels.clone() },
            Pixels { width: 1 << 20, height: 2, rgb: vec![0; 3 << 21].into(), ..pixels.clone() },
            Pixels { sha256: "../x".into(), ..pixels.clone() },
        ] {
            refused(Parcel::Generate { fields: fields(|_| ()), picture: Some(wrong) }, "picture");
        }
        let board = |cue| Parcel::Score { fields: Box::new(board().into_fields()), cue, pictures: [None, None] };
        refused(board(4), "no cue 5");
        refused(board(usize::MAX), "cue");
        let mut fields = self::board().into_fields();
        fields.cues[1].start_bar = 2;
        refused(Parcel::Score { fields: Box::new(fields), cue: 0, pictures: [None, None] }, "start_bar");
    }
}
