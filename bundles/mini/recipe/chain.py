"""How likely every note is when all columns of a loop are weighed together: a hidden Markov chain for every pitch of a part.

    after silence:          silence, a beginning
    after what sounds:      silence, a beginning anew, sounding on

Given how much more likely than silence a beginning and sounding on are in every column, what follows for the whole loop is exact (forward and
backward sums, as Rabiner's of 1989, around a circle): a held note gathers what is seen in all of its columns, and nothing sounds on that never
began. The chances (3, k) of a beginning, of a beginning anew and of sounding on are those of the training scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FEW = 0.1  # times that everything is taken to have happened once more than it did


@dataclass
class Likely:
    """Chances (b, t, k) that a note begins and that one sounds on, and the log of all loops' weights together (b, k)."""

    begins: Tensor
    on: Tensor
    log_sum: Tensor


def chances(begins: Tensor, sounds: Tensor) -> Tensor:
    """The chances (3, k) in loops (b, t, k), both bool; what begins sounds too."""
    before = sounds.roll(1, 1)
    happens = lambda what, where: ((what & where).sum((0, 1)) + FEW) / (where.sum((0, 1)) + 4 * FEW)
    return torch.stack([happens(begins, ~before), happens(begins, before), happens(sounds & ~begins, before)])


def on_average(chance: Tensor) -> tuple[Tensor, Tensor]:
    """How often (k,) a note begins and how often one sounds on where nothing is known."""
    begin, again, on = chance
    sounds = begin / (begin + 1 - again - on)
    return begin * (1 - sounds) + again * sounds, on * sounds


def log_weight(chance: Tensor, begin: Tensor, on: Tensor, begins: Tensor, sounds: Tensor) -> Tensor:
    """The log of one loop's weight (b, k): log odds `begin` and `on (b, t, k)`; what happens, bool (b, t, k)."""
    before = sounds.roll(1, 1)
    first, again, goes_on = chance.log()
    rest, stop = (1 - chance[0]).log(), (1 - chance[1] - chance[2]).log()
    silent = torch.where(begins, first + begin, rest)
    sounding = torch.where(begins, again + begin, torch.where(sounds, goes_on + on, stop))
    return torch.where(before, sounding, silent).sum(1)


@torch.no_grad()
def weigh(chance: Tensor, begin: Tensor, on: Tensor) -> Likely:
    """All loops together, given log odds `begin` and `on (b, t, k)`."""
    found = add_up(chance, begin, on)
    if found.log_sum.isfinite().all() and found.begins.isfinite().all():
        return found
    # Columns that contradict each other strongly: what is left is too little for f32.
    wide = add_up(chance.double(), begin.double(), on.double())
    return Likely(wide.begins.to(begin.dtype), wide.on.to(begin.dtype), wide.log_sum.to(begin.dtype))


def add_up(chance: Tensor, begin: Tensor, on: Tensor) -> Likely:
    """The sums of `weigh`, in the numbers given."""
    top = torch.maximum(begin, on).clamp(min=0)
    begin, on, silence = ((each - top).exp().unbind(1) for each in (begin, on, torch.zeros_like(on)))
    rest, stop = 1 - chance[0], 1 - chance[1] - chance[2]
    # The four ways from silent (0) or sounding (1) before a column to silent or sounding in it.
    ways = [(rest * s, chance[0] * b, stop * s, chance[1] * b + chance[2] * o) for s, b, o in zip(silence, begin, on)]
    one, none = torch.ones_like(top[:, 0]), torch.zeros_like(top[:, 0])
    before, log_sum = [(one, none, none, one)], top.sum(1)
    for way in ways:
        reached, size = scaled(through(before[-1], way))
        before.append(reached)
        log_sum = log_sum + size.log()
    whole = before.pop()
    after = (one, none, none, one)
    begins, goes_on = [], []
    for reached, way, s, b, o in reversed(list(zip(before, ways, silence, begin, on))):
        # Closed into a circle: how much leads from after this column around to before it.
        around = through(after, reached)
        new, anew, held = around[2] * chance[0] * b, around[3] * chance[1] * b, around[3] * chance[2] * o
        total = around[0] * way[0] + around[1] * way[2] + new + anew + held
        begins.append((new + anew) / total)
        goes_on.append(held / total)
        after, _ = scaled(through(way, after))
    return Likely(torch.stack(begins[::-1], 1), torch.stack(goes_on[::-1], 1), log_sum + (whole[0] + whole[3]).log())


def through(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The product of two 2 x 2 matrices, entries row by row."""
    return (a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3])


def scaled(a: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
    """A matrix whose entries add up to one, and what they added up to."""
    size = a[0] + a[1] + a[2] + a[3]
    return tuple(each / size for each in a), size
