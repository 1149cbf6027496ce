//! Where a sentence names instruments.

use std::ops::Range;

use super::sentence::{Sentence, is_joint};
use super::table::{Entry, Kind, Name, TABLE};

/// Most words between a name and what says more of it.
const REACH: usize = 3;
/// What precedes a word that stands by itself, besides a mark.
const BEFORE_VAGUE: &str = "a and on or over play playing plus solo the with";
/// What is joined to a name of what is only like it.
const LIKENESS: [&str; 4] = ["like", "esque", "ish", "style"];
/// Music for others to join, or beside which they are heard.
const BACKING: &str =
    "accompaniment backing background bed bedding place room space track tracks underneath underscore";

/// An instrument that is named.
#[derive(Clone)]
pub(super) struct Mention {
    /// Its name and what chooses it ("muted jazz trumpet").
    pub tokens: Range<usize>,
    pub entry: &'static Entry,
    /// How many of it.
    pub players: usize,
    /// Whether more is said of it right before its name.
    pub is_qualified: bool,
}

impl Mention {
    /// Whether it asks for somebody.
    pub fn asks(&self) -> bool {
        !self.entry.players.is_empty()
    }
}

/// What is named, the longest names first.
pub(super) fn find(sentence: &Sentence, styles: &[&str]) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut at = 0;
    while at < sentence.len() {
        let Some((length, entry, name)) = longest(sentence, at, styles) else {
            at += 1;
            continue;
        };
        let (tokens, end) = (at..at + length, at + length);
        if name.is_adjective && says_more(sentence, end, styles) {
            at += 1;
            continue;
        }
        at = end;
        let is_likeness = sentence.is_hyphenated(end) && LIKENESS.contains(&sentence.word(end));
        let is_meant = !name.is_vague || stands_alone(sentence, &tokens);
        if is_meant && !is_likeness {
            let earliest = found.last().map_or(0, |last| last.tokens.end);
            found.push(refined(sentence, Mention { tokens, entry, players: 1, is_qualified: false }, earliest, styles));
        }
    }
    found.dedup_by(|next, name| is_said_again(sentence, name, next));
    found.retain(|mention| mention.entry.kind != Kind::Other || !mention.entry.parts.is_empty());
    found.retain(|mention| !is_left_to_others(sentence, mention));
    found
}

/// Words, meaning and use of a name.
type Found = (usize, &'static Entry, Name);

/// The longest name at `at` into which no other reaches: in "drum and bass guitar" that is "drum".
fn longest(sentence: &Sentence, at: usize, styles: &[&str]) -> Option<Found> {
    let reaches = |from: usize, end: usize| names(sentence, from, styles).any(|(length, ..)| from + length > end);
    names(sentence, at, styles).find(|(length, ..)| !(at + 1..at + length).any(|from| reaches(from, at + length)))
}

/// All names at `at`, the longest first.
fn names(sentence: &Sentence, at: usize, styles: &[&str]) -> impl Iterator<Item = Found> {
    let longest = if TABLE.begins(sentence.word(at)) { TABLE.longest } else { 0 };
    (1..=longest).rev().filter_map(move |length| {
        let (entry, name) = TABLE.find(&sentence.phrase(at..at + length)?, styles)?;
        Some((length, entry, name))
    })
}

/// Whether an instrument is named at `at` or after one more word, in the same clause.
fn says_more(sentence: &Sentence, at: usize, styles: &[&str]) -> bool {
    let is_named = |at: usize| longest(sentence, at, styles).is_some_and(|(_, entry, _)| !entry.players.is_empty());
    let is_near = |at: usize| !sentence.is_edge(at) && is_named(at);
    is_near(at) || !sentence.is_edge(at) && !is_joint(sentence.word(at)) && is_near(at + 1)
}

/// Whether nothing about the words makes them others.
fn stands_alone(sentence: &Sentence, tokens: &Range<usize>) -> bool {
    let before = || sentence.word(tokens.start - 1);
    let is_begun = sentence.is_edge(tokens.start) || BEFORE_VAGUE.split(' ').any(|word| word == before());
    is_begun && (sentence.is_edge(tokens.end) || is_joint(sentence.word(tokens.end)))
}

/// The same with the words before it that choose among what it may be, back to `earliest`, and with their number.
fn refined(sentence: &Sentence, mut mention: Mention, earliest: usize, styles: &[&str]) -> Mention {
    let Range { mut start, end } = mention.tokens;
    let names = [start..end, end - 1..end].map(|name| sentence.phrase(name).unwrap_or_default());
    for at in (earliest..start).rev().take(REACH) {
        if sentence.mark(at + 1).is_some() || is_joint(sentence.word(at)) {
            break;
        }
        let chosen = names.iter().find_map(|name| TABLE.find(&format!("{} {name}", sentence.word(at)), styles));
        let is_kin = |entry: &Entry| match &entry.players[..] {
            [one] => mention.entry.instruments.contains(&one[0]) || mention.entry.players.concat().contains(&one[0]),
            _ => false,
        };
        if let Some((entry, _)) = chosen.filter(|(entry, _)| is_kin(entry)) {
            (mention.entry, start) = (entry, at);
            break;
        }
    }
    mention.tokens = start..end;
    let is_led = start > earliest && sentence.mark(start).is_none();
    mention.is_qualified = is_led && !is_joint(sentence.word(start - 1));
    let is_melodic = mention.entry.players.first().is_some_and(|one| !one[0].is_kit());
    mention.players = if is_led && is_melodic { number(sentence.word(start - 1)) } else { 1 };
    mention
}

/// Whether `next` only says what `name` is, as in "ney flute".
fn is_said_again(sentence: &Sentence, name: &Mention, next: &Mention) -> bool {
    let tokens = &next.tokens;
    let is_plain =
        tokens.len() == 1 && matches!(sentence.word(tokens.start), "flute" | "fiddle" | "guitar" | "drum" | "drums");
    let is_joined = tokens.start == name.tokens.end && sentence.mark(tokens.start).is_none();
    let first = |mention: &Mention| mention.entry.players.first().map(|one| (one[0].is_kit(), one[0].number() / 8));
    is_plain && is_joined && first(name) == first(next)
}

/// What follows is asked of others: "a backing track for guitar".
fn is_left_to_others(sentence: &Sentence, mention: &Mention) -> bool {
    let before = |back: usize| mention.tokens.start.checked_sub(back).map_or("", |at| sentence.word(at));
    let at = (1..=2).find(|back| before(*back) == "for");
    at.is_some_and(|back| BACKING.split(' ').any(|word| word == before(back + 1)))
}

fn number(word: &str) -> usize {
    match word {
        "two" | "2" | "twin" | "dual" => 2,
        "three" | "3" => 3,
        "four" | "4" => 4,
        _ => 1,
    }
}
