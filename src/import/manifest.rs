//! What an imported bundle says of itself.

use super::diffusers::StableDiffusion;
use super::licence;
use super::published::{self, GUIDANCE, STEPS};
use super::tango::Tango;
use crate::bundle::{
    DecoderManifest, Defaults, Guide, ImageManifest, Manifest, MusicManifest, SynapseManifest, TextManifest,
};
use crate::decoder::DecoderConfig;
use crate::denoiser::DenoiserConfig;
use crate::sampler::SamplerKind;
use crate::synapse::Pool;
use crate::text::{T5Config, TextConfig};
use std::collections::BTreeMap;

/// Name of the empty prompt's embedding among the image model's tensors.
pub(super) const EMPTY_PROMPT: &str = "empty_prompt";
/// File of the tokenizer.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// File of the image model.
pub(super) const IMAGE: &str = "image.safetensors";

/// That of a bundle of these parts, without its files. `is_deaf`: nothing was learnt of how much a picture is listened to.
pub(super) fn manifest(name: &str, tango: &Tango, image: &StableDiffusion, t5: T5Config, is_deaf: bool) -> Manifest {
    let decoder = tango.decoder.clone();
    let channels = decoder.autoencoder.latent_channels;
    Manifest {
        format: 1,
        name: name.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        licence: licence::expression(),
        authors: ["DeCLaRe Lab (Tango)", "Haohe Liu and others (AudioLDM)", "Stability AI", "Google (FLAN-T5)"]
            .map(String::from)
            .into(),
        trained_on: "by its authors, on public and web data; see their papers".into(),
        description: "Public weights of Tango, Stable Diffusion 2.1 and FLAN-T5. NON-COMMERCIAL USE ONLY.".into(),
        sample_rate: decoder.sample_rate(),
        defaults: Defaults {
            steps: STEPS,
            guidance: GUIDANCE,
            word_guidance: 1.0,
            guidance_rescale: 0.0,
            unguided: 0.0,
            unwalked: 0.0,
            deep_steps: 1,
            sampler: SamplerKind::Ddpm,
        },
        text: TextManifest {
            weights: "text.safetensors".into(),
            tokenizer: TOKENIZER.into(),
            encoder: TextConfig { tokens: None, max_tokens: 512, spelling: false, t5 },
        },
        image: ImageManifest {
            weights: IMAGE.into(),
            size: image.size,
            vae: image.vae.clone(),
            unet: image.unet.clone(),
            schedule: image.schedule.clone(),
            context: EMPTY_PROMPT.into(),
            words: is_deaf,
        },
        music: MusicManifest {
            weights: "music.safetensors".into(),
            denoiser: DenoiserConfig::Unet(tango.unet.clone()),
            schedule: tango.schedule.clone(),
            latent: published::latent(channels, decoder.latent_rows()),
            position: None,
            tempo_features: 0,
            text_features: false,
        },
        synapse: SynapseManifest {
            weights: "synapse.safetensors".into(),
            pool: Pool::Sequence,
            guide: Guide::Text,
            reader: None,
        },
        decoder: DecoderManifest { weights: "decoder.safetensors".into(), config: DecoderConfig::Wave(decoder) },
        files: BTreeMap::new(),
    }
}
