//! What of a score has to be heard, however faint the model has it.

use score::Part;

use super::ScoreConfig;
use super::presence::onset_thresholds;
use super::row::{Roll, Row};

/// The faintest beginning that is made to sound.
const FLOOR: f32 = 0.12;

/// What has to be heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Who was asked for, the first one first: each of them plays.
    pub parts: Vec<Part>,
    /// Columns of a bar; no bar is empty. 0 lets bars be empty.
    pub bar: usize,
}

impl Heard {
    /// From which strength notes begin, for every row and column.
    pub(super) fn onsets(&self, rows: &[Row], rolls: &[Roll], config: &ScoreConfig) -> Vec<Vec<f32>> {
        let threshold = config.onset as f32;
        let mut onsets: Vec<Vec<f32>> = rolls.iter().map(|roll| vec![threshold; roll.len()]).collect();
        if self.bar == 0 {
            return onsets;
        }
        let strengths: Vec<Vec<f32>> = rows.iter().zip(rolls).map(|(row, roll)| row.strengths(roll)).collect();
        let plays = |index: usize| strengths[index].iter().filter(|x| **x > threshold).count() >= config.least;
        let asked: Vec<usize> = self.parts.iter().map(|part| part.index()).collect();
        for &index in asked.iter().filter(|index| !plays(**index)) {
            let silent = vec![false; strengths[index].len()];
            let own = onset_thresholds(&[&strengths[index]], &silent, self.bar, threshold, FLOOR);
            lower(&mut onsets[index], &own[0]);
        }
        let others = (0..rows.len()).filter(|index| !asked.contains(index) && plays(*index));
        let playing: Vec<usize> = asked.iter().copied().chain(others).collect();
        let mut sounds = vec![false; onsets.first().map_or(0, Vec::len)];
        for &index in &playing {
            let own = rows[index].sounds(&rolls[index], config);
            sounds.iter_mut().zip(own).for_each(|(any, own)| *any |= own);
        }
        let order: Vec<&[f32]> = playing.iter().map(|index| &strengths[*index][..]).collect();
        let filled = onset_thresholds(&order, &sounds, self.bar, threshold, FLOOR);
        playing.iter().zip(&filled).for_each(|(&index, own)| lower(&mut onsets[index], own));
        onsets
    }
}

fn lower(onsets: &mut [f32], to: &[f32]) {
    onsets.iter_mut().zip(to).for_each(|(onset, to)| *onset = onset.min(*to));
}
