//! Japanese, which has no spaces: the longest words that are known, one after another.

use std::collections::HashMap;

/// Words behind what they negate.
const NEGATIONS: [&str; 2] = ["no", "without"];

/// `text` with its Japanese in English; marks of its script are ours. What is not known stays, but for single syllables between
/// words, which join them.
pub(super) fn in_english(text: &str, words: &HashMap<&str, &str>) -> String {
    if !text.chars().any(is_japanese) {
        return text.to_string();
    }
    let mut read = Read::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((word, english)) = longest(rest, words) {
            read.word(english);
            rest = &rest[word.len()..];
            continue;
        }
        read.other(c);
        rest = &rest[c.len_utf8()..];
    }
    read.settle();
    read.done
}

fn longest<'a>(text: &str, words: &HashMap<&'a str, &'a str>) -> Option<(&'a str, &'a str)> {
    let known = words.iter().filter(|(word, _)| text.starts_with(**word));
    known.max_by_key(|(word, _)| word.len()).map(|(word, english)| (*word, *english))
}

#[derive(Default)]
struct Read {
    done: String,
    /// Where the last word begins, if nothing but syllables came after it.
    last: Option<usize>,
    /// What is not known since.
    unknown: String,
}

impl Read {
    fn word(&mut self, english: &str) {
        self.settle();
        if NEGATIONS.contains(&english) {
            if let Some(last) = self.last {
                self.done.insert_str(last, "no ");
            }
            return;
        }
        self.space();
        self.last = Some(self.done.len());
        self.done.push_str(english);
    }

    fn other(&mut self, c: char) {
        if is_japanese(c) {
            self.unknown.push(c);
            return;
        }
        self.settle();
        self.last = None;
        match c {
            '、' | '，' => self.done.push_str(", "),
            '。' => self.done.push_str(". "),
            _ => self.done.push(c),
        }
    }

    /// Keeps what is not known, unless it is no more than the syllables that join words.
    fn settle(&mut self) {
        let unknown = std::mem::take(&mut self.unknown);
        if self.done.is_empty() || !unknown.chars().all(is_hiragana) {
            self.space();
            self.done.push_str(&unknown);
        }
    }

    fn space(&mut self) {
        if !self.done.is_empty() && !self.done.ends_with(char::is_whitespace) {
            self.done.push(' ');
        }
    }
}

fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}')
}

fn is_japanese(c: char) -> bool {
    is_hiragana(c) || matches!(c, '\u{30a0}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{3005}')
}
