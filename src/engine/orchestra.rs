//! Who plays the notes: the bundle's soundfont, and those of the user's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use instruments::{Bank, Ensemble};
use score::{Instrument, Part, Player, Score};
use serde::Serialize;

use super::Engine;
use super::part::{self, Loader};
use crate::clip::{Clip, FontRecipe};
use crate::error::Error;
use crate::hash;

/// Soundfonts of the user's own: one for every part, some for one each, or none.
#[derive(Debug, Clone, Default)]
pub struct Instruments {
    /// For parts that have none of their own; what it lacks, the bundle's plays.
    all: Option<Arc<Bank>>,
    /// What the user chose for a part plays it, with the nearest it has.
    own: BTreeMap<Part, Arc<Bank>>,
    recipe: Vec<FontRecipe>,
}

/// An instrument that a soundfont lacks, and what played in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandIn {
    /// Whose.
    pub part: Part,
    /// Name of what the notes are written for.
    pub asked: &'static str,
    /// Name of what was heard.
    pub played: &'static str,
    /// The soundfont that was to play it.
    pub font: String,
    /// Whether the bundle's own soundfont played instead.
    pub from_bundle: bool,
}

impl Instruments {
    /// Reads `.sf2` and `.sf3` files, each for a part or, where there is none, for all parts without their own.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if one is no soundfont, [`Error::Request`] if two are for the same.
    pub fn open(fonts: &[(Option<Part>, PathBuf)]) -> Result<Self, Error> {
        let mut found = Self::default();
        for (part, path) in fonts {
            let (bank, recipe) = read(*part, path)?;
            let before = match part {
                Some(part) => found.own.insert(*part, bank),
                None => found.all.replace(bank),
            };
            if before.is_some() {
                let whose = part.map_or("all parts".to_string(), |part| format!("the {part}"));
                let problem = format!("two soundfonts are for {whose}; leave one out");
                return Err(Error::Request { what: "instruments", problem });
            }
            found.recipe.push(recipe);
        }
        found.recipe.sort_by_key(|font| font.part);
        Ok(found)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.recipe.is_empty()
    }

    /// Whether any of them has an instrument.
    pub fn has(&self, instrument: Instrument) -> bool {
        self.all.iter().chain(self.own.values()).any(|bank| bank.has(instrument))
    }

    /// What they are, for a clip's recipe.
    pub fn recipe(&self) -> &[FontRecipe] {
        &self.recipe
    }

    /// Who plays `score`, with `bank` for what is not the user's.
    pub fn ensemble(&self, bank: &Arc<Bank>, score: &Score) -> Ensemble {
        let choose = |ensemble: Ensemble, player: &Player| match (self.own.get(&player.part), &self.all) {
            (Some(own), _) => ensemble.with(player.part, own.clone()),
            (None, Some(all)) if all.has(player.instrument) => ensemble.with(player.part, all.clone()),
            _ => ensemble,
        };
        score.players.iter().fold(Ensemble::new(bank.clone()), choose)
    }

    /// What the soundfonts lack of `score`, and what plays in its place.
    pub fn stand_ins(&self, bank: &Arc<Bank>, score: &Score) -> Vec<StandIn> {
        let ensemble = self.ensemble(bank, score);
        let nearest = ensemble.substitutions(score);
        let stand_in = |player: &Player| {
            let (part, asked) = (player.part, player.instrument);
            let lacking = self.all.as_ref().filter(|all| !self.own.contains_key(&part) && !all.has(asked));
            let played = nearest.iter().find(|nearest| nearest.part == part).map(|nearest| nearest.played);
            (lacking.is_some() || played.is_some()).then(|| StandIn {
                part,
                asked: asked.name(),
                played: played.unwrap_or(asked).name(),
                font: short(lacking.map_or_else(|| ensemble.bank(part).name(), |all| all.name())),
                from_bundle: lacking.is_some(),
            })
        };
        score.players.iter().filter_map(stand_in).collect()
    }
}

/// The file's name alone.
fn short(font: &str) -> String {
    Path::new(font).file_name().map_or_else(|| font.into(), |name| name.to_string_lossy().into_owned())
}

fn read(part: Option<Part>, path: &Path) -> Result<(Arc<Bank>, FontRecipe), Error> {
    let font = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Error::File {
        path: path.to_path_buf(),
        problem: format!("cannot be read ({error}); give an .sf2 or .sf3 file"),
    })?;
    let recipe = FontRecipe { part, font: short(&font), sha256: hash::sha256(&bytes) };
    Ok((Arc::new(Bank::from_bytes(&font, bytes)?), recipe))
}

/// The bundle's soundfont, where it has one.
pub(super) fn bank(loader: &Loader) -> part::Part<Bank> {
    let loader = loader.clone();
    part::Part::new(move || {
        let bundle = &loader.bundle;
        let name = bundle.manifest().decoder.config.bank().ok_or_else(|| {
            let problem = format!("the bundle {} plays no notes; choose one that does", bundle.manifest().name);
            Error::Request { what: "bundle", problem }
        })?;
        let path = bundle.location().join(name);
        let bank = Bank::from_bytes(&path.display().to_string(), bundle.checked_bytes(name)?);
        bank.map_err(|error| Error::Bundle { path, problem: format!("{error}; install the bundle again") })
    })
}

impl Engine {
    /// Has notes played by the user's own soundfonts from here on.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if there are any and the bundle does not play notes.
    pub fn with_instruments(self, instruments: Instruments) -> Result<Self, Error> {
        if !instruments.is_empty() && !self.plays_notes() {
            let problem = format!(
                "the bundle {} plays no notes, so no soundfont can play them; leave them out or choose another bundle",
                self.manifest.name
            );
            return Err(Error::Request { what: "instruments", problem });
        }
        Ok(Self { instruments, ..self })
    }

    /// The user's own soundfonts.
    pub fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// Whether the bundle composes notes and has instruments to play them.
    pub fn plays_notes(&self) -> bool {
        self.manifest.plays_notes()
    }

    /// The instruments of a clip that the soundfonts lack, and what plays in their place.
    ///
    /// # Errors
    ///
    /// [`Error::Bundle`] if the bundle's own soundfont cannot be read.
    pub fn stand_ins(&self, clip: &Clip) -> Result<Vec<StandIn>, Error> {
        match clip.score.as_ref().filter(|_| self.plays_notes()) {
            Some(score) => Ok(self.instruments.stand_ins(&self.bank()?, score)),
            None => Ok(Vec::new()),
        }
    }

    /// Who plays a score.
    pub(super) fn ensemble(&self, score: &Score) -> Result<Ensemble, Error> {
        Ok(self.instruments.ensemble(&self.bank()?, score))
    }

    /// The bundle's soundfont, loaded for as long as it is held or for good.
    pub(super) fn bank(&self) -> Result<Arc<Bank>, Error> {
        self.bank.get(self.keeps())
    }
}
