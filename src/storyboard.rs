//! A storyboard: cues that follow one another on bar lines and sound like one score.
//!
//! A [`Cue`] is a frame of the film with words, a length in bars and a [`Transition`] that leads into it. A [`Board`]
//! puts cues in order and gives them what they share: tempo, metre, key, style and seed. Every cue is composed by
//! itself ([`Engine::score`](crate::Engine::score)), in any order and again at any time, and [`mix`] lays the clips on
//! the bar lines as one bed.
//!
//! ```
//! use melfusion::request::RequestFields;
//! use melfusion::storyboard::{Board, BoardFields, Cue, TempoMap, Transition};
//!
//! let board = Board::new(BoardFields {
//!     tempo: TempoMap::constant(120.0)?,
//!     style: "warm strings".into(),
//!     cues: vec![
//!         Cue { prompt: "calm".into(), bars: 4, ..Cue::default() },
//!         Cue {
//!             prompt: "low drums".into(),
//!             start_bar: 5,
//!             bars: 2,
//!             transition: Transition::Crossfade { bars: 1 },
//!             ..Cue::default()
//!         },
//!     ],
//!     ..BoardFields::default()
//! })?;
//! assert_eq!(board.request(1).prompt, "low drums, warm strings");
//! assert_eq!(board.frames(), 6 * 2 * 48_000);
//! # Ok::<(), melfusion::Error>(())
//! ```

mod check;
mod cue;
mod draft;
mod intensity;
mod item;
mod midi;
mod mix;
#[cfg(feature = "cli")]
pub mod project;
mod sheet;
mod tail;
mod tempo;
mod theme;
mod transition;
mod voice;

use std::ops::{Deref, Range};

use serde::{Deserialize, Serialize};

pub use self::cue::Cue;
pub use self::draft::{Draft, FrameRate, Import};
pub use self::intensity::Intensity;
pub use self::item::{Item, items, stem};
pub use self::midi::midi;
pub use self::mix::{Bed, mix, mix_ringing};
pub use self::sheet::{Sheet, SheetCue};
pub use self::tempo::{Tempo, TempoMap};
pub use self::theme::Reprise;
pub use self::transition::Transition;
use crate::engine::Morph;
use crate::error::{CueName, Error};
use crate::request::{Arrangement, Key, Meter, Request, RequestFields, SamplerKind};

/// Longest board, in seconds: an hour.
pub const MAX_BOARD_SECONDS: f64 = 3600.0;
/// Most cues on a board.
pub const MAX_CUES: usize = 1000;

/// What bars that belong to no cue mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// A mistake: a bed that falls silent by accident is only noticed in the mix.
    #[default]
    Refuse,
    /// Silence, as in a film where no music plays.
    Silence,
}

/// Everything a board says, unchecked. Fill in what matters and take the rest from `default()`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardFields {
    /// Name of the score. May be empty.
    pub title: String,
    /// Quarter notes per minute, bar by bar.
    pub tempo: TempoMap,
    /// Length of every bar.
    pub meter: Meter,
    /// Key of every cue; `None` leaves it to the model.
    pub key: Option<Key>,
    /// Words that are added to every cue's own. May be empty.
    pub style: String,
    /// What not to hear, in every cue. May be empty.
    pub negative: String,
    /// Where the noise starts in every cue that has no seed of its own.
    pub seed: u64,
    /// Denoising steps, 1..=200.
    pub steps: u32,
    /// How strictly the words are followed, 0..=20.
    pub guidance: f64,
    /// How noise is removed.
    pub sampler: SamplerKind,
    /// Rate of the finished bed in Hz, 8000..=192000.
    pub sample_rate: u32,
    /// What bars between cues, and before the first one, mean.
    pub gaps: Gaps,
    /// How much energy the cues have, bar by bar of the board.
    #[serde(default)]
    pub intensity: Intensity,
    /// Whether cues whose notes are known ring on over the cut into the next one, or into a gap.
    #[serde(default)]
    pub tails: bool,
    /// In the order in which they sound; at least one.
    pub cues: Vec<Cue>,
}

impl Default for BoardFields {
    fn default() -> Self {
        let request = RequestFields::default();
        Self {
            title: String::new(),
            tempo: TempoMap::default(),
            meter: request.meter,
            key: request.key,
            style: String::new(),
            negative: request.negative,
            seed: request.seed,
            steps: request.steps,
            guidance: request.guidance,
            sampler: request.sampler,
            sample_rate: request.sample_rate,
            gaps: Gaps::default(),
            intensity: Intensity::default(),
            tails: false,
            cues: Vec::new(),
        }
    }
}

/// A board that has been checked. Reads like its [fields](BoardFields), cannot be written to.
///
/// Cues follow each other without overlap, every one is a valid [`Request`], and every transition has room.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Board(BoardFields);

impl Board {
    /// Checks every cue and their order.
    ///
    /// # Errors
    ///
    /// [`Error::Board`] names the first cue that cannot be and says what would be right.
    pub fn new(fields: BoardFields) -> Result<Self, Error> {
        let board = Self(fields);
        check::check(&board)?;
        Ok(board)
    }

    /// Gives the fields back, to change some and ask again.
    pub fn into_fields(self) -> BoardFields {
        self.0
    }

    /// What the engine is asked for cue `index`, from 0: its own words and the board's style, and all that cues share.
    ///
    /// The tempo is the one at which the cue begins.
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn request(&self, index: usize) -> Request {
        Request::new(self.fields(index)).expect("a board's cues were checked")
    }

    /// The bars of cue `index`, the first bar of the board being 1.
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn bars(&self, index: usize) -> Range<u32> {
        let cue = &self.cues[index];
        cue.start_bar..cue.start_bar + cue.bars
    }

    /// The bar line at which the board ends: the first bar that is no more of it.
    pub fn end_bar(&self) -> u32 {
        self.cues.last().map_or(1, |cue| cue.start_bar + cue.bars)
    }

    /// When bar `bar` begins, in seconds from bar 1.
    pub fn seconds(&self, bar: u32) -> f64 {
        self.tempo.seconds(bar, self.meter)
    }

    /// The frame at which bar `bar` begins: its time, to the nearest frame, so that nothing adds up along the way.
    pub fn frame(&self, bar: u32) -> usize {
        (self.seconds(bar) * f64::from(self.sample_rate)).round() as usize
    }

    /// Length of the bed in frames.
    pub fn frames(&self) -> usize {
        self.frame(self.end_bar())
    }

    /// The tempi at which cue `index` is heard, its lead-in included, each once; the one it is composed at first.
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn tempi(&self, index: usize) -> Vec<f64> {
        let mut tempi = vec![self.tempo.at(self.bars(index).start)];
        for stretch in self.tempo.stretches(voice::bars(self, index)) {
            if !tempi.contains(&stretch.bpm) {
                tempi.push(stretch.bpm);
            }
        }
        tempi
    }

    /// Whether cue `index` begins on the bar line where the one before it ends.
    pub(crate) fn is_joined(&self, index: usize) -> bool {
        index > 0 && self.bars(index - 1).end == self.cues[index].start_bar
    }

    /// What the end of cue `index` leans towards.
    pub(crate) fn morph(&self, index: usize) -> Option<Morph> {
        let next = self.cues.get(index + 1).filter(|_| self.is_joined(index + 1))?;
        match next.transition {
            Transition::Morph { bars } => Some(Morph { bars, next: self.request(index + 1) }),
            _ => None,
        }
    }

    fn fields(&self, index: usize) -> RequestFields {
        let cue = &self.cues[index];
        let words = [&cue.prompt, &self.style].map(|words| words.trim());
        RequestFields {
            prompt: words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", "),
            negative: self.negative.clone(),
            picture: cue.picture.as_ref().map(|picture| match cue.crop {
                Some(crop) => picture.cropped(crop),
                None => picture.clone(),
            }),
            picture_words: cue.picture_words.clone(),
            bars: cue.bars,
            meter: self.meter,
            bpm: self.tempo.at(cue.start_bar),
            key: self.key,
            seed: cue.seed.unwrap_or(self.seed),
            steps: self.steps,
            guidance: self.guidance,
            influence: cue.influence,
            sample_rate: self.sample_rate,
            sampler: self.sampler,
            parts: cue.parts.clone(),
            keep: cue.keep.clone(),
            arrangement: self.arrangement(cue),
            ..Default::default()
        }
    }

    /// What is asked of a cue's notes, the board's intensity included.
    fn arrangement(&self, cue: &Cue) -> Arrangement {
        let own = cue.arrangement.clone();
        if self.intensity.is_empty() || !own.intensity.is_empty() {
            return own;
        }
        let bars = (0..cue.bars).map(|bar| self.intensity.at(cue.start_bar.saturating_add(bar)));
        Arrangement { intensity: bars.collect(), ..own }
    }

    /// What messages call cue `index`.
    pub(crate) fn name(&self, index: usize) -> CueName {
        CueName { index, name: self.cues[index].name.clone() }
    }
}

impl Deref for Board {
    type Target = BoardFields;

    fn deref(&self) -> &BoardFields {
        &self.0
    }
}
