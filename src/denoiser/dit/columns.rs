//! Latents as columns, and columns as latents.

use super::DitConfig;
use crate::ops::{Linear, linear};
use candle_core::{D, DType, Result, Tensor, bail};
use candle_nn::VarBuilder;

/// The first and the last layer, between which a column is a token.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// Which of a column's input channels, row after row, `embed` reads: `embed.weight`'s, then `embed_known.weight`'s.
    read: Tensor,
    embed: Linear,
    head: Linear,
    /// Which number of `head` each channel out is, row after row; one beyond the last is 0.
    written: Tensor,
    channels: usize,
    rows: usize,
    /// Channels in.
    inputs: usize,
}

impl Columns {
    /// Reads `embed.*`, `embed_known.*` and `head.*`.
    pub fn new(config: &DitConfig, vb: &VarBuilder) -> Result<Self> {
        let (width, token, rows) = (config.width, config.token(), config.row_channels.len());
        let device = vb.device();
        let indices = |indices: Vec<u32>| Tensor::new(indices, device);
        Ok(Self {
            read: indices(read(config))?,
            embed: embed(width, [token + config.planes, token + 2 * rows], vb)?,
            head: linear(width, token, vb.pp("head"))?,
            written: indices(written(config))?,
            channels: config.channels,
            rows,
            inputs: config.in_channels(),
        })
    }

    /// Type of its weights.
    pub fn dtype(&self) -> DType {
        self.embed.dtype()
    }

    /// `latents (b, c, t, rows)` and all that comes beside them → `(b, t, width)`.
    pub fn embed(&self, latents: &Tensor) -> Result<Tensor> {
        let (b, c, t, rows) = latents.dims4()?;
        if (c, rows) != (self.inputs, self.rows) {
            bail!("a DiT of {} channels in and {} rows got {:?}", self.inputs, self.rows, latents.shape());
        }
        let columns = latents.permute((0, 2, 3, 1))?.contiguous()?.reshape((b, t, rows * c))?;
        self.embed.forward(&columns.index_select(&self.read, 2)?)
    }

    /// `(b, t, width)` → latents `(b, channels, t, rows)`.
    pub fn latents(&self, xs: &Tensor) -> Result<Tensor> {
        let (b, t, _) = xs.dims3()?;
        let numbers = self.head.forward(xs)?.pad_with_zeros(D::Minus1, 0, 1)?;
        let columns = numbers.contiguous()?.index_select(&self.written, 2)?;
        columns.reshape((b, t, self.rows, self.channels))?.permute((0, 3, 1, 2))?.contiguous()
    }
}

/// Both embeddings as one layer.
fn embed(width: usize, inputs: [usize; 2], vb: &VarBuilder) -> Result<Linear> {
    let (own, known) = (vb.pp("embed"), vb.pp("embed_known"));
    let weights = [own.get((width, inputs[0]), "weight")?, known.get((width, inputs[1]), "weight")?];
    let bias = (own.get(width, "bias")? + known.get(width, "bias")?)?;
    Linear::new(Tensor::cat(&weights, 1)?, Some(bias))
}

/// See [`Columns::read`].
fn read(config: &DitConfig) -> Vec<u32> {
    let (channels, rows) = (config.channels, config.row_channels.len());
    let at = |row: usize, channel: usize| (row * config.in_channels() + channel) as u32;
    let used = |first: usize| {
        let rows = config.row_channels.iter().enumerate();
        rows.flat_map(move |(row, &used)| (first..first + used).map(move |channel| at(row, channel)))
    };
    let of_every_row = |channel: usize| (0..rows).map(move |row| at(row, channel));
    // Planes are the same in all rows.
    let planes = (config.beside()..config.in_channels()).map(|channel| at(0, channel));
    let (notes, codes) = (of_every_row(2 * channels), of_every_row(2 * channels + 1));
    used(0).chain(planes).chain(used(channels)).chain(notes).chain(codes).collect()
}

/// See [`Columns::written`].
fn written(config: &DitConfig) -> Vec<u32> {
    let mut next = 0;
    let mut written = Vec::with_capacity(config.row_channels.len() * config.channels);
    for used in &config.row_channels {
        written.extend((next..next + used).map(|number| number as u32));
        written.extend((*used..config.channels).map(|_| config.token() as u32));
        next += used;
    }
    written
}
