//! Words that negate, and what belongs to them.

use std::ops::Range;

use super::phrase::Phrase;

/// Most words of one thing that is negated.
const LONGEST: usize = 4;

/// A negation.
pub(super) struct Found {
    /// All that is taken out of the prompt.
    pub tokens: Range<usize>,
    /// What it negates.
    pub avoided: Vec<String>,
}

/// What follows a word that makes it another word.
const AFTER_NO: &str = "one longer matter doubt wonder way idea problem problems limit limits time man's man end \
    country less sooner and or to but nonsense frills stopping turning going surrender mercy escape hope fear rush \
    hurry worries good joke exit";
const AFTER_NOT: &str = "only just merely simply solely even yet to unlike without least necessarily sure for if all \
    everything much many one that at until because as when enough going knowing quite always every everyone more \
    less in on with from by of and or but i you we they he she it this these those here there long far exactly \
    entirely fade die stop go be have";
const AFTER_WITHOUT: &str = "doubt end fail warning question hesitation delay exception limit limits you me us him \
    her them it borders being";
const AFTER_ZERO: &str = "gravity hour g degrees day sum to point";
/// What precedes "not" before a verb.
const BEFORE_NOT: &str = "why if or whether did does could will would can cannot has have had may might must was were \
    they i we you";
const BEFORE_FREE: &str = "break breaking breaks set sets run running feel feeling roam roaming";
const FREE: &str = "royalty copyright care worry stress risk hands duty tax scot fat sugar trouble pain carefree cost";
/// Words that lead up to what is negated, and say nothing of it.
const LEADING: &str = "a all an any being hint hints it kind kinds lots more much of other overly particularly real \
    really single so some sort sorts such that the their too trace traces type types use very whatsoever your";
/// Words that say more of "not" without being what is meant.
const DEGREES: [&str; 6] = ["too", "very", "so", "overly", "really", "particularly"];
/// Words that end it.
const STOPS: &str = "above after against also although and around as at because before behind below between but by \
    during except excepting for from have here i if in instead into is are be it just like near nor of off on only \
    or over please plus rather since so that then there these they this those though through throughout to under \
    until was we were when where which while who with yet you";
/// Words that are said after it, for nothing more.
const TRAILING: [&[&str]; 8] = [
    &["at", "all"],
    &["whatsoever"],
    &["please"],
    &["either"],
    &["anymore"],
    &["anywhere"],
    &["in", "it"],
    &["thanks"],
];
/// Words before it that say nothing without it.
const CONNECTING: &str = "absolutely and are be but completely definitely has have having i in is it's must no not or \
    please preferably should strictly that the there there's totally want with without yet";
/// What begins another thing that is asked for, without a comma or after "and".
const QUALITIES: &str = "calm quiet slow fast soft gentle loud warm dark bright happy sad tense simple sparse minimal \
    dreamy peaceful mellow ambient acoustic instrumental melancholic hopeful epic steady light heavy deep slowly \
    quietly softly relaxing romantic";
const MASS: [&str; 3] = ["percussion", "singing", "drumming"];
const LESS: [(&str, &str); 4] =
    [("drum", "drums"), ("beat", "beat"), ("percussion", "percussion"), ("vocal", "vocals")];

/// The negation that begins at `at`.
pub(super) fn find(phrase: &Phrase, at: usize) -> Option<Found> {
    if let Some(avoided) = compound(phrase.word(at)) {
        return Some(Found { tokens: at..at + 1, avoided: vec![avoided] });
    }
    let length = trigger(phrase, at).filter(|_| !phrase.is_title(at))?;
    let (avoided, end) = objects(phrase, at + length);
    if avoided.is_empty() {
        return None;
    }
    let avoided = avoided.into_iter().map(|tokens| phrase.text(tokens).to_string()).collect();
    Some(Found { tokens: start(phrase, at)..trailing(phrase, end), avoided })
}

/// How many words at `at` negate what follows them.
fn trigger(phrase: &Phrase, at: usize) -> Option<usize> {
    let [first, second, third] = [0, 1, 2].map(|i| phrase.word(at + i));
    let before = phrase.before(at);
    let count = match (first, second, third) {
        ("no", "strings", "attached") => None,
        ("no", "more", next) => (!next.is_empty() && next != "than").then_some(2),
        ("no", next, _) => (!is_in(AFTER_NO, next)).then_some(1),
        ("without", "a", "doubt" | "trace" | "break" | "pause") | ("without", "any", "doubt") => None,
        ("without", "being", _) => Some(2),
        ("without" | "w/o", next, _) => (!is_in(AFTER_WITHOUT, next) && !is_in("not never or", before)).then_some(1),
        ("zero", next, _) => (!is_in(AFTER_ZERO, next)).then_some(1),
        ("sans" | "minus" | "lacking" | "excluding" | "omitting" | "avoiding" | "avoid" | "exclude" | "omit", ..) => {
            Some(1)
        }
        ("except", "for", _) | ("devoid" | "instead", "of", _) | ("rather", "than", _) => Some(2),
        ("except" | "excepting", next, _) => (next != "that").then_some(1),
        ("free", "of" | "from", _) => (!is_in(BEFORE_FREE, before)).then_some(2),
        ("absence" | "lack", "of", _) | ("anything" | "everything", "but", _) | ("leave" | "leaving", "out", _) => {
            Some(2)
        }
        ("don't" | "dont", verb, _) if is_wish(verb) => Some(2),
        ("do", "not", verb) if is_wish(verb) => Some(3),
        ("not", "be", _) => is_in("must shall should", before).then_some(2),
        ("not", verb, next) if verb.ends_with("ing") && !next.is_empty() => None,
        ("not", degree, next) if DEGREES.contains(&degree) && phrase.says(next, at) => None,
        ("not", next, _) => (!is_in(AFTER_NOT, next) && !is_in(BEFORE_NOT, before)).then_some(1),
        ("isn't" | "aren't" | "shouldn't", "be", _) => Some(2),
        ("isn't" | "aren't" | "neither", ..) => Some(1),
        ("nothing" | "never", degree, _) if DEGREES.contains(&degree) => Some(1),
        _ => None,
    };
    // A number is a title's ("No. 5"), or counted off ("minus 6 dB").
    count.filter(|count| phrase.word(at + count).contains(char::is_alphabetic))
}

fn is_wish(verb: &str) -> bool {
    is_in("want need use include add play like put give make", verb)
}

/// What a word such as "drum-free" or "drumless" is without.
fn compound(word: &str) -> Option<String> {
    if let Some(stem) = word.strip_suffix("-free") {
        return (!is_in(FREE, stem)).then(|| stem.to_string());
    }
    let stem = word.strip_suffix("less")?.trim_end_matches('-');
    LESS.iter().find(|(known, _)| *known == stem).map(|(_, avoided)| avoided.to_string())
}

/// All that is negated from `at` on, and where that ends.
fn objects(phrase: &Phrase, mut at: usize) -> (Vec<Range<usize>>, usize) {
    let (mut found, mut end) = (Vec::new(), at);
    while let Some(object) = object(phrase, at) {
        end = object.end;
        found.push(object);
        let Some(next) = more(phrase, end, &mut found) else { break };
        at = next;
    }
    match found.last() {
        Some(last) => end = end.max(last.end),
        None => end = at,
    }
    (found, end)
}

/// Where the list that has come to `end` goes on; a list between commas is added to `found` as a whole, but for its last.
fn more(phrase: &Phrase, end: usize, found: &mut Vec<Range<usize>>) -> Option<usize> {
    let is_new = |at: usize| trigger(phrase, at).is_some();
    match phrase.word(end) {
        "or" | "nor" => (!is_new(end + 1)).then_some(end + 1),
        "and" => {
            let next = object(phrase, end + 1).filter(|_| !is_new(end + 1))?;
            let is_plain = next.len() == 1 && next.start == end + 1 && phrase.is_end(next.end);
            (is_plain && !is_in(QUALITIES, phrase.word(next.start))).then_some(end + 1)
        }
        _ => {
            let (listed, last) = listed(phrase, end)?;
            found.extend(listed);
            Some(last)
        }
    }
}

/// The things between commas at `at`, if the last of them follows an "or": else what follows a comma is asked for.
fn listed(phrase: &Phrase, mut at: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let mut found = Vec::new();
    while phrase.is_comma(at) {
        if matches!(phrase.word(at + 1), "or" | "nor") {
            return (trigger(phrase, at + 2).is_none()).then_some((found, at + 2));
        }
        let next = object(phrase, at + 1).filter(|next| next.len() <= 2 && trigger(phrase, at + 1).is_none())?;
        at = next.end;
        found.push(next);
        if matches!(phrase.word(at), "or" | "nor") {
            return (trigger(phrase, at + 1).is_none()).then_some((found, at + 1));
        }
    }
    None
}

/// One thing that is negated: the words of a noun, as far as can be told.
fn object(phrase: &Phrase, mut at: usize) -> Option<Range<usize>> {
    while is_in(LEADING, phrase.word(at)) {
        at += 1;
    }
    let start = at;
    while at < start + LONGEST && goes_on(phrase, start, at) {
        at += 1;
    }
    (at > start).then_some(start..at)
}

/// Whether the word at `at` belongs to the thing that begins at `start`. Where words follow a plural, they are others.
fn goes_on(phrase: &Phrase, start: usize, at: usize) -> bool {
    let word = phrase.word(at);
    let before = if at > start { phrase.word(at - 1) } else { "" };
    let is_plural = before.len() > 3 && before.ends_with('s') && !before.ends_with("ss") && !before.ends_with("ous");
    let is_over = is_plural || MASS.contains(&before);
    let is_trailing = at > start && trailing(phrase, at) > at;
    let is_quality = at > start && is_in(QUALITIES, word);
    let is_new = is_quality || trigger(phrase, at).is_some() || compound(word).is_some();
    !(word.is_empty() || is_over || is_trailing || is_new || is_in(STOPS, word))
}

/// Where what is said after a negation for nothing more ends; a "but" or "except" then only opens what is asked for.
fn trailing(phrase: &Phrase, mut end: usize) -> usize {
    let says = |end: usize, words: &[&str]| words.iter().enumerate().all(|(i, word)| phrase.word(end + i) == *word);
    while let Some(words) = TRAILING.into_iter().find(|words| says(end, words)) {
        end += words.len();
    }
    let opens = match phrase.word(end) {
        "except" if phrase.word(end + 1) == "for" => 2,
        "but" | "except" => 1,
        _ => 0,
    };
    let is_negated_again = trigger(phrase, end + opens).is_some();
    if opens > 0 && !phrase.is_end(end + opens) && !is_negated_again { end + opens } else { end }
}

/// Where the words before a negation begin that say nothing without it.
fn start(phrase: &Phrase, at: usize) -> usize {
    let mut start = at;
    while is_in(CONNECTING, phrase.before(start)) {
        start -= 1;
    }
    start
}

fn is_in(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split_ascii_whitespace().any(|listed| listed == word)
}
