//! The levels of the UNet: down, middle and up.

use super::prepared::Told;
use super::res_block::ResBlock;
use super::transformer::Transformer;
use super::{DownBlock, UnetConfig, UpBlock};
use crate::ops::{Conv2d, Conv2dConfig, concatenate, upsample_nearest};
use crate::synapse::{KeyValue, Taps};
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

/// One level of the encoder; halves the resolution at its end, but for the last.
#[derive(Debug, Clone)]
pub(super) struct DownLevel {
    resnets: Vec<ResBlock>,
    attentions: Vec<Transformer>,
    downsampler: Option<Conv2d>,
}

impl DownLevel {
    /// Level `level`, 0 the finest.
    pub fn new(level: usize, config: &UnetConfig, vb: VarBuilder) -> Result<Self> {
        let widths = &config.block_out_channels;
        let (width, heads) = (widths[level], config.attention_head_dim[level]);
        let inputs = widths[level.saturating_sub(1)];
        let has_attention = config.down_block_types[level] == DownBlock::CrossAttnDownBlock2D;
        let (mut resnets, mut attentions) = (vec![], vec![]);
        for i in 0..config.layers_per_block {
            let inputs = if i == 0 { inputs } else { width };
            resnets.push(ResBlock::new(inputs, width, config, vb.pp("resnets").pp(i))?);
            if has_attention {
                attentions.push(Transformer::new(width, heads, None, config, vb.pp("attentions").pp(i))?);
            }
        }
        let downsampler = if level + 1 < widths.len() {
            let halving = Conv2dConfig { stride: 2, ..Conv2dConfig::same(3, config.time_padding()) };
            Some(Conv2d::new(width, width, halving, vb.pp("downsamplers.0.conv"))?)
        } else {
            None
        };
        Ok(Self { resnets, attentions, downsampler })
    }

    /// What each of its transformers makes of `tokens (b, l, d)`.
    pub fn keys_values(&self, tokens: &Tensor) -> Result<Vec<KeyValue>> {
        self.attentions.iter().map(|attention| attention.keys_values(tokens)).collect()
    }

    /// `xs (b, c, t, f)` → `(b, c', t / 2, f / 2)`, both rounded up; pushes what the decoder will want.
    pub fn forward(&self, xs: Tensor, time: &Tensor, told: Told, skips: &mut Vec<Tensor>) -> Result<Tensor> {
        let mut xs = self.forward_fine(xs, time, told, skips)?;
        if let Some(downsampler) = &self.downsampler {
            xs = downsampler.forward(&xs)?;
            skips.push(xs.clone());
        }
        Ok(xs)
    }

    /// The part before the resolution is halved: `xs (b, c, t, f)` → `(b, c', t, f)`.
    pub fn forward_fine(&self, xs: Tensor, time: &Tensor, told: Told, skips: &mut Vec<Tensor>) -> Result<Tensor> {
        let mut xs = xs;
        for (i, resnet) in self.resnets.iter().enumerate() {
            xs = resnet.forward(&xs, time)?;
            if let Some(attention) = self.attentions.get(i) {
                xs = attention.forward(&xs, told.text(i)?, told.bias, &mut Taps::None)?;
            }
            skips.push(xs.clone());
        }
        Ok(xs)
    }
}

/// The coarsest level, between encoder and decoder.
#[derive(Debug, Clone)]
pub(super) struct MidLevel {
    resnets: [ResBlock; 2],
    attention: Transformer,
}

impl MidLevel {
    pub fn new(config: &UnetConfig, vb: VarBuilder) -> Result<Self> {
        let level = config.block_out_channels.len() - 1;
        let (width, heads) = (config.block_out_channels[level], config.attention_head_dim[level]);
        let resnet = |i: usize| ResBlock::new(width, width, config, vb.pp("resnets").pp(i));
        Ok(Self {
            resnets: [resnet(0)?, resnet(1)?],
            attention: Transformer::new(width, heads, None, config, vb.pp("attentions.0"))?,
        })
    }

    /// What its transformer makes of `tokens (b, l, d)`.
    pub fn keys_values(&self, tokens: &Tensor) -> Result<KeyValue> {
        self.attention.keys_values(tokens)
    }

    /// Same shape out as in.
    pub fn forward(&self, xs: &Tensor, time: &Tensor, told: Told) -> Result<Tensor> {
        let xs = self.resnets[0].forward(xs, time)?;
        let xs = self.attention.forward(&xs, told.text(0)?, told.bias, &mut Taps::None)?;
        self.resnets[1].forward(&xs, time)
    }
}

/// One level of the decoder; takes the encoder's skips and ends at the next finer level's size.
#[derive(Debug, Clone)]
pub(super) struct UpLevel {
    resnets: Vec<ResBlock>,
    attentions: Vec<Transformer>,
    upsampler: Option<Conv2d>,
}

impl UpLevel {
    /// Level `level`, 0 the coarsest; its first transformer is number `first_layer` of the decoder's.
    pub fn new(level: usize, first_layer: usize, config: &UnetConfig, vb: VarBuilder) -> Result<Self> {
        // Coarsest first, as the decoder goes; the finest level's skips come from `conv_in`, of the same width.
        let width_at = |level: usize| {
            let widths = &config.block_out_channels;
            widths[widths.len() - 1 - level.min(widths.len() - 1)]
        };
        let (width, below, finer) = (width_at(level), width_at(level.saturating_sub(1)), width_at(level + 1));
        let heads = config.attention_head_dim[config.attention_head_dim.len() - 1 - level];
        let has_attention = config.up_block_types[level] == UpBlock::CrossAttnUpBlock2D;
        let (mut resnets, mut attentions) = (vec![], vec![]);
        for i in 0..=config.layers_per_block {
            let inputs = if i == 0 { below } else { width };
            let skip = if i == config.layers_per_block { finer } else { width };
            resnets.push(ResBlock::new(inputs + skip, width, config, vb.pp("resnets").pp(i))?);
            if has_attention {
                let layer = Some(first_layer + i);
                attentions.push(Transformer::new(width, heads, layer, config, vb.pp("attentions").pp(i))?);
            }
        }
        let upsampler = if level + 1 < config.block_out_channels.len() {
            let same_size = Conv2dConfig::same(3, config.time_padding());
            Some(Conv2d::new(width, width, same_size, vb.pp("upsamplers.0.conv"))?)
        } else {
            None
        };
        Ok(Self { resnets, attentions, upsampler })
    }

    /// Transformers in this level.
    pub fn layers(&self) -> usize {
        self.attentions.len()
    }

    /// The transformers of this level, in order.
    pub fn transformers(&self) -> &[Transformer] {
        &self.attentions
    }

    /// What each of its transformers makes of `tokens (b, l, d)`.
    pub fn keys_values(&self, tokens: &Tensor) -> Result<Vec<KeyValue>> {
        self.attentions.iter().map(|attention| attention.keys_values(tokens)).collect()
    }

    /// `xs (b, c, t, f)` → `(b, c', 2 t, 2 f)`, or one less where the encoder had rounded up.
    pub fn forward(
        &self,
        xs: Tensor,
        time: &Tensor,
        told: Told,
        skips: &mut Vec<Tensor>,
        taps: &mut Taps,
    ) -> Result<Tensor> {
        let mut xs = xs;
        for (i, resnet) in self.resnets.iter().enumerate() {
            let Some(skip) = skips.pop() else { bail!("the decoder has more blocks than the encoder left skips") };
            xs = resnet.forward(&concatenate(&xs, &skip)?, time)?;
            if let Some(attention) = self.attentions.get(i) {
                xs = attention.forward(&xs, told.text(i)?, told.bias, taps)?;
            }
        }
        match (&self.upsampler, skips.last()) {
            (Some(upsampler), Some(skip)) => {
                let (_, _, t, f) = skip.dims4()?;
                upsampler.forward(&upsample_nearest(&xs, t, f)?)
            }
            _ => Ok(xs),
        }
    }
}
