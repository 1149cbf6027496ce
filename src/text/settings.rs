//! Tempo, key, length and meter that a prompt names, which are no words for a model.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Match, Regex};
use score::{Key, Meter};
use serde::{Deserialize, Serialize};

use super::negation::without;

/// What of a request a prompt says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Quarters per minute, 20 to 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bpm: Option<f64>,
    /// Tonic and mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Length, 1 to 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bars: Option<u32>,
    /// Time signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<Meter>,
}

/// Something found: what it is, and where it stands.
type Found<T> = (T, Range<usize>);

const NUMBERS: [&str; 16] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen",
];
/// Words before a number of bars that make it no length.
const BEFORE_BARS: &str = "every each after until first last next of final before bar";
/// Words after a key's name that make the article of "in a minor key" out of its letter.
const AFTER_KEY: &str = "key keys chord chords scale scales mode mood moods tonality third sixth seventh way feel role part detail \
    setback event battle";

static TEMPO: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:\b(?:at|around|about)\s+)?(?:\b(?:a\s+)?tempo(?:\s+of)?\s*[:=]?\s*)?\b(\d{2,3}(?:[.,]\d+)?)\s*-?(?:bpm\b|beats\s+(?:per|a)\s+minute\b)|\b(?:bpm|tempo)(?:\s+of)?\s*[:=]?\s*(\d{2,3}(?:[.,]\d+)?)\b",
    )
});
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(in\s+|(?:in\s+)?(?:the\s+)?key\s*(?:of|:|=)?\s*)?\b([a-g])([#♯b♭]|[ -]?(?:sharp|flat)\b)?(?:[ -]?(major|minor|maj|min|dorian|phrygian|lydian|mixolydian|ionian|aeolian|harmonic minor|melodic minor)\b|(m)\b|([^\w#♯♭]|$))",
    )
});
static BARS: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?i)(?:\b(?:for)\s+)?\b(\d{{1,3}}|{}|thirty-two)[ -]?(?:bars?|measures?)\b(?:\s+long\b)?",
        NUMBERS.join("|")
    ))
});
static METER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)(?:\bin\s+)?\b(\d{1,2})\s?/\s?(\d{1,2})\b(?:\s+(?:time|met(?:er|re)))?"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is a constant, and tested")
}

impl Settings {
    /// What `prompt` says, the first of each that there is.
    pub fn new(prompt: &str) -> Self {
        read(prompt).0
    }

    /// Those that a request follows, and those that it does not with what it has in their place. `other` is the request's.
    pub(crate) fn compare(&self, other: &Self) -> (Vec<String>, Vec<String>) {
        let bars = |bars: &u32| format!("{bars} bar{}", if *bars == 1 { "" } else { "s" });
        let pairs = [
            said(self.bpm, other.bpm, |bpm| format!("{bpm} bpm")),
            said(self.key, other.key, Key::to_string),
            said(self.bars, other.bars, bars),
            said(self.meter, other.meter, Meter::to_string),
        ];
        let (followed, others): (Vec<_>, Vec<_>) =
            pairs.into_iter().flatten().partition(|(_, is_followed)| *is_followed);
        let names = |pairs: Vec<(String, bool)>| pairs.into_iter().map(|(name, _)| name).collect();
        (names(followed), names(others))
    }
}

fn said<T: PartialEq>(own: Option<T>, other: Option<T>, name: impl Fn(&T) -> String) -> Option<(String, bool)> {
    own.map(|own| match other {
        Some(other) if other == own => (name(&own), true),
        Some(other) => (format!("{} (it is {})", name(&own), name(&other)), false),
        None => (format!("{} (none is set)", name(&own)), false),
    })
}

/// What a prompt says of a request, and the prompt without it.
pub(crate) fn read(prompt: &str) -> (Settings, String) {
    let found = (tempo(prompt), key(prompt), bars(prompt), meter(prompt));
    let settings = Settings {
        bpm: found.0.as_ref().map(|(bpm, _)| *bpm),
        key: found.1.as_ref().map(|(key, _)| *key),
        bars: found.2.as_ref().map(|(bars, _)| *bars),
        meter: found.3.as_ref().map(|(meter, _)| *meter),
    };
    let places = [found.0.map(|it| it.1), found.1.map(|it| it.1), found.2.map(|it| it.1), found.3.map(|it| it.1)];
    let mut places: Vec<_> = places.into_iter().flatten().collect();
    if places.is_empty() {
        return (settings, prompt.to_string());
    }
    places.sort_by_key(|place| place.start);
    (settings, without(prompt, &places))
}

fn tempo(prompt: &str) -> Option<Found<f64>> {
    TEMPO.captures_iter(prompt).find_map(|found| {
        let number = found.get(1).or(found.get(2))?.as_str().replace(',', ".");
        let bpm = number.parse().ok().filter(|bpm| (20.0..=300.0).contains(bpm))?;
        Some((bpm, found.get(0)?.range()))
    })
}

fn key(prompt: &str) -> Option<Found<Key>> {
    KEY.captures_iter(prompt).find_map(|found| key_of(prompt, &found))
}

/// The key of a place where one may be named. A lone letter is one after "key of", and a large one after "in" at the end of a phrase; small ones and
/// "m" want one of both before.
fn key_of(prompt: &str, found: &Captures) -> Option<Found<Key>> {
    let text = |group: usize| found.get(group).map_or("", |it| it.as_str());
    let (lead, letter, accidental) = (text(1).to_lowercase(), text(2), text(3));
    let is_told = lead.contains("key");
    let (mode, is_long) = match (text(4), text(5)) {
        ("", "m") => ("m".to_string(), false),
        ("", "") => (String::new(), false),
        ("", _) => return None,
        (mode, _) => (mode.to_lowercase(), true),
    };
    let is_large = letter.starts_with(|c: char| c.is_ascii_uppercase());
    let is_enough = match (is_long, mode.as_str()) {
        (true, _) => is_large || !lead.is_empty(),
        (false, "m") => !lead.is_empty(),
        // "In G" is a key where nothing comes that it could be of.
        (false, _) => {
            is_told
                || is_large
                    && !lead.is_empty()
                    && ends(prompt, found.get(2)?.end().max(found.get(3).map_or(0, |it| it.end())))
        }
    };
    let end = found.get(4).or(found.get(5)).or(found.get(3)).or(found.get(2))?.end();
    let accidental = accidental.trim_start_matches([' ', '-']).to_lowercase();
    let key = format!("{}{}{accidental} {mode}", letter.to_uppercase(), if accidental.len() > 1 { " " } else { "" });
    let key = if mode == "m" { key.replace(" m", "m") } else { key };
    let key: Key = key.trim().parse().ok()?;
    let is_article = letter.eq_ignore_ascii_case("a") && accidental.is_empty() && is_long && !is_told;
    if !is_enough || is_article && reads_as_article(prompt, found.get(2)?, end, lead.is_empty()) {
        return None;
    }
    Some((key, found.get(0)?.start()..end))
}

/// Whether a phrase ends at `at`.
fn ends(prompt: &str, at: usize) -> bool {
    prompt[at..].trim_start().chars().next().is_none_or(|c| matches!(c, ',' | ';' | '.' | ':' | '!' | '?' | ')'))
}

/// Whether the letter of "in a minor key" or of "A major battle" is an article.
fn reads_as_article(prompt: &str, letter: Match, end: usize, is_bare: bool) -> bool {
    let following = prompt[end..].trim_start();
    let word: String = following.chars().take_while(|c| c.is_alphanumeric()).collect();
    if word.is_empty() {
        return false;
    }
    let is_first = prompt[..letter.start()].trim_end().is_empty()
        || prompt[..letter.start()].trim_end().ends_with(['.', '!', '?']);
    AFTER_KEY.split_whitespace().any(|other| other.eq_ignore_ascii_case(&word)) || is_bare && is_first
}

fn bars(prompt: &str) -> Option<Found<u32>> {
    BARS.captures_iter(prompt).find_map(|found| {
        let (whole, number) = (found.get(0)?, found.get(1)?.as_str().to_lowercase());
        let named = || NUMBERS.iter().position(|name| *name == number).map(|place| place as u32 + 1);
        let count = number.parse().ok().or_else(named).or((number == "thirty-two").then_some(32));
        let before = prompt[..whole.start()].split_whitespace().next_back().unwrap_or_default().to_lowercase();
        let is_length = !BEFORE_BARS.split_whitespace().any(|word| word == before);
        count.filter(|count| is_length && (1..=64).contains(count)).map(|count| (count, whole.range()))
    })
}

fn meter(prompt: &str) -> Option<Found<Meter>> {
    METER.captures_iter(prompt).find_map(|found| {
        let (beats, unit) = (found.get(1)?.as_str().parse().ok()?, found.get(2)?.as_str().parse().ok()?);
        let whole = found.get(0)?;
        let is_note = prompt[whole.end()..].trim_start().to_lowercase().starts_with("note");
        let meter = Meter::new(beats, unit).ok().filter(|_| beats > 1 && !is_note && unit > 1)?;
        Some((meter, whole.range()))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn settings(bpm: Option<f64>, key: &str, bars: Option<u32>, meter: &str) -> Settings {
        Settings { bpm, key: key.parse().ok(), bars, meter: meter.parse().ok() }
    }

    #[test]
    fn what_a_prompt_names_is_read_and_taken_out() {
        let cases = [
            (
                "120 bpm house groove in F# minor, 8 bars, 3/4",
                settings(Some(120.0), "F# minor", Some(8), "3/4"),
                "house groove",
            ),
            ("calm piano at 72.5BPM", settings(Some(72.5), "", None, ""), "calm piano"),
            ("slow strings, tempo 60, key of D", settings(Some(60.0), "D", None, ""), "slow strings"),
            ("8-bar loop in 6/8 time, Bb major", settings(None, "Bb", Some(8), "6/8"), "loop"),
            ("in the key of a minor, sixteen bars long", settings(None, "A minor", Some(16), ""), ""),
            ("E-flat minor choir", settings(None, "Eb minor", None, ""), "choir"),
            ("dark drone in C# dorian", settings(None, "C# dorian", None, ""), "dark drone"),
            ("sad waltz in Am, harp", settings(None, "A minor", None, ""), "sad waltz, harp"),
            ("90 bpm, A minor piano", settings(Some(90.0), "A minor", None, ""), "piano"),
            ("key: f sharp harmonic minor", settings(None, "F# harmonic minor", None, ""), ""),
            ("rock ballad in G, loud", settings(None, "G", None, ""), "rock ballad, loud"),
            ("folk tune in Bb", settings(None, "Bb", None, ""), "folk tune"),
            ("tense, 96 beats per minute", settings(Some(96.0), "", None, ""), "tense"),
            ("groove in 7/8, for 4 bars", settings(None, "", Some(4), "7/8"), "groove"),
        ];
        for (prompt, wanted, rest) in cases {
            assert_eq!(read(prompt), (wanted, rest.to_string()), "{prompt}");
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for prompt in [
            "a sad theme in a minor key",
            "A major battle, drums",
            "In a minor mood",
            "open 24/7 diner",
            "1/4 note pulse",
            "drums enter after 2 bars",
            "every 4 bars a hit",
            "bpm",
            "500 bpm",
            "an 808 in the bass",
            "plan b, e-bow guitar",
            "C minus",
            "d'n'b",
            "a b c",
            "I am calm",
            "in a dream",
            "in C sections",
            "in b",
            "90 bars",
        ] {
            assert_eq!(read(prompt), (Settings::default(), prompt.to_string()), "{prompt}");
        }
    }

    #[test]
    fn what_is_followed_is_told_from_what_is_not() {
        let own = settings(Some(120.0), "F# minor", Some(1), "3/4");
        let other = settings(Some(120.0), "", Some(4), "3/4");
        let words = |words: [&str; 2]| words.map(String::from).to_vec();
        assert_eq!(
            own.compare(&other),
            (words(["120 bpm", "3/4"]), words(["F# minor (none is set)", "1 bar (it is 4 bars)"]))
        );
    }
}
