//! The lines that a saved project consists of.
//!
//! ```text
//! 1:MeLFusion 0.1.0                 the version of this format, then who wrote it
//! project 5a3c91f07b2d4e68 {...}    JSON behind the beginning of its hash
//! cue 3f0b62d1c94e85a7 {...}        likewise, once for every cue of the storyboard, in order
//! take 91c03f2ab84d7e15 {...}       likewise, once for every take
//! data 6d1f...e2 UklGR...           bytes in base64 behind their hash; JSON refers to it
//! end 4                             how many lines came before
//! ```
//!
//! One damaged line costs what it held and nothing else, and what was cut off is noticed.

use std::collections::HashMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use melfusion::hash::sha256;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::exact;

/// Letters of a hash that stand before JSON.
const CHECK: usize = 16;

/// Whether `text` could come from [`sha256`], and is safe as the name of a file.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Writes a saved project line by line.
#[derive(Debug)]
pub struct Writer {
    text: String,
    lines: usize,
    /// Hashes of the data that was written.
    data: Vec<String>,
}

impl Writer {
    /// Begins a text of format `version` that will be about `capacity` bytes long.
    pub fn new(version: u32, capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        let _ = writeln!(text, "{version}:MeLFusion {}", env!("CARGO_PKG_VERSION"));
        Self { text, lines: 1, data: Vec::new() }
    }

    /// Writes `value` as JSON.
    pub fn json(&mut self, kind: &str, value: &impl Serialize) {
        let json = exact::to_string(value);
        let check = &sha256(json.as_bytes())[..CHECK];
        let _ = writeln!(self.text, "{kind} {check} {json}");
        self.lines += 1;
    }

    /// Writes bytes, unless they are there already. Returns their hash, by which JSON refers to them.
    pub fn data(&mut self, bytes: &[u8]) -> String {
        let hash = sha256(bytes);
        self.base64(&hash, &BASE64.encode(bytes));
        hash
    }

    /// As [`Writer::data`], for bytes that are base64 already.
    pub fn base64(&mut self, hash: &str, base64: &str) {
        if self.data.iter().any(|known| known == hash) {
            return;
        }
        self.data.push(hash.to_owned());
        for part in ["data ", hash, " ", base64, "\n"] {
            self.text.push_str(part);
        }
        self.lines += 1;
    }

    /// Ends the text.
    pub fn finish(mut self) -> String {
        let _ = writeln!(self.text, "end {}", self.lines);
        self.text
    }
}

/// The lines of a saved project, told apart.
#[derive(Debug, Default)]
pub struct Lines<'a> {
    /// JSON lines in order: kind and JSON.
    json: Vec<(&'a str, &'a str)>,
    /// Base64 by its hash.
    data: HashMap<&'a str, &'a str>,
    /// Something is damaged or missing.
    pub damaged: bool,
}

/// The number before the first colon; `None` if there is none.
pub fn version(text: &str) -> Option<u32> {
    let digits = text.get(..12).unwrap_or(text).split_once(':')?.0;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl<'a> Lines<'a> {
    /// Takes a text apart. Nothing is decoded yet.
    pub fn of(text: &'a str) -> Self {
        let mut lines = Self::default();
        let mut ended = false;
        for (before, line) in text.lines().enumerate().skip(1) {
            lines.damaged |= ended;
            match line.split_once(' ') {
                Some(("end", number)) => {
                    lines.damaged |= number != before.to_string();
                    ended = true;
                }
                Some((kind, rest)) => lines.add(kind, rest),
                None => lines.damaged = true,
            }
        }
        lines.damaged |= !ended || !text.ends_with('\n');
        lines
    }

    fn add(&mut self, kind: &'a str, rest: &'a str) {
        let Some((check, payload)) = rest.split_once(' ') else {
            self.damaged = true;
            return;
        };
        if kind == "data" {
            self.data.insert(check, payload);
            return;
        }
        self.damaged |= check != &sha256(payload.as_bytes())[..CHECK];
        self.json.push((kind, payload));
    }

    /// The JSON of all lines of this kind, in order. A line that is damaged but still JSON counts.
    pub fn json(&self, kind: &str) -> impl Iterator<Item = &'a str> {
        self.json.iter().filter(move |(its, _)| *its == kind).map(|(_, json)| *json)
    }

    /// Whether there are lines of another kind than these.
    pub fn has_others(&self, kinds: &[&str]) -> bool {
        self.json.iter().any(|(kind, _)| !kinds.contains(kind))
    }

    /// Bytes by their hash; `None` if they are missing or damaged.
    pub fn data(&self, hash: &str) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(self.base64(hash)?).ok()?;
        (sha256(&bytes) == hash).then_some(bytes)
    }

    /// Base64 by its hash, unchecked.
    pub fn base64(&self, hash: &str) -> Option<&'a str> {
        self.data.get(hash).copied()
    }
}

/// What JSON says; `None` if it is not what a `T` looks like.
pub fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    exact::from_str(json)
}
