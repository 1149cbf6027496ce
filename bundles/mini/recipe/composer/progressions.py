"""Progressions at home, in families of one harmonic language; "." holds the bar before.

Each family has its mode, its scale, and the valence at which it is likeliest. None may be heard in the relative key.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VALENCE_WIDTH = 0.25


@dataclass(frozen=True)
class Family:
    """Progressions of one language."""

    mode: str
    scale: str
    valence: float
    progressions: tuple[str, ...]


FAMILIES = {
    "ionian": Family("major", "ionian", 0.75, (
        "C | G | Am | F", "C | Am | F | G", "C | F | C | G", "C | Em | F | G", "F | G | C | C/E", "C | Dm | F | C", "C | F | Am G | F",
        "C | G/B | F/A | G", "C G | Am F | C G | F G", "C | C/E | F | G", "C | Em | Am G | F", "F | C/E | Dm | G")),
    "lydian": Family("major", "lydian", 0.9, (
        "C | D/C | C | D/C", "C | D/C | Em | G", "C | D/C | G/C | C", "C | . | D/C | .", "C | D | G | C", "C | Bm/D | C G | D/C",
        "Cadd9 | D/C | Cadd9 | G", "C | D/C | Em | C")),
    "mixolydian": Family("major", "mixolydian", 0.65, (
        "C | Bb | F | C", "C | Gm | F | C", "C | Bb/C | F/C | C", "C | F | Bb | F", "C Bb | F | C Bb | F C", "C | Bb | C | F", "C | C | Bb F | C")),
    "major mixture": Family("major", "ionian", 0.55, (
        "C | Fm | C | G", "C | Ab | Bb | C", "C | F | Fm | C", "C | Eb | F | G", "C | Am | Fm | G7", "C | Ab | F | G", "C | G/B | Bb | F/A",
        "C | Dm7b5 | G7 | C", "C | Bb | Ab | C", "F | Fm | C/E | C")),
    "major mediants": Family("major", "ionian", 0.7, (
        "C | E | F | G", "C | Ab | C | E", "C | Eb | F | C", "C | A | F | G", "C | E/B | F/A | Fm/Ab", "C | Eb | C | Ab", "C | Ab | F | Fm",
        "C | F#dim | F | C", "C | Em | Eb | C")),
    "major pedal": Family("major", "ionian", 0.7, (
        "C | F/C | G/C | C", "C | Dm/C | G/C | C", "C | F/C | Fm/C | C", "C | Bb/C | F/C | C", "C F/C | C | G/C | F/C", "C | Ab/C | F/C | C")),
    "major drone": Family("major", "ionian", 0.7, ("C | . | . | .", "C | . | F/C | .", "C | . | Am/C | F/C", "Csus2 | C | Csus4 | C")),
    "major jazz": Family("major", "ionian", 0.65, (
        "Dm7 | G7 | Cmaj7 | A7", "Cmaj7 A7 | Dm7 G7 | Cmaj7 A7 | Dm7 G7", "Cmaj9 | Fmaj7 | Em7 A7 | Dm7 G7", "Cmaj7 | C7 | Fmaj7 | Fm6",
        "Fmaj7 | Fm6 | Em7 A7 | Dm7 G7", "C6 | Ebmaj7 | Abmaj7 | C6", "Cmaj7 | Dm7 | Em7 | Dm7 G7", "Cmaj9 | Abmaj7 | Dm9 | G7sus4")),
    "baroque major": Family("major", "ionian", 0.75, (
        "C G/B | Am E | F C/E | F G", "C F | Bdim Em | Am Dm | G C", "C G | C F | C/E D | G", "C | G/B | C F | Dm G",
        "C C/E | F Dm | G C/E | F G7")),
    "blues": Family("major", "mixolydian", 0.6, ("C7 | F7 | C7 | G7", "C7 | . | F7 | C7", "C5 | Eb5 F5 | C5 | Bb5", "C7 | Bb | F | C7",
        "C5 | . | F5 | Bb5 G5")),
    "quartal": Family("major", "mixolydian", 0.6, ("Cq | Dq | Cq | Gq", "Csus2 | Dq | Gq | Cq", "Cq | . | Fq | Gq", "Csus2 | Gsus4 | Dq | Cq")),
    "aeolian": Family("minor", "aeolian", 0.35, (
        "Am | F | Dm | E", "Am | Dm | Em | Am", "Am | F | C | E", "Am | Em | F | Dm", "Am | Dm | F | E", "Am | F | Em | Am", "Am | C/G | F | E",
        "Am | Dm | Am | E", "Am | Am/G | F | Em", "Am | F | Dm | Em", "Am Em | F | Am Em | Dm E")),
    "harmonic minor": Family("minor", "harmonic minor", 0.25, (
        "Am | E/G# | Am | E7", "Am | Dm | E7 | Am", "Am | F | Bdim | E7", "Am | E | F | E", "Am Dm | E | Am Dm | E7", "Am | G#dim7 | Am | Dm E")),
    "dorian": Family("minor", "dorian", 0.45, (
        "Am | D | Am | D", "Am | Em | D | Am", "Am7 | D7 | Am7 | Em7", "Am | . | D | .", "Am | Bm | Am | D", "Am | C | D | Am",
        "Am D/A | Am | Em | D")),
    "phrygian": Family("minor", "phrygian", 0.12, (
        "Am | Bb | Am | Bb", "Am | Bb | Gm | Am", "A5 | Bb/A | A5 | Gm/A", "Am | Dm | Bb | Am", "Am | . | Bb/A | .", "Am Bb | Am | Am Gm | Am")),
    "minor mixture": Family("minor", "aeolian", 0.2, (
        "Am | Bb | Am | E7", "Am | Fm | Am | E", "Am | Bb | E7 | Am", "Am | D | F | E", "Am | F#dim | F | E", "Am | A/C# | Dm | E")),
    "minor mediants": Family("minor", "harmonic minor", 0.1, (
        "Am | Fm | Am | Fm", "Am | C#m | F | Am", "Am | Ebm | Am | E", "Am | F#m | F | E", "Am | Cm | Am | E7", "Am | F | Fm | E")),
    "minor pedal": Family("minor", "harmonic minor", 0.2, (
        "Am | F/A | Dm/A | E/A", "Am | Dm/A | E/A | Am", "Am | Bb/A | Am | G#dim/A", "Am | E/A | F/A | E/A", "Am F/A | Am | Dm/A | E/A")),
    "minor drone": Family("minor", "aeolian", 0.2, ("Am | . | . | .", "Am | . | F/A | .", "Am | . | Dm/A | Am", "Asus2 | Am | Asus4 | Am",
        "Am | . | Bb/A | Am")),
    "lament": Family("minor", "harmonic minor", 0.2, (
        "Am | E/G# | Am/G | D/F#", "Am | Am/G | F | E", "Am Em/G | F E | Am Em/G | Dm E", "Am | Em/G | F | E", "Am | Am/G | Dm/F | E",
        "Am Dm | E Am | F Dm | E")),
    "noir": Family("minor", "harmonic minor", 0.25, (
        "Am6 | Bm7b5 E7 | Am6 | F7 E7", "Am9 | Dm9 | Bm7b5 | E7b9", "Am9 | F7 | Dm9 | E7b9", "Ammaj7 | Am7 | Dm6 | E7",
        "Am9 | Bm7b5 E7b9 | Am9 | Bb7 E7",
        "Am6 | . | Dm6 | E7b9")),
    "minor epic": Family("minor", "aeolian", 0.35, (
        "Am | F | C | E", "Am | C | Dm | F", "Am | C | F | E", "Am | F | Dm | G E", "Am | . | F | E", "Am | Dm | F | G E", "Am | Em | F | Dm E")),
    "baroque minor": Family("minor", "harmonic minor", 0.3, (
        "Am E | Am Dm | Am E | Am E", "Am Dm | G C | F Bdim | E", "Am | E/G# | Am Dm | Bdim E", "Am Am/C | Dm Bdim | E Am | Dm E7")),
    "minor blues": Family("minor", "aeolian", 0.3, ("Am7 | Dm7 | Am7 | E7", "A5 | C5 D5 | A5 | E5", "A5 | . | F5 | E5", "Am7 | . | Dm7 | Am7",
        "A5 C5 | D5 | A5 Eb5 | D5")),
    "minor quartal": Family("minor", "dorian", 0.35, ("Aq | Bq | Am | Eq", "Am | Eq | Bq | Am", "Am | . | Dq | Eq", "Am11 | Dq | Am11 | Eq")),
}


def choose_family(names: tuple[str, ...], mode: str, valence: float, rng: np.random.Generator) -> str:
    """One of the families of a mode, the likelier the nearer its valence."""
    names = tuple(name for name in names if FAMILIES[name].mode == mode)
    weights = np.array([0.08 + np.exp(-(((FAMILIES[name].valence - valence) / VALENCE_WIDTH) ** 2)) for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]
