"""An ear for notes: style, cue, mode, valence and energy of a score, told by `score_reader.ScoreReader`.

It reads notes, dynamics, instruments and what a mix makes audible, and never mood and outline, which the latents' last rows have as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import score_reader
from composer.styles import STYLES as CUES
from evaluate_playing import AUDIBLE, Playing
from latents import CODE, NUMBERS, ScoreLatents
from outline import CLASSES
from scene import STYLES
from score_set import ScoreSet

AT_ONCE = 64
OUTLINED = CLASSES + CODE  # numbers of the outline's rows


def audible(tokens: Tensor) -> Tensor:
    """Tokens (..., n) without the outline's rows, and with 0, their mean, for those of the clip's numbers that nobody hears."""
    tokens = tokens[..., :-OUTLINED]
    heard = torch.ones(tokens.shape[-1])
    heard[-len(NUMBERS):] = torch.tensor([float(name in AUDIBLE) for name in NUMBERS])
    return tokens * heard


class Audible(ScoreSet):
    """A set of scores whose moods are hidden."""

    def latents(self, index: Tensor) -> Tensor:
        """Tokens f32 (b, columns, d)."""
        return audible(super().latents(index))


def sets(folder: Path) -> list[ScoreSet]:
    """The sets of both lengths of a folder, moods hidden."""
    found = [path for path in (folder / "64", folder / "48") if path.exists()]
    if not found:
        raise SystemExit(f"no sets of scores in {folder}; make them with score_set.py")
    return [Audible(**vars(ScoreSet.load(path))) for path in found]


def train(data: Path, out: Path, steps: int) -> None:
    """Trains a reader on the sets of the training split in `data`."""
    reader = score_reader.train(sets(data), steps)
    torch.save(reader.state_dict(), out)


@torch.no_grad()
def check(path: Path, held_out: Path) -> str:
    """How well the reader of a file reads the sets of a folder."""
    reader, lines = score_reader.load(path), []
    for some in sets(held_out):
        told = score_reader.losses(reader, some, torch.arange(len(some)))[1]
        lines.append(f"{len(some)} held-out scores of {some.tokens.shape[1]} columns: "
                     + ", ".join(f"{name} {value:.3f}" for name, value in told.items()))
    return "\n".join(lines)


@dataclass(frozen=True)
class Heard:
    """What the ear tells of one score."""

    style: str
    cue: str
    major: bool
    valence: float
    energy: float


class Ear:
    """Reads tokens of scores at home."""

    def __init__(self, path: Path, latents: ScoreLatents) -> None:
        """`path` is a file that `train` wrote, for the tokens of `latents`."""
        self.reader, self.latents = score_reader.load(path), latents

    def hear(self, playings: list[Playing]) -> list[Heard]:
        """What it hears in each of some clips."""
        found: dict[int, Heard] = {}
        for columns in {playing.columns for playing in playings}:
            places = [i for i, playing in enumerate(playings) if playing.columns == columns]
            found |= zip(places, self.read(np.stack([playings[i].tokens(self.latents) for i in places])))
        return [found[i] for i in range(len(playings))]

    @torch.no_grad()
    def read(self, tokens: np.ndarray) -> list[Heard]:
        """What it hears in tokens (b, columns, n), all of one length."""
        heard = []
        for some in torch.from_numpy(tokens).split(AT_ONCE):
            family, cue, major, mood = self.reader(audible(some.float()))
            heard += [Heard(STYLES[int(f)], list(CUES)[int(c)], bool(m > 0), float(v), float(e))
                      for f, c, m, (v, e) in zip(family.argmax(-1), cue.argmax(-1), major, mood)]
        return heard
