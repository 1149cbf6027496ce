//! The components of a bundle, each loaded from its file when its turn comes.

use std::sync::Arc;

use candle_core::{DType, Device};

use super::part::{Loader, Part};
use super::{Engine, PictureModel};
use crate::decoder::Decoder;
use crate::denoiser::Denoiser;
use crate::error::Error;
use crate::text::{Reader, TextEncoder};

pub(super) fn text(loader: &Loader, reader: Arc<Reader>) -> Part<TextEncoder> {
    let spells = loader.bundle.manifest().text.encoder.spelling;
    // Words that captions do not have are told by others by our own network, which is the CPU's; it is small.
    let device = if spells { Device::Cpu } else { loader.device.clone() };
    let loader = Loader { device, ..loader.clone() };
    Part::new(move || {
        let text = &loader.bundle.manifest().text;
        // In f32: see `device`.
        loader.load("text", &text.weights, DType::F32, |vb| TextEncoder::with_reader(&text.encoder, reader.clone(), vb))
    })
}

pub(super) fn picture(loader: &Loader, dtype: DType) -> Part<PictureModel> {
    let loader = loader.clone();
    Part::new(move || {
        let image = &loader.bundle.manifest().image;
        loader.load("image", &image.weights, dtype, |vb| PictureModel::new(image, vb))
    })
}

pub(super) fn music(loader: &Loader, dtype: DType) -> Part<Denoiser> {
    let loader = loader.clone();
    Part::new(move || {
        let music = &loader.bundle.manifest().music;
        loader.load("music", &music.weights, dtype, |vb| Denoiser::new(&music.denoiser, vb))
    })
}

pub(super) fn decoder(loader: &Loader) -> Part<Decoder> {
    let loader = loader.clone();
    Part::new(move || {
        let decoder = &loader.bundle.manifest().decoder;
        loader.load("decoder", &decoder.weights, DType::F32, |vb| Decoder::new(&decoder.config, vb))
    })
}

impl Engine {
    /// The text encoder, loaded for as long as it is held or for good.
    pub(crate) fn text(&self) -> Result<Arc<TextEncoder>, Error> {
        self.text.get(self.keeps())
    }

    /// The image model, likewise.
    pub(crate) fn picture(&self) -> Result<Arc<PictureModel>, Error> {
        self.picture.get(self.keeps())
    }

    /// The music model, likewise.
    pub(crate) fn music(&self) -> Result<Arc<Denoiser>, Error> {
        self.music.get(self.keeps())
    }

    /// The decoder, likewise.
    pub(crate) fn decoder(&self) -> Result<Arc<Decoder>, Error> {
        self.decoder.get(self.keeps())
    }
}
