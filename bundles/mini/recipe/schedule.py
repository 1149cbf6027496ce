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


def alphas_cumprod() -> Tensor:
    """The cumulated alphas, (1000,) f32."""
    return DDIMScheduler(**CONFIG, clip_sample=False).alphas_cumprod


class Schedule:
    """Forward process and its inverse steps on the grid that the engine uses."""

    def __init__(self) -> None:
        self.alphas = alphas_cumprod()

    def signal_noise(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Signal and noise scales at integer timesteps `t (b,)`, each (b, 1, 1, 1)."""
        a = self.alphas[t].view(-1, 1, 1, 1)
        return a.sqrt(), (1 - a).sqrt()

    def loss_weight(self, t: Tensor) -> Tensor:
        """Min-SNR weights for v-prediction (gamma 5) with a floor that keeps the clean end alive; (b,)."""
        a = self.alphas[t]
        snr = a / (1 - a)
        return (snr.clamp(max=5) / (snr + 1) + 0.15) / 0.6

    @staticmethod
    def trailing(steps: int) -> list[int]:
        """Timesteps of a run of `steps`, descending (diffusers' trailing spacing)."""
        scheduler = DDIMScheduler(**CONFIG, clip_sample=False)
        scheduler.set_timesteps(steps)
        return scheduler.timesteps.tolist()

    @torch.no_grad()
    def invert(self, velocity, latents: Tensor, steps: int) -> list[Tensor]:
        """DDIM inversion of clean `latents`: the clean point, then the latents at every timestep, ascending.

        `velocity(x, t)` is the model. The last entry is at the noisiest timestep.
        """
        grid = [None, *reversed(self.trailing(steps))]
        path, x = [latents], latents
        for here, there in zip(grid[:-1], grid[1:]):
            a = torch.tensor(1.0) if here is None else self.alphas[here]
            v = velocity(x, torch.full((len(x),), here or 0))
            clean, noise = a.sqrt() * x - (1 - a).sqrt() * v, a.sqrt() * v + (1 - a).sqrt() * x
            b = self.alphas[there]
            x = b.sqrt() * clean + (1 - b).sqrt() * noise
            path.append(x)
        return path
