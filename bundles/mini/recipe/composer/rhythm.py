"""Rhythms in columns: the groove that a cue's parts share, and the rhythms of melodies."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .score import Metre

# Where a bar is struck, by metre; a style names its grooves from calm to busy.
GROOVES: dict[str, dict[str, tuple[int, ...]]] = {
    "4/4": dict(long=(0,), halves=(0, 8), charleston=(0, 6), push=(0, 6, 8), tresillo=(0, 6, 12), habanera=(0, 6, 8, 12), march=(0, 4, 8, 12),
                clave=(0, 3, 6, 10, 12), sync=(0, 3, 7, 10), drive=(0, 3, 6, 9, 12, 14), epic=(0, 3, 6, 8, 11, 14), off=(2, 6, 10, 14),
                eighths=(0, 2, 4, 6, 8, 10, 12, 14), gallop=(0, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15), laid=(0, 7, 10)),
    "3/4": dict(long=(0,), halves=(0, 8), charleston=(0, 6), push=(0, 6, 8), tresillo=(0, 6, 10), habanera=(0, 6, 8, 10), march=(0, 4, 8),
                clave=(0, 3, 6, 10), sync=(0, 3, 8), drive=(0, 3, 6, 9), epic=(0, 3, 6, 8, 10), off=(2, 6, 10),
                eighths=(0, 2, 4, 6, 8, 10), gallop=(0, 2, 3, 4, 6, 7, 8, 10, 11), laid=(0, 7)),
    "6/8": dict(long=(0,), halves=(0, 6), charleston=(0, 4), push=(0, 4, 6), tresillo=(0, 4, 8), habanera=(0, 4, 6, 10), march=(0, 6),
                clave=(0, 3, 6, 10), sync=(0, 4, 9), drive=(0, 3, 6, 9), epic=(0, 2, 6, 8, 10), off=(4, 10),
                eighths=(0, 2, 4, 6, 8, 10), gallop=(0, 2, 3, 4, 6, 8, 9, 10), laid=(0, 8)),
}

# Melodic cells of half a bar (of a bar in 3/4), in columns, negative ones rests; by manner.
CELLS: dict[str, dict[int, tuple[tuple[int, ...], ...]]] = {
    "lyrical": {
        8: ((8,), (6, 2), (4, 4), (4, 2, 2), (2, 2, 4), (-2, 2, 4), (3, 1, 4), (2, 4, 2), (2, 2, 2, 2), (6, 1, 1), (-4, 4), (1, 1, 2, 4)),
        12: ((12,), (8, 4), (4, 8), (4, 4, 4), (6, 2, 4), (4, 2, 2, 4), (2, 2, 4, 4), (8, 2, 2), (-4, 4, 4), (4, 2, 2, 2, 2), (6, 2, 2, 2)),
        6: ((6,), (4, 2), (2, 2, 2), (2, 4), (3, 1, 2), (-2, 2, 2), (4, 1, 1), (2, 1, 1, 2), (-4, 2))},
    "fanfare": {
        8: ((8,), (6, 2), (3, 1, 4), (4, 3, 1), (2, 1, 1, 4), (4, 4), (2, 2, 4), (3, 1, 2, 2), (-2, 1, 1, 4)),
        12: ((12,), (8, 4), (6, 2, 4), (3, 1, 4, 4), (4, 3, 1, 4), (4, 4, 2, 2), (2, 1, 1, 8), (2, 1, 1, 4, 4)),
        6: ((6,), (3, 1, 2), (4, 2), (2, 2, 2), (2, 1, 1, 2), (5, 1))},
    "jazz": {
        8: ((2, 2, 2, 2), (-2, 2, 4), (3, 3, 2), (2, 4, 2), (-2, 2, 2, 2), (6, 2), (2, 6), (-4, 2, 2), (4, -2, 2), (8,), (1, 1, 2, 2, 2)),
        12: ((4, 2, 4, 2), (6, 2, 2, 2), (-2, 2, 2, 2, 4), (2, 4, 2, 4), (12,), (-4, 2, 2, 4), (4, 4, 2, 2)),
        6: ((2, 2, 2), (4, 2), (-2, 2, 2), (3, 3), (6,), (2, 1, 1, 2))},
    "riff": {
        8: ((2, 2, 2, 2), (3, 3, 2), (2, 2, 4), (4, 2, 2), (2, 1, 1, 2, 2), (-2, 2, 2, 2), (3, 3, -2), (1, 1, 2, 4), (4, 4), (2, 2, 1, 1, 2)),
        12: ((2, 2, 2, 2, 2, 2), (3, 3, 2, 4), (4, 2, 2, 4), (2, 2, 4, 2, 2), (6, 2, 4), (3, 3, 3, 3)),
        6: ((2, 2, 2), (3, 3), (2, 1, 1, 2), (4, 2), (1, 1, 2, 2), (2, 2, 1, 1))},
    "chant": {
        8: ((8,), (4, 4), (6, 2), (2, 2, 4), (4, 2, 2)),
        12: ((12,), (8, 4), (4, 4, 4), (4, 8), (4, 2, 2, 4)),
        6: ((6,), (4, 2), (2, 4), (2, 2, 2))},
    "fragment": {
        8: ((-4, 4), (6, -2), (-2, 2, 4), (1, 1, 6), (3, 5), (8,), (-6, 2), (2, 2, -4), (-4, 2, 2)),
        12: ((-4, 8), (8, -4), (1, 1, 10), (6, 2, -4), (-2, 2, 4, 4), (12,), (-8, 2, 2)),
        6: ((-2, 4), (6,), (1, 1, 4), (-4, 2), (2, 2, -2), (3, 3))},
    "dance": {
        8: ((4, 2, 2), (2, 2, 2, 2), (4, 4), (3, 1, 2, 2), (2, 2, 4), (2, 1, 1, 4), (2, 1, 1, 2, 2), (1, 1, 2, 4), (1, 1, 1, 1, 4)),
        12: ((4, 2, 2, 4), (2, 2, 2, 2, 4), (6, 2, 4), (4, 4, 4), (4, 2, 2, 2, 2), (3, 1, 4, 4), (2, 2, 2, 2, 2, 2)),
        6: ((2, 2, 2), (4, 2), (3, 1, 2), (2, 1, 1, 2), (2, 2, 1, 1), (6,))},
}
CELLS["noble"] = CELLS["fanfare"]


@lru_cache(maxsize=None)
def accents(metre: Metre, groove: tuple[int, ...]) -> tuple[float, ...]:
    """How much each column of a bar is stressed, 0..1: by the metre, and by the groove."""
    found = []
    for column in range(metre.bar):
        weight = 1.0 if column == 0 else 0.75 if column in metre.strong else 0.55 if column % metre.beat == 0 else 0.3 if column % 2 == 0 else 0.1
        found.append(max(weight, 0.8 if column in groove else 0.0))
    return tuple(found)


def melodic_bar(manner: str, metre: Metre, wanted: float, rng: np.random.Generator) -> list[tuple[int, int]]:
    """`(start, length)` of a bar's notes, about `wanted` of them; rests are left out."""
    size = 8 if metre.bar == 16 else 6 if metre.beat == 6 else 12
    halves = metre.bar // size
    notes, column = [], 0
    for _ in range(halves):
        cell = _cell(manner, size, wanted / halves, rng)
        for length in cell:
            if length > 0:
                notes.append((column, length))
            column += abs(length)
    return notes or [(0, metre.bar)]


def _cell(manner: str, size: int, wanted: float, rng: np.random.Generator) -> tuple[int, ...]:
    options, counts = _counted(manner, size)
    weights = np.exp(-0.5 * ((counts - wanted) / 0.7) ** 2) + 0.01
    return options[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))]


@lru_cache(maxsize=None)
def _counted(manner: str, size: int) -> tuple[tuple[tuple[int, ...], ...], np.ndarray]:
    options = CELLS[manner][size]
    return options, np.array([sum(length > 0 for length in cell) for cell in options])
