//! What of the latents is known before anything is composed: who plays, who is silent, what is kept.
//!
//! Latents are `(1, c, t, r)`: a column is a sixteenth, a row a part in the order of [`Part::ALL`], and the rows behind are the clip's. Of a
//! part's channels the first are notes and dynamics, the last say who plays.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor, bail};
use score::Part;

use super::Casting;
use crate::decoder::score::KnownRow;

/// What the rows of latents mean, as far as constraints need it.
pub trait Rows {
    /// Channels of the latents, of which a row may use fewer.
    fn channels(&self) -> usize;

    /// Rows of the latents: the parts', and the clip's.
    fn rows(&self) -> usize;

    /// Channels of a part's notes and dynamics, and those of who plays it.
    fn of(&self, part: Part) -> [Range<usize>; 2];

    /// What says that a program, of drums a kit, plays a part, or that nobody does: a number for each of its channels. `None`
    /// if there is no such code.
    fn code(&self, part: Part, number: Option<u8>) -> Option<Vec<f32>>;

    /// Notes and dynamics of a part that is silent: a number for each of their channels, the same in all columns.
    fn silence(&self, part: Part) -> Vec<f32>;
}

/// Latents that are known in part.
#[derive(Debug, Clone)]
pub struct Constraints {
    /// `(1, c, t, r)`, 0 where nothing is known.
    known: Tensor,
    /// 1 where something is, u8 `(1, c, t, r)`.
    mask: Tensor,
    /// 1 where the notes of a row are known, and its code, `(1, 2, t, r)`.
    rows: Tensor,
}

impl Constraints {
    /// What a casting says of `columns` columns: the codes of those who play, and silence.
    ///
    /// # Errors
    ///
    /// Somebody is cast whose code `rows` has not; the device's own.
    pub fn new(casting: &Casting, rows: &dyn Rows, columns: usize, device: &Device) -> Result<Self> {
        let mut sheet = Sheet::new(rows, columns);
        for cast in &casting.casts {
            sheet.set_code(cast.part, Some(cast.code))?;
        }
        for (part, code) in &casting.assumed {
            sheet.set_code(*part, Some(*code))?;
        }
        for part in &casting.silent {
            sheet.set_code(*part, None)?;
            sheet.set_silence(*part)?;
        }
        sheet.finish(device)
    }

    /// These, with what `latents (1, c, t, r)` say of some parts in some columns known, too: notes, dynamics and who plays; and of
    /// `players` who they are, in all columns.
    ///
    /// # Errors
    ///
    /// The latents or the columns are not of this size; the device's own.
    pub fn with_kept(
        &self,
        latents: &Tensor,
        rows: &dyn Rows,
        kept: &[(Part, Range<usize>)],
        players: &[Part],
    ) -> Result<Self> {
        if latents.dims() != self.known.dims() {
            bail!("latents to keep are {:?}; they should be {:?}", latents.dims(), self.known.dims())
        }
        let mut sheet = Sheet::new(rows, self.known.dim(2)?);
        for (part, columns) in kept {
            sheet.mark(*part, 0, columns.clone())?;
            sheet.mark(*part, 1, columns.clone())?;
        }
        for part in players {
            sheet.mark(*part, 1, 0..sheet.columns)?;
        }
        let own = sheet.finish(self.known.device())?;
        self.with(&Self { known: latents.to_dtype(self.known.dtype())?, ..own })
    }

    /// These, with what is known of a row that is no part's.
    ///
    /// # Errors
    ///
    /// The row has not so many columns or channels; the device's own.
    pub fn with_row(&self, row: &KnownRow, rows: &dyn Rows) -> Result<Self> {
        let mut sheet = Sheet::new(rows, self.known.dim(2)?);
        if row.columns.len() != sheet.columns || row.row >= rows.rows() {
            bail!("{} columns of row {}; they should be {}", row.columns.len(), row.row, sheet.columns)
        }
        for (column, numbers) in row.columns.iter().enumerate() {
            for (channel, value) in numbers {
                sheet.put(row.row, column, *channel, *value)?;
            }
            if let Some(kind) = row.kind.filter(|_| !numbers.is_empty()) {
                sheet.tell(row.row, column, kind);
            }
        }
        self.with(&sheet.finish(self.known.device())?)
    }

    /// These, and others in whose place they are known, too.
    fn with(&self, own: &Self) -> Result<Self> {
        Ok(Self {
            known: own.mask.where_cond(&own.known, &self.known)?,
            mask: own.mask.maximum(&self.mask)?,
            rows: own.rows.maximum(&self.rows)?,
        })
    }

    /// Whether anything is known.
    ///
    /// # Errors
    ///
    /// The device's own.
    pub fn is_some(&self) -> Result<bool> {
        Ok(self.mask.max_all()?.to_scalar::<u8>()? > 0)
    }

    /// Expected clean latents `(1, c, t, r)` with what is known in its place.
    ///
    /// # Errors
    ///
    /// Another shape; the device's own.
    pub fn edit(&self, clean: &Tensor) -> Result<Tensor> {
        self.mask.where_cond(&self.known.to_dtype(clean.dtype())?, clean)
    }

    /// Latents `(1, c, t, r)` on the way as a model that learnt with known values sees them: there they are without noise, as
    /// large as at a level of `alpha`.
    ///
    /// # Errors
    ///
    /// As [`edit`](Self::edit).
    pub fn shown(&self, latents: &Tensor, alpha: f64) -> Result<Tensor> {
        self.mask.where_cond(&(&self.known * alpha)?.to_dtype(latents.dtype())?, latents)
    }

    /// What a model is told, `(1, c + 2, t, r)`: what is known, 0 elsewhere; 1 where a row's notes are; 1 where its code is.
    ///
    /// # Errors
    ///
    /// The device's own.
    pub fn known_input(&self) -> Result<Tensor> {
        Tensor::cat(&[&self.known, &self.rows], 1)
    }
}

/// Constraints being written.
struct Sheet<'a> {
    layout: &'a dyn Rows,
    columns: usize,
    /// Of `(c, t, r)`.
    known: Vec<f32>,
    mask: Vec<u8>,
    /// Of `(2, t, r)`.
    rows: Vec<f32>,
}

impl<'a> Sheet<'a> {
    fn new(layout: &'a dyn Rows, columns: usize) -> Self {
        let size = columns * layout.rows();
        let values = layout.channels() * size;
        Self { layout, columns, known: vec![0.0; values], mask: vec![0; values], rows: vec![0.0; 2 * size] }
    }

    fn set_code(&mut self, part: Part, number: Option<u8>) -> Result<()> {
        let Some(code) = self.layout.code(part, number) else { bail!("no code of the {part} for {number:?}") };
        let [_, channels] = self.layout.of(part);
        self.fill(part, 1, channels, &code)
    }

    fn set_silence(&mut self, part: Part) -> Result<()> {
        let [channels, _] = self.layout.of(part);
        self.fill(part, 0, channels, &self.layout.silence(part))
    }

    /// Makes `channels` of a part known, the same in all columns; `kind` is 0 for notes and 1 for the code.
    fn fill(&mut self, part: Part, kind: usize, channels: Range<usize>, values: &[f32]) -> Result<()> {
        if channels.len() != values.len() {
            bail!("{} numbers for channels {channels:?} of the {part}", values.len())
        }
        for column in 0..self.columns {
            for (channel, value) in channels.clone().zip(values) {
                self.put(part.index(), column, channel, *value)?;
            }
            self.tell(part.index(), column, kind);
        }
        Ok(())
    }

    /// Makes a number of a row known in a column.
    fn put(&mut self, row: usize, column: usize, channel: usize, value: f32) -> Result<()> {
        if channel >= self.layout.channels() {
            bail!("channel {channel} of {}", self.layout.channels())
        }
        let at = self.at(channel, column, row);
        (self.known[at], self.mask[at]) = (value, 1);
        Ok(())
    }

    /// Has the model told that a row's notes (`kind` 0) or code (1) are known in a column.
    fn tell(&mut self, row: usize, column: usize, kind: usize) {
        let at = self.at(kind, column, row);
        self.rows[at] = 1.0;
    }

    /// Marks a part's notes (`kind` 0) or code (1) as known in some columns.
    fn mark(&mut self, part: Part, kind: usize, columns: Range<usize>) -> Result<()> {
        if columns.end > self.columns {
            bail!("columns {columns:?} of {}", self.columns)
        }
        let channels = self.layout.of(part)[kind].clone();
        for column in columns {
            for channel in channels.clone() {
                let at = self.at(channel, column, part.index());
                self.mask[at] = 1;
            }
            self.tell(part.index(), column, kind);
        }
        Ok(())
    }

    fn at(&self, channel: usize, column: usize, row: usize) -> usize {
        (channel * self.columns + column) * self.layout.rows() + row
    }

    fn finish(self, device: &Device) -> Result<Constraints> {
        let (channels, rows) = (self.layout.channels(), self.layout.rows());
        let shape = |channels: usize| (1, channels, self.columns, rows);
        Ok(Constraints {
            known: Tensor::from_vec(self.known, shape(channels), device)?.to_dtype(DType::F32)?,
            mask: Tensor::from_vec(self.mask, shape(channels), device)?,
            rows: Tensor::from_vec(self.rows, shape(2), device)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
