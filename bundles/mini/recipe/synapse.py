"""The visual synapse: image keys and values enter the music's cross-attention (Chowdhury et al., CVPR 2024).

The token blend `K = a K_image + (1 - a) K_text` (and V alike), one learnt `a` per decoder layer, is the paper's. The
global path (pooled image values into the time embedding) is ours: measured, a small model does not hear the picture
through the token blend alone. Music's UNets blend here, which the recipe of full-size weights trains; mini's transformer does in `dit.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

Processor = TypeVar("Processor")
POOL = 8  # image tokens are averaged or repeated onto an 8 x 8 grid: 64 tokens, as many as the text has


def decoder_blocks(unet: UNet2DConditionModel) -> list[nn.Module]:
    """Transformer blocks of the decoder, in the order in which the forward pass meets them."""
    levels = [block for block in unet.up_blocks if getattr(block, "has_cross_attention", False)]
    return [attention.transformer_blocks[0] for block in levels for attention in block.attentions]


def attend(attn, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multi-head attention of projected tokens (b, n, c), then the output projection; `bias` (b, 1, n) hides keys."""
    return attn.to_out[0](mix(attn, queries, keys, values, bias))


def mix(attn, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """What `attend` projects, (b, n, c)."""
    split = lambda x: x.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
    if queries.is_cuda:
        mask = None if bias is None else bias[:, None]
        mixed = F.scaled_dot_product_attention(*map(split, (queries, keys, values)), attn_mask=mask, scale=attn.scale)
        return mixed.transpose(1, 2).flatten(2)
    # Spelt out: on a CPU the backward pass of torch's fused attention takes longer than the rest of the network.
    scores = (split(queries) * attn.scale) @ split(keys).transpose(-1, -2)
    if bias is not None:
        scores = scores + bias[:, None]
    mixed = scores.softmax(-1) @ split(values)
    return mixed.transpose(1, 2).flatten(2)


class PlainAttention:
    """Attention processor without a tap."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        return attend(attn, attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context), attention_mask)


class CaptureKeyValues:
    """Attention processor that keeps the keys and values of self-attention."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_) -> Tensor:
        self.keys, self.values = attn.to_k(hidden_states), attn.to_v(hidden_states)
        return attend(attn, attn.to_q(hidden_states), self.keys, self.values, attention_mask)


class BlendKeyValues:
    """Attention processor that blends a picture's keys and values into cross-attention."""

    def __init__(self) -> None:
        self.image: tuple[Tensor, Tensor] | None = None
        self.alpha: Tensor | None = None  # (b, 1, 1); 0 where a sample has no picture

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_) -> Tensor:
        keys, values = attn.to_k(encoder_hidden_states), attn.to_v(encoder_hidden_states)
        if self.image is not None:
            keys = self.alpha * self.image[0] + (1 - self.alpha) * keys
            values = self.alpha * self.image[1] + (1 - self.alpha) * values
        return attend(attn, attn.to_q(hidden_states), keys, values, attention_mask)


def capture(unet: UNet2DConditionModel) -> list[CaptureKeyValues]:
    """Puts a capturing processor on every decoder self-attention of the image UNet."""
    return _tap(unet, "attn1", lambda _: CaptureKeyValues())


def blend(unet: UNet2DConditionModel) -> list[BlendKeyValues]:
    """Puts a blending processor on every decoder cross-attention of the music UNet."""
    return _tap(unet, "attn2", lambda _: BlendKeyValues())


def _tap(unet: UNet2DConditionModel, name: str, processor: Callable[[nn.Module], Processor]) -> list[Processor]:
    """Puts a processor on that attention of every decoder layer, and plain ones everywhere else."""
    unet.set_attn_processor(PlainAttention())
    attentions = [getattr(block, name) for block in decoder_blocks(unet)]
    taps = [processor(attention) for attention in attentions]
    for attention, tap in zip(attentions, taps):
        attention.set_processor(tap)
    return taps


def pool(tokens: Tensor) -> Tensor:
    """Image tokens (b, n, c) of a square grid → (b, 64, c) by 2-D adaptive average pooling."""
    side = int(tokens.shape[1] ** 0.5)
    grid = tokens.transpose(1, 2).unflatten(-1, (side, side))
    return F.adaptive_avg_pool2d(grid, POOL).flatten(2).transpose(1, 2)


def pooled_values(taps: list[CaptureKeyValues]) -> Tensor:
    """The global path's vector before normalisation: token means of the values of every layer, (b, p)."""
    return torch.cat([tap.values.float().mean(1) for tap in taps], -1)
