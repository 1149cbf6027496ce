"""What captions can tell of a score: the fields that `caption.py` reads, and what only this composer knows."""

from __future__ import annotations

from dataclasses import dataclass

from .score import Chord, Score
from .styles import STYLES


@dataclass(frozen=True)
class Told:
    """A score for a captioner. `style` is the nearest of the twelve of `scene.py`; the score's own is in `cue`, with its `names`."""

    style: str
    cue: str
    names: tuple[str, ...]
    places: tuple[str, ...]
    bpm: int
    beats: int
    metre: str
    mode: str
    scale: str
    parts: dict[str, int]
    featured: str
    drums_level: int
    chords: list[Chord]
    brightness: float
    space: int
    swing: float


def told(score: Score) -> Told:
    """What can be told of `score`."""
    style = STYLES[score.style]
    return Told(style=style.family, cue=score.style, names=style.names, places=style.places, bpm=score.bpm, beats=score.beats, metre=score.metre,
                mode=score.mode, scale=score.scale, parts=dict(score.parts), featured=score.featured, drums_level=score.drums_level,
                chords=list(score.chords), brightness=score.brightness, space=score.space, swing=score.swing)
