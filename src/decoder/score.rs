//! The decoder of notes: latents whose columns are sixteenths, whose rows are the parts of a score, and back.
//!
//! Row `i` is [`Part::ALL`]`[i]`; of the channels it has its principal components, its dynamics and a code of who plays. The
//! row behind them is the clip's: six [`Numbers`]; where the model has styles of cue two more say what it is composed on (`outline`). What is not a curve is the same in every column. Notes are at home, in C major
//! or A minor.
//!
//! Closed form throughout, in f64: the same latents are the same notes on every machine.
//!
//! Source: `bundles/mini/recipe/latents.py`.

mod agreement;
mod config;
mod decoded;
mod heard;
mod home;
mod outline;
mod part_roll;
mod presence;
mod row;
mod scale;

use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use score::{Part, Score};

use self::agreement::Chords;
pub use self::config::{PartConfig, ScoreConfig};
pub use self::decoded::{Decoded, Frame, GridNote, GridPlayer, Numbers, in_key};
pub use self::heard::Heard;
pub use self::outline::KnownRow;
use self::outline::Outline;
pub use self::part_roll::PartRoll;
use self::row::Row;

/// Largest latent that is believed; they have unit variance.
const MOST: f64 = 1e3;

/// Turns latents into notes, and notes into latents.
#[derive(Debug, Clone)]
pub struct ScoreDecoder {
    config: ScoreConfig,
    rows: Vec<Row>,
    /// Means and spreads.
    numbers: [[f64; Numbers::COUNT]; 2],
    chords: Chords,
    outline: Option<Outline>,
}

impl ScoreDecoder {
    /// Reads of every part `mean (k)`, `basis (components, k)`, `codes (1 + programs, code)`, of which the first is nobody's,
    /// and `dynamics (2)`, mean and spread; `k` is the number of its pitches, twice if it sustains. Then `clip.numbers
    /// (2, 6)`, means and spreads, where there are chords `chords.tones (n, 12)`, 0 or 1, and `chords.share (n)`, and where there are
    /// styles of cue `outline.harmony (2, 12)`, means and spreads, and `outline.cues (n, code)`.
    ///
    /// # Errors
    ///
    /// A tensor is missing, of another shape or not invertible, or the configuration contradicts itself.
    pub fn new(config: &ScoreConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let rows = config.parts.iter().map(|part| Row::new(part, config.code, vb.pp(part.part.name())));
        let numbers = numbers_of(&vb.pp("clip").get((2, Numbers::COUNT), "numbers")?)?;
        let (means, spreads) = numbers.split_at(Numbers::COUNT);
        if spreads.contains(&0.0) {
            bail!("score decoder: clip.numbers has a spread of 0");
        }
        let numbers = [means, spreads].map(|row| std::array::from_fn(|index| row[index]));
        let chords = Chords::new(config.chords, &vb.pp("chords"))?;
        let outline = Outline::new(config, &vb.pp("outline"))?;
        Ok(Self { config: config.clone(), rows: rows.collect::<Result<_>>()?, numbers, chords, outline })
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &ScoreConfig {
        &self.config
    }

    /// `latents (1, channels, columns, rows)` → notes, players and numbers.
    ///
    /// A part plays if enough notes of it begin, whatever its code says.
    ///
    /// # Errors
    ///
    /// A wrong shape, latents that are not finite or far from any music, or the device's own.
    pub fn decode(&self, latents: &Tensor) -> Result<Decoded> {
        self.decode_heard(latents, &Heard::default())
    }

    /// As [`decode`](Self::decode); what has to be heard begins where it is strongest, if it is not strong enough to begin.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn decode_heard(&self, latents: &Tensor, heard: &Heard) -> Result<Decoded> {
        let grid = self.grid(latents)?;
        let mut decoded = Decoded { columns: grid.columns, ..Decoded::default() };
        let rolls: Vec<_> = self.rows.iter().enumerate().map(|(index, row)| row.roll(&grid, index)).collect();
        let (onsets, least) = heard.onsets(&self.rows, &rolls, &self.config);
        for (index, row) in self.rows.iter().enumerate() {
            let (notes, player) = row.decode((&grid, index), &rolls[index], &onsets[index], &self.config);
            if notes.len() >= least[index] {
                decoded.notes.extend(notes);
                decoded.players.push(player);
            }
        }
        decoded.notes.sort_by_key(|note| (note.column, note.part, note.pitch));
        let mean = |channel| grid.values(self.rows.len(), channel).sum::<f64>() / grid.columns as f64;
        let [means, spreads] = &self.numbers;
        decoded.numbers = Numbers::from(std::array::from_fn(|index| mean(index) * spreads[index] + means[index]));
        Ok(decoded)
    }

    /// `latents (1, channels, columns, rows)` → what is read as notes, `(columns, n)`: of every part in turn how much each
    /// pitch begins and, if it sustains, how much each sounds on.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn roll(&self, latents: &Tensor) -> Result<Tensor> {
        let grid = self.grid(latents)?;
        let rolls: Vec<_> = self.rows.iter().enumerate().map(|(index, row)| row.roll(&grid, index)).collect();
        let columns = (0..grid.columns).flat_map(|column| rolls.iter().flat_map(move |roll| &roll[column]));
        let values: Vec<f32> = columns.map(|x| *x as f32).collect();
        let width = values.len() / grid.columns;
        Tensor::from_vec(values, (grid.columns, width), &Device::Cpu)
    }

    /// A score → latents `(1, channels, columns, rows)`, f32 on the CPU, which [`decode`](Self::decode) to it.
    ///
    /// It is brought home first, and its notes to the nearest columns, of which there are `columns` in all. What a score does
    /// not say (looseness, valence, energy, dynamics where a player has none, what it is composed on) has its mean.
    ///
    /// # Errors
    ///
    /// The model knows no such pitch or instrument of a part, or a column is no whole number of ticks.
    pub fn encode(&self, score: &Score, columns: usize) -> Result<Tensor> {
        let ticks = score.ticks() as usize;
        if columns == 0 || !ticks.is_multiple_of(columns) {
            bail!("{columns} columns do not divide the {ticks} ticks of the score");
        }
        let home = score.transposed(-score.key.transposition());
        let (channels, rows) = (self.config.channels(), self.config.rows());
        let mut values = vec![0.0; channels * columns * rows];
        let mut put = |row: usize, channel: usize, column: usize, x: f64| {
            values[(channel * columns + column) * rows + row] = x as f32;
        };
        for (index, row) in self.rows.iter().enumerate() {
            row.encode(&home, columns, &self.config, |channel, column, x| put(index, channel, column, x))?;
        }
        let [means, spreads] = &self.numbers;
        for (index, number) in Numbers::of(score).into_iter().enumerate() {
            let x = number.map_or(0.0, |number| (number - means[index]) / spreads[index]);
            (0..columns).for_each(|column| put(self.rows.len(), index, column, x));
        }
        Tensor::from_vec(values, (1, channels, columns, rows), &Device::Cpu)
    }

    /// The channel of the clip's row and the value that say how much energy it has, 0 calm to 1 driving.
    fn energy(&self, energy: f64) -> (usize, f32) {
        self.number(Numbers::COUNT - 1, energy)
    }

    /// Those that say how pleasant it is, 0 dark to 1 bright.
    fn valence(&self, valence: f64) -> (usize, f32) {
        self.number(Numbers::COUNT - 2, valence)
    }

    fn number(&self, channel: usize, value: f64) -> (usize, f32) {
        let [means, spreads] = &self.numbers;
        (channel, ((value - means[channel]) / spreads[channel]) as f32)
    }

    /// The code of who plays a part, `None` of nobody; none where the model knows no such instrument.
    pub fn code(&self, part: Part, number: Option<u8>) -> Option<Vec<f32>> {
        let code = self.rows[part.index()].code_of(number).ok()?;
        Some(code.iter().map(|x| *x as f32).collect())
    }

    /// The components of a part in which nothing begins or sounds, and dynamics as usual.
    pub fn silence(&self, part: Part) -> Vec<f32> {
        self.rows[part.index()].silence()
    }

    fn grid(&self, latents: &Tensor) -> Result<Grid> {
        let (batch, channels, columns, rows) = latents.dims4()?;
        if (batch, channels, rows) != (1, self.config.channels(), self.config.rows()) || columns == 0 {
            let (channels, rows) = (self.config.channels(), self.config.rows());
            bail!("score decoder: latents {:?} are not (1, {channels}, columns, {rows})", latents.dims());
        }
        let values = numbers_of(latents)?;
        // NaN is in no range.
        if let Some(strange) = values.iter().find(|x| !(-MOST..=MOST).contains(*x)) {
            bail!("the latents are not finite or far from any music ({strange})");
        }
        Ok(Grid { values, columns, rows })
    }
}

/// Latents on the host.
struct Grid {
    /// `(channels, columns, rows)`.
    values: Vec<f64>,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn at(&self, row: usize, channel: usize, column: usize) -> f64 {
        self.values[(channel * self.columns + column) * self.rows + row]
    }

    /// One channel of a row, column by column.
    fn values(&self, row: usize, channel: usize) -> impl Iterator<Item = f64> {
        (0..self.columns).map(move |column| self.at(row, channel, column))
    }
}

/// All numbers of a tensor, row by row.
fn numbers_of(tensor: &Tensor) -> Result<Vec<f64>> {
    let values = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    Ok(values.into_iter().map(f64::from).collect())
}

/// The instrument of a part under a program's number.
fn instrument(part: Part, program: u8) -> score::Instrument {
    if part.is_drums() { score::Instrument::Kit(program) } else { score::Instrument::Program(program) }
}
