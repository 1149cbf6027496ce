//! What a bundle makes of the words that it is given.

use serde::{Deserialize, Serialize};

use super::{Mood, Placed, Settings, Wish};

/// Most unknown words that a remark names.
const NAMED: usize = 8;

/// The words of a request as they are read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The prompt as it is heard: without slips, without what it wants none of, no longer than is read.
    pub prompt: String,
    /// What is avoided: the negative prompt as it is heard, and what the prompt wants none of.
    pub negative: String,
    /// What the prompt wants none of.
    pub avoided: Vec<String>,
    /// Whether guidance is strong enough for anything to be avoided.
    pub avoids: bool,
    /// What the prompt says of tempo, key, length and meter.
    #[serde(default)]
    pub settings: Settings,
    /// Those of them that the request follows, as a person says them, and those that it does not, with what it has in their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub followed: Vec<String>,
    /// See [`followed`](Self::followed).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overruled: Vec<String>,
    /// Words that captions do not have, and by which others they are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placed: Vec<Placed>,
    /// Words that mean nothing to the model.
    pub unknown: Vec<String>,
    /// The end of the prompt, if it is too long.
    pub unread: String,
    /// The end of what is to be avoided, if it is too long.
    pub negative_unread: String,
    /// How it wants the music to feel.
    #[serde(default, skip_serializing_if = "Mood::is_open")]
    pub mood: Mood,
    /// The style of cue that it names, by its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// Who plays in the place of instruments that are asked for, and who finds no part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cast: Vec<String>,
}

impl Reading {
    /// Everything that `prompt` and `negative` do not say themselves, on one line; `None` where they are read as they are.
    pub fn remark(&self, prompt: &str, negative: &str) -> Option<String> {
        let mut parts = Vec::new();
        if self.prompt != prompt.trim() {
            parts.push(format!("the prompt is read as {:?}", self.prompt));
        }
        if !self.followed.is_empty() {
            parts.push(format!("as the prompt says: {}", self.followed.join(", ")));
        }
        if !self.overruled.is_empty() {
            parts.push(format!("not as the prompt says: {}", self.overruled.join(", ")));
        }
        if !self.avoided.is_empty() {
            parts.push(format!("avoided: {}", self.avoided.join(", ")));
        }
        if self.negative != avoid(negative.trim(), &self.avoided) {
            parts.push(format!("all that is avoided is read as {:?}", self.negative));
        }
        if !self.avoids && !self.negative.is_empty() {
            parts.push("guidance of 1 or less avoids nothing: raise it".into());
        }
        if !self.placed.is_empty() {
            let told = |it: &Placed| format!("{} ({})", it.word, it.near.join(", "));
            parts.push(format!("heard as what is near: {}", some(&self.placed.iter().map(told).collect::<Vec<_>>())));
        }
        if !self.unknown.is_empty() {
            parts.push(format!("not known: {}", some(&self.unknown)));
        }
        let ends = [("the prompt", &self.unread), ("what is avoided", &self.negative_unread)];
        parts.extend(ends.into_iter().filter_map(|(what, end)| cut(what, end)));
        parts.extend(self.cast.iter().cloned());
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// A negative prompt that also names what a prompt wants none of. "no drums" in it means what "drums" does.
pub(crate) fn avoid(negative: &str, avoided: &[String]) -> String {
    let own = Wish::new(negative);
    let words = std::iter::once(&own.asked).chain(&own.avoided).chain(avoided);
    words.filter(|words| !words.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn some(words: &[String]) -> String {
    let named = words[..words.len().min(NAMED)].join(", ");
    if words.len() > NAMED { format!("{named} and {} more", words.len() - NAMED) } else { named }
}

fn cut(what: &str, end: &str) -> Option<String> {
    let words: Vec<&str> = end.split_whitespace().collect();
    let from = words[..words.len().min(3)].join(" ");
    let last = match words.len() {
        0 => return None,
        1 => "last word".into(),
        n => format!("last {n} words"),
    };
    let are = if words.len() == 1 { "is" } else { "are" };
    Some(format!("the {last} of {what} {are} not read, from {from:?} on: shorten it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(prompt: &str) -> Reading {
        Reading { prompt: prompt.into(), avoids: true, ..Reading::default() }
    }

    #[test]
    fn of_words_that_are_read_as_they_are_there_is_nothing_to_say() {
        assert_eq!(reading("calm piano").remark(" calm piano\n", ""), None);
        assert_eq!(Reading { negative: "drums".into(), ..reading("") }.remark("", "drums"), None);
    }

    #[test]
    fn everything_else_is_said_on_one_line() {
        let all = Reading {
            prompt: "piano".into(),
            negative: "brass, drums".into(),
            avoided: vec!["drums".into()],
            avoids: false,
            placed: vec![Placed { word: "blizzard".into(), near: vec!["storm".into(), "snow".into()] }],
            unknown: (0..10).map(|i| format!("w{i}")).collect(),
            unread: "and then it\nends".into(),
            negative_unread: "choir".into(),
            settings: Settings { bars: Some(8), ..Settings::default() },
            followed: vec!["8 bars".into()],
            overruled: vec!["90 bpm (it is 96)".into()],
            mood: Mood::default(),
            style: None,
            cast: vec!["Fiddle plays the erhu".into()],
        };
        assert_eq!(
            all.remark("paino, no drums", "no brass").as_deref(),
            Some(
                "the prompt is read as \"piano\"; as the prompt says: 8 bars; not as the prompt says: 90 bpm (it is 96); \
                 avoided: drums; guidance of 1 or less avoids nothing: raise it; \
                 heard as what is near: blizzard (storm, snow); not known: w0, w1, w2, w3, w4, w5, w6, w7 and 2 more; \
                 the last 4 words of the prompt are not read, from \"and then it\" on: shorten it; \
                 the last word of what is avoided is not read, from \"choir\" on: shorten it; Fiddle plays the erhu"
            )
        );
    }
}
