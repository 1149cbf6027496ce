"""Chords: their names read, coloured and placed; scales, and what a chord makes of them."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np

from .score import BARS, Chord, Metre

NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
LETTERS = dict(C=0, D=2, E=4, F=5, G=7, A=9, B=11)
TONICS = {"major": 0, "minor": 9}
SCALES = {  # pitch classes at home, from the tonic up
    "ionian": (0, 2, 4, 5, 7, 9, 11), "lydian": (0, 2, 4, 6, 7, 9, 11), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "aeolian": (9, 11, 0, 2, 4, 5, 7), "harmonic minor": (9, 11, 0, 2, 4, 5, 8), "dorian": (9, 11, 0, 2, 4, 6, 7),
    "phrygian": (9, 10, 0, 2, 4, 5, 7),
}
QUALITIES = {
    "": (0, 4, 7), "m": (0, 3, 7), "5": (0, 7), "sus2": (0, 2, 7), "sus4": (0, 5, 7), "dim": (0, 3, 6), "aug": (0, 4, 8),
    "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "m7": (0, 3, 7, 10), "mmaj7": (0, 3, 7, 11),
    "m7b5": (0, 3, 6, 10), "dim7": (0, 3, 6, 9), "7sus4": (0, 5, 7, 10), "7b9": (0, 4, 10, 1), "add9": (0, 4, 7, 2),
    "madd9": (0, 3, 7, 2), "9": (0, 4, 10, 2), "maj9": (0, 4, 11, 2), "m9": (0, 3, 10, 2), "m11": (0, 3, 10, 5), "add11": (0, 4, 7, 6),
    "mb9": (0, 1, 3, 7), "q": (0, 5, 10), "q4": (0, 5, 10, 3),  # q: stacked fourths
}
SUFFIXES = {frozenset(tones): suffix for suffix, tones in QUALITIES.items()}
SYMBOL = re.compile(r"([A-G][b#]?)([^/]*)(?:/([A-G][b#]?))?$")


def pitch_class(name: str) -> int:
    """The pitch class of a note's name."""
    return (LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


@lru_cache(maxsize=None)
def read_chord(symbol: str) -> tuple[tuple[int, ...], int]:
    """`(tones, bass)` of a symbol such as "F#m7b5/A".

    Raises ValueError where it is not one.
    """
    found = SYMBOL.match(symbol)
    if not found or found[2] not in QUALITIES:
        raise ValueError(f"{symbol} is not a chord")
    root = pitch_class(found[1])
    tones = tuple((root + step) % 12 for step in QUALITIES[found[2]])
    return tones, pitch_class(found[3]) if found[3] else root


def name_of(tones: tuple[int, ...], bass: int) -> str:
    """The symbol of a chord."""
    suffix = SUFFIXES.get(frozenset((tone - tones[0]) % 12 for tone in tones), "")
    return NOTE_NAMES[tones[0]] + suffix + (f"/{NOTE_NAMES[bass]}" if bass != tones[0] else "")


def read_progression(text: str, metre: Metre) -> list[Chord]:
    """Chords of four bars, from bars of symbols between bars such as "C | F G | Am | G"; "." repeats the bar before."""
    chords: list[Chord] = []
    bar, middle = metre.bar, metre.middle
    for number, symbols in enumerate(text.split("|")):
        names = symbols.split()
        if names == ["."]:
            chords[-1] = replace(chords[-1], length=chords[-1].length + bar)
            continue
        spans = [(0, bar)] if len(names) == 1 else [(0, middle), (middle, bar - middle)]
        for name, (start, length) in zip(names, spans, strict=True):
            chords.append(Chord(name, *read_chord(name), number * bar + start, length))
    if chords[-1].end != BARS * bar:
        raise ValueError(f"{text} is not four bars")
    return chords


def joined(chords: list[Chord]) -> list[Chord]:
    """The chords with neighbours that are the same made one."""
    found = chords[:1]
    for chord in chords[1:]:
        if chord.name == found[-1].name:
            found[-1] = replace(found[-1], length=found[-1].length + chord.length)
        else:
            found.append(chord)
    return found


def colour(chord: Chord, kind: str, scale: tuple[int, ...]) -> Chord:
    """A triad with what a style adds: "seventh", "ninth", "add9", "fifth" (no third), "quartal", "cluster"; else as it is."""
    root = chord.tones[0]
    steps = tuple((tone - root) % 12 for tone in chord.tones)
    if steps not in ((0, 4, 7), (0, 3, 7)):
        return chord
    notes = chord_scale(chord.tones, scale)
    inside = lambda *options: next((step for step in options if (root + step) % 12 in notes), None)
    seventh = inside(10) if steps[1] == 3 else inside(10, 11)  # a minor chord's major seventh is for those who spell it
    added: dict[str, tuple[int | None, ...]] = {
        "seventh": (*steps, seventh), "ninth": (0, steps[1], seventh, inside(2)), "add9": (*steps, inside(2)),
        "fifth": (0, 7), "quartal": (0, inside(5), inside(10)), "cluster": (0, inside(1, 2), steps[1], 7) if steps[1] == 3 else (*steps, inside(6)),
    }
    wanted = added.get(kind, steps)
    if None in wanted:
        return chord
    tones = tuple((root + step) % 12 for step in wanted)
    return replace(chord, tones=tones, name=name_of(tones, chord.bass))


@lru_cache(maxsize=4096)
def chord_scale(tones: tuple[int, ...], scale: tuple[int, ...]) -> tuple[int, ...]:
    """The scale as bent by a chord: a chromatic tone of the chord drives out its neighbours. Sorted pitch classes."""
    strange = [tone for tone in tones if tone not in scale]
    kept = {note for note in scale if note in tones or not any((note - tone) % 12 in (1, 11) for tone in strange)}
    return tuple(sorted(kept | set(strange)))


@lru_cache(maxsize=4096)
def ladder(classes: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    """All pitches of some pitch classes within a range, ascending."""
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in classes)


def nearest(tone: int, centre: float) -> int:
    """The pitch of pitch class `tone` nearest to `centre`."""
    return int(tone + 12 * round((centre - tone) / 12))


def nearest_of(tones: tuple[int, ...], centre: float) -> int:
    """The pitch of any of some pitch classes nearest to `centre`."""
    return min((nearest(tone, centre) for tone in tones), key=lambda pitch: abs(pitch - centre))


def pick(options, rng: np.random.Generator):
    """One of `options`."""
    return options[int(rng.random() * len(options))]
