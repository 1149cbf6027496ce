//! Words for names to be found among.

use std::ops::Range;

use crate::text::lexicon::{is_apostrophe, plain};

/// Styles of the table, by words that are of them.
const STYLES: &[(&str, &str)] = &[
    ("jazz", "jazz jazzy swing bebop bop noir lounge speakeasy bossa blues ragtime dixieland"),
    ("lofi", "lofi chillhop jazzhop lo"),
    (
        "orchestral",
        "orchestral orchestra symphonic symphony cinematic film trailer epic heroic score blockbuster philharmonic",
    ),
    (
        "electronic",
        "electronic electronica synthwave retrowave darksynth techno house edm trance electro club idm synthpop dubstep \
         chiptune bit trap cyberpunk outrun vaporwave rave",
    ),
    ("rock", "rock metal punk grunge stoner rocking hardrock"),
    ("folk", "folk country bluegrass celtic americana campfire acoustic irish"),
    ("sacred", "sacred church cathedral gothic requiem hymn liturgical baroque medieval horror dracula mass"),
    ("ambient", "ambient drone soundscape meditation floating ethereal atmospheric"),
];
/// Words that part one thing from another.
const JOINTS: &str = "a about after against an and are around as at be before behind below beneath but by during for from in \
    into is it its like no not of off on only onto or out over plus the then through to under until up upon versus \
    via vs when where while with without";

/// Words in lower case, without accents and genitives.
pub(super) struct Sentence<'a> {
    text: &'a str,
    words: Vec<Word>,
}

struct Word {
    plain: String,
    bytes: Range<usize>,
    /// What stands before it other than spaces; a hyphen within a word is none.
    mark: Option<char>,
    is_hyphenated: bool,
}

impl<'a> Sentence<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut sentence = Self { text, words: Vec::new() };
        let (mut start, mut between) = (None, 0);
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            let is_inside = c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}');
            match start {
                None if is_inside => start = Some(at),
                Some(from) if !is_inside => {
                    sentence.push(between..from, from..at);
                    (start, between) = (None, at);
                }
                _ => {}
            }
        }
        sentence
    }

    fn push(&mut self, between: Range<usize>, bytes: Range<usize>) {
        let (gap, plain) = (&self.text[between], plain(&self.text[bytes.clone()]));
        let mut chars = gap.chars();
        let only = chars.next().filter(|_| chars.next().is_none());
        if plain == "s" && only.is_some_and(is_apostrophe) {
            return;
        }
        let is_hyphenated = only.is_some_and(|c| matches!(c, '-' | '\u{2010}' | '\u{2011}'));
        let is_mark = |c: &char| !(c.is_whitespace() || is_apostrophe(*c) || matches!(c, '&' | '+'));
        if gap.contains(['&', '+']) {
            let bytes = bytes.start..bytes.start;
            self.words.push(Word { plain: "and".into(), bytes, mark: None, is_hyphenated: false });
        }
        let mark = gap.chars().find(is_mark).filter(|_| !is_hyphenated && !self.words.is_empty());
        self.words.push(Word { plain, bytes, mark, is_hyphenated });
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The word at `at`; nothing beyond the end.
    pub fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.plain)
    }

    /// The mark before the word at `at`.
    pub fn mark(&self, at: usize) -> Option<char> {
        self.words.get(at).and_then(|word| word.mark)
    }

    /// Whether a clause begins at `at`: there is a mark before it, or nothing, or it is the end.
    pub fn is_edge(&self, at: usize) -> bool {
        at == 0 || at >= self.len() || self.mark(at).is_some()
    }

    /// Whether the word at `at` is joined to the one before it by a hyphen.
    pub fn is_hyphenated(&self, at: usize) -> bool {
        self.words.get(at).is_some_and(|word| word.is_hyphenated)
    }

    /// The words of a range without a mark between them, one space apart.
    pub fn phrase(&self, words: Range<usize>) -> Option<String> {
        let is_whole = words.end <= self.len() && words.clone().skip(1).all(|at| self.mark(at).is_none());
        is_whole.then(|| self.words[words].iter().map(|word| &word.plain[..]).collect::<Vec<_>>().join(" "))
    }

    /// Whether a phrase is said at `at`.
    pub fn says(&self, at: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(i, word)| self.word(at + i) == word)
    }

    /// Words as they were typed.
    pub fn text(&self, words: Range<usize>) -> &'a str {
        match &self.words[words] {
            [first, .., last] => &self.text[first.bytes.start..last.bytes.end],
            [word] => &self.text[word.bytes.clone()],
            [] => "",
        }
    }

    /// Styles of the table that it speaks of.
    pub fn styles(&self) -> Vec<&'static str> {
        let is_said =
            |list: &str| list.split_ascii_whitespace().any(|listed| self.words.iter().any(|w| w.plain == listed));
        STYLES.iter().filter(|(_, words)| is_said(words)).map(|(style, _)| *style).collect()
    }
}

/// Whether a word parts one thing from another.
pub(super) fn is_joint(word: &str) -> bool {
    JOINTS.split_ascii_whitespace().any(|joint| joint == word)
}

/// Whether there is such a style.
#[cfg(test)]
pub(super) fn is_style(name: &str) -> bool {
    STYLES.iter().any(|(style, _)| *style == name)
}
