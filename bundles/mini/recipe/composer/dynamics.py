"""Dynamics: how loud the sections are, and the slow curve of each part."""

from __future__ import annotations

import numpy as np

from .score import BARS, Note
from .sketch import Sketch

INTENSITIES = dict(build=(0.66, 0.76, 0.88, 1.0), arch=(0.78, 0.9, 1.0, 0.86), flat=(0.9, 0.88, 0.94, 0.92), thin=(1.0, 0.86, 0.95, 0.72),
                   swells=(0.75, 0.95, 0.75, 1.0), breath=(0.85, 0.75, 0.92, 0.7), hairpins=(0.8, 0.95, 0.9, 0.8), terraced=(1.0, 0.72, 1.0, 0.76))
DEPTH = dict(pad=0.5, bass=0.2, keys=0.25, ostinato=0.35, lead=0.4, counter=0.45, mallets=0.2, drums=0.2)  # of the curve, 0..1
BEHIND = 0.9  # loudness of any part against the featured one's, at most
FEATURED_PEAK = 1.0
OTHER_PEAK = 0.86


def curve(sketch: Sketch, part: str, shape: str, rng: np.random.Generator) -> np.ndarray:
    """The expression of a part, (columns,) in 0..1, without a jump where the loop closes."""
    phase = np.arange(sketch.columns) / sketch.columns
    shapes = {
        "build": np.minimum(phase / 0.9, (1 - phase) / 0.1), "arch": np.sin(np.pi * phase) ** 0.8, "flat": 0.75 + 0.2 * np.sin(2 * np.pi * phase),
        "thin": 0.5 + 0.5 * np.cos(2 * np.pi * (phase - 0.1)), "swells": np.sin(2 * np.pi * phase) ** 2,
        "breath": np.abs(np.sin(2 * np.pi * phase)) ** 0.6,
        "hairpins": np.sin(BARS * np.pi * phase) ** 2, "terraced": np.repeat((1.0, 0.35, 1.0, 0.35), sketch.metre.bar),
    }
    depth = DEPTH[part] * (0.7 + 0.6 * rng.random())
    value = 1 - depth * (1 - shapes[shape])
    kernel = np.ones(sketch.metre.beat) / sketch.metre.beat
    smooth = np.convolve(np.concatenate([value[-sketch.metre.beat:], value, value[:sketch.metre.beat]]), kernel, "same")
    peak = FEATURED_PEAK if part == sketch.featured else OTHER_PEAK - 0.06 * rng.random()
    return np.clip(smooth[sketch.metre.beat:-sketch.metre.beat] / smooth.max() * peak, 0.05, 1.0)


def loudness(notes: list[Note], curve_of: np.ndarray) -> float:
    """Mean of velocity times expression over a part's notes."""
    return float(np.mean([note.velocity * curve_of[note.start] for note in notes])) if notes else 0.0


def balance(notes: dict[str, list[Note]], curves: dict[str, np.ndarray], featured: str) -> None:
    """Lower the curves of parts that would cover the featured one."""
    most = BEHIND * loudness(notes[featured], curves[featured])
    for part, curve_of in curves.items():
        loud = loudness(notes[part], curve_of)
        if part != featured and loud > most and part != "drums":
            curves[part] = curve_of * (most / loud)
