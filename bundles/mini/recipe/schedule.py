"""Noise schedule shared by the picture's and the music's diffusion: cosine, v-prediction, 1000 timesteps."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler
from torch import Tensor

CONFIG = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "steps_offset": 0,
    "set_alpha_to_one": True,
}
UNGUIDED = 0.4  # share of the schedule, at its clean end, without guidance
UNWALKED = 0.2  # and what of it the engine leaves out: notes are decided long before


def alphas_cumprod() -> Tensor:
    """The cumulated alphas, (1000,) f32."""
    return DDIMScheduler(**CONFIG, clip_sample=False).alphas_cumprod


class Schedule:
    """Forward process and its inverse steps on the grid that the engine uses; timesteps lie where the samples do."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.alphas = alphas_cumprod().to(device)

    def signal_noise(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Signal and noise scales at integer timesteps `t (b,)`, each (b, 1, 1, 1)."""
        a = self.alphas[t].view(-1, 1, 1, 1)
        return a.sqrt(), (1 - a).sqrt()

    def loss_weight(self, t: Tensor) -> Tensor:
        """Of pictures: min-SNR weights for v-prediction (gamma 5), with floors; (b,).

        The floor at the clean end keeps it alive. That at the noisy end is higher: min-SNR alone would all but hide it from the loss.
        """
        a = self.alphas[t]
        snr = a / (1 - a)
        weight = (snr.clamp(max=5) / (snr + 1) + 0.15) / 0.6
        return torch.where(snr < 1, weight.clamp(min=1), weight)

    @staticmethod
    def timesteps(count: int, generator: torch.Generator, lowest: int = 0) -> Tensor:
        """Timesteps (count,) that cover the schedule from `lowest` evenly, and its noisiest fifth once more."""
        place = (torch.arange(count) + torch.rand(count, generator=generator)) / count
        noisy = 0.2  # share of the samples that are drawn from the noisiest fifth alone
        even = lowest + place / (1 - noisy) * (1000 - lowest)
        return torch.where(place < 1 - noisy, even, 800 + (place - (1 - noisy)) / noisy * 200).long().clamp(max=999)

    @staticmethod
    def trailing(steps: int) -> list[int]:
        """Timesteps of a run of `steps`, descending (diffusers' trailing spacing)."""
        scheduler = DDIMScheduler(**CONFIG, clip_sample=False)
        scheduler.set_timesteps(steps)
        return scheduler.timesteps.tolist()

    @staticmethod
    def walked(steps: int) -> list[int]:
        """Those of a run's timesteps, descending, that the engine walks; the last goes straight to what the model expects."""
        timesteps = Schedule.trailing(steps)
        return timesteps[: sum(t > UNWALKED * CONFIG["num_train_timesteps"] for t in timesteps) + 1]

    def clean_and_noise(self, x: Tensor, v: Tensor, t: int | None) -> tuple[Tensor, Tensor]:
        """What latents `x` at timestep `t` (None: without noise) are made of, by their velocity `v`."""
        a = torch.tensor(1.0) if t is None else self.alphas[t]
        return a.sqrt() * x - (1 - a).sqrt() * v, a.sqrt() * v + (1 - a).sqrt() * x

    def step(self, x: Tensor, v: Tensor, here: int | None, there: int) -> Tensor:
        """A step of DDIM in either direction: the latents at timestep `there`."""
        clean, noise = self.clean_and_noise(x, v, here)
        b = self.alphas[there]
        return b.sqrt() * clean + (1 - b).sqrt() * noise

    @torch.no_grad()
    def invert(self, velocity, latents: Tensor, steps: int) -> list[Tensor]:
        """DDIM inversion of clean `latents`: the clean point, then the latents at every timestep, ascending.

        `velocity(x, t)` is the model. The last entry is at the noisiest timestep.
        """
        grid = [None, *reversed(self.trailing(steps))]
        path, x = [latents], latents
        for here, there in zip(grid[:-1], grid[1:]):
            v = velocity(x, torch.full((len(x),), here or 0, device=x.device))
            x = self.step(x, v, here, there)
            path.append(x)
        return path
