"""Chords of a key: the progressions, and voicings that lead from one to the next."""

from __future__ import annotations

import numpy as np

from score import BARS, Chord
from styles import Style

SCALE = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (9, 11, 0, 2, 4, 5, 7)}  # pitch classes by degree
# None that is heard in the relative key or in another scale: i-VII-VI-VII or i-VI-III-VII is C major to the ear, I-V-IV-V is G.
PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (3, 4, 0, 5), (0, 3, 1, 4), (0, 0, 3, 3), (0, 5, 4, 3), (0, 3, 4, 3),
              (0, 3, 5, 4), (0, 1, 3, 0), (3, 0, 4, 0)),
    "minor": ((0, 5, 3, 4), (0, 3, 5, 4), (0, 5, 3, 6), (0, 3, 6, 5), (0, 5, 0, 3), (0, 3, 0, 6), (0, 4, 5, 3), (0, 6, 5, 3),
              (0, 0, 3, 3), (3, 0, 5, 4), (5, 3, 0, 0)),
}
LONG_PROGRESSIONS = {
    "major": ((0, 4, 5, 3, 0, 3, 1, 4), (0, 5, 3, 4, 0, 3, 1, 4), (0, 4, 5, 3, 1, 3, 4, 0), (0, 2, 3, 0, 5, 3, 1, 4)),
    "minor": ((0, 5, 3, 0, 0, 3, 5, 4), (0, 3, 6, 5, 0, 3, 5, 4), (0, 6, 5, 3, 0, 3, 5, 4), (0, 5, 0, 3, 0, 5, 3, 4)),
}
NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


def chords(mode: str, style: Style, may_be_short: bool, bar: int, rng: np.random.Generator) -> list[Chord]:
    """Four chords of a bar each, or sometimes eight half-bar chords."""
    long = may_be_short and rng.random() < 0.15
    table = (LONG_PROGRESSIONS if long else PROGRESSIONS)[mode]
    degrees = table[int(rng.integers(len(table)))]
    seventh = rng.random() < style.seventh
    length = BARS * bar / len(degrees)
    return [_chord(mode, degree, seventh, i * length, length) for i, degree in enumerate(degrees)]


def _chord(mode: str, degree: int, seventh: bool, beat: float, length: float) -> Chord:
    scale = SCALE[mode]
    tones = tuple(scale[(degree + step) % 7] for step in ((0, 2, 4, 6) if seventh else (0, 2, 4)))
    third, fifth = (tones[1] - tones[0]) % 12, (tones[2] - tones[0]) % 12
    name = NOTE_NAMES[tones[0]] + ("dim" if fifth == 6 else "m" if third == 3 else "") + ("7" if seventh else "")
    return Chord(degree, tones, beat, length, name)


def nearest(tone: int, centre: float) -> int:
    """The pitch of pitch class `tone` nearest to `centre`."""
    return int(tone + 12 * round((centre - tone) / 12))


def open_position(voicing: list[int]) -> list[int]:
    """An open position: the second lowest voice an octave up."""
    return sorted([voicing[0], voicing[1] + 12, *voicing[2:]])


def _inversions(tones: tuple[int, ...], centre: int) -> list[list[int]]:
    """Close positions of a chord around `centre`, each inversion in the three nearest octaves."""
    found = []
    for turn in range(len(tones)):
        order = tones[turn:] + tones[:turn]
        for octave in (-12, 0, 12):
            pitches = [nearest(order[0], centre - 4) + octave]
            for tone in order[1:]:
                pitches.append(pitches[-1] + (tone - pitches[-1]) % 12)
            found.append(pitches)
    return found


def voice_lead(progression: list[Chord], centre: int) -> list[list[int]]:
    """One close voicing per chord, each the one that moves least from the one before and stays near `centre`."""
    voicings: list[list[int]] = []
    for chord in progression:
        def cost(pitches: list[int]) -> float:
            move = sum(abs(a - b) for a, b in zip(pitches, voicings[-1])) if voicings else 0
            return move + 0.6 * abs(float(np.mean(pitches)) - centre) * len(pitches)
        voicings.append(min(_inversions(chord.tones, centre), key=cost))
    return voicings
