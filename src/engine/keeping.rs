//! Notes of another clip that stay while the others are composed around them.

use std::ops::{Range, RangeInclusive};

use score::{Instrument, Key, Note, Part, Score, ScoreFields};

use super::{Constraints, Engine, Plan};
use crate::clip::KeepRecipe;
use crate::decoder::score::{PartConfig, ScoreConfig, ScoreDecoder, in_key};
use crate::error::{Error, InStage, Stage};
use crate::hash;
use crate::request::{Keep, Request};

impl Keep {
    /// Its notes where a clip in `key` has them; at home, where that has none.
    fn at(&self, key: Option<Key>) -> Score {
        let own = self.score.key;
        let home = Key::new(own.mode().home(), own.mode());
        in_key(&self.score, key.unwrap_or(home), Some(own))
    }

    /// The parts of which something is kept, and the columns in which it is.
    fn columns(&self, columns: usize) -> Vec<(Part, Range<usize>)> {
        let bars = self.score.bars;
        let bar = |bar: u32| (bar as usize - 1) * columns / bars as usize..bar as usize * columns / bars as usize;
        let of = |part: Part| (1..=bars).filter(move |at| self.keeps(part, *at)).map(move |at| (part, bar(at)));
        Part::ALL.into_iter().flat_map(of).collect()
    }

    /// Parts whose players are known beforehand: those that are kept, and all where only some bars are composed anew.
    pub(super) fn players(&self) -> Vec<Part> {
        if self.redo.is_some() || self.is_whole() { Part::ALL.to_vec() } else { self.parts.clone() }
    }

    /// A score that was composed around what is kept, with the very notes and players that are.
    pub(super) fn restore(&self, composed: &Score, key: Option<Key>) -> Result<Score, Error> {
        let (kept, bar) = (self.at(key), composed.ticks() / composed.bars);
        let is_kept = |note: &Note| self.keeps(note.part, note.start / bar + 1);
        let mut fields = composed.clone().into_fields();
        fields.notes.retain(|note| !is_kept(note));
        fields.notes.extend(kept.notes.iter().filter(|note| is_kept(note)));
        let own = kept.players.iter().filter(|player| self.players().contains(&player.part)).cloned();
        let own: Vec<_> = own.collect();
        fields.players.retain(|player| !own.iter().any(|kept| kept.part == player.part));
        fields.players.extend(own);
        let ScoreFields { players, notes, .. } = &mut fields;
        players.retain(|player| notes.iter().any(|note| note.part == player.part));
        players.sort_by_key(|player| player.part);
        Ok(Score::new(fields)?)
    }

    /// What a recipe says of it.
    pub(super) fn recipe(&self) -> KeepRecipe {
        let bytes = serde_json::to_vec(&self.score).expect("a score has only names and finite numbers");
        KeepRecipe {
            parts: self.parts.clone(),
            redo: self.redo.clone(),
            vary: self.vary,
            score_sha256: hash::sha256(&bytes),
        }
    }
}

impl Engine {
    /// Refuses what is asked of notes where the bundle composes none.
    pub(super) fn check_notes_asked(&self, request: &Request) -> Result<(), Error> {
        let asked = [
            ("keep", request.keep.is_some()),
            ("parts", !request.parts.is_empty()),
            ("arrangement", request.arrangement.is_some()),
        ];
        match asked.into_iter().find(|(_, asked)| *asked && !self.plays_notes()) {
            Some((what, _)) => {
                let problem = format!("the bundle {} composes sound and no notes; leave it out", self.manifest.name);
                Err(Error::Request { what, problem })
            }
            None => Ok(()),
        }
    }

    /// What is known of the latents beforehand, with what is kept.
    pub(super) fn keeping(
        &self,
        constraints: Constraints,
        keep: &Keep,
        decoder: &ScoreDecoder,
        plan: &Plan,
    ) -> Result<Constraints, Error> {
        let unplayable = |error: candle_core::Error| Error::Request {
            what: "keep",
            problem: format!("the notes cannot be kept ({error}); leave that part out"),
        };
        let latents = decoder.encode(&known(&keep.score, decoder.config())?, plan.columns).map_err(unplayable)?;
        let latents = latents.to_device(&self.device).in_stage(Stage::Music)?;
        let (kept, players) = (keep.columns(plan.columns), keep.players());
        constraints.with_kept(&latents, decoder, &kept, &players).in_stage(Stage::Music)
    }
}

/// A score as the model can be told of it: instruments that it does not know are the nearest that it does, and notes beyond a part's
/// pitches are in the nearest octave within, or left out where there is none. What is kept stays as it is.
pub(super) fn known(score: &Score, config: &ScoreConfig) -> Result<Score, Error> {
    let home = score.key.transposition();
    let mut fields = score.clone().into_fields();
    for player in &mut fields.players {
        let own = player.instrument.number();
        let nearest = config.parts[player.part.index()].programs.iter().min_by_key(|program| program.abs_diff(own));
        let number = nearest.copied().unwrap_or(own);
        player.instrument = if player.part.is_drums() { Instrument::Kit(number) } else { Instrument::Program(number) };
    }
    fields.notes.retain_mut(|note| {
        let PartConfig { low, high, .. } = config.parts[note.part.index()];
        // Drums are moved neither by keys nor by octaves.
        let (moved, octave) = if note.part.is_drums() { (0, 0) } else { (home, 12) };
        let within = within(i32::from(note.pitch) - moved, i32::from(low)..=i32::from(high), octave);
        within.map(|pitch| note.pitch = (pitch + moved).clamp(0, 127) as u8).is_some()
    });
    Ok(Score::new(fields)?)
}

/// A pitch, moved by octaves into a range if it is beyond it.
pub(super) fn within(pitch: i32, range: RangeInclusive<i32>, octave: i32) -> Option<i32> {
    let moved = (0..=10).flat_map(|step| [pitch + step * octave, pitch - step * octave]);
    moved.into_iter().find(|pitch| range.contains(pitch))
}
