"""The music model: words, picture and noisy score latents to velocity, and its loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import synapse
from composer.score import METRES
from dit import QUIETEST, RANGE, Dit, DitConfig, Said, linear_guess
from latents import ROWS, ScoreLatents
from nets import TEMPO_PAIRS, TEXT_WIDTH, pooled_width, tempo_features, text_model
from schedule import Schedule
from sights import GRID

HARMONICS = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32)  # of the place in the bar: up to 8 cycles in four bars, above in sixteen beats
ENTROPY_SCALE, ACCENT_SCALE = 5.0, 0.02  # nats a column and squared loudness that weigh as much as the other numbers' error
CLASS_WIDTH = pooled_width() + TEXT_WIDTH + 2 * TEMPO_PAIRS


def dit_config(latents: ScoreLatents) -> DitConfig:
    """The denoiser's sizes for some latents."""
    parts = latents.parts.values()
    return DitConfig(channels=max(latents.row_channels), row_channels=latents.row_channels, row_codes=latents.row_codes,
                     row_bits=tuple(len(part.mean) for part in parts), row_onsets=tuple(part.pitches for part in parts), planes=2 * len(HARMONICS), class_width=CLASS_WIDTH)


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
    """Text encoder, denoiser and the synapse's alphas: everything that learns to compose."""

    def __init__(self, config: DitConfig) -> None:
        super().__init__()
        self.text = text_model()
        self.dit = Dit(config)
        self.alpha = nn.Parameter(torch.full((config.picture_layers,), -0.5))  # before the sigmoid


class Denoising:
    """The forward pass of training and of sampling."""

    def __init__(self, empty: Tensor) -> None:
        """`empty (1, 64)` are the ids of no words."""
        self.schedule, self.empty, self.grid = Schedule(), empty, torch.tensor(GRID)

    def said(self, model: MusicModel, x: Tensor, t: Tensor, batch: Batch, has_text: Tensor, has_picture: Tensor,
             known: Tensor | None = None, mask: Tensor | None = None) -> Said:
        """What the denoiser says of `x (b, t, n)`; `has_text` and `has_picture (b,)` say what each sample sees."""
        text = model.text(torch.where(has_text[:, None], batch.ids, self.empty)).last_hidden_state
        vector = torch.cat([batch.pooled * has_picture[:, None], text.mean(1), tempo_features(batch.beat)], -1)
        pictures, alphas = [], []
        if batch.sight is not None and has_picture.any():
            step = (t[:, None] - self.grid[None]).abs().argmin(1)
            pictures = [(synapse.pool(keys), synapse.pool(values)) for keys, values in batch.sight(step)]
            alphas = [a * has_picture[:, None, None].float() for a in torch.sigmoid(model.alpha)]
        return model.dit(x, t, self.schedule.alphas[t], text, vector, batch.planes, known, mask, pictures, alphas)

    def velocity(self, model: MusicModel, x: Tensor, t: Tensor, batch: Batch, *seen) -> Tensor:
        """Velocity, shaped as `x (b, t, n)`; the rest as in `said`."""
        return model.dit.rolls.velocity(x, self.schedule.alphas[t], self.said(model, x, t, batch, *seen))

    def loss(self, model: MusicModel, batch: Batch, t: Tensor, eps: Tensor, has_text: Tensor, has_picture: Tensor,
             known: "Known | None" = None) -> dict[str, Tensor]:
        """Of what is not known: the bits' cross-entropy in nats a column (what is known costs nothing), the error of accents, and that of the other numbers' velocity
        relative to what a linear guess leaves; `loss` is their weighted sum."""
        signal, noise = (each[:, :, 0] for each in self.schedule.signal_noise(t))
        z, x, rolls = batch.latents, signal * batch.latents + noise * eps, model.dit.rolls
        if known is not None:
            x = torch.where(known.where, signal * z, x)
        said = self.said(model, x, t, batch, has_text, has_picture, *((z * known.where, known.mask) if known else ()))
        roll = rolls.mean + rolls.turned(z)
        bits = roll > rolls.on / 2
        free = torch.ones(()) if known is None else 1 - known.mask
        of_bits, of_rest = (free, free) if known is None else (free[..., rolls.row], rolls.rest(~known.where).float())
        entropy = rolls.surprise(said, bits).mean()
        begun = bits * rolls.is_onset * of_bits
        accents = ((QUIETEST + RANGE * said.accents[..., rolls.row] - roll).square() * begun).sum() / begun.sum().clamp(min=1)
        wanted = rolls.rest(signal * eps - noise * z) - linear_guess(rolls.variance, self.schedule.alphas[t]) * rolls.rest(x)
        rest = ((said.rest - wanted).square() * of_rest).mean((1, 2)) / unexplained(rolls.variance, self.schedule.alphas[t])
        return dict(loss=entropy / ENTROPY_SCALE + accents / ACCENT_SCALE + rest.mean(), entropy=entropy, accents=accents, rest=rest.mean())


def unexplained(variance: Tensor, alpha: Tensor) -> Tensor:
    """The mean squared error (b,) of the best linear guess of a velocity."""
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
HARMONY, CUE = 0.15, 0.2  # shares of the samples whose chords, whose style of cue is given, whatever else is


def draw_known(batch: int, columns: int, config: DitConfig, generator: torch.Generator) -> Known:
    """What is given to each sample: nothing, who plays in some parts, some whole parts, or some bars of all parts; and what it is composed on."""
    draw = lambda *size: torch.rand(*size, generator=generator)
    luck, share = draw(batch), draw(batch, 1)
    rows = draw(batch, ROWS) < share
    is_part = torch.arange(ROWS) < ROWS - 3
    rows &= is_part
    bars = (draw(batch, 4) < share).repeat_interleave(columns // 4, 1)
    is_codes, is_parts = ((luck >= low) & (luck < low + width) for low, width in ((NOTHING, SOME_CODES), (NOTHING + SOME_CODES, SOME_PARTS)))
    is_bars = luck >= NOTHING + SOME_CODES + SOME_PARTS
    parts = (rows & is_parts[:, None])[:, None].expand(-1, columns, -1)
    notes = parts | (bars & is_bars[:, None])[..., None] & is_part
    codes = parts | (rows & is_codes[:, None])[:, None] | is_bars[:, None, None] & is_part
    notes[..., -2] = (draw(batch) < HARMONY)[:, None]
    codes[..., -1] = (draw(batch) < CUE)[:, None]
    return Known.of(notes.contiguous(), codes.contiguous(), config)
