//! One part's row of the latents.

use candle_core::{Result, bail};
use candle_nn::VarBuilder;
use score::{Note, Score};

use super::decoded::{GridNote, GridPlayer, curve_of};
use super::{Grid, PartConfig, ScoreConfig, instrument, numbers_of};

/// Dynamics that are believed, as a linear gain.
const DYNAMICS: std::ops::RangeInclusive<f64> = 0.05..=1.0;

/// Velocity of a note whose loudness is not known.
const UNSURE: f64 = 56.0;

/// What a row's numbers mean.
#[derive(Debug, Clone)]
pub(super) struct Row {
    config: PartConfig,
    code: usize,
    mean: Vec<f64>,
    /// `(components, width)`.
    basis: Vec<f64>,
    /// One over the square of every component's length.
    shrink: Vec<f64>,
    /// `(1 + programs, code)`.
    codes: Vec<f64>,
    /// Mean and spread.
    dynamics: [f64; 2],
}

/// A roll `(columns)(width)`: how much each pitch begins and, if the part sustains, how much each sounds on.
pub(super) type Roll = Vec<Vec<f64>>;

impl Row {
    pub(super) fn new(config: &PartConfig, code: usize, vb: VarBuilder) -> Result<Self> {
        let (components, width) = (config.components, config.width());
        let basis = numbers_of(&vb.get((components, width), "basis")?)?;
        let squares = basis.chunks(width).map(|row| row.iter().map(|x| x * x).sum::<f64>());
        let shrink: Vec<f64> = squares.map(|square| 1.0 / square).collect();
        let dynamics = numbers_of(&vb.get(2, "dynamics")?)?;
        let dynamics = [dynamics[0], dynamics[1]];
        if shrink.iter().any(|x| !x.is_finite()) || dynamics[1] == 0.0 {
            bail!("score decoder: the {} cannot be encoded, as its basis or its dynamics have no size", config.part);
        }
        Ok(Self {
            mean: numbers_of(&vb.get(width, "mean")?)?,
            codes: numbers_of(&vb.get((1 + config.programs.len(), code), "codes")?)?,
            config: config.clone(),
            code,
            basis,
            shrink,
            dynamics,
        })
    }

    /// Notes in order of column and pitch, and who plays them; a note begins above `onsets`, one for each column.
    pub(super) fn decode(
        &self,
        (grid, row): (&Grid, usize),
        roll: &Roll,
        onsets: &[f32],
        thresholds: &ScoreConfig,
    ) -> (Vec<GridNote>, GridPlayer) {
        let notes = self.notes(roll, onsets, thresholds);
        let (mean, spread) = (self.dynamics[0], self.dynamics[1]);
        let level = |x: f64| (mean + spread * x).clamp(*DYNAMICS.start(), *DYNAMICS.end()) as f32;
        let player = GridPlayer {
            part: self.config.part,
            instrument: instrument(self.config.part, self.program(grid, row)),
            dynamics: grid.values(row, self.config.components).map(level).collect(),
        };
        (notes, player)
    }

    pub(super) fn roll(&self, grid: &Grid, row: usize) -> Roll {
        let column = |column: usize| {
            let mut values = self.mean.clone();
            for (channel, component) in self.basis.chunks(self.config.width()).enumerate() {
                let weight = grid.at(row, channel, column);
                values.iter_mut().zip(component).for_each(|(value, x)| *value += weight * x);
            }
            values
        };
        (0..grid.columns).map(column).collect()
    }

    /// The program that is nearest in most columns.
    fn program(&self, grid: &Grid, row: usize) -> u8 {
        let mut votes = vec![0usize; self.config.programs.len()];
        for column in 0..grid.columns {
            let distance = |code: &[f64]| -> f64 {
                let own = (0..self.code).map(|i| grid.at(row, self.config.components + 1 + i, column));
                own.zip(code).map(|(own, code)| (own - code) * (own - code)).sum()
            };
            let distances: Vec<f64> = self.codes.chunks(self.code).skip(1).map(distance).collect();
            votes[first_least(distances.iter().copied())] += 1;
        }
        self.config.programs[first_least(votes.iter().map(|votes| -(*votes as f64)))]
    }

    /// A note begins where the beginning is large; it lasts while it sounds on, until it begins anew, around the loop's end.
    fn notes(&self, roll: &Roll, onsets: &[f32], thresholds: &ScoreConfig) -> Vec<GridNote> {
        let (columns, pitches) = (roll.len(), self.config.pitches());
        let own = roll.iter().zip(onsets);
        let begins: Vec<Vec<bool>> =
            own.map(|(column, onset)| self.begins(&column[..pitches], f64::from(*onset))).collect();
        let sounds_on =
            |column: usize, pitch: usize| self.config.sustains && roll[column][pitches + pitch] > thresholds.sustain;
        let ends = |column: usize, pitch: usize| {
            begins[column][pitch] || (self.config.monophonic && begins[column].contains(&true))
        };
        let mut notes = Vec::new();
        for (column, pitch) in (0..columns).flat_map(|column| (0..pitches).map(move |pitch| (column, pitch))) {
            if !begins[column][pitch] {
                continue;
            }
            let mut length = 1;
            while length < columns {
                let next = (column + length) % columns;
                if !sounds_on(next, pitch) || ends(next, pitch) {
                    break;
                }
                length += 1;
            }
            // Softer than any note is one that the model was not sure of.
            let loud = (roll[column][pitch] - thresholds.quietest) / thresholds.range * 127.0;
            let velocity = if loud < 0.0 { UNSURE } else { loud };
            notes.push(GridNote {
                part: self.config.part,
                pitch: self.config.low + pitch as u8,
                velocity: velocity.round_ties_even().clamp(1.0, 127.0) as u8,
                column,
                columns: length,
            });
        }
        notes
    }

    /// How strong the strongest beginning of every column is.
    pub(super) fn strengths(&self, roll: &Roll) -> Vec<f32> {
        let pitches = self.config.pitches();
        roll.iter().map(|column| column[..pitches].iter().copied().fold(0.0, f64::max) as f32).collect()
    }

    /// In which columns anything begins or sounds on.
    pub(super) fn sounds(&self, roll: &Roll, thresholds: &ScoreConfig) -> Vec<bool> {
        let pitches = self.config.pitches();
        let is_heard = |column: &Vec<f64>| {
            let (begins, goes_on) = column.split_at(pitches);
            begins.iter().any(|x| *x > thresholds.onset) || goes_on.iter().any(|x| *x > thresholds.sustain)
        };
        roll.iter().map(is_heard).collect()
    }

    fn begins(&self, onsets: &[f64], threshold: f64) -> Vec<bool> {
        let loudest = onsets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_heard = |onset: f64| !self.config.monophonic || onset == loudest;
        onsets.iter().map(|onset| *onset > threshold && is_heard(*onset)).collect()
    }

    /// Has `put` put the row's channels, by channel and column.
    pub(super) fn encode(
        &self,
        score: &Score,
        columns: usize,
        thresholds: &ScoreConfig,
        mut put: impl FnMut(usize, usize, f64),
    ) -> Result<()> {
        let components = self.config.components;
        let player = score.player(self.config.part);
        let curve = player.and_then(|player| curve_of(player, columns));
        let code = self.code_of(player.map(|player| player.instrument.number()))?;
        for (column, values) in self.roll_of(score, columns, thresholds)?.iter().enumerate() {
            self.weights(values).into_iter().enumerate().for_each(|(channel, weight)| put(channel, column, weight));
            let level = curve.as_ref().map_or(0.0, |curve| (curve[column] - self.dynamics[0]) / self.dynamics[1]);
            put(components, column, level);
            code.iter().enumerate().for_each(|(i, x)| put(components + 1 + i, column, *x));
        }
        Ok(())
    }

    /// The components of a column of the roll.
    pub(super) fn weights(&self, column: &[f64]) -> Vec<f64> {
        let centred: Vec<f64> = column.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        let components = self.basis.chunks(self.config.width()).zip(&self.shrink);
        let weight = |component: &[f64]| centred.iter().zip(component).map(|(value, x)| value * x).sum::<f64>();
        components.map(|(component, shrink)| weight(component) * shrink).collect()
    }

    /// See [`ScoreDecoder::silence`](super::ScoreDecoder::silence).
    pub(super) fn silence(&self) -> Vec<f32> {
        let components = self.basis.chunks(self.config.width()).zip(&self.shrink);
        let weight = |(component, shrink): (&[f64], &f64)| {
            -component.iter().zip(&self.mean).map(|(x, mean)| x * mean).sum::<f64>() * shrink
        };
        components.map(|component| weight(component) as f32).chain([0.0]).collect()
    }

    pub(super) fn code_of(&self, program: Option<u8>) -> Result<&[f64]> {
        let index = match program {
            None => 0,
            Some(program) => match self.config.programs.iter().position(|known| *known == program) {
                Some(index) => 1 + index,
                None => bail!("the model knows no program {program} for the {}", self.config.part),
            },
        };
        Ok(&self.codes[index * self.code..(index + 1) * self.code])
    }

    fn roll_of(&self, score: &Score, columns: usize, thresholds: &ScoreConfig) -> Result<Roll> {
        let (low, pitches) = (self.config.low, self.config.pitches());
        let ticks = f64::from(score.ticks()) / columns as f64;
        let column = |ticks_in: u32| (f64::from(ticks_in) / ticks).round() as usize;
        let mut roll = vec![vec![0.0; self.config.width()]; columns];
        for Note { pitch, velocity, start, length, .. } in score.notes_of(self.config.part) {
            if !(low..=self.config.high).contains(pitch) {
                bail!("the model's {} plays {low} to {}, not {pitch}", self.config.part, self.config.high);
            }
            let (pitch, start) = (usize::from(pitch - low), column(*start));
            roll[start % columns][pitch] = thresholds.quietest + thresholds.range * f64::from(*velocity) / 127.0;
            if self.config.sustains {
                (0..column(*length).max(1)).for_each(|i| roll[(start + i) % columns][pitches + pitch] = 1.0);
            }
        }
        Ok(roll)
    }
}

/// Place of the least, the first of equals.
fn first_least(values: impl Iterator<Item = f64>) -> usize {
    let first = |best: (usize, f64), next: (usize, f64)| if next.1 < best.1 { next } else { best };
    values.enumerate().reduce(first).map_or(0, |(index, _)| index)
}
