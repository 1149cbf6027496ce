"""The music model: words, picture and noisy score latents to velocity, and its loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import synapse
from composer.score import METRES
from dit import Dit, DitConfig
from latents import ROWS, ScoreLatents
from nets import TEMPO_PAIRS, TEXT_WIDTH, pooled_width, tempo_features, text_model
from schedule import Schedule
from sights import GRID

HARMONICS = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32)  # of the place in the bar: up to 8 cycles in four bars, above in sixteen beats
CLASS_WIDTH = pooled_width() + TEXT_WIDTH + 2 * TEMPO_PAIRS


def dit_config(latents: ScoreLatents) -> DitConfig:
    """The denoiser's sizes for some latents."""
    return DitConfig(channels=max(latents.row_channels), row_channels=latents.row_channels, row_codes=latents.row_codes,
                     planes=2 * len(HARMONICS), class_width=CLASS_WIDTH)


def position_planes(metre: str) -> Tensor:
    """Sines and cosines (columns, 22) of the place in four bars of a metre."""
    found, columns = METRES[metre], 4 * METRES[metre].bar
    column = torch.arange(columns)
    period = lambda k: columns if k <= 8 else 16 * found.beat
    return torch.stack([wave(2 * math.pi * k * column / period(k)) for k in HARMONICS for wave in (torch.sin, torch.cos)], -1)


@dataclass
class Batch:
    """What a step learns from; all of one length.

    `latents (b, t, n)`, `ids (b, 64)`, `beat (b,)` s, `planes (b, t, p)`, `pooled (b, q)` normalised, `sight`: at every kept timestep's
    index the pictures' keys and values, asked for with `step (b,)`.
    """

    latents: Tensor
    ids: Tensor
    beat: Tensor
    planes: Tensor
    pooled: Tensor
    sight: object


class MusicModel(nn.Module):
    """Text encoder, denoiser and the synapse's alphas: everything that learns to compose.

    `variance (n,)` is that of the latents' numbers. Most are small, and of those the noise is nearly all that there is: a linear
    guess takes it from `x` at once, and the denoiser, which is narrower than a column, says the rest (the preconditioning of Karras
    et al., NeurIPS 2022, for velocities and for every number by itself).
    """

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.register_buffer("variance", torch.ones(config.token))
        self.text = text_model()
        self.dit = Dit(config)
        self.alpha = nn.Parameter(torch.full((config.picture_layers,), -0.5))  # before the sigmoid


class Denoising:
    """The forward pass of training and of sampling."""

    def __init__(self, empty: Tensor) -> None:
        """`empty (1, 64)` are the ids of no words."""
        self.schedule, self.empty, self.grid = Schedule(), empty, torch.tensor(GRID)

    def velocity(self, model: MusicModel, x: Tensor, t: Tensor, batch: Batch, has_text: Tensor, has_picture: Tensor,
                 known: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Velocity, shaped as `x (b, t, n)`; `has_text` and `has_picture (b,)` say what each sample sees."""
        text = model.text(torch.where(has_text[:, None], batch.ids, self.empty)).last_hidden_state
        vector = torch.cat([batch.pooled * has_picture[:, None], text.mean(1), tempo_features(batch.beat)], -1)
        pictures, alphas = [], []
        if batch.sight is not None and has_picture.any():
            step = (t[:, None] - self.grid[None]).abs().argmin(1)
            pictures = [(synapse.pool(keys), synapse.pool(values)) for keys, values in batch.sight(step)]
            alphas = [a * has_picture[:, None, None].float() for a in torch.sigmoid(model.alpha)]
        return linear_guess(model.variance, self.schedule.alphas[t]) * x + model.dit(x, t, text, vector, batch.planes, known, mask, pictures, alphas)

    def loss(self, model: MusicModel, batch: Batch, t: Tensor, eps: Tensor, has_text: Tensor, has_picture: Tensor,
             known: "Known | None" = None) -> tuple[Tensor, Tensor]:
        """The loss, relative to what the best linear guess leaves, and the plain mean squared error of the velocity, both over what is not known."""
        signal, noise = (each[:, :, 0] for each in self.schedule.signal_noise(t))
        z, x, free = batch.latents, signal * batch.latents + noise * eps, 1.0
        if known is not None:
            x, free = torch.where(known.where, signal * z, x), (~known.where).float()
        v = self.velocity(model, x, t, batch, has_text, has_picture, None if known is None else z * known.where, None if known is None else known.mask)
        error = (v - (signal * eps - noise * z)).square() * free
        error = error.mean((1, 2)) if known is None else error.sum((1, 2)) / free.sum((1, 2)).clamp(min=1)
        relative = error / unexplained(model.variance, self.schedule.alphas[t])
        return relative.mean(), error.mean()


def linear_guess(variance: Tensor, alpha: Tensor) -> Tensor:
    """What the best linear guess of the velocity multiplies noisy latents by, (b, 1, n): `variance (n,)`, cumulated alphas (b,)."""
    alpha = alpha[:, None, None]
    return (alpha * (1 - alpha)).sqrt() * (1 - variance) / (alpha * variance + 1 - alpha)


def unexplained(variance: Tensor, alpha: Tensor) -> Tensor:
    """The mean squared error of that guess (b,)."""
    alpha = alpha[:, None]
    return (variance / (alpha * variance + 1 - alpha)).mean(1)


@dataclass
class Known:
    """What is given: `where (b, t, n)` of the latents, and `mask (b, t, 2 r)`, which rows' notes and which rows' codes that is."""

    where: Tensor
    mask: Tensor

    @staticmethod
    def of(notes: Tensor, codes: Tensor, config: DitConfig) -> "Known":
        """From `notes` and `codes`, both bool (b, t, rows)."""
        parts = []
        for row, (count, code) in enumerate(zip(config.row_channels, config.row_codes)):
            parts += [notes[..., row:row + 1].expand(-1, -1, count - code), codes[..., row:row + 1].expand(-1, -1, code)]
        return Known(torch.cat(parts, -1), torch.cat([notes, codes], -1).float())


NOTHING, SOME_CODES, SOME_PARTS = 0.40, 0.25, 0.25  # shares of the samples; the rest has some bars given


def draw_known(batch: int, columns: int, config: DitConfig, generator: torch.Generator) -> Known:
    """What is given to each sample: nothing, who plays in some parts, some whole parts, or some bars."""
    draw = lambda *size: torch.rand(*size, generator=generator)
    luck, share = draw(batch), draw(batch, 1)
    rows = draw(batch, ROWS) < share
    rows[:, -1] = False  # the clip's numbers go with nobody
    bars = (draw(batch, 4) < share).repeat_interleave(columns // 4, 1)
    is_codes, is_parts = ((luck >= low) & (luck < low + width) for low, width in ((NOTHING, SOME_CODES), (NOTHING + SOME_CODES, SOME_PARTS)))
    is_bars = luck >= NOTHING + SOME_CODES + SOME_PARTS
    parts = (rows & is_parts[:, None])[:, None].expand(-1, columns, -1)
    notes = parts | (bars & is_bars[:, None])[..., None]
    codes = parts | (rows & is_codes[:, None])[:, None] | is_bars[:, None, None]
    codes = codes & (torch.arange(ROWS) < ROWS - 1)
    return Known.of(notes.contiguous(), codes.contiguous(), config)
