"""The music's denoiser: a diffusion transformer over columns, whose second half looks at the picture.

    x (b, c, t, r) ┐
    known, mask    ├─► embed ─► blocks (self-attention over columns, cross-attention to the words, MLP) ─► head ─► (b, c, t, r)
    place in bar   ┘                      ▲                        ▲
    timestep, class vector ─► adaLN-single               picture's keys and values, second half

A token is a column: every row's channels of a sixteenth, one after another. DiT of Peebles & Xie (ICCV 2023) with the shared
modulation of PixArt-alpha (Chen et al., ICLR 2024). The cross-attentions of the second half are as wide as the picture model's
decoder layers, so that its keys and values are blended in as the paper blends them (Chowdhury et al., CVPR 2024), without a
projection between. Columns attend by their distance on the circle, learnt for each window that there is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD = 32  # width of every attention head


@dataclass(frozen=True)
class DitConfig:
    """Sizes. `row_channels[r]` of the `channels` of row r are used, the last `row_codes[r]` of them for who plays."""

    channels: int
    row_channels: tuple[int, ...]
    row_codes: tuple[int, ...]
    planes: int
    class_width: int
    text_width: int = 192
    windows: tuple[int, ...] = (64, 48)
    width: int = 256
    hidden: int = 640
    cross_widths: tuple[int, ...] = (128, 128, 128, 128, 192, 192, 128, 128)
    picture_layers: int = 4  # of the last blocks, which blend the picture in

    @property
    def token(self) -> int:
        """Numbers in a column."""
        return sum(self.row_channels)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multi-head attention of (b, n, c) on (b, m, c); `bias` (heads, n, m) joins the scores."""
    split = lambda x: x.unflatten(-1, (-1, HEAD)).transpose(1, 2)
    if q.is_cuda:
        mask = None if bias is None else bias[None]
        return F.scaled_dot_product_attention(*map(split, (q, k, v)), attn_mask=mask).transpose(1, 2).flatten(2)
    # Spelt out: on a CPU the backward pass of torch's fused attention takes longer than the rest of the network.
    scores = (split(q) * HEAD**-0.5) @ split(k).transpose(-1, -2)
    scores = scores if bias is None else scores + bias
    return (scores.softmax(-1) @ split(v)).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention among columns; the bias is that of their distance on the circle."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        width = config.width
        self.to_qkv, self.to_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.distance = nn.ParameterDict({str(t): nn.Parameter(torch.zeros(width // HEAD, t)) for t in config.windows})

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, c) → (b, t, c)."""
        columns = torch.arange(x.shape[1], device=x.device)
        bias = self.distance[str(x.shape[1])][:, (columns[:, None] - columns[None]) % x.shape[1]]
        return self.to_out(attend(*self.to_qkv(x).chunk(3, -1), bias))


class CrossAttention(nn.Module):
    """Attention of columns to words, into whose keys and values a picture's are blended where there are any."""

    def __init__(self, config: DitConfig, inner: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(config.width, inner, bias=False)
        self.to_k, self.to_v = (nn.Linear(config.text_width, inner, bias=False) for _ in range(2))
        self.to_out = nn.Linear(inner, config.width)
        nn.init.zeros_(self.to_out.weight)

    def forward(self, x: Tensor, text: Tensor, picture: tuple[Tensor, Tensor] | None, alpha: Tensor | None) -> Tensor:
        """`x (b, t, c)`, `text (b, l, d)`, a picture's keys and values (b, l, inner), its share (b, 1, 1)."""
        keys, values = self.to_k(text), self.to_v(text)
        if picture is not None:
            keys = alpha * picture[0] + (1 - alpha) * keys
            values = alpha * picture[1] + (1 - alpha) * values
        return self.to_out(attend(self.to_q(x), keys, values))


class Block(nn.Module):
    """Self-attention, cross-attention and MLP, the first and last of them modulated."""

    def __init__(self, config: DitConfig, inner: int) -> None:
        super().__init__()
        width = config.width
        self.attn1, self.attn2 = SelfAttention(config), CrossAttention(config, inner)
        self.mlp = nn.Sequential(nn.Linear(width, config.hidden), nn.GELU(), nn.Linear(config.hidden, width))
        self.scale_shift_table = nn.Parameter(torch.zeros(6, width))

    def forward(self, x: Tensor, modulation: Tensor, text: Tensor, picture: tuple[Tensor, Tensor] | None, alpha: Tensor | None) -> Tensor:
        """`x (b, t, c)`, `modulation (b, 6, c)`."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation + self.scale_shift_table)[:, :, None].unbind(1)
        x = x + (1 + gate1) * self.attn1(norm(x) * (1 + scale1) + shift1)
        x = x + self.attn2(norm(x), text, picture, alpha)
        return x + (1 + gate2) * self.mlp(norm(x) * (1 + scale2) + shift2)


class Dit(nn.Module):
    """The denoiser; see the module."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        width, self.config = config.width, config
        self.embed = nn.Linear(config.token + config.planes, width)
        self.embed_known = nn.Linear(config.token + 2 * len(config.row_channels), width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.class_embedding = nn.Sequential(nn.Linear(config.class_width, width), nn.SiLU(), nn.Linear(width, width))
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(config, inner) for inner in config.cross_widths)
        self.scale_shift_table = nn.Parameter(torch.zeros(2, width))
        self.head = nn.Linear(width, config.token)
        for layer in (self.embed_known, self.modulation, self.head):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, t: Tensor, text: Tensor, vector: Tensor, planes: Tensor, known: Tensor | None = None, mask: Tensor | None = None,
                pictures: Sequence[tuple[Tensor, Tensor]] = (), alphas: Sequence[Tensor] = ()) -> Tensor:
        """Velocity (b, t, n) of noisy tokens `x (b, t, n)` at timesteps `t (b,)`.

        `text (b, l, d)`, `vector (b, class)`, `planes (b, t, p)`; `known (b, t, n)` is clean where it is known and 0 elsewhere, `mask
        (b, t, 2 r)` says so of every row's notes and then of every row's codes. `pictures` are the picture's keys and values for the
        last blocks, `alphas (b, 1, 1)` their shares.
        """
        blocks, first = len(self.blocks), len(self.blocks) - self.config.picture_layers
        h = self.embed(torch.cat([x, planes], -1))
        if known is not None:
            h = h + self.embed_known(torch.cat([known, mask], -1))
        c = self.time(time_features(t, self.config.width)) + self.class_embedding(vector)
        modulation = self.modulation(F.silu(c)).unflatten(-1, (6, -1))
        for i in range(blocks):
            picture, alpha = (pictures[i - first], alphas[i - first]) if pictures and i >= first else (None, None)
            h = self.blocks[i](h, modulation, text, picture, alpha)
        shift, scale = (c[:, None] + self.scale_shift_table)[:, :, None].unbind(1)
        return self.head(norm(h) * (1 + scale) + shift)


def norm(x: Tensor) -> Tensor:
    """Layer normalisation without weights."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def time_features(t: Tensor, width: int) -> Tensor:
    """Cosines, then sines (b, width) of timesteps, as diffusers' `Timesteps(flip_sin_to_cos=True, downscale_freq_shift=0)`."""
    frequencies = torch.exp(-math.log(1e4) * torch.arange(width // 2, device=t.device) / (width // 2))
    angle = t.float()[:, None] * frequencies
    return torch.cat([angle.cos(), angle.sin()], -1)


def flatten(x: Tensor, row_channels: Sequence[int]) -> Tensor:
    """Latents (b, c, t, r) → tokens (b, t, n): the used channels of every row, one row after another."""
    return torch.cat([x[:, :n, :, r].transpose(1, 2) for r, n in enumerate(row_channels)], -1)


def unflatten(tokens: Tensor, row_channels: Sequence[int], channels: int) -> Tensor:
    """Tokens (b, t, n) → latents (b, channels, t, r), unused channels 0."""
    rows = [F.pad(part.transpose(1, 2), (0, 0, 0, channels - part.shape[-1])) for part in tokens.split(list(row_channels), -1)]
    return torch.stack(rows, -1)
