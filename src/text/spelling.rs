//! Words that a small vocabulary does not hold, read as the known word that they are a slip of.

use std::collections::HashMap;

use strsim::{damerau_levenshtein, levenshtein};
use tokenizers::Tokenizer;

use super::lexicon::{self, is_apostrophe, is_letter, plain};
use super::thesaurus;

/// What begins a word in a tokenizer's tokens.
const SPACE: char = '\u{2581}';
/// Shorter words are too like one another to guess.
const SHORTEST: usize = 4;
/// Most letters of a word that is looked up.
const LONGEST: usize = 40;

/// The words of captions that a tokenizer has whole; its other tokens are parts of words.
#[derive(Debug, Clone)]
pub(super) struct Spelling {
    /// With their ids: the lower, the commoner.
    words: HashMap<String, u32>,
}

impl Spelling {
    /// The words that are one token.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let vocabulary = tokenizer.get_vocab(false).into_iter();
        let words = vocabulary.filter_map(|(token, id)| Some((token.strip_prefix(SPACE)?.to_string(), id)));
        let is_target = |word: &str| word.chars().count() >= SHORTEST && lexicon::is_of_captions(word);
        Self { words: words.filter(|(word, _)| is_target(word)).collect() }
    }

    /// `text` with every word that is a slip of a known one, and no word itself, replaced by that one.
    pub fn correct(&self, text: &str) -> String {
        let mut corrected = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let (word, after) = rest.split_at(word_length(rest));
            let (stem, ending) = stem(word);
            corrected.push_str(self.meant(stem).unwrap_or(stem));
            corrected.push_str(ending);
            let between = after.find(is_letter).unwrap_or(after.len());
            corrected.push_str(&after[..between]);
            rest = &after[between..];
        }
        corrected
    }

    /// The known word that an unknown `word` is a slip of.
    fn meant(&self, word: &str) -> Option<&str> {
        let word = plain(word);
        let letters = word.chars().count();
        // A right word that is not known stays: any guess would be another word.
        let is_right = || self.words.contains_key(&word) || lexicon::is_word(&word) || thesaurus::near(&word).is_some();
        if !(SHORTEST..=LONGEST).contains(&letters) || word.contains(is_apostrophe) || is_right() {
            return None;
        }
        let initial = word.chars().next();
        let slips = self.words.iter().filter(|(known, _)| known.chars().next() == initial).filter_map(|(known, id)| {
            let edits = slip(&word, known)?;
            Some((edits, *id, known.as_str()))
        });
        slips.min().map(|(_, _, known)| known)
    }
}

/// Bytes of the word that `text` begins with: letters, and apostrophes between them.
fn word_length(text: &str) -> usize {
    let is_inside = |at: usize, c: char| is_apostrophe(c) && at > 0 && text[at + c.len_utf8()..].starts_with(is_letter);
    let end = text.char_indices().find(|(at, c)| !is_letter(*c) && !is_inside(*at, *c));
    end.map_or(text.len(), |(at, _)| at)
}

/// A word without the ending of a genitive, and that ending.
pub(super) fn stem(word: &str) -> (&str, &str) {
    let ending = ["'s", "\u{2019}s", "'S", "\u{2019}S"].into_iter().find(|ending| word.ends_with(ending));
    word.split_at(word.len() - ending.map_or(0, str::len))
}

/// How many edits make `word` out of `known`, if so few that it is a slip. In short words a letter in another's place makes
/// another word ("horse" is no slip of "house"): there only letters that are missing, doubled or swapped count.
fn slip(word: &str, known: &str) -> Option<usize> {
    let (letters, theirs) = (word.chars().count(), known.chars().count());
    let most = if letters < 9 { 1 } else { 2 };
    if letters.abs_diff(theirs) > most {
        return None;
    }
    let edits = damerau_levenshtein(word, known);
    let is_swap = || letters == theirs && levenshtein(word, known) == 2;
    let is_plain = letters >= 6 || letters != theirs || is_swap();
    (edits <= most && is_plain).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(words: &[&str]) -> Spelling {
        Spelling { words: words.iter().enumerate().map(|(id, word)| (word.to_string(), id as u32)).collect() }
    }

    #[test]
    fn a_slip_is_read_as_the_word_that_was_meant() {
        let spelling = spelling(&["piano", "strings", "suspenseful", "underscore", "melancholic", "house"]);
        for (typed, meant) in [
            ("paino over stirngs", "piano over strings"),
            ("pianno, striings!", "piano, strings!"),
            ("Susspensful underscor", "suspenseful underscore"),
            ("melancolic", "melancholic"),
        ] {
            assert_eq!(spelling.correct(typed), meant);
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        let spelling = spelling(&["piano", "house", "late", "lead"]);
        for text in ["horse", "hate", "dead 808s", "piano", "PIANO", "пиано", "a b c", "", "  ,;", "house-music 12/8"]
        {
            assert_eq!(spelling.correct(text), text);
        }
    }

    #[test]
    fn right_words_stay_whatever_is_known() {
        let spelling = spelling(&["ener", "thren", "string", "feather", "faded", "couldn", "colourful"]);
        let text =
            "then they enter, father's spring, fade out; couldnt couldn't couldn\u{2019}t colorful Adagio hurdy-gurdy";
        assert_eq!(spelling.correct(text), text.replace("couldnt", "couldn"));
    }

    #[test]
    fn a_slip_in_a_genitive_or_under_accents_is_one_too() {
        let spelling = spelling(&["cello", "strings"]);
        assert_eq!(
            spelling.correct("the celllo's C\u{e9}llo \u{2018}stirngs\u{2019} celllo\u{2019}s"),
            "the cello's C\u{e9}llo \u{2018}strings\u{2019} cello\u{2019}s"
        );
    }

    #[test]
    fn no_word_of_the_lists_is_a_slip() {
        let spelling = mini();
        for word in lexicon::words() {
            assert_eq!(spelling.meant(word), None, "{word}");
        }
    }

    /// Every word of the lists, mistyped in four ways.
    #[test]
    fn what_is_meant_is_always_a_word_of_captions_and_stays_so() {
        let spelling = mini();
        let mut found = 0;
        for word in lexicon::words().step_by(97).filter(|word| word.is_ascii() && word.len() > 4) {
            let (half, last) = (word.len() / 2, word.len() - 1);
            let swapped = format!("{}{}{}{}", &word[..1], &word[2..3], &word[1..2], &word[3..]);
            for typed in
                [word[..last].into(), format!("{}x{}", &word[..half], &word[half..]), format!("{word}s"), swapped]
            {
                let Some(meant) = spelling.meant(&typed) else { continue };
                found += 1;
                assert!(lexicon::is_of_captions(meant), "{typed}: {meant}");
                assert_eq!(spelling.correct(meant), meant);
            }
        }
        assert!(found > 20, "{found}");
    }

    #[test]
    fn the_words_of_captions_are_those_of_the_bundle_that_ships() {
        let tokenizer = tokenizer();
        let is_whole = |word: &str| tokenizer.token_to_id(word).is_some();
        for word in lexicon::captions().filter(|word| word.len() >= SHORTEST) {
            assert!(is_whole(&format!("{SPACE}{word}")) || is_whole(word), "{word}: run lexicon/make.py");
        }
    }

    fn tokenizer() -> Tokenizer {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/bundles/mini/tokenizer.json");
        Tokenizer::from_file(file).expect("it ships")
    }

    fn mini() -> Spelling {
        Spelling::new(&tokenizer())
    }

    #[test]
    fn of_two_words_as_near_the_commoner_is_meant() {
        assert_eq!(spelling(&["mellow", "yellow", "mallow"]).correct("mullow"), "mellow");
        assert_eq!(spelling(&["mallow", "mellow"]).correct("mullow"), "mallow");
    }
}
