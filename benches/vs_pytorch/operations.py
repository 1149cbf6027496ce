"""Single operations, with random weights and inputs."""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from built import Built, last, stirred


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def circular_time(conv: nn.Conv2d) -> nn.Conv2d:
    """Makes a padded 2-D convolution wrap around axis 2 (time); axis 3 (frequency) keeps its zeros."""
    pad = conv.padding[0]

    def forward(x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x[:, :, -pad:], x, x[:, :, :pad]], 2)
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, (0, pad))

    conv.forward = forward
    return conv


def conv2d(batch: int, inputs: int, outputs: int, size: tuple[int, int], circular: bool) -> Built:
    """3 x 3, keeping the size; `circular`: wraps around the first axis of `size`."""
    conv = stirred(nn.Conv2d(inputs, outputs, 3, padding=1))
    return Built(circular_time(conv) if circular else conv, dict(xs=torch.randn(batch, inputs, *size)))


class Flat(nn.Module):
    """A 1-D convolution written as a 2-D one of height 1, which can have its channels last."""

    def __init__(self, conv: nn.Conv1d | nn.ConvTranspose1d) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(last(conv.weight.unsqueeze(2).detach())), conv.bias
        self.stride, self.padding, self.dilation = (1, *conv.stride), (0, *conv.padding), (1, *conv.dilation)
        self.transposed = isinstance(conv, nn.ConvTranspose1d)

    def forward(self, xs: Tensor) -> Tensor:
        if self.transposed:
            return F.conv_transpose2d(xs, self.weight, self.bias, self.stride, self.padding)
        return F.conv2d(xs, self.weight, self.bias, self.stride, self.padding, self.dilation)


def _one_dimensional(conv: nn.Conv1d | nn.ConvTranspose1d, length: int) -> Built:
    stirred(conv)
    xs = torch.randn(1, conv.in_channels, length)
    return Built(conv, dict(xs=xs), channels_last=(Flat(conv), [last(xs.unsqueeze(2))]))


def conv1d(channels: int, kernel: int, dilation: int, length: int) -> Built:
    """Keeps the length."""
    return _one_dimensional(nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2), length)


def conv_transpose1d(inputs: int, outputs: int, kernel: int, stride: int, length: int) -> Built:
    """`stride` times as long."""
    return _one_dimensional(nn.ConvTranspose1d(inputs, outputs, kernel, stride, (kernel - stride) // 2), length)


def linear(rows: int, inputs: int, outputs: int) -> Built:
    return Built(stirred(nn.Linear(inputs, outputs)), dict(xs=torch.randn(1, rows, inputs)))


def attention(batch: int, queries: int, keys: int, heads: int, width: int) -> Built:
    """Of projected tokens (b, n, c), as a network has them; `width` is a head's."""
    tokens = lambda count: torch.randn(batch, count, heads * width)

    def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        split = lambda xs: xs.unflatten(-1, (heads, width)).transpose(1, 2)
        return F.scaled_dot_product_attention(split(queries), split(keys), split(values)).transpose(1, 2).flatten(2)

    return Built(Function(attend), dict(queries=tokens(queries), keys=tokens(keys), values=tokens(keys)))


class NormSilu(nn.GroupNorm):
    """Group normalisation, then SiLU."""

    def forward(self, xs: Tensor) -> Tensor:
        return F.silu(super().forward(xs))


def group_norm(batch: int, channels: int, groups: int, size: tuple[int, int], silu: bool) -> Built:
    norm = (NormSilu if silu else nn.GroupNorm)(groups, channels)
    return Built(stirred(norm), dict(xs=torch.randn(batch, channels, *size)))


def layer_norm(rows: int, width: int) -> Built:
    return Built(stirred(nn.LayerNorm(width)), dict(xs=torch.randn(1, rows, width)))


def _geglu(xs: Tensor) -> Tensor:
    kept, gate = xs.chunk(2, -1)
    return kept * F.gelu(gate)


ACTIVATIONS = dict(silu=F.silu, gelu=F.gelu, geglu=_geglu, softmax=lambda xs: xs.softmax(-1))


def activation(function: str, rows: int, width: int) -> Built:
    """`geglu` halves the width."""
    return Built(Function(ACTIVATIONS[function]), dict(xs=torch.randn(1, rows, width)))


def upsample(channels: int, size: tuple[int, int]) -> Built:
    """Nearest neighbour, twice the size."""
    return Built(Function(lambda xs: F.interpolate(xs, scale_factor=2.0, mode="nearest")), dict(xs=torch.randn(1, channels, *size)))
