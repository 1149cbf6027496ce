//! Latents as columns, and columns as latents.

use super::DitConfig;
use candle_core::{D, DType, Device, Result, Tensor, bail};

/// Which numbers of a column are what.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// Of a column's input, row after row: components; all other numbers; the same of what is known; masks of every row's notes,
    /// then of every row's codes; planes.
    notes: Tensor,
    rest: Tensor,
    known_notes: Tensor,
    known_rest: Tensor,
    mask: Tensor,
    planes: Tensor,
    /// Which of components and other numbers each channel out is, row after row; one beyond the last is 0.
    written: Tensor,
    channels: usize,
    rows: usize,
    /// Channels in.
    inputs: usize,
}

/// A denoiser's input by its meaning, `(b, t, n)` each, f32.
pub(super) struct Input {
    pub notes: Tensor,
    pub rest: Tensor,
    pub known_notes: Tensor,
    pub known_rest: Tensor,
    pub mask: Tensor,
    pub planes: Tensor,
}

impl Columns {
    pub fn new(config: &DitConfig, device: &Device) -> Result<Self> {
        let (channels, rows) = (config.channels, config.row_channels.len());
        let at = |row: usize, channel: usize| (row * config.in_channels() + channel) as u32;
        let numbers = |of: &dyn Fn(usize) -> std::ops::Range<usize>, first: usize| {
            let indices: Vec<u32> =
                (0..rows).flat_map(|row| of(row).map(move |i| (row, i))).map(|(row, i)| at(row, first + i)).collect();
            Tensor::new(indices, device)
        };
        let components = config.components();
        let of_notes = |row: usize| 0..components.get(row).copied().unwrap_or(0);
        let of_rest = |row: usize| of_notes(row).end..config.row_channels[row];
        let masks =
            [2 * channels, 2 * channels + 1].into_iter().flat_map(|channel| (0..rows).map(move |row| (row, channel)));
        let masks: Vec<u32> = masks.map(|(row, channel)| at(row, channel)).collect();
        // Planes are the same in all rows.
        let planes: Vec<u32> = (config.beside()..config.in_channels()).map(|channel| at(0, channel)).collect();
        Ok(Self {
            notes: numbers(&of_notes, 0)?,
            rest: numbers(&of_rest, 0)?,
            known_notes: numbers(&of_notes, channels)?,
            known_rest: numbers(&of_rest, channels)?,
            mask: Tensor::new(masks, device)?,
            planes: Tensor::new(planes, device)?,
            written: Tensor::new(written(config), device)?,
            channels,
            rows,
            inputs: config.in_channels(),
        })
    }

    /// `latents (b, c, t, rows)` and all that comes beside them, by its meaning.
    pub fn split(&self, latents: &Tensor) -> Result<Input> {
        let (b, c, t, rows) = latents.dims4()?;
        if (c, rows) != (self.inputs, self.rows) {
            bail!("a DiT of {} channels in and {} rows got {:?}", self.inputs, self.rows, latents.shape());
        }
        let columns = latents.permute((0, 2, 3, 1))?.contiguous()?.reshape((b, t, rows * c))?.to_dtype(DType::F32)?;
        let pick = |indices: &Tensor| columns.index_select(indices, 2);
        Ok(Input {
            notes: pick(&self.notes)?,
            rest: pick(&self.rest)?,
            known_notes: pick(&self.known_notes)?,
            known_rest: pick(&self.known_rest)?,
            mask: pick(&self.mask)?,
            planes: pick(&self.planes)?,
        })
    }

    /// Components and other numbers `(b, t, components + rest)` → latents `(b, channels, t, rows)`.
    pub fn latents(&self, numbers: &Tensor) -> Result<Tensor> {
        let (b, t, _) = numbers.dims3()?;
        let columns = numbers.pad_with_zeros(D::Minus1, 0, 1)?.contiguous()?.index_select(&self.written, 2)?;
        columns.reshape((b, t, self.rows, self.channels))?.permute((0, 3, 1, 2))?.contiguous()
    }
}

/// See [`Columns::written`].
fn written(config: &DitConfig) -> Vec<u32> {
    let components = config.components();
    let (mut note, mut rest) = (0, components.iter().sum::<usize>() as u32);
    let nothing = rest + config.rest() as u32;
    let mut written = Vec::with_capacity(config.row_channels.len() * config.channels);
    for (row, &used) in config.row_channels.iter().enumerate() {
        let notes = components.get(row).copied().unwrap_or(0);
        for channel in 0..config.channels {
            if channel >= used {
                written.push(nothing);
                continue;
            }
            let next = if channel < notes { &mut note } else { &mut rest };
            written.push(*next);
            *next += 1;
        }
    }
    written
}
