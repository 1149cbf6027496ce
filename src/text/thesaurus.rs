//! Words that no caption has, told by words of captions that are near.
//!
//! `lexicon/thesaurus.z` is made by `bundles/mini/recipe/thesaurus.py`, which says from what.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;
use serde::{Deserialize, Serialize};

use super::lexicon;

/// A line for each word, sorted: the word, and words near it with their shares in percent, as `blizzard storm:80 wintry:20`.
static LINES: LazyLock<String> = LazyLock::new(|| {
    let mut lines = String::new();
    let mut packed = ZlibDecoder::new(&include_bytes!("lexicon/thesaurus.z")[..]);
    packed.read_to_string(&mut lines).expect("packed by thesaurus.py");
    lines
});

/// Words near another, the nearest first, and their shares, whose sum is 1.
pub(super) type Near = Vec<(&'static str, f32)>;

/// A word of a prompt that is told by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// As it is typed.
    pub word: String,
    /// Words of captions, the nearest first.
    pub near: Vec<String>,
}

/// The words near a [plain](lexicon::plain) word; `None` where none are known. A plural that has no line of its own is near to what its
/// singular is.
pub(super) fn near(word: &str) -> Option<Near> {
    let singular = || word.strip_suffix("es").into_iter().chain(word.strip_suffix('s')).find_map(line);
    let line = line(word).or_else(singular)?;
    let pairs = line.split(' ').filter_map(|pair| pair.split_once(':'));
    let near: Vec<(&str, f32)> = pairs.filter_map(|(other, share)| Some((other, share.parse().ok()?))).collect();
    let sum: f32 = near.iter().map(|(_, share)| share).sum();
    Some(near.into_iter().map(|(other, share)| (other, share / sum)).collect())
}

/// What stands behind a word in its line.
fn line(word: &str) -> Option<&'static str> {
    let line = lexicon::find(&LINES, |line| line.split(' ').next().unwrap_or_default().cmp(word))?;
    line.split_once(' ').map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_names_words_of_captions() {
        let mut count = 0;
        for line in LINES.lines() {
            let word = line.split(' ').next().unwrap_or_default();
            assert!(!lexicon::is_of_captions(word), "{word}");
            let near = near(word).unwrap_or_default();
            assert!((1..=4).contains(&near.len()), "{line}");
            assert!(near.iter().all(|(other, share)| lexicon::is_of_captions(other) && *share > 0.0), "{line}");
            assert!((near.iter().map(|(_, share)| share).sum::<f32>() - 1.0).abs() < 1e-5);
            count += 1;
        }
        assert!(count > 30_000, "{count}");
    }

    #[test]
    fn a_word_is_near_to_what_it_means() {
        for (word, meant) in [
            ("blizzard", "storm"),
            ("massacre", "murder"),
            ("euphoria", "euphoric"),
            ("icebergs", "glaciers"),
            ("blizzards", "storm"),
            ("gravestone", "cemetery"),
            ("enter", "entrance"),
            ("football", "sports"),
        ] {
            assert_eq!(near(word).map(|near| near[0].0), Some(meant), "{word}");
        }
        assert_eq!((near("xyzzy"), near("")), (None, None));
    }
}
