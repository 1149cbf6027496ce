//! Words that are right as they are, and words that captions are made of.
//!
//! `lexicon/make.py` made both lists: English of both spellings from SCOWL (its notice is `lexicon/LICENSE-SCOWL`), the
//! terms of music in `lexicon/terms.txt`, and the captions of `bundles/mini/recipe`.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;
use tokenizers::NormalizedString;

/// One word a line, sorted, as are those of captions.
static WORDS: LazyLock<String> = LazyLock::new(|| {
    let mut words = String::new();
    let mut packed = ZlibDecoder::new(&include_bytes!("lexicon/english.z")[..]);
    packed.read_to_string(&mut words).expect("packed by make.py");
    words
});
/// Words of music, of many languages.
static TERMS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("lexicon/terms.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});
const CAPTIONS: &str = include_str!("lexicon/captions.txt");
/// What joins words and says nothing of the music.
const JOINTS: &str = "a about after again all also always an and any are as at be been before between both but by \
    can could did do does each every few for from get give had has have he her here him his how i if in into is it \
    its just less let like made make makes many may me might more most much must my near never no nor not of off on \
    once one only onto or our out per play played playing please shall she should so some something sound sounding \
    sounds such than that the their them then there these they this those through thru to too until up upon us very \
    via want was we were what when where which while who will with within would you your";

/// `text` as the lists have it: lower-case, without accents.
pub(super) fn plain(text: &str) -> String {
    let mut text = NormalizedString::from(text);
    text.nfkd().filter(|c| !is_accent(c)).lowercase();
    text.get().to_string()
}

/// Whether a [plain](plain) word of four letters or more is English or of music.
pub(super) fn is_word(word: &str) -> bool {
    holds(&WORDS, word)
}

/// Whether a [plain](plain) word is one of music that general word lists lack.
pub(super) fn is_term(word: &str) -> bool {
    TERMS.contains(word)
}

/// Whether a [plain](plain) word is one that captions use.
pub(super) fn is_of_captions(word: &str) -> bool {
    holds(CAPTIONS, word)
}

/// Whether a [plain](plain) word means nothing by itself.
pub(super) fn is_joint(word: &str) -> bool {
    JOINTS.split_ascii_whitespace().any(|joint| joint == word)
}

/// Whether `c` goes on with a word; those of decomposed text have their accents apart.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphabetic() || is_accent(c)
}

/// Whether `c` is an apostrophe, typed or typeset.
pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether sorted `lines` has a line that is `word`.
fn holds(lines: &str, word: &str) -> bool {
    find(lines, |line| line.cmp(word)).is_some()
}

/// The line of sorted `lines` that is where `order` says.
pub(super) fn find(lines: &str, order: impl Fn(&str) -> Ordering) -> Option<&str> {
    let (mut low, mut high) = (0, lines.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let before = lines.as_bytes()[low..middle].iter().rposition(|byte| *byte == b'\n');
        let start = before.map_or(low, |at| low + at + 1);
        let line = lines[start..].split('\n').next().unwrap_or_default();
        match order(line) {
            Ordering::Less => low = start + line.len() + 1,
            Ordering::Greater => high = start,
            Ordering::Equal => return Some(line),
        }
    }
    None
}

/// All words that are right as they are.
#[cfg(test)]
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.lines()
}

/// All words that captions use.
#[cfg(test)]
pub(super) fn captions() -> impl Iterator<Item = &'static str> {
    CAPTIONS.lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_what_stands_between_two_is_not() {
        for lines in [&WORDS[..], CAPTIONS] {
            for word in lines.lines() {
                assert!(holds(lines, word), "{word}");
                assert!(!holds(lines, &format!("{word}\u{1}")), "{word}");
            }
            assert!(!holds(lines, ""));
        }
    }

    #[test]
    fn english_of_both_spellings_and_music_of_all_lands_are_words() {
        for word in "then they enter father spring fade colour color organise organize theatre theater enters \
            entered beautifully adagio pizzicato ostinato sforzando duduk theremin kazoo ukulele erhu shakuhachi \
            hurdy gurdy guzheng bandoneon beethoven morricone dubstep reggaeton phrygian arpeggiator"
            .split_whitespace()
        {
            assert!(is_word(word), "{word}");
        }
        for slip in ["paino", "stirngs", "melancolic", "underscor", "staccatto", "gutar", "chior", "thren", "ener"] {
            assert!(!is_word(slip), "{slip}");
        }
    }

    #[test]
    fn plain_words_have_no_capitals_and_no_accents() {
        assert_eq!(
            (plain("Café"), plain("CAFE\u{301}"), plain("пИано")),
            ("cafe".into(), "cafe".into(), "пиано".into())
        );
    }
}
