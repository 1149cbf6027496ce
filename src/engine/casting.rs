//! Who of those that a prompt asks for plays which part. Knows no tensor.

mod role;

use std::fmt;

use score::{Instrument, Part, Score};

use crate::text::{Asked, Orchestration};

/// Weights of what an assignment costs: a candidate that is not the best, a part that is not the instrument's own, a
/// candidate that the bank lacks, and a code that is not the instrument's, of its family or of another.
const WORSE: u32 = 40;
const ROLE: u32 = 6;
const LACKING: u32 = 60;
const KIN: u32 = 400;
const FOREIGN: u32 = 2000;
/// Of one who is asked for and plays nothing.
const UNPLACED: u32 = 100_000;

/// Programs of each part that latents have codes for; kits in [`Part::Drums`].
pub type Known<'a> = [(Part, &'a [u8])];

/// One who is asked for, in a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// The role.
    pub part: Part,
    /// Program, of drums the kit, whose code the part is composed with.
    pub code: u8,
    /// What plays it.
    pub played: Instrument,
    /// As the prompt says it.
    pub words: String,
}

/// What plays in the place of what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substitution {
    /// As the prompt says it.
    pub asked: String,
    /// What is heard.
    pub played: Instrument,
}

/// Who plays what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Casting {
    /// Those who are asked for, in the order of the prompt: the first leads, and all of them are featured.
    pub casts: Vec<Cast>,
    /// Parts in which somebody has to play, whoever that is.
    pub wanted: Vec<Part>,
    /// Who plays parts in which the model by itself had nobody play, and the code.
    pub assumed: Vec<(Part, u8)>,
    /// Parts in which nobody plays.
    pub silent: Vec<Part>,
    /// Instruments that play no part.
    pub forbidden: Vec<Instrument>,
    /// Drums that are not struck, as MIDI notes.
    pub drums: Vec<u8>,
    /// Where nobody can play what is asked for.
    pub substitutions: Vec<Substitution>,
    /// Those who are asked for and find no part, as the prompt says them.
    pub unplaced: Vec<String>,
}

impl Casting {
    /// Finds everybody a part that they can play: of all ways the one that suits them best. `has` says what the bank has.
    pub fn new(orchestration: &Orchestration, known: &Known, has: impl Fn(Instrument) -> bool) -> Self {
        let muted: Vec<Part> = orchestration.silenced.iter().flat_map(|it| it.parts.iter().copied()).collect();
        let options = |asked: &Asked| -> Vec<Place> {
            let places = known.iter().filter(|(part, _)| !muted.contains(part));
            places.filter_map(|(part, codes)| Place::best(asked, *part, codes, &has)).collect()
        };
        let places = assign(orchestration.asked.iter().map(options).collect());
        let mut casting = Self::default();
        for (asked, place) in orchestration.asked.iter().zip(places) {
            casting.cast(asked, place, &has);
        }
        casting.silence(orchestration, known, &muted);
        casting
    }

    /// The same with these parts alone; `kept` play as they are. None leaves all parts as they were.
    #[must_use]
    pub fn with_parts(mut self, parts: &[Part], kept: &[Part]) -> Self {
        if !parts.is_empty() {
            let is_silent = |part: &Part| !parts.contains(part) && !kept.contains(part) && !self.silent.contains(part);
            let silent: Vec<Part> = Part::ALL.into_iter().filter(is_silent).collect();
            self.silent.extend(silent);
            self.wanted = parts.iter().copied().filter(|part| !self.silent.contains(part)).collect();
        }
        self
    }

    /// The same with these parts wanted, too; who is silent or `kept` stays so.
    #[must_use]
    pub fn wanting(mut self, parts: &[Part], kept: &[Part]) -> Self {
        let is_new = |part: &Part| !self.wanted.contains(part) && !self.silent.contains(part) && !kept.contains(part);
        let new: Vec<Part> = parts.iter().copied().filter(is_new).collect();
        self.wanted.extend(new);
        self
    }

    /// The same with somebody in those of the wanted parts that are not in `score`; `None` if all are, or they were assumed
    /// before. A model that is told who plays has them play.
    pub fn assuming(&self, score: &Score, known: &Known) -> Option<Self> {
        let is_missing = |part: &&Part| score.notes_of(**part).next().is_none() && self.in_part(**part).is_none();
        let codes = |part: Part| known.iter().find(|(other, _)| *other == part).map(|(_, codes)| *codes);
        let usual = |part: &Part| Some((*part, nearest(instrument(*part, role::usual(*part)), codes(*part)?)?.0));
        let assumed: Vec<(Part, u8)> = self.wanted.iter().filter(is_missing).filter_map(usual).collect();
        (self.assumed.is_empty() && !assumed.is_empty()).then(|| Self { assumed, ..self.clone() })
    }

    /// Who is asked for in a part.
    pub fn in_part(&self, part: Part) -> Option<&Cast> {
        self.casts.iter().find(|cast| cast.part == part)
    }

    /// Programs, of drums kits, that may play a part of those that are known: its own where somebody is asked for in it.
    pub fn allowed(&self, part: Part, known: &[u8]) -> Vec<u8> {
        match self.in_part(part) {
            Some(cast) => vec![cast.code],
            None => {
                known.iter().copied().filter(|number| !self.forbidden.contains(&instrument(part, *number))).collect()
            }
        }
    }

    fn cast(&mut self, asked: &Asked, place: Option<Place>, has: impl Fn(Instrument) -> bool) {
        let Some(Place { part, code, candidate, .. }) = place else {
            self.unplaced.push(asked.words.clone());
            return;
        };
        // A code only says how to compose: who plays is whom the prompt asks for, if the bank has them.
        let composed = instrument(part, code);
        let wanted = [candidate].into_iter().chain(asked.candidates.iter().copied());
        let played = wanted.filter(|one| one.is_kit() == part.is_drums()).chain([composed]).find(|one| has(*one));
        let played = played.unwrap_or(candidate);
        if !asked.is_exact || !asked.candidates.contains(&played) {
            self.substitutions.push(Substitution { asked: asked.words.clone(), played });
        }
        self.casts.push(Cast { part, code, played, words: asked.words.clone() });
    }

    fn silence(&mut self, orchestration: &Orchestration, known: &Known, muted: &[Part]) {
        let unwanted = orchestration.silenced.iter().flat_map(|it| it.instruments.iter().copied());
        self.forbidden = unwanted.filter(|one| !self.casts.iter().any(|cast| cast.played == *one)).collect();
        self.drums = orchestration.silenced.iter().flat_map(|it| it.drums.iter().copied()).collect();
        let is_alone = orchestration.forces.is_exclusive() && !self.casts.is_empty();
        let is_silent = |(part, codes): &&(Part, &[u8])| {
            let has_nobody = || is_alone || muted.contains(part) || self.allowed(*part, codes).is_empty();
            self.in_part(*part).is_none() && has_nobody()
        };
        self.silent = known.iter().filter(is_silent).map(|(part, _)| *part).collect();
    }
}

impl fmt::Display for Substitution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} plays the {}", self.played, self.asked)
    }
}

/// A part that somebody could play, and how.
#[derive(Debug, Clone, Copy)]
struct Place {
    part: Part,
    code: u8,
    candidate: Instrument,
    cost: u32,
}

impl Place {
    /// The best way to play `part`, whose known programs or kits are `codes`.
    fn best(asked: &Asked, part: Part, codes: &[u8], has: impl Fn(Instrument) -> bool) -> Option<Self> {
        let fits = asked.candidates.iter().copied().enumerate().filter(|(_, one)| one.is_kit() == part.is_drums());
        let places = fits.filter_map(|(rank, candidate)| {
            let (code, away) = nearest(candidate, codes)?;
            let lacking = if has(candidate) { 0 } else { LACKING };
            let cost = WORSE * rank as u32 + ROLE * role::rank(candidate, part) + lacking + away;
            Some(Self { part, code, candidate, cost })
        });
        places.min_by_key(|place| place.cost)
    }
}

/// The code to compose for `candidate` with, and what it costs that it is another's.
fn nearest(candidate: Instrument, codes: &[u8]) -> Option<(u8, u32)> {
    let number = candidate.number();
    let away = |code: u8| match code {
        _ if code == number => 0,
        _ if code / 8 == number / 8 || candidate.is_kit() => KIN + WORSE * u32::from(code.abs_diff(number)),
        _ => FOREIGN + u32::from(code.abs_diff(number)),
    };
    codes.iter().map(|code| (*code, away(*code))).min_by_key(|(_, away)| *away)
}

/// One of the places of each, all in different parts, so that they cost least together. Of ways that cost the same the first has
/// its own part, so that who is named first leads.
fn assign(mut options: Vec<Vec<Place>>) -> Vec<Option<Place>> {
    // Whoever comes after as many as there are parts finds none; drums are a part of their own.
    let (mut kits, mut others) = (0, 0);
    for places in &mut options {
        let is_kit = places.iter().all(|place| place.part.is_drums());
        let (count, most) = if is_kit { (&mut kits, 1) } else { (&mut others, Part::ALL.len() - 1) };
        *count += usize::from(!places.is_empty());
        if *count > most {
            places.clear();
        }
        places.sort_by_key(|place| place.cost);
    }
    let mut best = (u32::MAX, Vec::new());
    search(&options, &mut Vec::new(), 0, &mut best);
    best.1
}

fn search(options: &[Vec<Place>], chosen: &mut Vec<Option<Place>>, cost: u32, best: &mut (u32, Vec<Option<Place>>)) {
    let at = chosen.len();
    if cost >= best.0 {
        return;
    }
    let Some(places) = options.get(at) else {
        *best = (cost, chosen.clone());
        return;
    };
    for place in places {
        if !chosen.iter().flatten().any(|taken| taken.part == place.part) {
            chosen.push(Some(*place));
            search(options, chosen, cost + place.cost, best);
            chosen.pop();
        }
    }
    let unplaced = if places.is_empty() { 0 } else { UNPLACED };
    chosen.push(None);
    search(options, chosen, cost + unplaced, best);
    chosen.pop();
}

fn instrument(part: Part, number: u8) -> Instrument {
    if part.is_drums() { Instrument::Kit(number) } else { Instrument::Program(number) }
}

#[cfg(test)]
mod tests;
