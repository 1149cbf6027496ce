//! What is asked of the notes themselves, brought about while they are composed: at every step the clean latents that the model
//! expects are edited as notes, so that it composes the rest to them, and what is left undone at the end is done to the notes.
//!
//! Source: "Fine-Grained Guidance" for symbolic music, ICML 2025, arXiv 2410.08435.

mod attacks;
mod form;
mod guide;
mod pitches;
mod retelling;
mod voicing;

use std::sync::Arc;

use candle_core::Tensor;
use score::{Key, Part, Score};

use self::guide::Guide;
use self::pitches::Pitches;
use self::voicing::Span;
use super::{Engine, Plan};
use crate::clip::ArrangementRecipe;
use crate::decoder::Decoder;
use crate::decoder::score::{Decoded, Heard, PartRoll, ScoreDecoder};
use crate::error::{Error, InStage, Stage};
use crate::hash;
use crate::request::{Arrangement, Request};

/// Share of the schedule above which the model has nothing in mind yet that parts could agree on.
const UNDECIDED: f64 = 0.9;

/// Where bars and beats are among the columns.
#[derive(Debug, Clone, Copy)]
struct Grid {
    columns: usize,
    /// Columns of a bar.
    bar: usize,
    /// Columns of a beat of the metre.
    beat: usize,
    /// Ticks of a column.
    ticks: u32,
}

impl Grid {
    fn new(request: &Request, plan: &Plan) -> Self {
        let bar = plan.columns / request.bars as usize;
        let ticks = (request.quarters() * f64::from(score::TICKS_PER_QUARTER)) as u32 / plan.columns as u32;
        Self { columns: plan.columns, bar, beat: (bar / request.meter.beats() as usize).max(1), ticks }
    }
}

/// An [`Arrangement`] laid on the columns of a piece.
pub(super) struct Arranger {
    decoder: Arc<Decoder>,
    grid: Grid,
    /// Of every part, where its pitches go.
    pitches: Vec<Option<Pitches>>,
    /// Parts that begin in so many columns.
    attacks: Vec<(Part, usize)>,
    /// Columns.
    hits: Vec<usize>,
    is_ended: bool,
    /// Chords that are asked for; without any, the last is the tonic's.
    chords: Vec<Span>,
    is_built: bool,
    /// Of every column, or of none.
    intensity: Vec<f64>,
    guides: Vec<Guide>,
    /// A theme that returns note for note, at home.
    theme: Option<Score>,
    /// Columns that the model counts as a bar, and the timestep until which its parts agree on nothing.
    counted: usize,
    undecided: f64,
    /// Whether what is composed agrees with what is kept on chords. Chords that are asked for are not looked for; and where nothing is
    /// kept, agreement makes harmony stand still.
    agrees: bool,
}

impl Engine {
    /// What `request` asks of its notes, if anything; none where the bundle composes sound.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the model cannot play it; the device's own.
    pub(super) fn arranger(&self, request: &Request, plan: &Plan) -> Result<Option<Arranger>, Error> {
        let asked = &request.arrangement;
        let vary = request.keep.as_ref().and_then(|keep| keep.vary);
        if !asked.is_some() && request.keep.is_none() {
            return Ok(None);
        }
        let decoder = self.decoder()?;
        let Decoder::Score(score) = &*decoder else { return Ok(None) };
        let grid = Grid::new(request, plan);
        let timesteps = self.manifest.music.schedule.num_train_timesteps as f64;
        let home = request.key.map_or(0, Key::transposition);
        let until = |freedom: f64| guide::until(freedom) * timesteps;
        let varied = vary.map(|vary| self.varied(request, (score, plan), until(vary))).transpose()?;
        let retold = asked.theme.as_ref().map(|theme| retelling::retold(theme, request, score.config())).transpose()?;
        let theme = asked.theme.as_ref().zip(retold.as_ref()).map(|(theme, notes)| {
            let latents = score.encode(notes, plan.columns).in_stage(Stage::Music)?;
            let until = until(1.0 - theme.strength);
            Guide::of(&latents, score, Some(Part::Lead), until, &self.device).in_stage(Stage::Music)
        });
        let keeps = request.keep.as_ref().is_some_and(|keep| !keep.parts.is_empty() || keep.redo.is_some());
        let per_bar = |value: &f64| std::iter::repeat_n(*value, grid.bar);
        let intensity: Vec<f64> = asked.intensity.iter().flat_map(per_bar).collect();
        let hits = asked.hits.iter().map(|hit| Ok((hit.ticks(request.bars, request.meter)? / grid.ticks) as usize));
        let attacks = asked.density.iter().map(|(part, attacks)| {
            (*part, ((attacks * f64::from(request.bars)).round() as usize).clamp(1, grid.columns))
        });
        let chords = asked.chords.as_ref().map(|chart| voicing::spans(chart, request, grid, home));
        Ok(Some(Arranger {
            pitches: pitches::of(request, grid, score.config())?,
            attacks: attacks.collect(),
            hits: hits.collect::<Result<_, Error>>()?,
            is_ended: asked.end,
            chords: chords.transpose()?.unwrap_or_default(),
            is_built: asked.build,
            intensity,
            guides: varied.into_iter().chain(theme.transpose()?).collect(),
            theme: retold.filter(|_| asked.theme.as_ref().is_some_and(|theme| theme.strength == 1.0)),
            counted: plan.pulse.columns_per_bar as usize,
            undecided: UNDECIDED * timesteps,
            agrees: keeps && asked.chords.is_none(),
            decoder: decoder.clone(),
            grid,
        }))
    }
}

impl Arranger {
    fn score(&self) -> &ScoreDecoder {
        match &*self.decoder {
            Decoder::Score(score) => score,
            Decoder::Wave(_) => unreachable!("only notes are arranged"),
        }
    }

    /// The clean latents `(1, c, t, r)` that the model expects at a timestep, as they are asked for.
    pub fn edit(&self, clean: &Tensor, timestep: usize) -> candle_core::Result<Tensor> {
        let agrees = self.agrees && timestep as f64 <= self.undecided;
        let agreed = if agrees { self.score().agreed(clean, self.counted)? } else { clean.clone() };
        let guided = self.guides.iter().try_fold(agreed, |clean, guide| guide.edit(&clean, timestep))?;
        if !self.is_shaped() {
            return Ok(guided);
        }
        self.score().with_rolls(&guided, |rolls| {
            for roll in rolls {
                self.shape(roll);
            }
        })
    }

    /// Whether the notes are asked to be other than the model has them.
    fn is_shaped(&self) -> bool {
        self.is_ended || !self.hits.is_empty() || !self.attacks.is_empty() || self.pitches.iter().any(Option::is_some)
    }

    fn shape(&self, roll: &mut PartRoll) {
        if let Some(pitches) = &self.pitches[roll.part.index()] {
            pitches.edit(roll);
        }
        if let Some((_, columns)) = self.attacks.iter().find(|(part, _)| *part == roll.part) {
            attacks::expect(roll, *columns);
        }
        self.hits.iter().for_each(|column| attacks::accent(roll, *column));
        if self.is_ended {
            form::expect_end(roll, self.grid);
        }
    }

    /// What has to be heard, with what is asked for.
    pub fn heard(&self, heard: Heard) -> Heard {
        Heard { attacks: self.attacks.clone(), ..heard }
    }

    /// Notes at home as they are asked for. `key` is theirs.
    pub fn finish(&self, mut decoded: Decoded, key: Key) -> Decoded {
        if let Some(theme) = &self.theme {
            retelling::state(theme, &mut decoded, self.grid);
        }
        if self.is_built {
            form::build(&mut decoded.notes, self.grid);
        }
        for column in &self.hits {
            form::hit(&mut decoded.notes, *column, self.grid);
        }
        if self.is_ended {
            form::end(&mut decoded.notes, self.grid);
        }
        let mut notes = std::mem::take(&mut decoded.notes);
        if self.is_ended && self.chords.is_empty() {
            notes = form::on_tonic(notes, key, self.grid);
        }
        for (part, pitches) in Part::ALL.into_iter().zip(&self.pitches) {
            notes = pitches.iter().fold(notes, |notes, pitches| pitches.apply(part, notes));
        }
        voicing::complete(&mut notes, &self.chords, self.score().config(), self.grid);
        decoded.notes = notes;
        attacks::intensify(&mut decoded, &self.intensity);
        decoded.notes.sort_by_key(|note| (note.column, note.part, note.pitch));
        decoded.notes.dedup_by_key(|note| (note.column, note.part, note.pitch));
        decoded
    }
}

impl Arrangement {
    /// What a recipe says of it.
    pub(super) fn recipe(&self) -> Option<ArrangementRecipe> {
        let theme_sha256 = self.theme.as_ref().map(|theme| {
            let bytes = serde_json::to_vec(theme).expect("a score has only names and finite numbers");
            hash::sha256(&bytes)
        });
        let rest = Self { theme: None, ..self.clone() };
        self.is_some().then_some(ArrangementRecipe { asked: rest, theme_sha256 })
    }
}
