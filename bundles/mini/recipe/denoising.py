"""The forward pass of the music's training: words, picture and noisy latents to velocity, and its loss."""

from __future__ import annotations

import torch
from torch import Tensor

import synapse
from inversion import STEPS
from nets import TRIPLE_WINDOW, WINDOW, ImageModel, MusicModel, position_planes, tempo_features
from precision import autocast, layout
from schedule import Schedule
from training_set import Triplets


class Denoising:
    """The forward pass of training: words, picture and noisy latents to velocity.

    The picture comes by its tokens and by the global path; one of them can be left out, to see what the other does alone.
    """

    def __init__(self, image: ImageModel | None, empty: Tensor, device: torch.device, by_tokens: bool = True, by_global: bool = True) -> None:
        """`empty (1, 64)` are the ids of no words."""
        self.by_tokens, self.by_global = by_tokens, by_global
        self.image, self.schedule, self.device, self.empty = image, Schedule(device), device, empty.to(device)
        self.image_taps = synapse.capture(image.unet) if image else []
        self.grid = torch.tensor([0, *reversed(Schedule.trailing(STEPS))], device=device)
        self.planes = {columns: position_planes(columns).to(device) for columns in (WINDOW, TRIPLE_WINDOW)}

    def velocity(self, model: MusicModel, x: Tensor, t: Tensor, batch: Triplets, has_text: Tensor, has_picture: Tensor) -> Tensor:
        """Velocity, shaped as `x (b, 16, columns, 16)`, at `t (b,)`; `has_text` and `has_picture (b,)` say what each sample sees."""
        ids = torch.where(has_text[:, None], batch.ids, self.empty)
        text = model.text(ids).last_hidden_state
        taps = [block.attn2.processor for block in synapse.decoder_blocks(model.unet)]
        self._show(model, taps, t, batch, has_picture)
        pooled = torch.zeros(len(x), model.unet.class_embedding.in_features - text.shape[-1] - 32, device=self.device)
        if batch.pooled is not None and self.by_global:
            pooled = batch.pooled * has_picture[:, None]
        vector = torch.cat([pooled, text.float().mean(1), tempo_features(batch.beat)], -1)
        planes = self.planes[x.shape[2]].expand(len(x), -1, -1, -1)
        inputs = torch.cat([x, planes], 1).contiguous(memory_format=layout(x.device))
        return model.unet(inputs, t, text, class_labels=vector, return_dict=False)[0].float()

    def _show(self, model: MusicModel, taps: list, t: Tensor, batch: Triplets, has_picture: Tensor) -> None:
        if batch.paths is None or not self.by_tokens:
            for tap in taps:
                tap.image = None
            return
        nearest = (t[:, None] - self.grid[None, 1:]).abs().argmin(1) + 1
        with torch.no_grad():
            self.image(batch.paths[torch.arange(len(t), device=self.device), nearest].float(), self.grid[nearest])
        alpha = torch.sigmoid(model.alpha)
        for tap, seen, a in zip(taps, self.image_taps, alpha):
            tap.image = (synapse.pool(seen.keys), synapse.pool(seen.values))
            tap.alpha = a * has_picture[:, None, None].float()

    def loss(self, model: MusicModel, batch: Triplets, t: Tensor, eps: Tensor, has_text: Tensor, has_picture: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted loss and the plain mean squared error of the velocity."""
        signal, noise = self.schedule.signal_noise(t)
        with autocast(self.device):
            v = self.velocity(model, signal * batch.latents + noise * eps, t, batch, has_text, has_picture)
        error = (v - (signal * eps - noise * batch.latents)).square().mean((1, 2, 3))
        return (self.schedule.loss_weight(t) * error).mean(), error.mean()
