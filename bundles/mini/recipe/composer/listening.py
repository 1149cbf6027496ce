"""How a score is heard: its pitch classes, and the key that they suggest."""

from __future__ import annotations

import numpy as np

from .score import Note

# Krumhansl and Kessler's key profiles.
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
PARTIALS = np.arange(1, 7)
STEPS = np.round(12 * np.log2(PARTIALS)).astype(int)
_PROFILES = np.stack([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])
_UNIT = _PROFILES - _PROFILES.mean(1, keepdims=True)
_UNIT /= np.linalg.norm(_UNIT, axis=1, keepdims=True)


def chroma(notes: list[Note]) -> np.ndarray:
    """Loudness per pitch class, (12,), of the notes' first six partials; drums are not heard."""
    tonal = np.array([(note.pitch, note.velocity, note.length) for note in notes if note.part != "drums"], float).reshape(-1, 3)
    classes = (tonal[:, :1].astype(int) + STEPS) % 12
    loud = (tonal[:, 1] * np.sqrt(tonal[:, 2]))[:, None] / PARTIALS
    return np.bincount(classes.ravel(), loud.ravel(), 12)


def likeness(heard: np.ndarray) -> np.ndarray:
    """Correlation of a chroma with the 24 keys, major from C up, then minor."""
    centred = heard - heard.mean()
    return _UNIT @ centred / max(float(np.linalg.norm(centred)), 1e-9)


def sounds_major(heard: np.ndarray) -> bool:
    """Whether a chroma at home leans to C major rather than to A minor."""
    keys = likeness(heard)
    return bool(keys[0] > keys[12 + 9])


def home_rank(heard: np.ndarray, mode: str) -> int:
    """Place of the home key among the 24, 0 the likeliest."""
    keys = likeness(heard)
    return int((keys > keys[0 if mode == "major" else 21]).sum())
