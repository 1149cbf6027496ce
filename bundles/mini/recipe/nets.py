"""The networks of the bundle, as diffusers and transformers build them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel

TEXT_TOKENS = 64
TEXT_WIDTH = 192
WINDOW, ROWS, LATENT_CHANNELS = 64, 16, 16  # time columns, frequency rows, codec components
TRIPLE_WINDOW = 48  # time columns of four bars in three
HARMONICS = (1, 2, 4, 8, 16)
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


def image_vae() -> AutoencoderKL:
    """Pictures (b, 3, 64, 64) in -1..1 ↔ latents (b, 4, 16, 16)."""
    return AutoencoderKL(**IMAGE_VAE)


def image_unet() -> UNet2DConditionModel:
    """Denoises picture latents (b, 4, 16, 16)."""
    return UNet2DConditionModel(**UNET, in_channels=4, out_channels=4, sample_size=16)


def pooled_width() -> int:
    """Width of the global path: values of two transformer layers on each of the two decoder levels."""
    return 2 * (UNET["block_out_channels"][2] + UNET["block_out_channels"][1])


def music_unet(dropout: float = 0.0) -> UNet2DConditionModel:
    """Denoises music latents (b, 16, 64, 16), circular along time; extra input planes say where in the bar a column is."""
    width = pooled_width() + TEXT_WIDTH + 2 * TEMPO_PAIRS
    unet = UNet2DConditionModel(**UNET, dropout=dropout, in_channels=LATENT_CHANNELS + 2 + 2 * len(HARMONICS),
                                out_channels=LATENT_CHANNELS, sample_size=(WINDOW, ROWS),
                                class_embed_type="simple_projection", projection_class_embeddings_input_dim=width)
    return circular_time(unet)


def circular_time(module: nn.Module) -> nn.Module:
    """Makes every padded 2-D convolution wrap around axis 2 (time); axis 3 (frequency) keeps its zeros."""
    for conv in module.modules():
        if isinstance(conv, nn.Conv2d) and conv.kernel_size[0] > 1:
            conv.forward = _circular_forward.__get__(conv)
    return module


def _circular_forward(conv: nn.Conv2d, x: Tensor) -> Tensor:
    pad = conv.padding[0]
    x = torch.cat([x[:, :, -pad:], x, x[:, :, :pad]], 2)
    return F.conv2d(x, conv.weight, conv.bias, conv.stride, (0, pad))


def position_planes(columns: int = WINDOW) -> Tensor:
    """Input planes (1, 12, columns, 16): frequency, its square, and sines and cosines of the place in four bars.

    Harmonics up to 8 count bars and the others beats, so that both keep their meaning in 48 columns of 3/4.
    """
    f = torch.linspace(-1, 1, ROWS).expand(columns, ROWS)
    column = torch.arange(columns)[:, None].expand(columns, ROWS)
    period = lambda k: columns if k <= 8 else WINDOW
    waves = [wave(2 * math.pi * k * column / period(k)) for k in HARMONICS for wave in (torch.sin, torch.cos)]
    return torch.stack([f, f * f, *waves])[None]


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


class MusicModel(nn.Module):
    """Text encoder, music UNet and the synapse's alphas: everything that learns to compose."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.text = T5EncoderModel(T5Config(**TEXT, use_cache=False))
        self.unet = music_unet(dropout)
        self.alpha = nn.Parameter(torch.full((4,), -0.5))  # before the sigmoid
        self.register_buffer("planes", position_planes(), persistent=False)
