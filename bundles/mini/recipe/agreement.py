"""Parts that agree on chords: while clean latents are expected step by step, every half bar has a chord that all parts together speak
for, and what the accompaniment expects outside it is turned down.

For what is composed around notes that are kept; without any, harmony would stand still. The network says of every note by itself how
likely it is, and has many chords in mind at once until the walk decides. Chords are those
of the composed scores at home, as sets of pitch classes with their shares of all music; which of them sounds is weighed along the bars by
forward and backward sums, as changes are likelier on bar lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from latents import ScoreLatents

ACCOMPANIMENT = ("pad", "bass", "keys", "ostinato", "mallets")
WEIGHTS = {"bass": 1.5, "lead": 0.3, "counter": 0.3}  # of what a part says of the chord; of others 1
SURENESS = 6.0  # nats that a part speaks against a chord of which it plays nothing
FAINT = 0.3  # sum of expected notes that halves what a part says
STAYS, STAYS_WITHIN = 0.35, 0.8  # chances that a chord goes on over a bar line, and within a bar
NOISIEST = 900  # timestep above which nothing is decided yet


class Agreement:
    """For tokens of some latents."""

    def __init__(self, latents: ScoreLatents) -> None:
        parts = latents.parts.values()
        self.parts, self.first = list(latents.parts), np.cumsum([0, *latents.row_channels])
        self.classes = [torch.tensor([(part.low + i) % 12 for i in range(part.pitches)]) for part in parts]
        self.means, self.bases = ([torch.from_numpy(np.asarray(each)).float() for each in of] for of in zip(*((part.mean, part.basis) for part in parts)))
        self.tones, self.share = (torch.from_numpy(each).float() for each in (latents.chords.tones, latents.chords.share))

    def __call__(self, clean: Tensor, timestep: int, bar: int) -> Tensor:
        """Clean latents (b, t, n) expected at a timestep, with so many columns in a bar, in which the parts agree."""
        if timestep > NOISIEST:
            return clean
        where = [slice(first, first + len(basis)) for first, basis in zip(self.first, self.bases)]
        rolls = [mean + clean[..., own] @ basis for own, mean, basis in zip(where, self.means, self.bases)]
        allowed = self.allowed(self.heard(rolls, bar // 2), 2).repeat_interleave(bar // 2, 1)
        found = clean.clone()
        for part, own, roll, mean, basis, classes in zip(self.parts, where, rolls, self.means, self.bases, self.classes):
            if part in ACCOMPANIMENT:
                share = allowed[..., classes].repeat(1, 1, roll.shape[-1] // len(classes))
                agreed = torch.where(roll > 0, roll * share, roll)
                found[..., own] = (agreed - mean) @ (basis / basis.square().sum(1, keepdim=True)).T
        return found

    def heard(self, rolls: Sequence[Tensor], span: int) -> Tensor:
        """How loud each pitch class is in every span of so many columns, (b, spans, 12)."""
        heard = torch.zeros(rolls[0].shape[0], rolls[0].shape[1] // span, 12)
        for part, roll, classes in zip(self.parts, rolls, self.classes):
            if part != "drums":
                begins, sounds = roll[..., :len(classes)].clamp(0, 1), roll[..., len(classes):].clamp(0, 1)
                there = torch.maximum(begins, sounds).unflatten(1, (-1, span)).mean(2)
                heard.index_add_(-1, classes, WEIGHTS.get(part, 1.0) * there / (there.sum(-1, keepdim=True) + FAINT))
        return heard

    def allowed(self, heard: Tensor, per_bar: int) -> Tensor:
        """Of each pitch class how likely it is in the chord of a span, beside the likeliest, (b, spans, 12)."""
        weights = torch.exp(-SURENESS * heard @ (1 - self.tones).T)
        stays = [STAYS if i % per_bar == 0 else STAYS_WITHIN for i in range(weights.shape[1])]
        unit = lambda x: x / x.sum(-1, keepdim=True)
        before = [unit(self.share * weights[:, 0])]
        for stay, own in zip(stays[1:], weights.unbind(1)[1:]):
            before.append(unit((stay * before[-1] + (1 - stay) * self.share) * own))
        after, found = torch.ones_like(before[0]), []
        for stay, own, reached in reversed(list(zip(stays, weights.unbind(1), before))):
            found.append(unit(reached * after) @ self.tones)
            after = unit(stay * after * own + (1 - stay) * (after * own * self.share).sum(-1, keepdim=True))
        allowed = torch.stack(found[::-1], 1)
        return allowed / allowed.max(-1, keepdim=True).values
