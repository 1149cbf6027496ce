//! Configuration of a diffusion transformer.

use candle_core::{Result, bail};
use serde::{Deserialize, Serialize};

/// Width of every attention head.
pub(super) const HEAD: usize = 32;

/// Configuration of a [`Dit`](super::Dit).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DitConfig {
    /// Channels of the latents, in and out.
    pub channels: usize,
    /// Per row of the latents, how many of its channels, from the first on, are used.
    pub row_channels: Vec<usize>,
    /// Per row, how many of its used channels, up to the last, say who plays; 0 is none.
    pub row_codes: Vec<usize>,
    /// Per part, how many bits its components are a rotation of: whether a note begins at each pitch and, in parts whose notes
    /// last, whether one sounds. The first rows of the latents are the parts; a part's row has components, one number for
    /// dynamics, and codes.
    pub row_bits: Vec<usize>,
    /// Per part, how many pitches it has; so many of its bits, from the first on, say what begins.
    pub row_onsets: Vec<usize>,
    /// Planes that say where a column is.
    pub planes: usize,
    /// Width of the class vector.
    pub class_width: usize,
    /// Width of the text tokens.
    pub text_width: usize,
    /// Numbers of columns that it can see at once.
    pub windows: Vec<usize>,
    /// Width of a column inside; of whole heads of 32.
    pub width: usize,
    /// Width between the two layers of a block's MLP.
    pub hidden: usize,
    /// Width of every block's cross-attention, of whole heads of 32; there are as many blocks.
    pub cross_widths: Vec<usize>,
    /// The last blocks that blend a picture in.
    pub picture_layers: usize,
    /// Of the schedule that it was trained on.
    pub timesteps: usize,
}

impl DitConfig {
    /// Width of every cross-attention that blends a picture in, in the order of [`Taps`](crate::synapse::Taps).
    pub fn decoder_widths(&self) -> Vec<usize> {
        let first = self.cross_widths.len().saturating_sub(self.picture_layers);
        self.cross_widths[first..].to_vec()
    }

    /// Channels in: the latents, what is known of them, where notes and codes are known, and the planes.
    pub fn in_channels(&self) -> usize {
        self.beside() + self.planes
    }

    /// The input's first plane.
    pub(super) fn beside(&self) -> usize {
        2 * self.channels + 2
    }

    /// Bits in a column.
    pub(super) fn bits(&self) -> usize {
        self.row_bits.iter().sum()
    }

    /// Components of every part.
    pub(super) fn components(&self) -> Vec<usize> {
        let rows = self.row_channels.iter().zip(&self.row_codes).take(self.row_bits.len());
        rows.map(|(used, codes)| used.saturating_sub(1 + codes)).collect()
    }

    /// Numbers in a column that are no components.
    pub(super) fn rest(&self) -> usize {
        self.row_channels.iter().sum::<usize>() - self.components().iter().sum::<usize>()
    }

    /// Refuses what no transformer can be built from.
    pub(super) fn check(&self) -> Result<()> {
        let (rows, codes) = (self.row_channels.len(), self.row_codes.len());
        if self.row_channels.iter().sum::<usize>() == 0 || codes != rows {
            bail!("a DiT with row_channels of {rows} rows and row_codes of {codes}; both should have one per row");
        }
        for (row, (&used, &codes)) in self.row_channels.iter().zip(&self.row_codes).enumerate() {
            if used > self.channels || codes > used {
                let channels = self.channels;
                bail!("row {row} of a DiT uses {used} of {channels} channels, {codes} of them as codes");
            }
        }
        if self.row_onsets.len() != self.row_bits.len() || self.row_bits.len() > rows {
            let (bits, onsets) = (self.row_bits.len(), self.row_onsets.len());
            bail!("a DiT with row_bits of {bits} parts and row_onsets of {onsets} in {rows} rows");
        }
        for (part, components) in self.components().into_iter().enumerate() {
            let (bits, onsets) = (self.row_bits[part], self.row_onsets[part]);
            if components == 0 || components > bits {
                bail!("part {part} of a DiT has {components} components of {bits} bits");
            }
            if bits != onsets && bits != 2 * onsets {
                bail!("part {part} of a DiT has {bits} bits of {onsets} pitches; it should have one or two of each");
            }
        }
        for (what, &width) in self.cross_widths.iter().map(|w| ("cross_widths", w)).chain([("width", &self.width)]) {
            if width == 0 || !width.is_multiple_of(HEAD) {
                bail!("{what} of a DiT with {width}, which is no whole number of heads of {HEAD}");
            }
        }
        if self.cross_widths.is_empty() || self.picture_layers > self.cross_widths.len() {
            let (layers, blocks) = (self.picture_layers, self.cross_widths.len());
            bail!("a DiT of {blocks} blocks, {layers} of which blend a picture");
        }
        if self.windows.is_empty()
            || self.windows.contains(&0)
            || [self.hidden, self.class_width, self.text_width].contains(&0)
        {
            bail!("a DiT whose windows, hidden, class_width or text_width are none");
        }
        Ok(())
    }
}
