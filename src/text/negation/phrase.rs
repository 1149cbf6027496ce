//! A prompt cut into words and the marks between them.

use std::ops::Range;

use crate::text::lexicon::{is_apostrophe, is_letter};

/// Longest title in quotes, in bytes; what is longer is taken for apostrophes, or for a quote that nobody closed.
const LONGEST_TITLE: usize = 100;

/// How many words back a word is looked for.
const NEAR: usize = 100;

/// A prompt's words and marks in order.
pub(super) struct Phrase<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Whether every long word has a capital: then capitals make no title.
    is_capitalised: bool,
}

struct Token {
    bytes: Range<usize>,
    /// In lower case with plain apostrophes; `None` is a mark, or something in quotes.
    word: Option<String>,
}

impl<'a> Phrase<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let length = token_length(text, at, c);
            let bytes = at..at + length;
            if !c.is_whitespace() {
                let word = (c.is_alphanumeric()).then(|| text[bytes.clone()].to_lowercase().replace('\u{2019}', "'"));
                tokens.push(Token { bytes, word });
            }
            at += length;
        }
        let long = |token: &&Token| token.word.as_ref().is_some_and(|word| word.len() >= 4);
        let is_small = |token: &Token| text[token.bytes.clone()].starts_with(char::is_lowercase);
        let is_capitalised = !tokens.iter().filter(long).any(is_small);
        Self { text, tokens, is_capitalised }
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The word at `at`; nothing for a mark and beyond the end.
    pub fn word(&self, at: usize) -> &str {
        self.tokens.get(at).and_then(|token| token.word.as_deref()).unwrap_or_default()
    }

    /// The word before `at`; nothing for a mark and at the beginning.
    pub fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |at| self.word(at))
    }

    /// Whether `word` is said shortly before `at`, too.
    pub fn says(&self, word: &str, at: usize) -> bool {
        (at.saturating_sub(NEAR)..at).any(|before| self.word(before) == word)
    }

    /// Whether there is a comma at `at`.
    pub fn is_comma(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| &self.text[token.bytes.clone()] == ",")
    }

    /// Whether nothing more is said of the clause at `at`: it is a mark or the end.
    pub fn is_end(&self, at: usize) -> bool {
        self.word(at).is_empty()
    }

    /// Whether the words at `at` and after it have capitals in the midst of a clause that has none.
    pub fn is_title(&self, at: usize) -> bool {
        let capital = |at: usize| {
            let mut letters = self.tokens.get(at).map_or("", |token| &self.text[token.bytes.clone()]).chars();
            letters.next().is_some_and(char::is_uppercase) && letters.next().is_none_or(char::is_lowercase)
        };
        !self.is_capitalised && !self.before(at).is_empty() && capital(at) && capital(at + 1)
    }

    /// Where tokens stand in the text.
    pub fn bytes(&self, tokens: Range<usize>) -> Range<usize> {
        self.tokens[tokens.start].bytes.start..self.tokens[tokens.end - 1].bytes.end
    }

    /// Tokens as they were typed.
    pub fn text(&self, tokens: Range<usize>) -> &'a str {
        &self.text[self.bytes(tokens)]
    }
}

/// Bytes of what begins with `c` at `at`: a word, something in quotes, or one mark.
fn token_length(text: &str, at: usize, c: char) -> usize {
    let rest = &text[at..];
    if c.is_alphanumeric() {
        let goes_on = |(i, c): (usize, char)| {
            let joins = is_apostrophe(c) || matches!(c, '-' | '/');
            c.is_numeric() || is_letter(c) || joins && rest[i + c.len_utf8()..].starts_with(char::is_alphanumeric)
        };
        return rest.char_indices().find(|found| !goes_on(*found)).map_or(rest.len(), |(i, _)| i);
    }
    let inner = &rest[c.len_utf8()..];
    let near = &inner[..inner.floor_char_boundary(LONGEST_TITLE)];
    let closes = |(i, mark): &(usize, char)| match c {
        '"' => *mark == '"',
        '\u{201c}' | '\u{201e}' => matches!(mark, '\u{201c}' | '\u{201d}'),
        '\'' | '\u{2018}' => is_apostrophe(*mark) && !inner[i + mark.len_utf8()..].starts_with(is_letter),
        _ => false,
    };
    let closing = near.char_indices().find(closes);
    c.len_utf8() + closing.map_or(0, |(i, mark)| i + mark.len_utf8())
}
