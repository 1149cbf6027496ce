"""What happens to pictures before a user drops them: crops, letterboxes, casts, blur, grain, pencil instead of colour.

Nothing here changes whether a picture is bright or dark, calm or lively, by more than a photographer would.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

IMAGE_SIZE = 64  # of the pictures that the model sees
VARIED = 2 / 3  # share of the pictures that are augmented at all
CROP, LETTERBOX, CAST, TONE, BLUR, GRAIN, GREY, PAPER = 0.5, 0.25, 0.4, 0.4, 0.25, 0.25, 0.15, 0.1  # shares of the pictures


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Varied copies of pictures (n, 3, s, s) in -1..1, each with some of the changes."""
    return torch.stack([_one(picture[None], generator)[0] for picture in pictures])


def shrink(pictures: Tensor) -> Tensor:
    """Painted pictures uint8 (n, 3, s, s) at the model's size."""
    small = F.interpolate(pictures.float(), size=IMAGE_SIZE, mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)


def vary(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures uint8 (n, 3, 64, 64), most of them augmented."""
    varied = torch.rand(len(pictures), generator=generator) < VARIED
    x = pictures.float() / 127.5 - 1
    if varied.any():
        x[varied] = augment(x[varied], generator)
    return ((x + 1) * 127.5).round().to(torch.uint8)


def _one(x: Tensor, generator: torch.Generator) -> Tensor:
    draw = lambda: float(torch.rand((), generator=generator))
    if draw() < 0.5:
        x = x.flip(-1)
    if draw() < CROP:
        x = _crop(x, 0.55 + 0.42 * draw(), draw(), draw())
    if draw() < GREY:
        x = x.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    if draw() < CAST:
        x = (x + 1) * (1 + 0.12 * torch.randn(1, 3, 1, 1, generator=generator)) - 1
    if draw() < TONE:
        light = ((x + 1) / 2).clamp(1e-3, 1) ** (0.8 + 0.45 * draw())
        x = (2 * light - 1) * (0.75 + 0.4 * draw())
    if draw() < BLUR:
        x = _blur(x, 0.4 + 1.6 * draw())
    if draw() < GRAIN:
        x = x + (0.02 + 0.1 * draw()) * torch.randn(x.shape, generator=generator)
    if draw() < PAPER:
        x = _paper(x)
    if draw() < LETTERBOX:
        x = _letterbox(x, draw(), draw() < 0.7)
    return x.clamp(-1, 1)


def _crop(x: Tensor, share: float, across: float, down: float) -> Tensor:
    """A square of `share` of the side, at full size again."""
    size = x.shape[-1]
    side = max(8, int(share * size))
    left, top = int(across * (size - side)), int(down * (size - side))
    return F.interpolate(x[:, :, top:top + side, left:left + side], size=size, mode="bilinear", antialias=True)


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Out of focus by `sigma` pixels of 128."""
    sigma = sigma * x.shape[-1] / 128
    reach = max(1, int(3 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(x, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.transpose(2, 3), groups=3)


def _paper(x: Tensor) -> Tensor:
    """A pencil drawing: dark lines where the picture has edges, and a wash of its tones, on paper."""
    grey = x.mean(1, keepdim=True)
    edges = F.pad(grey.diff(dim=-1).abs(), (0, 1)) + F.pad(grey.diff(dim=-2).abs(), (0, 0, 0, 1))
    return (0.35 + 0.55 * grey - 2.5 * edges.clamp(max=0.5)).expand(-1, 3, -1, -1)


def _letterbox(x: Tensor, amount: float, is_wide: bool) -> Tensor:
    """Black bars above and below, or at the sides, with the whole picture squeezed between them or cut off by them."""
    size = x.shape[-1]
    bar = int((0.06 + 0.14 * amount) * size)
    boxed = torch.full_like(x, -1)
    if is_wide:
        boxed[:, :, bar:size - bar] = x[:, :, bar:size - bar]
    else:
        boxed[:, :, :, bar:size - bar] = F.interpolate(x, size=(size, size - 2 * bar), mode="bilinear", antialias=True)
    return boxed
