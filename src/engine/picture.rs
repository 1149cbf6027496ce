//! What the music sees of a picture: features of the image model along the picture's DDIM inversion.

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;

use crate::autoencoder::Encoder;
use crate::bundle::ImageManifest;
use crate::denoiser::{Context, Prepared, Unet};
use crate::error::{Error, InStage, Stage};
use crate::image::Picture;
use crate::progress::Progress;
use crate::sampler::{DdimInverse, Schedule};
use crate::synapse::{KeyValue, SynapseKind, Taps};

/// The frozen image latent-diffusion model.
pub(crate) struct PictureModel {
    encoder: Encoder,
    unet: Unet,
    /// What the UNet makes of the embedding of "no text".
    nothing: Prepared,
    schedule: Schedule,
    size: usize,
}

/// Features of one picture at one timestep, per decoder layer.
pub(crate) enum Features {
    /// Of the self-attention.
    KeysValues(Vec<KeyValue>),
    /// Of the cross-attention, `(1, n, c)` each.
    Outputs(Vec<Tensor>),
}

impl Features {
    fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(match self {
            Self::KeysValues(layers) => {
                Self::KeysValues(layers.iter().map(|layer| layer.to_device(device)).collect::<Result<_>>()?)
            }
            Self::Outputs(layers) => {
                Self::Outputs(layers.iter().map(|layer| layer.to_device(device)).collect::<Result<_>>()?)
            }
        })
    }
}

/// Features of one picture.
pub(crate) struct Sight {
    /// The timesteps that there are features of, descending, as the sampler's.
    pub timesteps: Vec<usize>,
    /// Of each timestep.
    pub features: Vec<Features>,
    /// Keys and values of the picture without noise.
    pub clean: Vec<KeyValue>,
    /// The inverted latents at the noisiest timestep `(1, c, h, w)`.
    pub inverted: Tensor,
}

impl Sight {
    /// The same features on another device.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(Self {
            timesteps: self.timesteps.clone(),
            features: self.features.iter().map(|step| step.to_device(device)).collect::<Result<_>>()?,
            clean: self.clean.iter().map(|layer| layer.to_device(device)).collect::<Result<_>>()?,
            inverted: self.inverted.to_device(device)?,
        })
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        let size = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        let both = |layer: &KeyValue| size(&layer.keys) + size(&layer.values);
        let features = self.features.iter().map(|features| match features {
            Features::KeysValues(layers) => layers.iter().map(both).sum::<usize>(),
            Features::Outputs(layers) => layers.iter().map(size).sum(),
        });
        features.chain(self.clean.iter().map(both)).sum::<usize>() + size(&self.inverted)
    }
}

impl PictureModel {
    /// Reads `vae.*`, `unet.*` and the null text.
    pub fn new(config: &ImageManifest, vb: VarBuilder) -> Result<Self> {
        let null_text = vb.get_unchecked(&config.context)?;
        if null_text.dims3()?.2 != config.unet.cross_attention_dim {
            bail!("{} {:?} is not as wide as image.unet.cross_attention_dim", config.context, null_text.shape())
        }
        let unet = Unet::new(&config.unet, vb.pp("unet"))?;
        Ok(Self {
            encoder: Encoder::new(&config.vae, vb.pp("vae"))?,
            nothing: unet.prepare(&Context { tokens: null_text, bias: None, class: None })?,
            unet,
            schedule: Schedule::new(&config.schedule)?,
            size: config.size,
        })
    }

    /// Encodes, inverts and watches; one UNet evaluation per timestep and one for the clean picture.
    pub fn look(
        &self,
        picture: &Picture,
        timesteps: &[usize],
        kind: SynapseKind,
        device: &Device,
        progress: &dyn Progress,
    ) -> std::result::Result<Sight, Error> {
        let pixels = picture.square(self.size as u32);
        let pixels = Tensor::from_vec(pixels, (1, 3, self.size, self.size), device).in_stage(Stage::Picture)?;
        let latents = self.encode(&pixels).in_stage(Stage::Picture)?;
        self.invert(latents, timesteps, kind, progress)
    }

    /// Pixels `(1, 3, size, size)` in −1..=1 to scaled latents `(1, c, h, w)`.
    pub fn encode(&self, pixels: &Tensor) -> Result<Tensor> {
        self.encoder.encode(pixels)
    }

    /// Walks clean latents up to the noisiest of `timesteps` (descending), watching at each.
    pub fn invert(
        &self,
        latents: Tensor,
        timesteps: &[usize],
        kind: SynapseKind,
        progress: &dyn Progress,
    ) -> std::result::Result<Sight, Error> {
        let inverse = DdimInverse::new(&self.schedule, timesteps).in_stage(Stage::Picture)?;
        let total = timesteps.len() + 1;
        progress.step(Stage::Picture, 0, total);
        let (mut xs, mut features, mut clean) = (latents, Vec::with_capacity(timesteps.len()), Vec::new());
        for (i, &t) in inverse.timesteps().iter().enumerate() {
            if progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let output = if i == 0 {
                let (output, seen) = self.watch(&xs, t).in_stage(Stage::Picture)?;
                clean = seen;
                output
            } else {
                let (output, seen) = self.features(&xs, t, kind).in_stage(Stage::Picture)?;
                features.push(seen);
                output
            };
            xs = inverse.step(i, &output, &xs).in_stage(Stage::Picture)?;
            progress.step(Stage::Picture, i + 1, total);
        }
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let (_, seen) = self.features(&xs, timesteps[0], kind).in_stage(Stage::Picture)?;
        features.push(seen);
        progress.step(Stage::Picture, total, total);
        features.reverse();
        Ok(Sight { timesteps: timesteps.to_vec(), features, clean, inverted: xs })
    }

    /// The model's output and what its decoder's self-attention held.
    pub fn watch(&self, xs: &Tensor, timestep: usize) -> Result<(Tensor, Vec<KeyValue>)> {
        let mut seen = Vec::new();
        let output = self.evaluate(xs, timestep, &mut Taps::Capture(&mut seen))?;
        Ok((output, seen))
    }

    /// The model's output and what a synapse of `kind` wants of it.
    fn features(&self, xs: &Tensor, timestep: usize, kind: SynapseKind) -> Result<(Tensor, Features)> {
        if kind == SynapseKind::Paper {
            return self.watch(xs, timestep).map(|(output, seen)| (output, Features::KeysValues(seen)));
        }
        let mut seen = Vec::new();
        let output = self.evaluate(xs, timestep, &mut Taps::CaptureOutputs(&mut seen))?;
        Ok((output, Features::Outputs(seen)))
    }

    fn evaluate(&self, xs: &Tensor, timestep: usize, taps: &mut Taps) -> Result<Tensor> {
        Ok(self.unet.forward_deep(xs, timestep as f64, &self.nothing, taps)?.0)
    }
}
