//! What a request says of who plays, from its words to the latents and on to the score.

use candle_core::{Result, Tensor};
use score::{Instrument, Part, Score, ScoreFields};

use super::{Casting, Constraints, Engine, Plan, Rows};
use crate::decoder::score::{Heard, KnownRow, ScoreDecoder};
use crate::decoder::{Decoder, DecoderConfig};
use crate::error::{Error, InStage, Stage};
use crate::request::{Keep, Request};
use crate::text::{self, Orchestration, Reading, Wish};

/// How much louder than usual the first of those who are asked for plays, and all others of them, in dB.
const LEADS_DB: f32 = 5.0;
const FEATURED_DB: f32 = 3.0;
/// How much softer everybody else plays then.
const BEHIND_DB: f32 = -4.0;

/// Who accompanies, the first who does not play yet.
const ACCOMPANIMENT: [Part; 4] = [Part::Pad, Part::Bass, Part::Keys, Part::Ostinato];
/// Parts that music has, unless it is to have fewer.
const FEWEST: usize = 3;
/// Energy below which little may be what is meant.
const STILL: f64 = 0.4;

impl Engine {
    /// Who plays, by the words of `request`; `None` where the bundle plays no notes.
    pub(super) fn casting(&self, request: &Request) -> std::result::Result<Option<Casting>, Error> {
        if !self.plays_notes() {
            return Ok(None);
        }
        let texts = self.texts(request).in_stage(Stage::Text)?;
        self.cast(request, &texts.reading)
    }

    /// The same, by words that are read already.
    pub(super) fn cast(&self, request: &Request, reading: &Reading) -> std::result::Result<Option<Casting>, Error> {
        let DecoderConfig::Score(config) = &self.manifest.decoder.config else { return Ok(None) };
        // Whoever is kept is cast already.
        let kept = request.keep.as_ref().map(Keep::players).unwrap_or_default();
        let may_play = |part: Part| request.parts.is_empty() || request.parts.contains(&part);
        let free = config.parts.iter().filter(|part| may_play(part.part) && !kept.contains(&part.part));
        let known: Vec<(Part, &[u8])> = free.map(|part| (part.part, &part.programs[..])).collect();
        let negative = Wish::new(&text::in_english(&request.negative));
        let asked_there = negative.asked.split(',').map(|words| words.trim().to_string());
        let avoided: Vec<String> = asked_there.chain(negative.avoided.clone()).chain(reading.avoided.clone()).collect();
        let bank = self.bank()?;
        let has = |instrument: Instrument| bank.has(instrument) || self.instruments.has(instrument);
        let casting = Casting::new(&Orchestration::new(&reading.prompt, &avoided), &known, has);
        Ok(Some(casting.with_parts(&request.parts, &kept).wanting(&request.arrangement.parts(), &kept)))
    }

    /// A casting in which somebody accompanies where hardly anybody plays in `score`, and nothing that was asked for says so, nor the `energy`
    /// that it has: of words that name an instrument and no more a model makes little.
    pub(super) fn accompanied(
        &self,
        casting: &Casting,
        request: &Request,
        score: &Score,
        energy: Option<f64>,
    ) -> Casting {
        let is_still = energy.is_some_and(|energy| energy < STILL);
        let plays = |part: Part| score.notes_of(part).next().is_some();
        let playing = Part::ALL.into_iter().filter(|part| plays(*part)).count();
        if is_still || !request.parts.is_empty() || request.keep.is_some() || playing >= FEWEST {
            return casting.clone();
        }
        let free = ACCOMPANIMENT.into_iter().filter(|part| !plays(*part) && !casting.silent.contains(part));
        let wanted: Vec<Part> = free.take(FEWEST - playing).collect();
        casting.clone().wanting(&wanted, &[])
    }

    /// A casting in which wanted parts that `score` has not are played by somebody, if there are any.
    pub(super) fn assuming(&self, casting: &Casting, score: &Score) -> Option<Casting> {
        let DecoderConfig::Score(config) = &self.manifest.decoder.config else { return None };
        let known: Vec<(Part, &[u8])> = config.parts.iter().map(|part| (part.part, &part.programs[..])).collect();
        casting.assuming(score, &known)
    }

    /// What of the latents is known before anything is composed, if anything is.
    pub(super) fn constraints(
        &self,
        casting: Option<&Casting>,
        (keep, outline): (Option<&Keep>, &[KnownRow]),
        plan: &Plan,
    ) -> std::result::Result<Option<Constraints>, Error> {
        let decoder = self.decoder()?;
        let (Some(casting), Decoder::Score(rows)) = (casting, &*decoder) else { return Ok(None) };
        let found = Constraints::new(casting, rows.as_ref(), plan.columns, &self.device).in_stage(Stage::Music)?;
        let with = |found: Constraints, row: &KnownRow| found.with_row(row, rows.as_ref());
        let found = outline.iter().try_fold(found, with).in_stage(Stage::Music)?;
        let found = keep.map_or(Ok(found.clone()), |keep| self.keeping(found, keep, rows, plan))?;
        Ok(found.is_some().in_stage(Stage::Music)?.then_some(found))
    }
}

impl Rows for ScoreDecoder {
    fn channels(&self) -> usize {
        self.config().channels()
    }

    fn rows(&self) -> usize {
        self.config().rows()
    }

    fn of(&self, part: Part) -> [std::ops::Range<usize>; 2] {
        let notes = self.config().parts[part.index()].components + 1;
        [0..notes, notes..notes + self.config().code]
    }

    fn code(&self, part: Part, number: Option<u8>) -> Option<Vec<f32>> {
        ScoreDecoder::code(self, part, number)
    }

    fn silence(&self, part: Part) -> Vec<f32> {
        ScoreDecoder::silence(self, part)
    }
}

impl Casting {
    /// What has to be heard of a clip of `bars` bars: those who are asked for, and something in every half
    /// bar.
    pub(super) fn heard(&self, columns: usize, bars: u32) -> Heard {
        let mut parts: Vec<Part> = self.casts.iter().map(|cast| cast.part).collect();
        parts.extend(self.wanted.iter().filter(|part| self.in_part(**part).is_none()));
        Heard { parts, span: columns.div_ceil(2 * bars.max(1) as usize), ..Heard::default() }
    }

    /// The score as it is asked for: who is named plays and leads the mix, and who is not wanted does not.
    pub(super) fn apply(&self, score: Score) -> Score {
        let mut fields = score.into_fields();
        fields.notes.retain(|note| !(note.part.is_drums() && self.drums.contains(&note.pitch)));
        self.let_go(&mut fields);
        for player in &mut fields.players {
            let place = self.casts.iter().position(|cast| cast.part == player.part);
            player.level_db += match place {
                Some(0) => LEADS_DB,
                Some(_) => FEATURED_DB,
                None if self.casts.is_empty() => 0.0,
                None => BEHIND_DB,
            };
            match place {
                Some(place) => player.instrument = self.casts[place].played,
                None => player.instrument = self.nearest_allowed(player.instrument),
            }
        }
        Score::new(fields).expect("who plays changes nothing that is checked")
    }

    /// Silences those who are to be silent, and parts of which nobody is left.
    fn let_go(&self, fields: &mut ScoreFields) {
        let ScoreFields { players, notes, .. } = fields;
        players
            .retain(|player| !self.silent.contains(&player.part) && notes.iter().any(|note| note.part == player.part));
        notes.retain(|note| players.iter().any(|player| player.part == note.part));
    }

    /// The instrument, or the next one that is not forbidden.
    fn nearest_allowed(&self, instrument: Instrument) -> Instrument {
        let number = i16::from(instrument.number());
        let beside = (0..128).flat_map(|step| [number - step, number + step]);
        let same_kind = |number: i16| -> Option<Instrument> {
            let number = u8::try_from(number).ok().filter(|number| *number < 128)?;
            Some(if instrument.is_kit() { Instrument::Kit(number) } else { Instrument::Program(number) })
        };
        beside.filter_map(same_kind).find(|one| !self.forbidden.contains(one)).unwrap_or(instrument)
    }

    /// What a person should know of it, one thing each.
    pub(super) fn remarks(&self) -> Vec<String> {
        let substitutions = self.substitutions.iter().map(ToString::to_string);
        let unplaced = self.unplaced.iter().map(|words| format!("no part is left for the {words}"));
        substitutions.chain(unplaced).collect()
    }
}

/// Latents on their way with what is known in its place, for the model to see.
pub(super) fn shown(constraints: Option<&Constraints>, latents: Tensor, alpha: f64) -> Result<Tensor> {
    match constraints {
        Some(constraints) => constraints.shown(&latents, alpha),
        None => Ok(latents),
    }
}
