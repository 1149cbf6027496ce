//! What latents say of a part's pitches, to be edited.

use candle_core::{Result, Tensor};
use score::Part;

use super::{Grid, ScoreDecoder};

/// Of every column and pitch of a part, how much it begins and, if the part sustains, how much it sounds on; 0 is not at all, a
/// beginning is at least the decoder's onset threshold where it is one.
#[derive(Debug, Clone, PartialEq)]
pub struct PartRoll {
    /// Whose.
    pub part: Part,
    /// The first pitch, as a MIDI note at home.
    pub low: u8,
    /// How many pitches.
    pub pitches: usize,
    /// `(columns)(pitches)`.
    pub begins: Vec<Vec<f64>>,
    /// Likewise; empty columns of a part that does not sustain.
    pub sounds: Vec<Vec<f64>>,
}

impl ScoreDecoder {
    /// `latents (1, channels, columns, rows)` with the parts' rolls changed by `edit`; what it leaves as it was stays, to the bit.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn with_rolls(&self, latents: &Tensor, edit: impl FnOnce(&mut [PartRoll])) -> Result<Tensor> {
        let grid = self.grid(latents)?;
        let before: Vec<PartRoll> = (0..self.rows.len()).map(|row| self.part_roll(&grid, row)).collect();
        let mut after = before.clone();
        edit(&mut after);
        if after == before {
            return Ok(latents.clone());
        }
        let mut values: Vec<f32> = grid.values.iter().map(|x| *x as f32).collect();
        for (index, roll) in after.iter().enumerate().filter(|(index, roll)| before[*index] != **roll) {
            for (column, (begins, sounds)) in roll.begins.iter().zip(&roll.sounds).enumerate() {
                let weights = self.rows[index].weights(&[&begins[..], &sounds[..]].concat());
                for (channel, weight) in weights.into_iter().enumerate() {
                    values[(channel * grid.columns + column) * grid.rows + index] = weight as f32;
                }
            }
        }
        let edited = Tensor::from_vec(values, latents.shape(), latents.device())?;
        edited.to_dtype(latents.dtype())
    }

    fn part_roll(&self, grid: &Grid, row: usize) -> PartRoll {
        let config = &self.config.parts[row];
        let pitches = config.pitches();
        let (begins, sounds) = self.rows[row]
            .roll(grid, row)
            .into_iter()
            .map(|mut column| {
                let sounds = column.split_off(pitches);
                (column, sounds)
            })
            .unzip();
        PartRoll { part: config.part, low: config.low, pitches, begins, sounds }
    }
}
