//! Who is to play, as a prompt says it.
//!
//! ```text
//! words ─ Sentence ─ Mentions (the names of the table) ─┬─ who is asked for, or silenced
//!                                                       └─ company ─ whether anybody else plays
//! ```

mod company;
mod mention;
mod sentence;
mod table;

use score::{Instrument, Part};

use self::mention::Mention;
use self::sentence::Sentence;
use self::table::{Entry, Kind};

/// What a prompt says of instruments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orchestration {
    /// In the order of the prompt, the first of whom leads; each once for every player.
    pub asked: Vec<Asked>,
    /// Who else may play.
    pub forces: Forces,
    /// Who must not.
    pub silenced: Vec<Silenced>,
    /// What is asked for and silenced in one breath, and so does not play: as it is said.
    pub contradicted: Vec<String>,
}

/// An instrument that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As the prompt says it.
    pub words: String,
    /// What may play it, best first; never empty, and all kits or all programs but where either does.
    pub candidates: Vec<Instrument>,
    /// Whether General MIDI has it, so that nothing plays in its place.
    pub is_exact: bool,
}

/// What must not be heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Silenced {
    /// As it is said.
    pub words: String,
    /// Instruments.
    pub instruments: Vec<Instrument>,
    /// Parts, whoever plays them.
    pub parts: Vec<Part>,
    /// Drums of every kit, as MIDI notes.
    pub drums: Vec<u8>,
}

/// How many play.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Forces {
    /// Those who are asked for, and whoever fits.
    #[default]
    Full,
    /// One, alone.
    Solo,
    /// Two, and nobody else.
    Duo,
    /// Three, and nobody else.
    Trio,
    /// Four or more, and nobody else.
    Chamber,
}

impl Forces {
    /// Whether nobody plays but those who are asked for.
    pub fn is_exclusive(self) -> bool {
        self != Self::Full
    }

    fn only(players: usize) -> Self {
        match players {
            0 => Self::Full,
            1 => Self::Solo,
            2 => Self::Duo,
            3 => Self::Trio,
            _ => Self::Chamber,
        }
    }
}

impl Orchestration {
    /// Reads what is asked for, slips corrected and negations taken out, and what is avoided, each thing by itself.
    pub fn new(asked: &str, avoided: &[String]) -> Self {
        let sentence = Sentence::new(asked);
        let styles = sentence.styles();
        let mut mentions = mention::find(&sentence, &styles);
        let is_exclusive =
            company::is_exclusive(&sentence, &mut mentions) || avoided.iter().any(|it| company::is_the_rest(it));
        let mut unwanted: Vec<Unwanted> = avoided.iter().flat_map(|text| unwanted(text, &styles)).collect();
        let mutes = mentions.iter().filter(|mention| mention.entry.kind == Kind::Mute);
        // "Instrumental, with a choir" has a choir: what is asked for in so many words outweighs what is only implied.
        unwanted.extend(mutes.map(|mention| Unwanted { is_qualified: true, ..Unwanted::new(&sentence, mention) }));
        let mut wanted = Vec::new();
        mentions.iter().for_each(|mention| ask(&mut wanted, &sentence, mention));
        let mut read = Self::default();
        for wanted in wanted {
            let words = wanted.asked.words.clone();
            match wanted.against(&mut unwanted) {
                Some(asked) => read.asked.push(asked),
                None => read.contradicted.push(words),
            }
        }
        read.silenced = unwanted.into_iter().map(|it| it.silenced).collect();
        read.forces = if is_exclusive { Forces::only(read.asked.len()) } else { Forces::Full };
        read
    }
}

/// An instrument that is asked for, before it is known what is avoided.
struct Wanted {
    asked: Asked,
    /// How many instruments would be silenced if it were not wanted.
    breadth: usize,
}

/// Something that is to be avoided.
struct Unwanted {
    silenced: Silenced,
    /// Whether more is said of it than the table knows, as in "no heavy drums".
    is_qualified: bool,
}

impl Wanted {
    /// Of what is asked for and silenced at once the narrower wins: "solo cello, no strings" has a cello, "strings, no strings" has
    /// none.
    fn against(mut self, unwanted: &mut [Unwanted]) -> Option<Asked> {
        let candidates = &self.asked.candidates;
        let is_covered = |it: &Unwanted| candidates.iter().all(|one| it.silenced.instruments.contains(one));
        let is_as_narrow = |it: &Unwanted| !it.is_qualified && it.silenced.instruments.len() <= self.breadth;
        if unwanted.iter().any(|it| is_covered(it) && is_as_narrow(it)) {
            return None;
        }
        if unwanted.iter().any(is_covered) {
            unwanted.iter_mut().for_each(|it| it.silenced.spare(candidates));
        } else {
            self.asked.candidates.retain(|one| !unwanted.iter().any(|it| it.silenced.instruments.contains(one)));
        }
        (!self.asked.candidates.is_empty()).then_some(self.asked)
    }
}

impl Unwanted {
    fn new(sentence: &Sentence, mention: &Mention) -> Self {
        let Entry { instruments, parts, drums, .. } = mention.entry.clone();
        let words = sentence.text(mention.tokens.clone()).to_lowercase();
        let is_qualified = mention.is_qualified;
        Self { silenced: Silenced { words, instruments, parts, drums }, is_qualified }
    }
}

impl Silenced {
    /// Lets these play in spite of it.
    fn spare(&mut self, instruments: &[Instrument]) {
        let is_kit = instruments.iter().any(|one| one.is_kit());
        if instruments.iter().any(|one| self.instruments.contains(one)) {
            self.parts.retain(|part| part.is_drums() != is_kit);
        }
        self.instruments.retain(|one| !instruments.contains(one));
    }
}

/// Adds whom a mention asks for, unless they are there.
fn ask(wanted: &mut Vec<Wanted>, sentence: &Sentence, mention: &Mention) {
    let entry = mention.entry;
    for players in &entry.players {
        let is_there = wanted.iter().any(|it| it.asked.candidates[0] == players[0]);
        if is_there {
            continue;
        }
        let words = sentence.text(mention.tokens.clone()).to_lowercase();
        let asked = Asked { words, candidates: players.clone(), is_exact: entry.kind != Kind::Nearest };
        let breadth = entry.instruments.len();
        wanted.extend((0..mention.players).map(|_| Wanted { asked: asked.clone(), breadth }));
    }
}

/// What one thing that is avoided names. Where a solo is not wanted, its player may be.
fn unwanted(text: &str, styles: &[&str]) -> Vec<Unwanted> {
    let sentence = Sentence::new(text);
    let mentions = mention::find(&sentence, styles);
    let is_whole = |mention: &&Mention| !matches!(sentence.word(mention.tokens.end), "solo" | "solos");
    let named = mentions.iter().filter(is_whole).map(|mention| Unwanted::new(&sentence, mention));
    named.filter(|it| it.silenced != Silenced { words: it.silenced.words.clone(), ..Silenced::default() }).collect()
}

#[cfg(test)]
mod tests;
