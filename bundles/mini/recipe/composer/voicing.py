"""Voicings of a progression: each the one that moves least from the one before, and the last also towards the first."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .score import Chord

LOW_CLOSE = 52  # below it, voices a fourth or more apart: closer ones are mud
CENTRE_WEIGHT = 0.5  # of a voice's distance from the centre against a voice's move
PARALLEL_COST = 4.0  # of outer voices that move in parallel fifths or octaves


def voice(chords: list[Chord], voices: int, centre: int) -> list[tuple[int, ...]]:
    """One voicing of `voices` ascending pitches per chord, around `centre`."""
    return _voice(tuple(chord.tones for chord in chords), voices, centre)


@lru_cache(maxsize=8192)
def _voice(progression: tuple[tuple[int, ...], ...], voices: int, centre: int) -> list[tuple[int, ...]]:
    found: list[np.ndarray] = []
    for i, tones in enumerate(progression):
        options = _options(tones, voices, centre)
        cost = CENTRE_WEIGHT * np.abs(options - centre).sum(1) * (1.0 if i else 3.0)
        if i:
            cost = cost + np.abs(options - found[-1]).sum(1) + _parallels(options, found[-1])
        if i == len(progression) - 1 and i:
            cost = cost + 0.5 * np.abs(options - found[0]).sum(1)
        found.append(options[int(np.argmin(cost))])
    return [tuple(int(pitch) for pitch in pitches) for pitches in found]


def _parallels(options: np.ndarray, before: np.ndarray) -> np.ndarray:
    span, was = options[:, -1] - options[:, 0], before[-1] - before[0]
    moved = options[:, -1] != before[-1]
    return PARALLEL_COST * (moved & (span % 12 == was % 12) & np.isin(span % 12, (0, 7)))


@lru_cache(maxsize=8192)
def _options(tones: tuple[int, ...], voices: int, centre: int) -> np.ndarray:
    """All voicings of a chord near `centre`, int (n, voices)."""
    classes = set(tones)
    reach = 11 if voices <= 4 else 14
    pitches = [pitch for pitch in range(centre - reach, centre + reach + 1) if pitch % 12 in classes]
    # With too few voices for all tones the root and then the fifth go: the bass has them.
    needed = classes if len(classes) <= voices else set(tones[1:2] + tones[3:]) or classes
    least = 2 if len(tones) > 3 else 3
    found: list[tuple[int, ...]] = []

    def grow(chosen: tuple[int, ...], at: int) -> None:
        if len(chosen) == voices:
            if needed <= {pitch % 12 for pitch in chosen}:
                found.append(chosen)
            return
        for i in range(at, len(pitches)):
            gap = pitches[i] - chosen[-1] if chosen else 99
            floor = 5 if chosen and chosen[-1] < LOW_CLOSE else least
            if gap >= floor and (gap <= 12 or not chosen):
                grow((*chosen, pitches[i]), i + 1)

    grow((), 0)
    if not found and voices > 2:
        fewer = _options(tones, voices - 1, centre)
        return np.concatenate([fewer, fewer[:, -1:] + 12], axis=1)
    return np.array(found or [[pitches[0], pitches[-1]]])
