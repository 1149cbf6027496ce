//! Which tensors a stage is made of.

use super::source::Source;
use crate::autoencoder::{AutoencoderConfig, Encoder};
use crate::decoder::{WaveConfig, WaveDecoder};
use crate::denoiser::{Unet, UnetConfig};
use crate::text::T5Config;
use crate::text::t5::T5Encoder;
use candle_core::{DType, Device, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use parking_lot::Mutex;
use std::sync::Arc;

/// A tensor that a stage asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    pub name: String,
    pub shape: Vec<usize>,
}

/// What the text encoder asks for.
pub(super) fn text(config: &T5Config, source: &Arc<Source>) -> Result<Vec<Needed>> {
    asked(source, |vb| T5Encoder::new(config, vb).map(drop))
}

/// What a UNet asks for.
pub(super) fn unet(config: &UnetConfig, source: &Arc<Source>) -> Result<Vec<Needed>> {
    asked(source, |vb| Unet::new(config, vb).map(drop))
}

/// What a picture's encoder asks for.
pub(super) fn encoder(config: &AutoencoderConfig, source: &Arc<Source>) -> Result<Vec<Needed>> {
    asked(source, |vb| Encoder::new(config, vb).map(drop))
}

/// What the decoder of the paper's kind asks for.
pub(super) fn decoder(config: &WaveConfig, source: &Arc<Source>) -> Result<Vec<Needed>> {
    asked(source, |vb| WaveDecoder::new(config, vb).map(drop))
}

/// Everything that `build` asks its weights for, where it may be built of what `source` has.
fn asked(source: &Arc<Source>, build: impl FnOnce(VarBuilder) -> Result<()>) -> Result<Vec<Needed>> {
    let ledger = Arc::new(Mutex::new(Vec::new()));
    // In f16 no layer packs its weights for our kernels, so that nothing of a model's size is ever in memory.
    build(VarBuilder::from_backend(
        Box::new(Hollow { source: source.clone(), ledger: ledger.clone() }),
        DType::F16,
        Device::Cpu,
    ))?;
    let needed = ledger.lock().clone();
    Ok(needed)
}

/// Has every tensor that it is asked for, but all elements of one are the same zero.
struct Hollow {
    /// What is asked only whether it is there is a choice between layouts.
    source: Arc<Source>,
    ledger: Arc<Mutex<Vec<Needed>>>,
}

impl SimpleBackend for Hollow {
    fn get(&self, shape: Shape, name: &str, _: candle_nn::Init, dtype: DType, device: &Device) -> Result<Tensor> {
        self.ledger.lock().push(Needed { name: name.to_string(), shape: shape.dims().to_vec() });
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        bail!("{name} is asked for without a shape")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.source.shape(name).is_some()
    }
}
