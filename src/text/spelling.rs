//! Words that a small vocabulary does not hold, read as the known word that they are a slip of.

use std::collections::HashMap;

use strsim::{damerau_levenshtein, levenshtein};
use tokenizers::Tokenizer;

/// What begins a word in a tokenizer's tokens.
const SPACE: char = '\u{2581}';
/// Shorter words are too like one another to guess.
const SHORTEST: usize = 4;
/// Most letters of a word that is looked up.
const LONGEST: usize = 40;

/// The whole words of a tokenizer.
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
        Self { words: words.filter(|(word, _)| word.chars().count() >= SHORTEST).collect() }
    }

    /// `text` with every unknown word that is a slip of a known one replaced by it.
    pub fn correct(&self, text: &str) -> String {
        let mut corrected = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let word = &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())];
            match self.meant(word) {
                Some(known) => corrected.push_str(known),
                None => corrected.push_str(word),
            }
            let after = &rest[word.len()..];
            let between = after.find(char::is_alphabetic).unwrap_or(after.len());
            corrected.push_str(&after[..between]);
            rest = &after[between..];
        }
        corrected
    }

    /// The known word that an unknown `word` is a slip of.
    fn meant(&self, word: &str) -> Option<&str> {
        let letters = word.chars().count();
        let word = word.to_lowercase();
        if !(SHORTEST..=LONGEST).contains(&letters) || self.words.contains_key(&word) {
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
    fn of_two_words_as_near_the_commoner_is_meant() {
        assert_eq!(spelling(&["mellow", "yellow", "mallow"]).correct("mullow"), "mellow");
        assert_eq!(spelling(&["mallow", "mellow"]).correct("mullow"), "mallow");
    }
}
