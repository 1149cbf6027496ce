//! Musical words of other languages, as English has them.
//!
//! German, French, Spanish and Italian are told by words that English has not; Japanese by its script.

mod japanese;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::lexicon::{self, is_letter, plain};

const TABLE: &str = include_str!("foreign/words.txt");
/// Columns of the table after the English.
const GERMAN: usize = 0;
const JAPANESE: usize = 4;
const LANGUAGES: usize = 5;
/// Fewest letters of a word that tells its language.
const TELLING: usize = 4;
/// Endings of German adjectives.
const ENDINGS: [&str; 5] = ["e", "er", "es", "en", "em"];

/// Of every language, what its words are in English.
static WORDS: LazyLock<[HashMap<&str, &str>; LANGUAGES]> = LazyLock::new(|| {
    let mut words: [HashMap<&str, &str>; LANGUAGES] = Default::default();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('|').map(str::trim);
        let english = cells.next().unwrap_or_default();
        for (of, cell) in words.iter_mut().zip(cells) {
            for word in cell.split_whitespace() {
                // The first row that has a word says what it is.
                of.entry(word).or_insert(english);
            }
        }
    }
    words
});

/// `text` with the words of other languages that are known in English; the same where there are none.
pub(crate) fn in_english(text: &str) -> String {
    let text = japanese::in_english(text, &WORDS[JAPANESE]);
    let words: Vec<Word> = words(&text);
    let Some(language) = language(&words) else { return text };
    let known = words.iter().filter(|word| word.in_english(language).is_some()).count();
    let is_whole = 2 * known >= words.len();
    let mut english = String::with_capacity(text.len());
    let mut end = 0;
    for word in &words {
        let found = word.in_english(language).filter(|_| !word.is_english() && (is_whole || word.tells(language)));
        if let Some(found) = found {
            english.push_str(&text[end..word.bytes.start]);
            english.push_str(&found);
            if word.plain.ends_with(lexicon::is_apostrophe) {
                english.push(' ');
            }
            end = word.bytes.end;
        }
    }
    english.push_str(&text[end..]);
    english.replace("no of ", "no ")
}

/// A run of letters.
struct Word {
    plain: String,
    bytes: Range<usize>,
}

/// All words; of an elided article its apostrophe, too.
fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match start {
            None if is_letter(c) => start = Some(at),
            Some(from) if !is_letter(c) => {
                let is_elided = lexicon::is_apostrophe(c) && at - from == 1;
                let end = if is_elided { at + c.len_utf8() } else { at };
                let word = plain(&text[from..at]) + if is_elided { "'" } else { "" };
                found.push(Word { plain: word, bytes: from..end });
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// The language of which most words are there, if any word tells it.
fn language(words: &[Word]) -> Option<usize> {
    let count = |language: usize, of: fn(&Word, usize) -> bool| words.iter().filter(|word| of(word, language)).count();
    let told = (GERMAN..JAPANESE).filter(|language| count(*language, Word::tells) > 0);
    told.max_by_key(|language| {
        (
            count(*language, Word::tells),
            count(*language, |word, language| word.in_english(language).is_some()),
            JAPANESE - language,
        )
    })
}

impl Word {
    /// Whether English prompts have it as it is.
    fn is_english(&self) -> bool {
        lexicon::is_of_captions(&self.plain)
    }

    /// Whether it is of a language and not of English, whose musicians' words are those of other languages.
    fn tells(&self, language: usize) -> bool {
        let is_other = || !lexicon::is_word(&self.plain) || lexicon::is_term(&self.plain);
        self.plain.chars().count() >= TELLING && !self.is_english() && self.in_english(language).is_some() && is_other()
    }

    fn in_english(&self, language: usize) -> Option<String> {
        let words = &WORDS[language];
        let whole = |word: &str| -> Option<&str> {
            let stem = || ENDINGS.iter().filter_map(|ending| words.get(word.strip_suffix(ending)?)).next();
            words.get(word).or_else(|| if language == GERMAN { stem() } else { None }).copied()
        };
        let compound = || {
            let letters =
                (TELLING..self.plain.len().saturating_sub(TELLING - 1)).filter(|at| self.plain.is_char_boundary(*at));
            letters.into_iter().find_map(|at| {
                let (first, second) = self.plain.split_at(at);
                let first = words.get(first).or_else(|| words.get(first.strip_suffix('s')?))?;
                Some(format!("{first} {}", whole(second)?))
            })
        };
        let found = whole(&self.plain).map(String::from);
        found.or_else(|| if language == GERMAN { compound() } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_is_read() {
        for (text, english) in [
            ("ruhiges Klavier, ganz leise, keine Trommeln", "calm piano, very quiet, no drums"),
            ("ZARTE GEIGEN ÜBER DUNKLEM BASS", "soft violin over dark BASS"),
            ("traurige Klaviermusik", "sad piano music"),
            ("musique triste au violoncelle, sans batterie", "music sad with cello, no drums"),
            ("l'orage sur la mer, cordes sombres", "the storm over the sea, strings dark"),
            ("piano triste, pas de batterie", "piano sad, no drums"),
            ("guitarra tranquila y flauta, sin batería", "guitar calm and flute, no drums"),
            ("pianoforte malinconico con archi, senza batteria", "pianoforte melancholic con strings, no drums"),
            ("静かなピアノ", "quiet piano"),
            ("激しいドラム", "violent drums"),
            ("悲しい曲調で", "sad music"),
            ("穏やかなギター、ドラムなし", "calm guitar, no drums"),
            ("dark techno with Schlagzeug", "dark techno with drums"),
        ] {
            assert_eq!(in_english(text), english, "{text}");
        }
    }

    #[test]
    fn english_stays_as_it_is() {
        for text in [
            "calm piano over soft strings",
            "die hard action, winter in the forest",
            "a fort on a hill, hell below",
            "la la land, el dorado",
            "solo viola, a war march",
            "warm jazz bass and accordion",
            "",
            "🎻😢",
        ] {
            assert_eq!(in_english(text), text);
        }
    }

    #[test]
    fn words_that_are_not_known_are_left() {
        assert_eq!(in_english("trauriger Zauberwald"), "sad Zauberwald");
        assert_eq!(in_english("悲しい提灯"), "sad 提灯");
        assert_eq!(in_english("тихое пианино"), "тихое пианино");
    }

    #[test]
    fn the_table_has_a_hundred_words_of_each_language_in_plain_letters() {
        for words in WORDS.iter() {
            assert!(words.values().collect::<std::collections::HashSet<_>>().len() >= 100);
            assert!(words.keys().all(|word| plain(word) == **word || word.chars().any(|c| c > '\u{2e7f}')));
        }
    }
}
