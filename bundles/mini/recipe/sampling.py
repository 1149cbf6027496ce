"""Composes as the engine does, for measuring and for the bundle's reference: guided DDIM on score latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from agreement import Agreement
from music_model import Batch, Denoising, Known, MusicModel
from schedule import UNGUIDED, UNWALKED, Schedule


@dataclass(frozen=True)
class Walk:
    """How to sample: guidance of everything and, times as much, of the words; guided above one timestep and walked to another."""

    steps: int = 20
    guidance: float = 2.5
    word_guidance: float = 1.0
    unguided: int = round(UNGUIDED * 1000)
    unwalked: int = round(UNWALKED * 1000)


@torch.no_grad()
def sample(model: MusicModel, denoising: Denoising, batch: Batch, walk: Walk, noise: Tensor, sees: bool = True, known: Known | None = None,
           agreement: Agreement | None = None) -> Tensor:
    """Tokens (b, t, n) from `noise`, shaped alike, of four bars; `known` are those of `batch.latents` that are given."""
    count, schedule, x = len(noise), denoising.schedule, noise
    yes, no = torch.ones(count, dtype=torch.bool), torch.zeros(count, dtype=torch.bool)
    given, mask = (batch.latents * known.where, known.mask) if known else (None, None)
    ask = lambda t, text, picture: denoising.velocity(model, x, torch.full((count,), t), batch, text, picture, given, mask)
    timesteps = Schedule.trailing(walk.steps)
    for t, following in zip(timesteps, [*timesteps[1:], None]):
        a = schedule.alphas[t]
        if known:
            x = torch.where(known.where, a.sqrt() * given, x)
        v = ask(t, yes, yes if sees else no)
        if t >= walk.unguided:
            nothing = ask(t, no, no)
            words = ask(t, yes, no) if sees and walk.word_guidance != 1 else None
            weight = 1 + (walk.guidance - 1) * walk.word_guidance
            v = nothing + walk.guidance * (v - nothing) if words is None else nothing + weight * (words - nothing) + walk.guidance * (v - words)
        clean = a.sqrt() * x - (1 - a).sqrt() * v
        if agreement:
            clean = agreement(clean, t, clean.shape[1] // 4)
        if known:
            clean = torch.where(known.where, given, clean)
        if following is None or t < walk.unwalked:
            return clean
        b = schedule.alphas[following]
        x = b.sqrt() * clean + (1 - b).sqrt() * (x - a.sqrt() * clean) / (1 - a).sqrt()
    return x
