"""What a picture shows, told from what the picture model makes of it: place, hour, weather, and how pleasant and lively it is.

    python picture_reader.py --sights DIR --work DIR [--held-out-sights DIR]

One linear map on the pooled values that the music hears, fitted to painted scenes: it says what is there to be heard, not what a better
model would see. Where it is wrong the music was told wrong, and a user can say otherwise.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

import words
from music_ldm import read_norm
from scene import HOURS, PLACES, WEATHERS, Scene
from score_set import Album

KINDS = {"place": PLACES, "hour": HOURS, "weather": WEATHERS}
NAMES = {"place": [words.PLACES[place][0] for place in PLACES], "hour": [words.HOURS[hour][0] for hour in HOURS],
         "weather": [words.WEATHERS[weather][0] for weather in WEATHERS]}
MOODS = ("valence", "arousal")
DECAY = 1e-3  # of the squared weights
SURE = 0.5  # from which a kind is said
READER = "picture_reader.pt"  # in the work folder


@dataclass
class PictureReader:
    """`weight (640, n)` and `bias (n,)`: log odds of every place, hour and weather, then valence and energy."""

    weight: Tensor
    bias: Tensor

    def read(self, pooled: Tensor) -> dict[str, Tensor]:
        """Of normalised pooled values (b, 640) the chances of each kind's names (b, k), and `mood (b, 2)`."""
        *kinds, mood = (pooled @ self.weight + self.bias).split([*map(len, KINDS.values()), len(MOODS)], -1)
        return {kind: odds.softmax(-1) for kind, odds in zip(KINDS, kinds)} | {"mood": mood}

    def save(self, path: Path) -> None:
        """Write it."""
        torch.save(vars(self), path)

    @staticmethod
    def load(path: Path) -> "PictureReader":
        """Read it."""
        return PictureReader(**torch.load(path, weights_only=True))


def labels(scenes: list[Scene], kind: str) -> Tensor:
    """Which of a kind's names each scene has."""
    return torch.tensor([KINDS[kind].index(getattr(scene, kind)) for scene in scenes])


def moods(scenes: list[Scene]) -> Tensor:
    """Valence and energy (n, 2)."""
    return torch.tensor([[getattr(scene, name) for name in MOODS] for scene in scenes])


def fit(pooled: Tensor, scenes: list[Scene], rounds: int = 60) -> PictureReader:
    """The reader of some scenes' normalised values."""
    sizes = [*map(len, KINDS.values()), len(MOODS)]
    weight, bias = torch.zeros(pooled.shape[1], sum(sizes), requires_grad=True), torch.zeros(sum(sizes), requires_grad=True)
    wanted = {kind: labels(scenes, kind) for kind in KINDS}
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=rounds)

    def loss() -> Tensor:
        optimizer.zero_grad()
        *kinds, mood = (pooled @ weight + bias).split(sizes, -1)
        found = sum(F.cross_entropy(odds, wanted[kind]) for kind, odds in zip(KINDS, kinds)) + F.mse_loss(mood, moods(scenes)) * 10
        found = found + DECAY * weight.square().sum()
        found.backward()
        return found

    optimizer.step(loss)
    return PictureReader(weight.detach(), bias.detach())


def told(reader: PictureReader, pooled: Tensor, scenes: list[Scene]) -> str:
    """How well it reads some scenes."""
    found, lines = reader.read(pooled), []
    for kind, names in KINDS.items():
        chance, best = found[kind].max(-1)
        right, sure = (best == labels(scenes, kind)).float(), chance >= SURE
        lines.append(f"{kind}: right {right.mean():.3f} (chance {1 / len(names):.2f}); sure of {sure.float().mean():.2f}, there {right[sure].mean():.3f}")
    wanted = moods(scenes)
    for i, name in enumerate(("valence", "energy")):
        lines.append(f"{name}: r {float(torch.corrcoef(torch.stack([found['mood'][:, i], wanted[:, i]]))[0, 1]):.3f}")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sights", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--held-out-sights", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    album = Album(options.sights)
    mean, std = read_norm(options.work, album)
    normal = lambda some: (some.pooled.float() - mean) / std
    reader = fit(normal(album), album.scenes)
    reader.save(options.work / READER)
    if options.held_out_sights:
        unseen = Album(options.held_out_sights)
        print(told(reader, normal(unseen), unseen.scenes))


if __name__ == "__main__":
    main()
