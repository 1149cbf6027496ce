//! Sound that is fitted, and ready to be saved.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use melfusion::hash::sha256;
use melfusion::request::Key;

use crate::state::flac::{self, FlacError};

/// Sound fitted to a tempo and a rate; or, if its file is gone, the place where sound was.
#[derive(Debug)]
pub struct Sound {
    /// Left and right, on the grid of 24-bit samples, so that FLAC brings back the same. Empty if it is missing.
    pub frames: Arc<[[f32; 2]]>,
    /// In Hz.
    pub rate: u32,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// The same frames compressed, as soon as they were needed.
    packed: OnceLock<Result<Packed, FlacError>>,
    /// Where the sound should be, if it is not here.
    missing: Option<Link>,
    /// What it was stretched from, and the key that was heard in.
    origin: Option<(Arc<Sound>, Option<Key>)>,
}

/// A sound as FLAC, written in letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Base64 without padding.
    pub base64: Arc<str>,
    /// Hash of the FLAC file, hexadecimal.
    pub sha256: String,
}

/// A sound that lies in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Hash of the FLAC file, hexadecimal.
    pub sha256: String,
    /// Where the file was when it was written.
    pub path: PathBuf,
}

impl Sound {
    /// Puts `frames` at `rate` Hz on the grid of 24-bit samples. They are in time at `bpm` quarter notes per minute.
    pub fn new(mut frames: Vec<[f32; 2]>, rate: u32, bpm: f64) -> Self {
        frames.iter_mut().flatten().for_each(|sample| *sample = flac::to_grid(*sample));
        Self { frames: frames.into(), rate, bpm, packed: OnceLock::new(), missing: None, origin: None }
    }

    /// Unpacks a FLAC file.
    ///
    /// # Errors
    ///
    /// As [`flac::decode`].
    pub fn from_flac(flac: &[u8], bpm: f64) -> Result<Self, FlacError> {
        let (frames, rate) = flac::decode(flac)?;
        let packed = OnceLock::from(Ok(Packed::new(flac)));
        Ok(Self { frames: frames.into(), rate, bpm, packed, missing: None, origin: None })
    }

    /// The place of a sound whose file is gone. It is silent until its take is decoded again from the latents.
    pub fn missing(link: Link, rate: u32, bpm: f64) -> Self {
        Self { frames: [].into(), rate, bpm, packed: OnceLock::new(), missing: Some(link), origin: None }
    }

    /// Where the sound should be, if it is not here.
    pub fn link(&self) -> Option<&Link> {
        self.missing.as_ref()
    }

    /// Remembers what this was stretched from, so that the next change of tempo begins there and loses nothing.
    pub fn with_origin(self, origin: Arc<Self>, key: Option<Key>) -> Self {
        Self { origin: Some((origin, key)), ..self }
    }

    /// What this was stretched from, and the key that was heard in.
    pub fn origin(&self) -> Option<(&Arc<Self>, Option<Key>)> {
        self.origin.as_ref().map(|(origin, key)| (origin, *key))
    }

    /// Whether there is nothing to hear because the file is gone.
    pub fn is_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// Compresses the sound, at the first call; 10 s of music take about 0.2 s. To be called in the background when a
    /// sound arrives, so that saving the project finds it done.
    ///
    /// # Errors
    ///
    /// As [`flac::encode`].
    pub fn packed(&self) -> Result<&Packed, FlacError> {
        let pack = || flac::encode(&self.frames, self.rate).map(|flac| Packed::new(&flac));
        self.packed.get_or_init(pack).as_ref().map_err(|error| *error)
    }
}

impl Packed {
    fn new(flac: &[u8]) -> Self {
        Self { base64: BASE64.encode(flac).into(), sha256: sha256(flac) }
    }

    /// The FLAC file.
    pub fn flac(&self) -> Vec<u8> {
        BASE64.decode(&*self.base64).expect("only `new` writes it")
    }
}
