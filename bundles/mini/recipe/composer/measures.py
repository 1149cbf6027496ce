"""Measures of four bars of music, the same for composed scores and real pieces.

A window is notes on a grid of sixteenths. Each measure gives one number, or nan where the window cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TRIADS = np.array([[1.0 if (pitch - root) % 12 in chord else 0.0 for pitch in range(12)] for chord in ((0, 4, 7), (0, 3, 7)) for root in range(12)])
WHITE = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11)).astype(float)


LEAST_SPREAD = 0.02  # that distances are told in, where a measure hardly varies


@dataclass(frozen=True)
class Window:
    """Notes of four bars: int arrays (n,) of start and end in columns, pitch, velocity and part, and which are drums."""

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    part: np.ndarray
    drum: np.ndarray
    bar: int  # columns in a bar
    beat: int  # columns in a beat
    piece: str

    @property
    def columns(self) -> int:
        """Columns of the window."""
        return 4 * self.bar


def window(rows: list[tuple[int, int, int, int, int, bool]], bar: int, beat: int, piece: str) -> Window:
    """A window of rows (start, end, pitch, velocity, part, is drum); what sounds beyond it is cut."""
    table = np.array(rows, dtype=int).reshape(-1, 6)
    return Window(table[:, 0], np.minimum(table[:, 1], 4 * bar), table[:, 2], table[:, 3], table[:, 4], table[:, 5] > 0, bar, beat, piece)


def pitch_class_entropy(w: Window) -> float:
    """Entropy in bits of the pitch classes of the notes' onsets."""
    share = np.bincount(w.pitch[~w.drum] % 12, minlength=12) / max(1, (~w.drum).sum())
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) if len(share) else np.nan


def groove_consistency(w: Window) -> float:
    """One minus the mean Hamming distance of neighbouring bars' onset vectors."""
    struck = np.zeros(w.columns, bool)
    struck[w.start] = True
    bars = struck.reshape(4, w.bar)
    return float(1 - (bars[1:] != bars[:-1]).mean())


def _roll(w: Window) -> np.ndarray:
    roll = np.zeros((w.columns, 128), bool)
    for start, end, pitch in zip(w.start[~w.drum], w.end[~w.drum], w.pitch[~w.drum]):
        roll[start:end, pitch] = True
    return roll


def polyphony(w: Window) -> float:
    """Mean number of pitches that sound together where any does."""
    sounding = _roll(w).sum(1)
    return float(sounding[sounding > 0].mean()) if sounding.any() else np.nan


def empty_beat_rate(w: Window) -> float:
    """Share of the beats in which nothing sounds."""
    sounding = _roll(w).any(1)
    sounding[w.start] = True
    return float(1 - sounding.reshape(-1, w.beat).any(1).mean())


def chord_changes(w: Window) -> float:
    """Changes of the likeliest of the 24 triads from half bar to half bar, per bar."""
    half = w.bar // 2
    heard = np.zeros((8, 12))
    for column, pitches in enumerate(_roll(w)):
        heard[column // half] += np.bincount(np.flatnonzero(pitches) % 12, minlength=12)
    if (heard.sum(1) == 0).all():
        return np.nan
    best, last = [], -1
    for chroma in heard:
        last = int(np.argmax(TRIADS @ chroma)) if chroma.sum() else last
        best.append(last)
    return float(sum(a != b for a, b in zip(best, best[1:])) / 4)


def note_density(w: Window) -> float:
    """Onsets of tonal notes per quarter."""
    return float((~w.drum).sum() / (w.columns / 4))


def drum_density(w: Window) -> float:
    """Strokes per quarter; nan where there are no drums."""
    return float(w.drum.sum() / (w.columns / 4)) if w.drum.any() else np.nan


def pitch_range(w: Window) -> float:
    """Semitones from the lowest to the highest tonal note."""
    return float(np.ptp(w.pitch[~w.drum])) if (~w.drum).any() else np.nan


def chromatic_share(w: Window) -> float:
    """Share of the tonal notes outside the diatonic set that holds most of them."""
    counts = np.bincount(w.pitch[~w.drum] % 12, minlength=12)
    return float(1 - max(np.roll(WHITE, k) @ counts for k in range(12)) / counts.sum()) if counts.sum() else np.nan


def velocity_spread(w: Window) -> float:
    """Mean over the parts of the standard deviation of their velocities; nan where none is written."""
    spreads = [w.velocity[w.part == part].std() for part in np.unique(w.part) if (w.part == part).sum() > 3]
    return float(np.mean(spreads)) if spreads and w.velocity.any() else np.nan


def parts(w: Window) -> float:
    """Number of parts."""
    return float(len(np.unique(w.part)))


MEASURES = dict(pitch_class_entropy=pitch_class_entropy, groove_consistency=groove_consistency, polyphony=polyphony, chord_changes=chord_changes,
                note_density=note_density, drum_density=drum_density, pitch_range=pitch_range, empty_beat_rate=empty_beat_rate,
                chromatic_share=chromatic_share, velocity_spread=velocity_spread, parts=parts)

# What music should have as real pieces have it; the others only tell.
GOALS = ("pitch_class_entropy", "groove_consistency", "polyphony", "chord_changes", "note_density")


def distance(ours: np.ndarray, real: np.ndarray) -> float:
    """Wasserstein distance of two samples in standard deviations of the second; nans are left out."""
    ours, real = ours[np.isfinite(ours)], real[np.isfinite(real)]
    if not len(ours) or not len(real):
        return np.nan
    place = (np.arange(200) + 0.5) / 200
    return float(np.abs(np.quantile(ours, place) - np.quantile(real, place)).mean() / max(real.std(), LEAST_SPREAD))
