//! A diffusion transformer over columns, for music.
//!
//! ```text
//! latents (b, c, t, r) ─► rolls: evidence for every note ────────────────────────────┐
//!                              ▼                                                     ▼
//! known, masks, planes ─► embed ─► blocks (b, t, width) ─► head ─► odds of notes ─► rolls ─► (b, c, t, r)
//! timestep, class (b, p) ─► modulation    ▲
//!            words (b, l, d); in the last blocks a picture too
//! ```
//!
//! A token is a column: every row's used channels, one after another. Columns attend to each other by their distance on the
//! circle, learnt for each window that there is, so that music goes on from the last column to the first.
//!
//! Source: Peebles and Xie, "Scalable Diffusion Models with Transformers", ICCV 2023; the modulation is PixArt-alpha's. In
//! PyTorch `bundles/mini/recipe/dit.py`, whose names the weights have.

mod block;
mod chain;
mod columns;
mod conditioning;
mod config;
mod rolls;

pub use config::DitConfig;

use super::{Context, Prepared};
use crate::ops::{Linear, linear, modulated_layer_norm};
use crate::synapse::{KeyValue, Taps};
use block::{Block, EPS};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;
use columns::Columns;
use conditioning::Conditioning;
use rolls::{Rolls, Said};

/// Predicts the velocity of score latents of a few fixed lengths.
#[derive(Debug, Clone)]
pub struct Dit {
    columns: Columns,
    rolls: Rolls,
    /// Of `embed.*` and `embed_known.*`, side by side.
    embed: Linear,
    head: Linear,
    conditioning: Conditioning,
    blocks: Vec<Block>,
    picture_layers: usize,
}

impl Dit {
    /// Reads a checkpoint of `dit.py`.
    ///
    /// # Errors
    ///
    /// A configuration that contradicts itself; a key that is missing or has another shape.
    pub fn new(config: &DitConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let block = |(i, &inner): (usize, &usize)| Block::new(config, inner, vb.pp("blocks").pp(i));
        Ok(Self {
            columns: Columns::new(config, vb.device())?,
            rolls: Rolls::new(config, &vb)?,
            embed: embed(config, &vb)?,
            head: linear(config.width, config.bits() + config.row_bits.len() + config.rest(), vb.pp("head"))?,
            conditioning: Conditioning::new(config, &vb)?,
            blocks: config.cross_widths.iter().enumerate().map(block).collect::<Result<_>>()?,
            picture_layers: config.picture_layers,
        })
    }

    /// What the cross-attentions that blend a picture in make of a text each: `texts`, one `(b, l, d)` per layer, in the order
    /// of [`Taps`].
    ///
    /// # Errors
    ///
    /// As many texts as layers are wanted, of the width that the configuration says.
    pub fn keys_values(&self, texts: &[Tensor]) -> Result<Vec<KeyValue>> {
        if texts.len() != self.picture_layers {
            bail!("{} texts for {} layers that blend a picture", texts.len(), self.picture_layers);
        }
        let layers = &self.blocks[self.blocks.len() - self.picture_layers..];
        layers.iter().zip(texts).map(|(block, text)| block.keys_values(text)).collect()
    }

    /// One evaluation.
    ///
    /// - `latents (b, 2 c + 2 + p, t, r)`: along axis 1 the latents; what is known of them, clean, and 0 where nothing is; 1
    ///   where a row's notes are known; 1 where its codes are; `p` planes of position, the same in all rows. `t` is a window
    ///   of the configuration.
    /// - `timestep`: on the training schedule, the same for the whole batch, may be fractional.
    /// - Returns `(b, c, t, r)`, in the type of `latents`; 0 in channels that are not used.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit the configuration; as many blends as layers that blend a picture are wanted, or none; taps that
    /// capture, for there is nothing to.
    pub fn forward(&self, latents: &Tensor, timestep: f64, context: &Context, taps: &mut Taps) -> Result<Tensor> {
        self.forward_prepared(latents, timestep, &self.prepare(context)?, taps)
    }

    /// What can be computed of `context` before the first step.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit the configuration.
    pub fn prepare(&self, context: &Context) -> Result<Prepared> {
        Prepared::new(context, self.embed.dtype(), |tokens| {
            Ok(vec![self.blocks.iter().map(|block| block.keys_values(tokens)).collect::<Result<_>>()?])
        })
    }

    /// As [`Self::forward`] with what this transformer has prepared.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forward`].
    pub fn forward_prepared(
        &self,
        latents: &Tensor,
        timestep: f64,
        told: &Prepared,
        taps: &mut Taps,
    ) -> Result<Tensor> {
        let blends = match taps {
            Taps::None => None,
            Taps::Blend(blends) if blends.len() == self.picture_layers => Some(*blends),
            Taps::Blend(blends) => {
                bail!("{} blends for {} layers that blend a picture", blends.len(), self.picture_layers)
            }
            Taps::Capture(_) | Taps::CaptureOutputs(_) => bail!("a DiT of music has nothing for others to see"),
        };
        let modulation = self.conditioning.forward(timestep, told.class.as_ref())?;
        let input = self.columns.split(latents)?;
        let parts = self.rolls.parts();
        let seen = self.rolls.seen(input.notes, input.rest, timestep)?;
        let evidence = self.rolls.evidence(&seen, &input.known_notes, &input.mask.narrow(2, 0, parts)?)?;
        let shown = [&self.rolls.shown(&evidence)?, &seen.rest, &input.planes, &input.known_rest, &input.mask];
        let mut xs = self.embed.forward(&Tensor::cat(&shown, 2)?.to_dtype(self.embed.dtype())?)?;
        let (words, first) = (told.level(0)?, self.blocks.len() - self.picture_layers);
        for (i, block) in self.blocks.iter().enumerate() {
            let blend = blends.and_then(|blends| blends.get(i.checked_sub(first)?));
            xs = block.forward(&xs, &modulation.blocks, (words.text(i)?, words.bias), blend)?;
        }
        let xs = modulated_layer_norm(&xs, EPS, &modulation.last)?;
        let said = self.head.forward(&xs)?.to_dtype(DType::F32)?;
        let (bits, rest) = (evidence.dim(2)?, seen.rest.dim(2)?);
        let said = Said {
            odds: said.narrow(2, 0, bits)?,
            accents: said.narrow(2, bits, parts)?,
            rest: said.narrow(2, bits + parts, rest)?,
        };
        self.columns.latents(&self.rolls.velocity(&seen, &evidence, &said)?)?.to_dtype(latents.dtype())
    }
}

/// Both embeddings as one layer.
fn embed(config: &DitConfig, vb: &VarBuilder) -> Result<Linear> {
    let (own, known, width) = (vb.pp("embed"), vb.pp("embed_known"), config.width);
    let inputs = [config.bits() + config.rest() + config.planes, config.rest() + 2 * config.row_channels.len()];
    let weights = [own.get((width, inputs[0]), "weight")?, known.get((width, inputs[1]), "weight")?];
    let bias = (own.get(width, "bias")? + known.get(width, "bias")?)?;
    Linear::new(Tensor::cat(&weights, 1)?, Some(bias))
}
