//! Prompt to token ids.

use super::TextConfig;
use super::lexicon::{self, is_apostrophe, is_letter, plain};
use super::spelling::{Spelling, stem};
use super::thesaurus::{self, Near, Placed};
use candle_core::{Error, Result};
use std::borrow::Cow;
use std::ops::Range;
use tokenizers::Tokenizer;

/// Most bytes of a prompt that are read; 32 for each of T5's 512 tokens. Bounds the time that any prompt takes.
pub(super) const MAX_PROMPT_BYTES: usize = 16 * 1024;

/// What tokenizers call what they have no token for.
const UNKNOWN: [&str; 2] = ["<unk>", "[UNK]"];

/// Numbers that are names.
const DRUM_MACHINES: [&str; 3] = ["808", "909", "707"];

/// How two words end that are written as one; the second is a verb or "not".
const CONTRACTED: [&str; 6] = ["n't", "'ll", "'ve", "'re", "'d", "'m"];

/// What a network reads as one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// A token.
    Token(u32),
    /// A word that is as much like each of some tokens; the shares' sum is 1.
    Blend(Vec<(u32, f32)>),
}

impl Piece {
    /// The token that it is, or is most like.
    pub(super) fn token(&self) -> u32 {
        match self {
            Self::Token(id) => *id,
            Self::Blend(parts) => parts.first().map_or(0, |(id, _)| *id),
        }
    }
}

/// Cuts prompts into tokens.
#[derive(Debug, Clone)]
pub(super) struct Words {
    tokenizer: Tokenizer,
    spelling: Option<Spelling>,
    /// Ids at most, `eos` among them; not 0.
    limit: usize,
    /// Fills up to `limit`; `None` leaves prompts as short as they are.
    pad: Option<u32>,
    eos: u32,
    /// Stands for what the tokenizer has no token for.
    unknown: Option<u32>,
}

impl Words {
    /// `tokenizer_json` is the content of a `tokenizer.json`.
    pub(super) fn new(config: &TextConfig, tokenizer_json: &[u8]) -> Result<Self> {
        let mut tokenizer = Tokenizer::from_bytes(tokenizer_json).map_err(Error::wrap)?;
        // `ids` truncates, closes and pads, whatever the file says.
        tokenizer.with_padding(None).with_truncation(None).map_err(Error::wrap)?;
        let largest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        let largest = largest.max(config.t5.eos_token_id).max(config.t5.pad_token_id);
        if largest as usize >= config.t5.vocab_size {
            candle_core::bail!("the tokenizer has ids up to {largest}, vocab_size is {}", config.t5.vocab_size)
        }
        if config.limit() == 0 {
            candle_core::bail!("a prompt of at most 0 tokens has no room for the closing one")
        }
        Ok(Self {
            spelling: config.spelling.then(|| Spelling::new(&tokenizer)),
            limit: config.limit(),
            pad: config.tokens.map(|_| config.t5.pad_token_id),
            eos: config.t5.eos_token_id,
            unknown: UNKNOWN.iter().find_map(|token| tokenizer.token_to_id(token)),
            tokenizer,
        })
    }

    /// At least one piece, at most `limit`; the last but the padding is `eos`.
    pub(super) fn pieces(&self, prompt: &str) -> Result<Vec<Piece>> {
        let prompt = self.read(prompt);
        let encoding = self.tokenizer.encode(prompt.as_ref(), false).map_err(Error::wrap)?;
        let mut tokens = encoding.get_ids().iter().zip(encoding.get_offsets()).peekable();
        let mut pieces = Vec::new();
        for (bytes, near) in self.placed(&prompt) {
            // A token of the space before a word may begin before it.
            while let Some((id, _)) = tokens.next_if(|(_, (start, end))| *start < bytes.start && *end <= bytes.start) {
                pieces.push(Piece::Token(*id));
            }
            while tokens.next_if(|(_, (start, _))| *start < bytes.end).is_some() {}
            pieces.push(self.blend(&near)?);
        }
        pieces.extend(tokens.map(|(id, _)| Piece::Token(*id)));
        pieces.truncate(self.limit - 1);
        pieces.push(Piece::Token(self.eos));
        if let Some(pad) = self.pad {
            pieces.resize(self.limit, Piece::Token(pad));
        }
        Ok(pieces)
    }

    /// The words of `text` that captions do not have and others tell, where they stand, and the others.
    fn placed(&self, text: &str) -> Vec<(Range<usize>, Near)> {
        if self.spelling.is_none() {
            return Vec::new();
        }
        let words = runs(text).filter(|bytes| !self.knows(&text[bytes.clone()]));
        words.filter_map(|bytes| Some((bytes.clone(), thesaurus::near(&plain(&text[bytes]))?))).collect()
    }

    /// The tokens of words near another, each with its word's share.
    fn blend(&self, near: &[(&str, f32)]) -> Result<Piece> {
        let mut parts = Vec::new();
        for (word, share) in near {
            let encoding = self.tokenizer.encode_fast(*word, false).map_err(Error::wrap)?;
            let ids = encoding.get_ids();
            parts.extend(ids.iter().map(|id| (*id, share / ids.len() as f32)));
        }
        Ok(Piece::Blend(parts))
    }

    /// The words of `text` that others tell, each once.
    pub(super) fn told_by_others(&self, text: &str) -> Vec<Placed> {
        let mut found: Vec<Placed> = Vec::new();
        for (bytes, near) in self.placed(&text[..text.floor_char_boundary(MAX_PROMPT_BYTES)]) {
            let word = text[bytes].to_string();
            if !found.iter().any(|placed| placed.word.to_lowercase() == word.to_lowercase()) {
                found.push(Placed { word, near: near.into_iter().map(|(other, _)| other.to_string()).collect() });
            }
        }
        found
    }

    /// `prompt` as it is read: no longer than is read, and without slips.
    pub(super) fn read<'a>(&self, prompt: &'a str) -> Cow<'a, str> {
        let prompt = &prompt[..prompt.floor_char_boundary(MAX_PROMPT_BYTES)];
        match &self.spelling {
            Some(spelling) => spelling.correct(prompt).into(),
            None => prompt.into(),
        }
    }

    /// Most ids of a prompt, without the closing one.
    pub(super) fn room(&self) -> usize {
        self.limit - 1
    }

    /// How many ids `text` has, if there were room for all.
    pub(super) fn length(&self, text: &str) -> Result<usize> {
        Ok(self.tokenizer.encode_fast(text, false).map_err(Error::wrap)?.len())
    }

    /// How many bytes of `text`, from its beginning, are read in `room` ids. No word is cut, unless it stands at the
    /// beginning.
    pub(super) fn end(&self, text: &str, room: usize) -> Result<usize> {
        let near = &text[..text.floor_char_boundary(MAX_PROMPT_BYTES)];
        let encoding = self.tokenizer.encode(near, false).map_err(Error::wrap)?;
        let Some((end, _)) = encoding.get_offsets().get(room) else { return Ok(near.len()) };
        let end = near.floor_char_boundary(*end);
        let is_inner = |c: char| is_letter(c) || c.is_numeric() || is_apostrophe(c);
        let word = near[..end].trim_end_matches(is_inner).len();
        let is_within = near[end..].starts_with(is_inner) && word > 0;
        Ok(near[..if is_within { word } else { end }].trim_end().len())
    }

    /// The words of `text` that the network does not know, each once.
    pub(super) fn unknown(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for word in text[..text.floor_char_boundary(MAX_PROMPT_BYTES)].split(|c| !is_of_word(c)) {
            let (word, _) = stem(word.trim_matches(|c: char| !is_letter(c) && !is_symbol(c) && !c.is_numeric()));
            let is_new = || !found.iter().any(|known| known.to_lowercase() == word.to_lowercase());
            if !self.knows(word) && !self.places(word) && is_new() {
                found.push(word.to_string());
            }
        }
        found
    }

    /// Whether others tell all of a word that captions do not have.
    fn places(&self, word: &str) -> bool {
        let mut parts = runs(word).map(|bytes| &word[bytes]).filter(|part| !self.knows(part)).peekable();
        self.spelling.is_some() && parts.peek().is_some() && parts.all(|part| thesaurus::near(&plain(part)).is_some())
    }

    fn knows(&self, word: &str) -> bool {
        let has_tokens = || {
            let encoding = self.tokenizer.encode_fast(word, false);
            encoding.is_ok_and(|encoding| !encoding.get_ids().iter().any(|id| Some(*id) == self.unknown))
        };
        let is_contraction = || CONTRACTED.iter().any(|ending| word.replace('\u{2019}', "'").ends_with(ending));
        match &self.spelling {
            Some(_) if is_contraction() => true,
            Some(_) if is_number(word) => false,
            Some(_) => word.split(|c: char| !is_letter(c) && !is_symbol(c)).all(knows_caption),
            None => has_tokens(),
        }
    }
}

/// Whether captions use a word, in the plural or not; or it says nothing by itself.
fn knows_caption(word: &str) -> bool {
    let word = plain(word);
    let single = word.strip_suffix("es").into_iter().chain(word.strip_suffix('s'));
    let is_known = |word: &str| lexicon::is_of_captions(word) || lexicon::is_joint(word);
    word.chars().count() < 2 && word.is_ascii() || is_known(&word) || single.into_iter().any(is_known)
}

/// The runs of letters of `text`, without endings of genitives.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_inside = |c: char| is_letter(c) || is_apostrophe(c);
    let words = text.split(move |c| !is_inside(c)).filter(|word| word.contains(is_letter));
    words.map(move |word| {
        let trimmed = word.trim_start_matches(is_apostrophe);
        let start = trimmed.as_ptr() as usize - text.as_ptr() as usize;
        start..start + stem(trimmed.trim_end_matches(is_apostrophe)).0.len()
    })
}

/// Whether a word is a number that means nothing by itself; those of one digit may count what follows.
fn is_number(word: &str) -> bool {
    word.len() > 1
        && word.chars().all(|c| c.is_ascii_digit())
        && !lexicon::is_of_captions(word)
        && !DRUM_MACHINES.contains(&word)
}

/// Whether `c` is part of a word, or a sign that stands for one.
fn is_of_word(c: char) -> bool {
    is_letter(c) || c.is_numeric() || is_apostrophe(c) || c == '-' || is_symbol(c)
}

/// Whether `c` is a pictogram, such as an emoji or a note.
fn is_symbol(c: char) -> bool {
    !c.is_alphanumeric() && matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}')
}
