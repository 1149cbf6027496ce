//! The names of instruments, out of `instruments.txt`, which says how it is written.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use score::{Instrument, Part};

/// The kits of the GS standard.
const KITS: [u8; 8] = [0, 8, 16, 24, 25, 32, 40, 48];
const FILE: &str = include_str!("instruments.txt");

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(FILE).expect("every line is tested"));

/// All names.
pub(super) struct Table {
    entries: Vec<Entry>,
    /// By what is said: the style that means this by it, none for every other, and what is meant.
    names: HashMap<String, Vec<(Option<&'static str>, Name)>>,
    /// The first words of all names.
    first: HashSet<String>,
    /// Words of the longest name.
    pub longest: usize,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub kind: Kind,
    /// What may play, best first, for each player.
    pub players: Vec<Vec<Instrument>>,
    /// What is silenced where it is not wanted.
    pub instruments: Vec<Instrument>,
    pub parts: Vec<Part>,
    pub drums: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exact,
    Nearest,
    Only,
    Group,
    Mute,
    Other,
}

/// How a name is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    entry: usize,
    /// Whether it says more of an instrument that follows.
    pub is_adjective: bool,
    /// Whether it is another word unless it stands by itself.
    pub is_vague: bool,
}

impl Table {
    fn parse(file: &'static str) -> Option<Self> {
        let mut table = Self { entries: Vec::new(), names: HashMap::new(), first: HashSet::new(), longest: 0 };
        for line in file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            table.push(line)?;
        }
        Some(table)
    }

    fn push(&mut self, line: &'static str) -> Option<()> {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [kind, style, players, silenced, names] = columns[..] else { return None };
        self.entries.push(Entry::parse(kind, players, silenced)?);
        let (entry, style) = (self.entries.len() - 1, Some(style).filter(|style| *style != "-"));
        for name in names.split(',').map(str::trim) {
            let (is_adjective, is_vague) = (name.starts_with('~'), name.starts_with('?'));
            let said = name.trim_start_matches(['~', '?']);
            self.longest = self.longest.max(said.split(' ').count());
            self.first.extend(said.split(' ').next().map(String::from));
            self.names.entry(said.into()).or_default().push((style, Name { entry, is_adjective, is_vague }));
        }
        Some(())
    }

    /// Whether any name begins with a word, or is that word in the singular.
    pub fn begins(&self, word: &str) -> bool {
        self.first.contains(word) || singular(word).is_some_and(|word| self.first.contains(&word))
    }

    /// What `said` stands for in one of `styles`, or else in any: as it is, in the singular, or of more words in the plural.
    pub fn find(&self, said: &str, styles: &[&str]) -> Option<(&Entry, Name)> {
        let exact = |said: &str| self.names.get(said);
        let plural = || said.contains(' ').then(|| exact(&format!("{said}s"))).flatten();
        let meanings = exact(said).or_else(|| exact(&singular(said)?)).or_else(plural)?;
        let of = |wanted: Option<&str>| meanings.iter().find(|(style, _)| *style == wanted);
        let (_, name) = styles.iter().find_map(|style| of(Some(style))).or_else(|| of(None))?;
        Some((&self.entries[name.entry], *name))
    }
}

impl Entry {
    fn parse(kind: &str, players: &str, silenced: &str) -> Option<Self> {
        let kind = match kind {
            "exact" => Kind::Exact,
            "nearest" => Kind::Nearest,
            "only" => Kind::Only,
            "group" => Kind::Group,
            "mute" => Kind::Mute,
            "other" => Kind::Other,
            _ => return None,
        };
        let mut entry = Self { kind, players: vec![], instruments: vec![], parts: vec![], drums: vec![] };
        for player in players.split(';').filter(|player| *player != "-") {
            entry.players.push(player.split_whitespace().map(instrument).collect::<Option<_>>()?);
        }
        match silenced {
            "-" => entry.instruments = entry.players.concat(),
            _ => silenced.split_whitespace().try_for_each(|word| entry.silence(word))?,
        }
        Some(entry)
    }

    /// Adds a word of what is silenced.
    fn silence(&mut self, word: &str) -> Option<()> {
        if let Some(part) = Part::ALL.into_iter().find(|part| part.name() == word) {
            self.parts.push(part);
            self.instruments.extend(KITS.into_iter().filter(|_| part.is_drums()).map(Instrument::Kit));
        } else if let Some(drum) = word.strip_prefix('d') {
            self.drums.push(number(drum)?);
        } else {
            self.instruments.extend(range(word)?.map(Instrument::Program));
        }
        Some(())
    }
}

fn instrument(word: &str) -> Option<Instrument> {
    match word.strip_prefix('k') {
        Some(kit) => number(kit).map(Instrument::Kit),
        None => number(word).map(Instrument::Program),
    }
}

fn range(word: &str) -> Option<RangeInclusive<u8>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(number(first)?..=number(last)?)
}

fn number(word: &str) -> Option<u8> {
    word.parse().ok().filter(|number| *number < 128)
}

/// A phrase with its last word in the singular.
fn singular(said: &str) -> Option<String> {
    let stem = said.strip_suffix('s').filter(|stem| stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']))?;
    let has_e = ["sse", "she", "che", "xe"].iter().any(|end| stem.ends_with(end));
    Some(if has_e { stem[..stem.len() - 1].into() } else { stem.into() })
}

#[cfg(test)]
mod tests {
    use super::super::sentence::is_style;
    use super::*;

    #[test]
    fn every_line_says_what_plays_and_no_name_means_two_things_in_one_style() {
        assert!(FILE.lines().filter(|line| line.contains('|') && !line.starts_with('#')).all(|line| {
            let mut table = Table { entries: vec![], names: HashMap::new(), first: HashSet::new(), longest: 0 };
            assert!(table.push(line).is_some(), "{line}");
            let entry = &table.entries[0];
            let asks = matches!(entry.kind, Kind::Exact | Kind::Nearest | Kind::Only);
            asks != entry.players.is_empty()
        }));
        for (said, meanings) in &TABLE.names {
            for (i, (style, _)) in meanings.iter().enumerate() {
                assert!(style.is_none_or(is_style), "{said} in {style:?}");
                assert!(meanings[..i].iter().all(|(other, _)| other != style), "{said} in {style:?}");
            }
            assert!(meanings.iter().any(|(style, _)| style.is_none()), "{said} has no plain meaning");
            assert!(said.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == ' '), "{said}");
        }
    }

    /// The numbers of a table of `words.py` and the phrases of each.
    fn phrases(source: &str, table: &str) -> Vec<(u8, Vec<String>)> {
        let body = source.split_once(&format!("{table}: dict")).expect(table).1.split_once("})").expect("its end").0;
        let mut rows: Vec<(u8, String)> = Vec::new();
        for (i, piece) in body.split('"').enumerate() {
            let last = piece.rsplit(['{', ',']).next().unwrap_or_default();
            match (i % 2, last.trim().trim_end_matches(':').parse()) {
                (0, Ok(number)) => rows.push((number, String::new())),
                (1, _) => rows.last_mut().expect("a number comes first").1.push_str(piece),
                _ => {}
            }
        }
        rows.into_iter().map(|(number, row)| (number, row.split('|').map(|it| it.trim().into()).collect())).collect()
    }

    #[test]
    fn every_name_of_the_captions_is_known_as_what_they_call_so() {
        let source = include_str!("../../../bundles/mini/recipe/words.py");
        let mut meant: HashMap<String, Vec<Instrument>> = HashMap::new();
        for (table, kind) in [("INSTRUMENTS", Instrument::Program as fn(u8) -> Instrument), ("KITS", Instrument::Kit)] {
            for (number, names) in phrases(source, table) {
                names.into_iter().for_each(|name| meant.entry(name).or_default().push(kind(number)));
            }
        }
        assert!(meant.len() > 500, "{}", meant.len());
        let is_known = |name: &str, meant: &[Instrument]| {
            let entry = TABLE.find(&name.replace('-', " "), &[]).map(|(entry, _)| entry);
            entry.is_some_and(|entry| entry.players.concat().iter().any(|one| meant.contains(one)))
        };
        meant.retain(|name, meant| !is_known(name, meant));
        assert!(meant.is_empty(), "{meant:?}");
        let drums = source.split_once("DRUMS = _group(\"").expect("DRUMS").1.split_once('"').expect("its end").0;
        for name in drums.split('|') {
            let (entry, _) = TABLE.find(name, &[]).unwrap_or_else(|| panic!("{name} is not known"));
            assert!(entry.players[0].contains(&Instrument::Kit(0)), "{name}: {entry:?}");
        }
    }

    #[test]
    fn plurals_are_known_and_words_that_only_end_so_stay() {
        for (said, number) in [("pianos", 0), ("french horns", 60), ("church organs", 19), ("double basses", 32)] {
            assert_eq!(TABLE.find(said, &[]).expect(said).0.players[0][0], Instrument::Program(number), "{said}");
        }
        for said in ["key", "vibe", "string", "pipe", "glas", "pianoes"] {
            assert!(TABLE.find(said, &[]).is_none(), "{said}");
        }
    }
}
