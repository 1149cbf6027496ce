"""The chords that scores are composed on, at home."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from composer.score import Score


@dataclass
class Chords:
    """Sets of pitch classes `tones (k, 12)`, 0 or 1, and each one's share of all music `(k,)`."""

    tones: np.ndarray
    share: np.ndarray


def chords_of(scores: list[Score]) -> Chords:
    """The chords that some scores at home are composed on, most frequent first."""
    found: Counter = Counter()
    for score in scores:
        for chord in score.chords:
            found[tuple(sorted({tone % 12 for tone in chord.tones}))] += chord.length
    total = sum(found.values())
    ordered = found.most_common()
    return Chords(np.array([[float(c in tones) for c in range(12)] for tones, _ in ordered]), np.array([count / total for _, count in ordered]))
