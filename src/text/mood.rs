//! What words say of the mood. Captions leave it to the picture, so that a model that learns to look hardly hears it in words.
//!
//! `lexicon/moods.txt` is written by `lexicon/make.py` from `bundles/mini/recipe/moods.py`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::lexicon::{self, is_letter, plain};
use super::thesaurus;

/// How music is to feel, each from 0 to 1; `None` is left open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mood {
    /// 0 dark, 1 bright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valence: Option<f64>,
    /// 0 calm, 1 lively.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<f64>,
}

/// Most words of a phrase.
const LONGEST: usize = 4;
/// Share of the way to the other side that is meant by what is not wanted: "not sad" is not jubilant.
const AWAY: f64 = 0.5;
/// Least share of the words near another that have a mood, for that one to have it.
const LEAST: f64 = 0.5;

static TABLE: LazyLock<HashMap<&str, Mood>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let (phrase, values) = line.split_once('|')?;
        let (valence, energy) = values.split_once(' ')?;
        Some((phrase, Mood { valence: valence.parse().ok(), energy: energy.parse().ok() }))
    };
    include_str!("lexicon/moods.txt").lines().filter_map(line).collect()
});

impl Mood {
    /// The mean of what `asked` says; of what it leaves open, away from what is `avoided`.
    pub fn new(asked: &str, avoided: &[String]) -> Self {
        let (asked, avoided) = (said(asked), said(&avoided.join(", ")));
        let open = |asked: Option<f64>, avoided: Option<f64>| asked.or(avoided.map(|mood| 0.5 + AWAY * (0.5 - mood)));
        Self { valence: open(asked.valence, avoided.valence), energy: open(asked.energy, avoided.energy) }
    }

    /// What words say, and a picture shows to so much of its whole influence: at full influence both count alike.
    pub fn beside(self, picture: Self, influence: f64) -> Self {
        let both = |said: Option<f64>, seen: Option<f64>| match (said, seen.filter(|_| influence > 0.0)) {
            (said, None) => said,
            (None, Some(seen)) => Some(0.5 + influence * (seen - 0.5)),
            (Some(said), Some(seen)) => Some(said + influence / 2.0 * (seen - said)),
        };
        Self { valence: both(self.valence, picture.valence), energy: both(self.energy, picture.energy) }
    }

    /// Whether nothing is said.
    pub fn is_open(&self) -> bool {
        self.valence.is_none() && self.energy.is_none()
    }
}

/// The mean of the moods of all phrases, the longest first.
fn said(text: &str) -> Mood {
    let words: Vec<String> = text.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).map(plain).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let longest = (1..=LONGEST.min(words.len() - at)).rev();
        let phrase = longest.into_iter().find_map(|n| Some((n, *TABLE.get(words[at..at + n].join(" ").as_str())?)));
        let (length, mood) = phrase.unwrap_or_else(|| (1, of_word(&words[at])));
        found.push((1.0, mood));
        at += length;
    }
    mean(&found, 0.0)
}

/// That of the words that are near one that captions do not have.
fn of_word(word: &str) -> Mood {
    if lexicon::is_of_captions(word) || lexicon::is_joint(word) {
        return Mood::default();
    }
    let near = thesaurus::near(word).unwrap_or_default();
    let moods: Vec<(f64, Mood)> = near
        .into_iter()
        .map(|(other, share)| (f64::from(share), TABLE.get(other).copied().unwrap_or_default()))
        .collect();
    mean(&moods, LEAST)
}

/// The weighted mean of those that say something, if their weights' sum is at least so large.
fn mean(moods: &[(f64, Mood)], least: f64) -> Mood {
    let of = |axis: fn(&Mood) -> Option<f64>| {
        let told = moods.iter().filter_map(|(weight, mood)| Some((*weight, axis(mood)?)));
        let (weights, sum) = told.fold((0.0, 0.0), |(weights, sum), (weight, x)| (weights + weight, sum + weight * x));
        (weights > 0.0 && weights >= least).then(|| sum / weights)
    };
    Mood { valence: of(|mood| mood.valence), energy: of(|mood| mood.energy) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mood(asked: &str, avoided: &[&str]) -> (Option<f64>, Option<f64>) {
        let mood = Mood::new(asked, &avoided.iter().map(|it| it.to_string()).collect::<Vec<_>>());
        let rounded = |x: Option<f64>| x.map(|x| (x * 1000.0).round() / 1000.0);
        (rounded(mood.valence), rounded(mood.energy))
    }

    #[test]
    fn words_say_how_pleasant_and_how_lively() {
        for (asked, wanted) in [
            ("Calm piano over soft strings", (Some(0.85), Some(0.2))),
            ("tense strings, low drums", (Some(0.15), Some(0.8))),
            ("sad but hopeful", (Some(0.5), Some(0.2))),
            ("bittersweet cello", (Some(0.5), None)),
            ("chase at night, brass", (Some(0.15), Some(0.8))),
            ("busy strings", (None, Some(0.8))),
            ("violin and harp", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!(mood(asked, &[]), wanted, "{asked}");
        }
    }

    #[test]
    fn words_that_captions_do_not_have_feel_as_what_is_near() {
        for (word, is_bright) in [("euphoria", true), ("bereavement", false), ("gloomily", false), ("carnage", false)] {
            let valence = mood(word, &[]).0;
            assert!(valence.is_some_and(|valence| (valence > 0.5) == is_bright), "{word}: {valence:?}");
        }
    }

    #[test]
    fn what_is_not_wanted_leads_away_unless_something_is() {
        assert_eq!(mood("piano", &["sad"]), (Some(0.675), Some(0.65)));
        assert_eq!(mood("gloomy piano", &["sad"]).0, Some(0.15));
    }

    #[test]
    fn words_and_picture_count_alike_at_full_influence() {
        let (said, seen) = (Mood { valence: Some(0.2), energy: None }, Mood { valence: Some(1.0), energy: Some(0.9) });
        let near = |found: Option<f64>, wanted: f64| found.is_some_and(|found| (found - wanted).abs() < 1e-9);
        let both = said.beside(seen, 1.0);
        assert!(near(both.valence, 0.6) && near(both.energy, 0.9), "{both:?}");
        assert!(near(said.beside(seen, 0.5).energy, 0.7));
        assert_eq!(said.beside(seen, 0.0), said);
        assert!(Mood::default().is_open() && !said.is_open());
    }
}
