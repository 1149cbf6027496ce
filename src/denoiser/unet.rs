//! The whole UNet.

use super::level::{DownLevel, MidLevel, UpLevel};
use super::time::TimeEmbedding;
use super::{Context, Prepared, UnetConfig};
use crate::ops::{Conv2d, Conv2dConfig, GroupNorm};
use crate::synapse::{KeyValue, Taps};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;

/// What all levels but the finest made of one step's latents. It changes slowly from step to step, so that the next steps
/// may do with it.
///
/// Source: Ma, Fang and Wang, "DeepCache: Accelerating Diffusion Models for Free", CVPR 2024, section 3.
#[derive(Debug, Clone)]
pub struct Deep {
    /// What goes into the finest level of the decoder, `(b, c, t, f)`.
    coarse: Tensor,
}

impl Deep {
    /// Entries of the batch that it was made for.
    pub fn batch(&self) -> usize {
        self.coarse.dims()[0]
    }
}

/// Predicts the noise (or the velocity) in latents.
#[derive(Debug, Clone)]
pub struct Unet {
    conv_in: Conv2d,
    time_embedding: TimeEmbedding,
    down_blocks: Vec<DownLevel>,
    mid_block: MidLevel,
    up_blocks: Vec<UpLevel>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    dtype: DType,
}

impl Unet {
    /// Reads a checkpoint with diffusers' keys.
    ///
    /// # Errors
    ///
    /// A configuration that contradicts itself; a key that is missing or has another shape.
    pub fn new(config: &UnetConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let finest = config.block_out_channels[0];
        let same_size = Conv2dConfig::same(3, config.time_padding());
        let (groups, eps) = (config.norm_num_groups, config.norm_eps);
        let down = |level| DownLevel::new(level, config, vb.pp("down_blocks").pp(level));
        Ok(Self {
            conv_in: Conv2d::new(config.in_channels, finest, same_size, vb.pp("conv_in"))?,
            time_embedding: TimeEmbedding::new(config, &vb)?,
            down_blocks: (0..config.down_block_types.len()).map(down).collect::<Result<_>>()?,
            mid_block: MidLevel::new(config, vb.pp("mid_block"))?,
            up_blocks: up_blocks(config, vb.pp("up_blocks"))?,
            conv_norm_out: GroupNorm::new(groups, finest, eps, vb.pp("conv_norm_out"))?,
            conv_out: Conv2d::new(finest, config.out_channels, same_size, vb.pp("conv_out"))?,
            dtype: vb.dtype(),
        })
    }

    /// Number of transformers in the decoder, each of them a tap.
    pub fn decoder_layers(&self) -> usize {
        self.up_blocks.iter().map(UpLevel::layers).sum()
    }

    /// What the cross-attentions of the decoder make of a text each: `texts`, one `(b, l, d)` per transformer, in the order
    /// of [`Taps`].
    ///
    /// # Errors
    ///
    /// As many texts as the decoder has transformers are wanted, of the width that the configuration says.
    pub fn keys_values(&self, texts: &[Tensor]) -> Result<Vec<KeyValue>> {
        if texts.len() != self.decoder_layers() {
            bail!("{} texts for {} decoder transformers", texts.len(), self.decoder_layers());
        }
        let transformers = self.up_blocks.iter().flat_map(UpLevel::transformers);
        transformers.zip(texts).map(|(transformer, text)| transformer.keys_values(text)).collect()
    }

    /// One evaluation.
    ///
    /// - `latents (b, c, t, f)`: any `t` and `f`, though circular time is only seamless where `t` halves evenly at
    ///   every level.
    /// - `timestep`: on the training schedule, the same for the whole batch, may be fractional.
    /// - Returns `(b, c', t, f)`, in the type of `latents`: a walk may keep more digits than the model computes with.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit the configuration; as many blends as the decoder has transformers are wanted, or none.
    pub fn forward(&self, latents: &Tensor, timestep: f64, context: &Context, taps: &mut Taps) -> Result<Tensor> {
        self.forward_deep(latents, timestep, &self.prepare(context)?, taps).map(|(output, _)| output)
    }

    /// What can be computed of `context` before the first step: everything else that [`Self::forward`] does.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit the configuration.
    pub fn prepare(&self, context: &Context) -> Result<Prepared> {
        Prepared::new(context, self.dtype, |tokens| {
            let down = self.down_blocks.iter().map(|level| level.keys_values(tokens));
            let mid = std::iter::once_with(|| Ok(vec![self.mid_block.keys_values(tokens)?]));
            let up = self.up_blocks.iter().map(|level| level.keys_values(tokens));
            down.chain(mid).chain(up).collect()
        })
    }

    /// As [`Self::forward`] with what this UNet has prepared, and what [`Self::forward_shallow`] needs for the next
    /// timesteps.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forward`].
    pub fn forward_deep(
        &self,
        latents: &Tensor,
        timestep: f64,
        told: &Prepared,
        taps: &mut Taps,
    ) -> Result<(Tensor, Deep)> {
        self.check(taps)?;
        let time = self.time_embedding.forward(timestep, told.class.as_ref())?;
        let mut xs = self.conv_in.forward(&latents.to_dtype(self.dtype)?)?;
        let (levels, mut skips) = (self.down_blocks.len(), vec![xs.clone()]);
        for (i, level) in self.down_blocks.iter().enumerate() {
            xs = level.forward(xs, &time, told.level(i)?, &mut skips)?;
        }
        xs = self.mid_block.forward(&xs, &time, told.level(levels)?)?;
        let (finest, coarser) = self.up_levels()?;
        for (i, level) in coarser.iter().enumerate() {
            xs = level.forward(xs, &time, told.level(levels + 1 + i)?, &mut skips, taps)?;
        }
        let deep = Deep { coarse: xs.clone() };
        xs = finest.forward(xs, &time, told.level(levels + 1 + coarser.len())?, &mut skips, taps)?;
        Ok((self.finish(&xs)?.to_dtype(latents.dtype())?, deep))
    }

    /// As [`Self::forward`], but only the finest level looks at the latents; the others are taken to be as they were.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forward`]; `deep` of another size; taps that capture.
    pub fn forward_shallow(
        &self,
        latents: &Tensor,
        timestep: f64,
        told: &Prepared,
        taps: &mut Taps,
        deep: &Deep,
    ) -> Result<Tensor> {
        self.check(taps)?;
        if let Taps::Capture(_) | Taps::CaptureOutputs(_) = taps {
            bail!("the coarser levels are not run, so there is nothing of theirs to capture");
        }
        let time = self.time_embedding.forward(timestep, told.class.as_ref())?;
        let xs = self.conv_in.forward(&latents.to_dtype(self.dtype)?)?;
        let (levels, mut skips) = (self.down_blocks.len(), vec![xs.clone()]);
        let (finest, coarser) = self.up_levels()?;
        self.down_blocks[0].forward_fine(xs, &time, told.level(0)?, &mut skips)?;
        let ys =
            finest.forward(deep.coarse.clone(), &time, told.level(levels + 1 + coarser.len())?, &mut skips, taps)?;
        self.finish(&ys)?.to_dtype(latents.dtype())
    }

    /// The decoder's finest level, and the ones before it.
    fn up_levels(&self) -> Result<(&UpLevel, &[UpLevel])> {
        match self.up_blocks.split_last() {
            Some(levels) => Ok(levels),
            None => bail!("a UNet without levels"),
        }
    }

    fn finish(&self, xs: &Tensor) -> Result<Tensor> {
        self.conv_out.forward(&self.conv_norm_out.forward_silu(xs)?)
    }

    fn check(&self, taps: &Taps) -> Result<()> {
        match taps {
            Taps::Blend(blends) if blends.len() != self.decoder_layers() => {
                bail!("{} blends for {} decoder transformers", blends.len(), self.decoder_layers())
            }
            _ => Ok(()),
        }
    }
}

fn up_blocks(config: &UnetConfig, vb: VarBuilder) -> Result<Vec<UpLevel>> {
    let mut levels: Vec<UpLevel> = vec![];
    for level in 0..config.up_block_types.len() {
        let first_layer = levels.iter().map(UpLevel::layers).sum();
        levels.push(UpLevel::new(level, first_layer, config, vb.pp(level))?);
    }
    Ok(levels)
}
