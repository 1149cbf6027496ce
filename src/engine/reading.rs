//! What the text encoder is given of a request, and what is said of that.

use candle_core::{Result, Tensor};

use super::Engine;
use crate::error::{Error, InStage, Stage};
use crate::request::Request;
use crate::text::{self, Mood, Reading, Settings, Wish, avoid};

/// What stands between two phrases.
const COMMA: &str = ", ";

/// A request's words for the text encoder.
pub(super) struct Texts {
    prompt: String,
    negative: String,
    pub(super) reading: Reading,
}

impl Engine {
    /// The words of `request` as the bundle reads them.
    ///
    /// # Errors
    ///
    /// [`Error::Stage`] if the bundle's tokenizer has no token for a character and none for unknown ones.
    pub fn reading(&self, request: &Request) -> std::result::Result<Reading, Error> {
        let mut reading = self.texts(request).in_stage(Stage::Text)?.reading;
        if let Some(casting) = self.cast(request, &reading)? {
            // Who is known to play is no unknown word.
            let is_cast = |word: &str| casting.casts.iter().any(|cast| cast.words.contains(&word.to_lowercase()));
            reading.unknown.retain(|word| !is_cast(word));
            reading.placed.retain(|placed| !is_cast(&placed.word));
            reading.cast = casting.remarks();
            reading.style = self.named_cue(&reading.prompt).map(String::from);
        }
        Ok(reading)
    }

    /// The negative prompt and the prompt, each `(1, l, d)`.
    pub(super) fn read(&self, request: &Request) -> std::result::Result<[Tensor; 2], Error> {
        let texts = self.texts(request).in_stage(Stage::Text)?;
        Ok([self.encode(&texts.negative)?, self.encode(&texts.prompt)?])
    }

    pub(super) fn texts(&self, request: &Request) -> Result<Texts> {
        let wish = Wish::new(&text::in_english(&request.prompt));
        let negative = text::in_english(request.negative.trim());
        let picture = self.picture_words(request).unwrap_or_default();
        let picture = self.reader.read(&picture);
        let key = self.key_words(request).unwrap_or_default();
        let (settings, rest) = text::settings(&wish.asked);
        // A model that makes tempo and key itself may have learnt them from the words.
        let is_free = self.manifest.decoder.config.has_free_tempo_and_key();
        let asked = self.fit(if is_free { rest.trim() } else { wish.asked.trim() }, &picture, &key)?;
        let own =
            Settings { bpm: Some(request.bpm), key: request.key, bars: Some(request.bars), meter: Some(request.meter) };
        let (followed, overruled) = settings.compare(&own);
        let avoided = self.fit(&avoid(&negative, &wish.avoided), "", "")?;
        let all = phrases(&[&asked.whole, &avoided.own]);
        let (placed, unknown) = (self.reader.placed(&all), self.reader.unknown(&all));
        let wanted = Wish::new(&negative);
        let shunned: Vec<String> =
            [wanted.asked].into_iter().chain(wanted.avoided).chain(wish.avoided.clone()).collect();
        let mood = Mood::new(&asked.own, &shunned);
        let reading = Reading {
            prompt: asked.own,
            negative: avoided.own.clone(),
            avoided: wish.avoided,
            avoids: request.guidance > 1.0,
            settings,
            followed,
            overruled,
            placed,
            unknown,
            unread: asked.unread,
            negative_unread: avoided.unread,
            mood,
            style: None,
            cast: Vec::new(),
        };
        // Below 1, guidance leads towards what is to be avoided: there only what was named as such may be.
        let named = || avoid(&negative, &[]);
        let negative = if reading.avoids { avoided.own } else { self.fit(&named(), "", "")?.own };
        Ok(Texts { prompt: phrases(&[&asked.whole, &key]), negative, reading })
    }

    /// What the prompt says of the key.
    fn key_words(&self, request: &Request) -> Option<String> {
        let key = request.key?;
        // Where the key is made by transposition, the model learnt no more than the mode.
        let is_free = self.manifest.decoder.config.has_free_tempo_and_key();
        Some(if is_free { format!("in {}", key.mode().name()) } else { format!("in {key}") })
    }

    /// As much of `text` as is read between what comes `before` it and what comes `after` it.
    fn fit(&self, text: &str, before: &str, after: &str) -> Result<Fitted> {
        let (near, far) = self.reader.split(text);
        let before = if before.is_empty() { String::new() } else { format!("{before}{COMMA}") };
        let whole = format!("{before}{}", self.reader.read(near));
        let whole = whole.strip_suffix(COMMA).unwrap_or(&whole);
        let tail = if after.is_empty() || whole.is_empty() { after.to_string() } else { format!("{COMMA}{after}") };
        let (read, rest) = whole.split_at(self.reader.end(whole, &tail)?);
        let own = read.strip_prefix(&before).unwrap_or_default();
        Ok(Fitted { whole: read.to_string(), own: own.to_string(), unread: format!("{rest}{far}").trim().to_string() })
    }
}

/// A text as far as it is read.
struct Fitted {
    /// With what comes before it.
    whole: String,
    /// Without.
    own: String,
    /// The rest.
    unread: String,
}

/// Those of `words` that say anything, between commas.
fn phrases(words: &[&str]) -> String {
    words.iter().filter(|words| !words.is_empty()).copied().collect::<Vec<_>>().join(COMMA)
}
