//! Whether anybody plays beside those who are named.

use super::mention::Mention;
use super::sentence::{Sentence, is_joint};
use super::table::Kind;

/// Of one who may have company that is named.
const SOLO: &str = "solo lone unaccompanied solitary single";
/// Before those who have no company.
const ONLY: &str = "only just solely purely exclusively for";
/// After those who have none.
const ALONE: [&str; 9] = [
    "alone",
    "only",
    "by itself",
    "by themselves",
    "on its own",
    "on their own",
    "and nothing else",
    "in isolation",
    "unaccompanied",
];
/// How many a word is for.
const GROUPS: [(&str, usize); 6] = [("duo", 2), ("duet", 2), ("duets", 2), ("trio", 3), ("quartet", 4), ("quintet", 5)];
/// Everybody else.
const REST: [&str; 9] = [
    "instrument",
    "instruments",
    "other instruments",
    "anything else",
    "everything else",
    "accompaniment",
    "backing",
    "others",
    "anyone else",
];
/// Most words between two names of one list.
const APART: usize = 4;

/// Whether something that is avoided is everybody who is not named.
pub(super) fn is_the_rest(avoided: &str) -> bool {
    REST.contains(&avoided.trim().to_lowercase().as_str())
}

/// Whether those who are named play and nobody else. A group of one instrument has as many players as it says.
pub(super) fn is_exclusive(sentence: &Sentence, mentions: &mut [Mention]) -> bool {
    let has_company = mentions.iter().any(|mention| mention.entry.kind == Kind::Group);
    let mut named: Vec<&mut Mention> = mentions.iter_mut().filter(|mention| mention.asks()).collect();
    if named.is_empty() || has_company {
        return false;
    }
    if named.iter().any(|mention| mention.entry.kind == Kind::Only) || is_group(sentence, &mut named) {
        return true;
    }
    let named: Vec<&Mention> = named.iter().map(|mention| &**mention).collect();
    // A solo of one who is not the only one named is a lead.
    named.iter().all(|mention| is_solo(sentence, mention, &named))
        || named.len() == 1 && (0..sentence.len()).any(|at| is_in(SOLO, sentence.word(at)))
        || is_chain(sentence, &named) && (is_only(sentence, named[0]) || is_left(sentence, named[named.len() - 1]))
}

/// Whether it is a group of as many as are named, or of one instrument, which then has so many players.
fn is_group(sentence: &Sentence, named: &mut [&mut Mention]) -> bool {
    let said = (0..sentence.len()).find_map(|at| {
        let (_, size) = GROUPS.into_iter().find(|(word, _)| *word == sentence.word(at))?;
        Some((at, size))
    });
    let Some((at, size)) = said else { return false };
    let players: usize = named.iter().map(|mention| mention.players * mention.entry.players.len()).sum();
    let is_named = players == size;
    if let [only] = named
        && !is_named
        && at == only.tokens.end
        && sentence.mark(at).is_none()
    {
        only.players = size;
        return true;
    }
    is_named
}

/// Whether it is said of a mention that it plays alone.
fn is_solo(sentence: &Sentence, mention: &Mention, named: &[&Mention]) -> bool {
    let (start, end) = (mention.tokens.start, mention.tokens.end);
    let is_before = back(sentence, start).any(|at| is_in(SOLO, sentence.word(at)))
        || (start..end).any(|at| matches!(sentence.word(at), "solo" | "lone"));
    let is_of_next = named.iter().any(|next| next.tokens.start == end + 1 && sentence.mark(end + 1).is_none());
    is_before || matches!(sentence.word(end), "solo" | "solos" | "unaccompanied" | "alone") && !is_of_next
}

/// Whether what is named from here on is all there is.
fn is_only(sentence: &Sentence, first: &Mention) -> bool {
    let begins = back(sentence, first.tokens.start).last().unwrap_or(first.tokens.start);
    let mut before = (0..begins).rev();
    let at = before.find(|at| !matches!(sentence.word(*at), "a" | "an" | "the" | "one"));
    let is_near = |at: &usize| (at + 1..=begins).all(|next| sentence.mark(next).is_none());
    let said = |at: usize| is_in(ONLY, sentence.word(at)) || at > 0 && sentence.says(at - 1, "nothing but");
    let inside = || back(sentence, first.tokens.start).any(|at| is_in(ONLY, sentence.word(at)));
    at.filter(is_near).is_some_and(said) || inside()
}

/// Whether nothing is left beside what is named up to here.
fn is_left(sentence: &Sentence, last: &Mention) -> bool {
    ALONE.iter().any(|phrase| sentence.says(last.tokens.end, phrase))
}

/// Whether the names are one list.
fn is_chain(sentence: &Sentence, named: &[&Mention]) -> bool {
    const LINKS: &str = "a an and or plus the with its";
    named.windows(2).all(|pair| {
        let between = pair[0].tokens.end..pair[1].tokens.start;
        let is_linked = |at: usize| !is_joint(sentence.word(at)) || is_in(LINKS, sentence.word(at));
        let is_marked = (between.start..=between.end).all(|at| matches!(sentence.mark(at), None | Some(',' | '/')));
        between.len() <= APART && is_marked && between.into_iter().all(is_linked)
    })
}

/// The words before a name that say more of it, backwards.
fn back<'a>(sentence: &'a Sentence, start: usize) -> impl Iterator<Item = usize> + use<'a> {
    let goes_on = move |at: &usize| sentence.mark(at + 1).is_none() && !is_joint(sentence.word(*at));
    (0..start).rev().take(3).take_while(goes_on)
}

fn is_in(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split_ascii_whitespace().any(|listed| listed == word)
}
