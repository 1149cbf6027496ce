"""The picture model and the sizes of the text encoder, as diffusers and transformers build them."""

from __future__ import annotations

import math

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel

TEXT_TOKENS = 64
TEXT_WIDTH = 192
TEMPO_PAIRS = 16
NULL_TOKENS = 4

TEXT = dict(vocab_size=5120, d_model=TEXT_WIDTH, d_kv=32, num_heads=6, d_ff=384, num_layers=3, dropout_rate=0.0,
            feed_forward_proj="gated-gelu", relative_attention_num_buckets=32, relative_attention_max_distance=128)
IMAGE_VAE = dict(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(32, 64, 96),
                 down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
                 layers_per_block=1, norm_num_groups=8, mid_block_add_attention=False, scaling_factor=1.0)
UNET = dict(block_out_channels=(64, 128, 192), layers_per_block=1, attention_head_dim=(2, 4, 6),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=TEXT_WIDTH, norm_num_groups=16, use_linear_projection=True,
            resnet_time_scale_shift="scale_shift")


def text_model() -> T5EncoderModel:
    """Encodes token ids (b, 64) to (b, 64, 192)."""
    return T5EncoderModel(T5Config(**TEXT, use_cache=False))


def image_vae() -> AutoencoderKL:
    """Pictures (b, 3, 64, 64) in -1..1 ↔ latents (b, 4, 16, 16)."""
    return AutoencoderKL(**IMAGE_VAE)


def image_unet() -> UNet2DConditionModel:
    """Denoises picture latents (b, 4, 16, 16)."""
    return UNet2DConditionModel(**UNET, in_channels=4, out_channels=4, sample_size=16)


def pooled_width() -> int:
    """Width of the global path: values of two transformer layers on each of the two decoder levels."""
    return 2 * (UNET["block_out_channels"][2] + UNET["block_out_channels"][1])


def tempo_features(seconds_per_beat: Tensor) -> Tensor:
    """Sines and cosines (b, 32) of the grid beat's length in seconds (b,)."""
    angle = 2 * math.pi * seconds_per_beat[:, None] * torch.linspace(1, 12, TEMPO_PAIRS, device=seconds_per_beat.device)
    return torch.cat([angle.sin(), angle.cos()], -1)


class ImageModel(nn.Module):
    """The image UNet with the embedding of "no text" that it always sees, and a head used in training only."""

    def __init__(self, targets: int = 0) -> None:
        super().__init__()
        self.unet = image_unet()
        self.null_text = nn.Parameter(torch.randn(1, NULL_TOKENS, TEXT_WIDTH) * 0.02)
        self.head = nn.Linear(pooled_width(), targets) if targets else None

    def forward(self, latents: Tensor, t: Tensor) -> Tensor:
        """Velocity (b, 4, 16, 16) at integer timesteps `t (b,)`."""
        context = self.null_text.expand(len(latents), -1, -1)
        return self.unet(latents, t, context, return_dict=False)[0]
