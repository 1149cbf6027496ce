"""What picture and words tell of a clip's brightness: how well a model could follow them that knew the composer by heart.

A linear fit on the training split predicts the spectral centroid of held-out clips, from more and more of what is told:
the caption's words, the mood that only the picture shows, and the style and the parts behind both.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from mel import BANDS, HIGHEST_HZ, LOWEST_HZ, unwarp, warp
from shards import read_shard, shards

RARE = 15  # words of fewer captions are not fitted
RIDGE = 20.0
CENTRES = unwarp(np.linspace(warp(LOWEST_HZ), warp(HIGHEST_HZ), BANDS + 2))[1:-1]


def read(folders: list[Path]) -> tuple[list[dict], np.ndarray]:
    """The metadata of all clips, and the log of their mean spectrum's centroid, in Hz."""
    metas, centroids = [], []
    for shard in shards(folders):
        arrays, some = read_shard(shard)
        spectrum = np.exp(arrays["mels"].astype(np.float32)).mean(1)
        centroids.append(np.log((spectrum * CENTRES).sum(1) / spectrum.sum(1)))
        metas += some
    return metas, np.concatenate(centroids)


def words_of(meta: dict) -> set[str]:
    """The words of a clip's caption."""
    return set(re.findall(r"[a-z]+", meta["caption"].lower()))


class Told:
    """What is told of a clip, as numbers."""

    def __init__(self, metas: list[dict]) -> None:
        said = Counter(word for meta in metas for word in words_of(meta))
        self.vocabulary = sorted(word for word, count in said.items() if count >= RARE)
        self.styles = sorted({meta["style"] for meta in metas})
        self.parts = sorted({part for meta in metas for part in meta["parts"]})

    def words(self, meta: dict) -> list[float]:
        """Which words the caption has."""
        said = words_of(meta)
        return [float(word in said) for word in self.vocabulary]

    def mood(self, meta: dict) -> list[float]:
        """Valence and arousal, as the picture shows them."""
        v, a = meta["scene"]["valence"], meta["scene"]["arousal"]
        return [v, a, v * a, v * v, a * a]

    def style(self, meta: dict) -> list[float]:
        """The style, alone and with the mood."""
        return [float(meta["style"] == style) * x for style in self.styles for x in (1.0, *self.mood(meta)[:2])]

    def played(self, meta: dict) -> list[float]:
        """Which parts play."""
        return [float(part in meta["parts"]) for part in self.parts]


def limits(training: list[Path], held_out: list[Path]) -> dict[str, float]:
    """Correlation of the predicted with the real log centroid of held-out clips, by what is told."""
    (metas, y), (others, truth) = read(training), read(held_out)
    told = Told(metas)
    kinds = {
        "words": [told.words],
        "mood": [told.mood],
        "words and mood": [told.words, told.mood],
        "style and mood": [told.mood, told.style],
        "style, mood and parts": [told.mood, told.style, told.played],
    }
    rows = lambda metas, kind: np.array([[1.0, *(x for one in kind for x in one(meta))] for meta in metas])
    found = {}
    for name, kind in kinds.items():
        x = rows(metas, kind)
        w = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
        found[name] = float(np.corrcoef(rows(others, kind) @ w, truth)[0, 1])
    return found
