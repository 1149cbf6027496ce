//! What a prompt says it wants none of.
//!
//! Embeddings of "no drums" lie near those of "drums", and a model plays what it is told of; so what is negated is taken
//! out of the prompt and avoided. English only, by rule: where it is not plain what is negated, nothing is.

mod phrase;
mod trigger;

use std::ops::Range;

use self::phrase::Phrase;

/// A prompt without its negations, and what they negate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The rest of the prompt; the prompt itself where it negates nothing.
    pub asked: String,
    /// In the order of the prompt, without "any" and the like.
    pub avoided: Vec<String>,
}

impl Wish {
    /// Reads a prompt.
    pub fn new(prompt: &str) -> Self {
        let phrase = Phrase::new(prompt);
        let (mut removed, mut avoided, mut at) = (Vec::<Range<usize>>::new(), Vec::new(), 0);
        while at < phrase.len() {
            let Some(found) = trigger::find(&phrase, at) else {
                at += 1;
                continue;
            };
            avoided.extend(found.avoided);
            at = found.tokens.end;
            removed.push(phrase.bytes(found.tokens));
        }
        let asked = if removed.is_empty() { prompt.to_string() } else { without(prompt, &removed) };
        Self { asked, avoided }
    }
}

/// `text` without `removed`, joined as a person would.
pub(super) fn without(text: &str, removed: &[Range<usize>]) -> String {
    let starts = std::iter::once(0).chain(removed.iter().map(|range| range.end));
    let ends = removed.iter().map(|range| range.start).chain([text.len()]);
    let mut kept = String::with_capacity(text.len());
    // The words that lead up to a negation may reach into the one before it.
    for (start, end) in starts.zip(ends) {
        join(&mut kept, text.get(start..end).unwrap_or_default());
    }
    kept
}

/// Appends `next` to `kept`, with one mark between them where there was one on either side.
fn join(kept: &mut String, next: &str) {
    let is_loose =
        |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '\u{2013}' | '\u{2014}' | '/' | '&');
    let is_stop = |c: char| matches!(c, '.' | '!' | '?');
    let left = kept.trim_end_matches(is_loose).len();
    let right = next.trim_start_matches(is_loose);
    let marked = |gap: &str| gap.contains(|c: char| is_loose(c) && !c.is_whitespace());
    let has_mark = marked(&kept[left..]) || marked(&next[..next.len() - right.len()]);
    kept.truncate(left);
    let is_ended = kept.is_empty() || kept.ends_with(is_stop);
    let right = if is_ended { right.trim_start_matches(|c| is_loose(c) || is_stop(c)) } else { right };
    if let Some(rest) = right.strip_prefix(')').filter(|_| kept.ends_with('(')) {
        kept.pop();
        return join(kept, rest);
    }
    if !kept.is_empty() && !right.is_empty() && !right.starts_with(is_stop) && !right.starts_with([')', ']']) {
        kept.push_str(if has_mark && !is_ended { ", " } else { " " });
    }
    kept.push_str(right);
}

#[cfg(test)]
mod tests;
