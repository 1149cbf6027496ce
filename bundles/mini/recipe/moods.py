"""What words say of the mood: how pleasant and how lively, each from 0 to 1.

Captions leave the mood to the picture, mostly, so that a model learns to look; from words alone it hardly hears one. So the engine reads the
mood from the words, and gives it to the model as two of the clip's numbers. `src/text/lexicon/make.py` writes the table for it.
"""

from __future__ import annotations

import re

import words

DARK, BRIGHT, MIXED = 0.15, 0.85, 0.5
CALM, LIVELY = 0.2, 0.8
LONGEST = 4  # words of a phrase

Mood = tuple[float | None, float | None]


def table() -> dict[str, Mood]:
    """Valence and energy of every phrase of a mood; None where it says nothing of one."""
    found: dict[str, Mood] = {}
    for phrases, mood in groups():
        for phrase in phrases:
            found.setdefault(" ".join(plain(phrase)), mood)
    return found


def groups() -> list[tuple[tuple[str, ...], Mood]]:
    """Phrases and their mood; the first that has a phrase says what it is."""
    corner = lambda bright, lively: (BRIGHT if bright else DARK, LIVELY if lively else CALM)
    return [*((phrases, corner(*at)) for at, phrases in words.MOODS.items()), (words.MIXED_MOODS, (MIXED, None)),
            *((phrases, (None, LIVELY if level == "high" else CALM)) for level, phrases in words.ENERGIES.items()),
            *((phrases, corner(*at)) for at, phrases in words.MOOD_CUES.items())]


def plain(text: str) -> list[str]:
    """Lower-case runs of letters."""
    return re.findall("[a-z]+", text.lower())


def mood_of(prompt: str, known: dict[str, Mood]) -> Mood:
    """The mean of what a prompt's phrases say, the longest first."""
    said, at, found = plain(prompt), 0, []
    while at < len(said):
        length = next((n for n in range(LONGEST, 0, -1) if " ".join(said[at:at + n]) in known and at + n <= len(said)), 0)
        if length:
            found.append(known[" ".join(said[at:at + length])])
        at += max(1, length)
    mean = lambda values: sum(values) / len(values) if values else None
    return tuple(mean([mood[axis] for mood in found if mood[axis] is not None]) for axis in (0, 1))


def between(said: float | None, seen: float | None, influence: float = 1.0) -> float | None:
    """What words say and a picture shows, which count alike at full influence."""
    if seen is None or influence == 0:
        return said
    if said is None:
        return MIXED + influence * (seen - MIXED)
    return said + influence / 2 * (seen - said)
