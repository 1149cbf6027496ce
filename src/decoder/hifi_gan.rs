//! HiFi-GAN: mel spectrogram to samples.
//!
//! Source: Kong et al. 2020, arXiv 2010.05646, in the layout of AudioLDM's and Tango's files, weight norm removed.

use crate::ops::{Conv1d, ConvTranspose1d, leaky_relu, mean};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// Configuration of a generator; names as in transformers' `SpeechT5HifiGanConfig`, so that its numbers can be copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HifiGanConfig {
    /// Bands of the mel spectrogram.
    pub model_in_dim: usize,
    /// Rate of the samples, in Hz.
    pub sampling_rate: u32,
    /// Channels before the first stage; every stage halves them.
    pub upsample_initial_channel: usize,
    /// Samples out per sample in, of every stage.
    pub upsample_rates: Vec<usize>,
    /// Kernel sizes of the stages' transposed convolutions, none smaller than its rate.
    ///
    /// A stage whose kernel exceeds its rate by an odd number, as the first of AudioLDM's and Tango's, gives one sample
    /// more than `rate` per sample in; [`HifiGan::forward`] cuts what that comes to.
    pub upsample_kernel_sizes: Vec<usize>,
    /// Kernel sizes of the parallel residual blocks of every stage; odd.
    pub resblock_kernel_sizes: Vec<usize>,
    /// Dilations of each of those blocks.
    pub resblock_dilation_sizes: Vec<Vec<usize>>,
    /// Slope of the leaky rectifiers below zero, but for the last, which has 0.01.
    #[serde(default = "slope")]
    pub leaky_relu_slope: f64,
    /// Whether the file has a `mean` and a `scale` per band, which the mel is normalised with.
    #[serde(default)]
    pub normalize_before: bool,
}

/// PyTorch's default, which the reference uses before the last convolution.
const LAST_SLOPE: f64 = 0.01;

fn slope() -> f64 {
    0.1
}

impl HifiGanConfig {
    /// Samples per mel frame.
    pub fn hop(&self) -> usize {
        self.upsample_rates.iter().product()
    }

    fn check(&self) -> Result<()> {
        let stages = self.upsample_rates.len();
        let covers = |(rate, kernel): (&usize, &usize)| *rate > 0 && kernel >= rate;
        let fits = self.upsample_rates.iter().zip(&self.upsample_kernel_sizes).all(covers);
        if stages != self.upsample_kernel_sizes.len() || !fits {
            candle_core::bail!("every upsample_rates has to be positive and needs an upsample_kernel_sizes no smaller")
        }
        if self.resblock_kernel_sizes.is_empty()
            || self.resblock_kernel_sizes.len() != self.resblock_dilation_sizes.len()
            || self.resblock_kernel_sizes.iter().any(|kernel| kernel % 2 == 0)
        {
            candle_core::bail!("every resblock_kernel_sizes has to be odd and needs a resblock_dilation_sizes")
        }
        if stages >= 32 || self.upsample_initial_channel >> stages == 0 {
            candle_core::bail!("{stages} stages halve {} channels to nothing", self.upsample_initial_channel)
        }
        Ok(())
    }
}

/// The generator.
#[derive(Debug, Clone)]
pub struct HifiGan {
    /// `mean (1, mels, 1)` and `scale (1, mels, 1)`.
    normal: Option<(Tensor, Tensor)>,
    conv_pre: Conv1d,
    stages: Vec<Stage>,
    conv_post: Conv1d,
    slope: f64,
    hop: usize,
}

impl HifiGan {
    /// Reads `conv_pre`, `ups.{stage}`, `resblocks.{stage * kernels + kernel}` and `conv_post` under `vb`.
    ///
    /// # Errors
    ///
    /// A tensor is missing or of another shape, or the configuration's lists do not fit each other.
    pub fn new(config: &HifiGanConfig, vb: VarBuilder) -> Result<Self> {
        config.check()?;
        let mels = config.model_in_dim;
        let first = config.upsample_initial_channel;
        let stages = config.upsample_rates.len();
        let per_band = |name| vb.get(mels, name)?.reshape((1, mels, 1));
        Ok(Self {
            normal: if config.normalize_before { Some((per_band("mean")?, per_band("scale")?)) } else { None },
            conv_pre: Conv1d::new(mels, first, 7, 1, vb.pp("conv_pre"))?,
            stages: (0..stages).map(|i| Stage::new(config, i, &vb)).collect::<Result<_>>()?,
            conv_post: Conv1d::new(first >> stages, 1, 7, 1, vb.pp("conv_post"))?,
            slope: config.leaky_relu_slope,
            hop: config.hop(),
        })
    }

    /// `mel (b, mels, t)`, natural logarithms → samples `(b, t * hop)` in -1..=1.
    ///
    /// The reference returns what its kernels give and, of the published sizes, that is 32 samples more; they stand at
    /// the end and are cut. Source: transformers 5.23.0, `SpeechT5HifiGan`, whose padding is `(kernel - rate) // 2`.
    ///
    /// # Errors
    ///
    /// The device's own, or a mel of another number of bands.
    pub fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        let mel = match &self.normal {
            Some((mean, scale)) => mel.broadcast_sub(mean)?.broadcast_div(scale)?,
            None => mel.clone(),
        };
        let samples = mel.dim(2)? * self.hop;
        let mut xs = self.conv_pre.forward(&mel)?;
        for stage in &self.stages {
            xs = stage.forward(&xs, self.slope)?;
        }
        self.conv_post.forward(&leaky_relu(&xs, LAST_SLOPE)?)?.tanh()?.squeeze(1)?.narrow(1, 0, samples)
    }
}

/// The key in files of transformers' `SpeechT5HifiGan` of a key of ours, for [`VarBuilder::rename_f`].
pub fn to_speech_t5(key: &str) -> String {
    match key.split_once("ups.") {
        // Below a prefix too, but not as the end of a longer word.
        Some((prefix, rest)) if prefix.is_empty() || prefix.ends_with('.') => format!("{prefix}upsampler.{rest}"),
        _ => key.to_string(),
    }
}

/// A transposed convolution, then the mean of parallel residual blocks.
#[derive(Debug, Clone)]
struct Stage {
    up: ConvTranspose1d,
    resblocks: Vec<ResBlock>,
}

impl Stage {
    fn new(config: &HifiGanConfig, index: usize, vb: &VarBuilder) -> Result<Self> {
        let inputs = config.upsample_initial_channel >> index;
        let outputs = inputs / 2;
        let (rate, kernel) = (config.upsample_rates[index], config.upsample_kernel_sizes[index]);
        let up = ConvTranspose1d::new(inputs, outputs, kernel, rate, (kernel - rate) / 2, vb.pp("ups").pp(index))?;
        let shapes = config.resblock_kernel_sizes.iter().zip(&config.resblock_dilation_sizes);
        let first = index * config.resblock_kernel_sizes.len();
        let resblocks = shapes
            .enumerate()
            .map(|(j, (kernel, dilations))| {
                ResBlock::new(outputs, *kernel, dilations, vb.pp("resblocks").pp(first + j))
            })
            .collect::<Result<_>>()?;
        Ok(Self { up, resblocks })
    }

    /// `(b, inputs, t)` → `(b, inputs / 2, t * rate)`, one sample more where kernel and rate differ by an odd number.
    fn forward(&self, xs: &Tensor, slope: f64) -> Result<Tensor> {
        let xs = self.up.forward(&leaky_relu(xs, slope)?)?;
        let rectified = leaky_relu(&xs, slope)?;
        let parallel = self.resblocks.iter().map(|resblock| resblock.forward(&xs, &rectified, slope));
        mean(&parallel.collect::<Result<Vec<_>>>()?)
    }
}

/// Residual pairs of convolutions, the first of each pair dilated.
#[derive(Debug, Clone)]
struct ResBlock {
    convs1: Vec<Conv1d>,
    convs2: Vec<Conv1d>,
}

impl ResBlock {
    fn new(channels: usize, kernel: usize, dilations: &[usize], vb: VarBuilder) -> Result<Self> {
        let conv =
            |name: &str, i: usize, dilation| Conv1d::new(channels, channels, kernel, dilation, vb.pp(name).pp(i));
        let dilations = dilations.iter().copied().enumerate();
        Ok(Self {
            convs1: dilations.clone().map(|(i, dilation)| conv("convs1", i, dilation)).collect::<Result<_>>()?,
            convs2: dilations.map(|(i, _)| conv("convs2", i, 1)).collect::<Result<_>>()?,
        })
    }

    /// Same shape `(b, c, t)` out as in; `rectified` is `xs` through the leaky rectifier, the same for all blocks.
    fn forward(&self, xs: &Tensor, rectified: &Tensor, slope: f64) -> Result<Tensor> {
        let (mut xs, mut rectified) = (xs.clone(), rectified.clone());
        for (i, (conv1, conv2)) in self.convs1.iter().zip(&self.convs2).enumerate() {
            if i > 0 {
                rectified = leaky_relu(&xs, slope)?;
            }
            let ys = conv1.forward_leaky_relu(&rectified, slope)?;
            xs = conv2.forward_add(&ys, &xs)?;
        }
        Ok(xs)
    }
}
