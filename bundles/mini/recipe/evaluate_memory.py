"""How near the bars of a clip are to bars that the model learnt from.

A bar is what its pitched parts begin and what they hold, pitch by column, whoever plays it. The distance of two bars is what only
one of them has over what both have, 0 for the same and 1 for nothing in common (Dice's).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from composer.score import Score
from composer.scores import read
from evaluate_playing import Playing, composed

LOW, PITCHES, LONGEST = 24, 84, 16  # of a bar: from C1 up, in at most so many columns
CHUNK = 512


def bars_of(playing: Playing) -> np.ndarray:
    """The four bars, bool (4, 2688), shorter ones with silence after."""
    rolls = np.zeros((2, playing.columns, PITCHES), bool)
    for note in playing.pitched:
        pitch = int(np.clip(note.pitch - LOW, 0, PITCHES - 1))
        rolls[0, note.start, pitch] = True
        rolls[1, (note.start + np.arange(note.length)) % playing.columns, pitch] = True
    bars = rolls.reshape(2, 4, playing.bar, PITCHES).transpose(1, 0, 2, 3)
    return np.pad(bars, ((0, 0), (0, 0), (0, LONGEST - playing.bar), (0, 0))).reshape(4, -1)


def sounding(playing: Playing) -> np.ndarray:
    """Those of the bars that have a note, bool (n, 2688)."""
    bars = bars_of(playing)
    return bars[bars.any(1)]


def nearest(bars: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Distance (n,) of every bar to the nearest of those learnt."""
    bars = bars.astype(np.float32)
    sizes, best = bars.sum(1), np.zeros(len(bars), np.float32)
    for first in range(0, len(learnt), CHUNK):
        some = learnt[first:first + CHUNK].astype(np.float32)
        best = np.maximum(best, (2 * bars @ some.T / (sizes[:, None] + some.sum(1))).max(1, initial=0))
    return 1 - best


class Memory:
    """A sample of the bars that the model learnt from, by their length."""

    def __init__(self, bars: dict[int, np.ndarray]) -> None:
        """`bars` bool (n, 2688) for each number of columns."""
        self.bars = bars

    @staticmethod
    def of(playings: list[Playing]) -> "Memory":
        """All bars of some scores."""
        found: dict[int, list[np.ndarray]] = {}
        for playing in playings:
            found.setdefault(playing.bar, []).append(sounding(playing))
        return Memory({bar: np.unique(np.concatenate(some), axis=0) for bar, some in found.items()})

    def distances(self, playings: list[Playing]) -> list[list[float]]:
        """For each clip those of its bars that have a note; none where no bar of its length was learnt."""
        found: list[list[float]] = [[] for _ in playings]
        for bar, learnt in self.bars.items():
            places = [i for i, playing in enumerate(playings) if playing.bar == bar]
            bars = [sounding(playings[i]) for i in places]
            if places:
                ends = np.cumsum([len(some) for some in bars])
                for i, some in zip(places, np.split(nearest(np.concatenate(bars), learnt), ends[:-1])):
                    found[i] = some.tolist()
        return found

    def save(self, path: Path) -> None:
        """Write it."""
        np.savez_compressed(path, **{str(bar): np.packbits(bars, axis=1) for bar, bars in self.bars.items()})

    @staticmethod
    def load(path: Path) -> "Memory":
        """Read it."""
        stored = np.load(path)
        return Memory({int(bar): np.unpackbits(stored[bar], axis=1).astype(bool) for bar in stored.files})


def sample(folders: list[Path], count: int) -> list[Score]:
    """`count` scores of the training split, evenly from all shards of some folders."""
    shards = [path for folder in folders for path in sorted(folder.glob("scores_0_*.jsonl.gz"))]
    if not shards:
        raise SystemExit(f"no scores of the training split in {', '.join(map(str, folders))}; make them with composer.scores")
    each = -(-count // len(shards))
    return [score for path in shards for _, (_, score) in zip(range(each), read(path))][:count]


def learn(folders: list[Path], count: int) -> Memory:
    """The memory of a sample of the training split."""
    return Memory.of([composed(score) for score in sample(folders, count)])
