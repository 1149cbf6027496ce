//! What a score is composed on, as two rows of the latents behind the clip's: the chord of every column, and the style of cue.
//!
//! A model that decides them with the notes agrees on them before any note is decided; what a user asks for is given there.
//!
//! Source: `bundles/mini/recipe/outline.py`.

use candle_core::{Result, bail};
use candle_nn::VarBuilder;
use score::ChordSymbol;

use super::{ScoreConfig, ScoreDecoder, numbers_of};
use crate::text::Mood;

/// Pitch classes.
pub(super) const CLASSES: usize = 12;
/// Of the tone in the bass; 1 of a chord's other tones.
const BASS: f64 = 1.5;

/// How latents say it.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    /// Mean and spread of each pitch class.
    harmony: [[f64; CLASSES]; 2],
    /// The code of each style of cue.
    cues: Vec<Vec<f32>>,
}

/// What is known of a row of latents that is no part's.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRow {
    /// Which.
    pub row: usize,
    /// What a model is told that is known: 0 of notes, 1 of codes; it is not told of others, and finds them in what it sees.
    pub kind: Option<usize>,
    /// Of every column the channels that are known, and their numbers.
    pub columns: Vec<Vec<(usize, f32)>>,
}

impl Outline {
    /// Reads `harmony (2, 12)`, means and spreads, and `cues (n, code)`; nothing where the model has no styles of cue.
    pub fn new(config: &ScoreConfig, vb: &VarBuilder) -> Result<Option<Self>> {
        if config.cues.is_empty() {
            return Ok(None);
        }
        let harmony = numbers_of(&vb.get((2, CLASSES), "harmony")?)?;
        let (means, spreads) = harmony.split_at(CLASSES);
        if spreads.contains(&0.0) {
            bail!("score decoder: outline.harmony has a spread of 0");
        }
        let cues = numbers_of(&vb.get((config.cues.len(), config.code), "cues")?)?;
        let cues = cues.chunks(config.code).map(|code| code.iter().map(|x| *x as f32).collect()).collect();
        let harmony = [means, spreads].map(|row| std::array::from_fn(|class| row[class]));
        Ok(Some(Self { harmony, cues }))
    }

    fn chord(&self, tones: &[bool; CLASSES], bass: usize) -> Vec<f32> {
        let [means, spreads] = &self.harmony;
        let value = |class: usize| match (class == bass, tones[class]) {
            (true, _) => BASS,
            (false, is_tone) => f64::from(u8::from(is_tone)),
        };
        (0..CLASSES).map(|class| ((value(class) - means[class]) / spreads[class]) as f32).collect()
    }
}

impl ScoreDecoder {
    /// What is known if every column is to sound a chord, `home` semitones above the latents', or none that is known. `None` where
    /// latents do not say their chords.
    pub fn known_harmony(&self, chords: &[Option<&ChordSymbol>], home: i32) -> Option<KnownRow> {
        let outline = self.outline.as_ref()?;
        let lowered = |class: i32| (class - home).rem_euclid(CLASSES as i32) as usize;
        let chord = |chord: &ChordSymbol| {
            let mut tones = [false; CLASSES];
            let sounding = chord.tones();
            (0..CLASSES).filter(|class| sounding[*class]).for_each(|class| tones[lowered(class as i32)] = true);
            outline.chord(&tones, lowered(chord.bass().into()))
        };
        let columns = chords.iter().map(|it| it.map(chord).unwrap_or_default().into_iter().enumerate().collect());
        Some(KnownRow { row: self.rows.len() + 1, kind: Some(0), columns: columns.collect() })
    }

    /// What is known of columns in styles of cue, by their place among [`ScoreConfig::cues`], or in none that is known. `None` where
    /// latents do not say their style.
    pub fn known_cues(&self, cues: &[Option<usize>]) -> Option<KnownRow> {
        let codes = &self.outline.as_ref()?.cues;
        let code = |cue: &Option<usize>| cue.and_then(|cue| codes.get(cue)).cloned().unwrap_or_default();
        let columns = cues.iter().map(|cue| code(cue).into_iter().enumerate().collect());
        Some(KnownRow { row: self.rows.len() + 2, kind: Some(1), columns: columns.collect() })
    }

    /// What is known of how the clip feels, of every column.
    pub fn known_mood(&self, moods: &[Mood]) -> KnownRow {
        let numbers = |mood: &Mood| {
            let said = [mood.valence.map(|x| self.valence(x)), mood.energy.map(|x| self.energy(x))];
            said.into_iter().flatten().collect()
        };
        KnownRow { row: self.rows.len(), kind: None, columns: moods.iter().map(numbers).collect() }
    }

    /// How many rows are the parts' and the clip's numbers.
    pub fn told_rows(&self) -> usize {
        self.rows.len() + 1
    }
}
