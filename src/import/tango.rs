//! A folder of the Tango family.

use super::folder::Folder;
use super::json::Json;
use super::published::{self, LDM_GROUPS, MEL_SCALE};
use super::source::Source;
use super::{bad, diffusers};
use crate::autoencoder::{AutoencoderConfig, rename};
use crate::decoder::WaveConfig;
use crate::decoder::hifi_gan::{HifiGanConfig, to_speech_t5};
use crate::denoiser::UnetConfig;
use crate::error::Error;
use crate::sampler::ScheduleConfig;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// A Tango folder, looked at.
pub(super) struct Tango {
    pub unet: UnetConfig,
    pub schedule: ScheduleConfig,
    pub decoder: WaveConfig,
    /// Under the names that the UNet has.
    pub unet_weights: Arc<Source>,
    /// Under the names that the text encoder has.
    pub text_weights: Arc<Source>,
    /// Autoencoder and vocoder, under diffusers' names.
    pub decoder_weights: Arc<Source>,
}

impl Tango {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = Folder { path, origin: "declare-lab/tango-full-ft-audio-music-caps on huggingface.co" };
        folder.check()?;
        let decoder = WaveConfig { autoencoder: mel_vae(&folder)?, vocoder: vocoder(&folder)? };
        let main = folder.need(&["pytorch_model_main.bin", "pytorch_model_main.safetensors"])?;
        let vae = folder.need(&["pytorch_model_vae.bin", "pytorch_model_vae.safetensors"])?;
        let under = |prefix: &'static str| move |key: &str| key.strip_prefix(prefix).map(str::to_string);
        let levels = decoder.autoencoder.block_out_channels.len();
        Ok(Self {
            unet: unet(&folder)?,
            schedule: match folder.find(&["scheduler_config.json"]) {
                Some(path) => diffusers::schedule(&Json::read(&path)?)?,
                None => published::schedule(),
            },
            unet_weights: Arc::new(Source::open(&main)?.renamed(under("unet."))),
            text_weights: Arc::new(Source::open(&main)?.renamed(under("text_encoder."))),
            decoder_weights: Arc::new(Source::open(&vae)?.renamed(|key| Some(decoder_key(key, levels)))),
            decoder,
        })
    }
}

/// Ours of a key of the autoencoder's file, whose vocoder may have either of two names for its stages.
fn decoder_key(key: &str, levels: usize) -> String {
    match key.split_once("upsampler.") {
        Some((prefix, rest)) if to_speech_t5(&format!("{prefix}ups.{rest}")) == key => format!("{prefix}ups.{rest}"),
        _ => rename(key, levels),
    }
}

fn unet(folder: &Folder) -> Result<UnetConfig, Error> {
    let names = ["unet_config.json", "diffusion_model_config.json", "configs/diffusion_model_config.json"];
    match folder.find(&names) {
        Some(path) => diffusers::unet(&Json::read(&path)?),
        None => Ok(published::music_unet()),
    }
}

/// `ddconfig` of latent diffusion.
#[derive(Deserialize)]
struct LatentDiffusion {
    in_channels: usize,
    out_ch: usize,
    z_channels: usize,
    ch: usize,
    ch_mult: Vec<usize>,
    num_res_blocks: usize,
    /// Latent diffusion has 32 in its program.
    norm_num_groups: Option<usize>,
}

fn mel_vae(folder: &Folder) -> Result<AutoencoderConfig, Error> {
    let Some(path) = folder.find(&["vae_config.json"]) else {
        return Ok(AutoencoderConfig {
            in_channels: 1,
            out_channels: 1,
            latent_channels: 8,
            block_out_channels: vec![128, 256, 512],
            layers_per_block: 2,
            norm_num_groups: LDM_GROUPS,
            scaling_factor: MEL_SCALE,
            mid_block_add_attention: true,
            circular_time: false,
        });
    };
    let json = Json::read(&path)?;
    let inner = json.object("ddconfig")?;
    inner.only(&[("attn_resolutions", json!([])), ("downsample_time", json!(false)), ("double_z", json!(true))])?;
    let keys = ["in_channels", "out_ch", "z_channels", "ch", "ch_mult", "num_res_blocks", "norm_num_groups"];
    let config: LatentDiffusion = inner.pick(&keys.map(|key| (key, key)))?;
    let latents = json.fields.get("embed_dim").and_then(serde_json::Value::as_u64);
    if latents.is_some_and(|latents| latents != config.z_channels as u64) {
        return Err(bad(&path, "has an embed_dim other than its z_channels, which is not supported"));
    }
    Ok(AutoencoderConfig {
        in_channels: config.in_channels,
        out_channels: config.out_ch,
        latent_channels: config.z_channels,
        block_out_channels: config.ch_mult.iter().map(|factor| factor * config.ch).collect(),
        layers_per_block: config.num_res_blocks,
        norm_num_groups: config.norm_num_groups.unwrap_or(LDM_GROUPS),
        scaling_factor: json.fields.get("scale_factor").and_then(serde_json::Value::as_f64).unwrap_or(MEL_SCALE),
        mid_block_add_attention: true,
        circular_time: false,
    })
}

/// HiFi-GAN's own configuration, where there is one beside the weights.
fn vocoder(folder: &Folder) -> Result<HifiGanConfig, Error> {
    let Some(path) = folder.find(&["vocoder_config.json"]) else {
        return Ok(published::vocoder());
    };
    let json = Json::read(&path)?;
    json.only(&[("resblock", json!("1"))])?;
    json.pick(&[
        ("num_mels", "model_in_dim"),
        ("sampling_rate", "sampling_rate"),
        ("upsample_initial_channel", "upsample_initial_channel"),
        ("upsample_rates", "upsample_rates"),
        ("upsample_kernel_sizes", "upsample_kernel_sizes"),
        ("resblock_kernel_sizes", "resblock_kernel_sizes"),
        ("resblock_dilation_sizes", "resblock_dilation_sizes"),
    ])
}
