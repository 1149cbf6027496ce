//! What the latents of a score are made of.

use candle_core::{Result, bail};
use score::Part;
use serde::{Deserialize, Serialize};

use super::Numbers;
use super::outline::CLASSES;

/// Sizes and thresholds of a score decoder.
///
/// ```toml
/// [decoder]
/// weights = "decoder.safetensors"
/// kind = "score"
/// bank = "instruments.sf3"
/// parts = [
///     { name = "pad", low = 39, high = 83, components = 71, programs = [48, 52, 91], sustains = true },
///     { name = "bass", low = 28, high = 55, components = 47, programs = [32, 33], monophonic = true, sustains = true },
///     # ... all of `score::Part::ALL`, in its order
/// ]
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreConfig {
    /// File of the soundfont that plays the notes.
    pub bank: String,
    /// Numbers that say who plays a part.
    pub code: usize,
    /// From which a note begins.
    pub onset: f64,
    /// From which it sounds on.
    pub sustain: f64,
    /// Value of the beginning of a note without any velocity.
    pub quietest: f64,
    /// What full velocity adds to it.
    pub range: f64,
    /// Chords that the parts agree on while they are composed; 0 leaves each part to itself.
    pub chords: usize,
    /// Names of every style of cue that latents have a code for, its own first; without any, latents do not say what they are
    /// composed on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cues: Vec<Vec<String>>,
    /// Every part, in the order of [`Part::ALL`].
    pub parts: Vec<PartConfig>,
}

/// What a part can play.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartConfig {
    /// Which.
    #[serde(rename = "name")]
    pub part: Part,
    /// Lowest pitch, as a MIDI note.
    pub low: u8,
    /// Highest pitch.
    pub high: u8,
    /// Principal components.
    pub components: usize,
    /// Instruments, as programs of General MIDI; of drums, kits.
    pub programs: Vec<u8>,
    /// Whether at most one note begins in a column, and ends the one before.
    #[serde(default)]
    pub monophonic: bool,
    /// Whether notes last; of those that do not, each is a column long.
    #[serde(default)]
    pub sustains: bool,
    /// Fewest notes in a window of the model, if it plays there; fewer are none of its music.
    #[serde(default = "one")]
    pub least: usize,
}

fn one() -> usize {
    1
}

/// Most chords.
const MOST_CHORDS: usize = 4096;
/// Most styles of cue.
const MOST_CUES: usize = 1024;
/// Columns of the shortest window of the model.
const WINDOW: usize = 48;

impl Default for ScoreConfig {
    /// The mini bundle's, but for the parts.
    fn default() -> Self {
        Self {
            bank: "instruments.sf3".into(),
            code: 6,
            onset: 0.45,
            sustain: 0.5,
            quietest: 0.6,
            range: 0.4,
            chords: 0,
            cues: Vec::new(),
            parts: Vec::new(),
        }
    }
}

impl ScoreConfig {
    /// Channels of each row, the parts' first, then the clip's.
    pub fn row_channels(&self) -> Vec<usize> {
        let parts = self.parts.iter().map(|part| part.components + 1 + self.code);
        let outline = if self.cues.is_empty() { Vec::new() } else { vec![CLASSES, self.code] };
        parts.chain([Numbers::COUNT]).chain(outline).collect()
    }

    /// Channels of the latents: those of the row that has most.
    pub fn channels(&self) -> usize {
        self.row_channels().into_iter().max().unwrap_or(0)
    }

    /// Rows of the latents.
    pub fn rows(&self) -> usize {
        self.row_channels().len()
    }

    /// Rejects what the code could only answer with a panic or nonsense.
    pub(super) fn validate(&self) -> Result<()> {
        if !self.parts.iter().map(|part| part.part).eq(Part::ALL) {
            bail!("score decoder: parts should be {}", Part::ALL.map(Part::name).join(", "));
        }
        if !(1..=64).contains(&self.code) {
            bail!("score decoder: code should be 1 to 64");
        }
        if self.chords > MOST_CHORDS {
            bail!("score decoder: chords should be 0 to {MOST_CHORDS}");
        }
        if self.cues.len() > MOST_CUES || self.cues.iter().any(Vec::is_empty) {
            bail!("score decoder: cues should be 0 to {MOST_CUES} styles, each with a name");
        }
        let are_finite = [self.onset, self.sustain, self.quietest, self.range].iter().all(|x| x.is_finite());
        if !are_finite || self.range <= 0.0 {
            bail!("score decoder: thresholds should be finite and range above 0");
        }
        self.parts.iter().try_for_each(PartConfig::validate)
    }
}

impl PartConfig {
    /// How many pitches.
    pub fn pitches(&self) -> usize {
        usize::from(self.high).saturating_sub(usize::from(self.low)) + 1
    }

    /// Fewest notes in so many columns; of less than a window its share.
    pub(super) fn least_of(&self, columns: usize) -> usize {
        (self.least * columns.min(WINDOW)).div_ceil(WINDOW)
    }

    /// Numbers of a column of its roll.
    pub(super) fn width(&self) -> usize {
        self.pitches() * if self.sustains { 2 } else { 1 }
    }

    fn validate(&self) -> Result<()> {
        let part = self.part;
        if self.low > self.high || self.high > 127 {
            bail!("score decoder: {part} from {} to {} is no range of MIDI notes", self.low, self.high);
        }
        if !(1..=self.width()).contains(&self.components) {
            bail!("score decoder: {part} should have 1 to {} components, not {}", self.width(), self.components);
        }
        if self.least == 0 {
            bail!("score decoder: {part} should have a least of 1 or more notes");
        }
        if self.programs.is_empty() || self.programs.iter().any(|program| *program > 127) {
            bail!("score decoder: {part} should have programs from 0 to 127");
        }
        Ok(())
    }
}
