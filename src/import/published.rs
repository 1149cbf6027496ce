//! Numbers of the published models that their files do not hold, only their programs.
//!
//! Source: Tango's `configs/diffusion_model_config.json` and `vae_config.json`, AudioLDM's `HIFIGAN_16K_64`, FLAN-T5-large's
//! `config.json` and Stable Diffusion 2.1's `scheduler_config.json`.

use crate::bundle::Latent;
use crate::decoder::hifi_gan::HifiGanConfig;
use crate::denoiser::{DownBlock, TimeShift, UnetConfig, UpBlock};
use crate::sampler::{BetaSchedule, Prediction, ScheduleConfig, TimestepSpacing};
use crate::text::{FeedForward, T5Config};

/// Groups of every normalisation in latent diffusion's autoencoders.
pub(super) const LDM_GROUPS: usize = 32;
/// What the mel's latents are multiplied by before diffusion.
pub(super) const MEL_SCALE: f64 = 0.922_791_421_413_421_6;
/// Side of the pictures, in pixels, that MeLFusion's code shows to Stable Diffusion.
pub(super) const PICTURE_SIZE: usize = 512;
/// Columns of latents, 10.24 s, that Tango was trained on.
pub(super) const WINDOW: usize = 256;
/// Steps of Tango's own program.
pub(super) const STEPS: usize = 100;
/// Guidance of Tango's own program.
pub(super) const GUIDANCE: f64 = 3.0;

/// Tango's UNet.
pub(super) fn music_unet() -> UnetConfig {
    use DownBlock::{CrossAttnDownBlock2D, DownBlock2D};
    use UpBlock::{CrossAttnUpBlock2D, UpBlock2D};
    UnetConfig {
        in_channels: 8,
        out_channels: 8,
        block_out_channels: vec![320, 640, 1280, 1280],
        layers_per_block: 2,
        down_block_types: vec![CrossAttnDownBlock2D, CrossAttnDownBlock2D, CrossAttnDownBlock2D, DownBlock2D],
        up_block_types: vec![UpBlock2D, CrossAttnUpBlock2D, CrossAttnUpBlock2D, CrossAttnUpBlock2D],
        attention_head_dim: vec![5, 10, 20, 20],
        cross_attention_dim: 1024,
        norm_num_groups: 32,
        norm_eps: 1e-5,
        use_linear_projection: true,
        flip_sin_to_cos: true,
        freq_shift: 0.0,
        resnet_time_scale_shift: TimeShift::Default,
        projection_class_embeddings_input_dim: None,
        circular_time: false,
    }
}

/// Stable Diffusion 2.1's schedule, which Tango was trained on too.
pub(super) fn schedule() -> ScheduleConfig {
    ScheduleConfig {
        num_train_timesteps: 1000,
        beta_schedule: BetaSchedule::ScaledLinear,
        beta_start: 0.00085,
        beta_end: 0.012,
        rescale_betas_zero_snr: false,
        prediction_type: Prediction::Velocity,
        timestep_spacing: TimestepSpacing::Leading,
        steps_offset: 1,
        set_alpha_to_one: false,
    }
}

/// FLAN-T5-large's encoder.
pub(super) fn t5() -> T5Config {
    T5Config {
        vocab_size: 32_128,
        d_model: 1024,
        d_kv: 64,
        d_ff: 2816,
        num_layers: 24,
        num_heads: 16,
        relative_attention_num_buckets: 32,
        relative_attention_max_distance: 128,
        layer_norm_epsilon: 1e-6,
        feed_forward_proj: FeedForward::GatedGelu,
        pad_token_id: 0,
        eos_token_id: 1,
    }
}

/// AudioLDM's vocoder for 64 bands at 16 kHz.
pub(super) fn vocoder() -> HifiGanConfig {
    HifiGanConfig {
        model_in_dim: 64,
        sampling_rate: 16_000,
        upsample_initial_channel: 1024,
        upsample_rates: vec![5, 4, 2, 2, 2],
        upsample_kernel_sizes: vec![16, 16, 8, 4, 4],
        resblock_kernel_sizes: vec![3, 7, 11],
        resblock_dilation_sizes: vec![vec![1, 3, 5]; 3],
        leaky_relu_slope: 0.1,
        normalize_before: false,
    }
}

/// Shape of Tango's latents for a decoder of `rows` rows.
pub(super) fn latent(channels: usize, rows: usize) -> Latent {
    Latent { channels, window: WINDOW, triple_window: None, rows }
}
