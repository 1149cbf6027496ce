"""What can be counted in a clip's notes: wrong ones, chords, density, register, repeats. Exact, and the same for composed scores.

All of it is at home, in C major or A minor and their modes.
"""

from __future__ import annotations

import numpy as np

from composer.listening import chroma, sounds_major
from composer.measures import TRIADS
from composer.score import METRES, Note
from evaluate_playing import Playing
from scale import scale_of, unexplained

STICKY = 1.15  # a chord changes only for one that fits so much better
BASS_WEIGHT = 2.0


def wrong_notes(playing: Playing) -> list[Note]:
    """Notes outside the clip's scale that nothing else supports: no other note of their pitch class sounds in their half bar."""
    return unexplained(playing.pitched, playing.columns, METRES[playing.metre].middle)


def chromatic_notes(playing: Playing) -> int:
    """Notes outside the clip's scale, right or wrong."""
    scale = scale_of(playing.pitched)
    return sum(note.pitch % 12 not in scale for note in playing.pitched)


def chord_lines(playing: Playing) -> list[int]:
    """Columns of the beats at which the chord changes; chords are the likeliest triads of what sounds, the bass counting double."""
    beat = METRES[playing.metre].beat
    beats = playing.columns // beat
    heard = np.zeros((beats, 12))
    for note in playing.pitched:
        columns = (note.start + np.arange(note.length)) % playing.columns
        weight = BASS_WEIGHT if note.part == "bass" else 1.0
        np.add.at(heard, (columns // beat, note.pitch % 12), weight)
    fits, chord, chords = heard @ TRIADS.T, -1, []
    # Twice around, so that the loop's first chord knows the last.
    for fit in [*fits, *fits]:
        best = int(fit.argmax())
        if fit[best] > 0 and (chord < 0 or fit[best] > STICKY * fit[chord]):
            chord = best
        chords.append(chord)
    chords = chords[beats - 1:]
    return [i * beat for i, (before, after) in enumerate(zip(chords, chords[1:])) if before != after]


def chords_on_bars(playing: Playing) -> float:
    """Share of the chord changes at bar lines; nan where there is one chord. Chance is a beat's share of the bar."""
    lines = chord_lines(playing)
    return float(np.mean([line % playing.bar == 0 for line in lines])) if lines else float("nan")


def bar_patterns(playing: Playing) -> list[frozenset]:
    """What begins in each bar: parts, pitches and places in it."""
    bars: list[set] = [set() for _ in range(4)]
    for note in playing.notes:
        bars[note.start // playing.bar].add((note.part, note.pitch, note.start % playing.bar))
    return [frozenset(bar) for bar in bars]


def longest_repeat(playing: Playing) -> int:
    """Bars in a row that are the same, around the loop; 1 where none is repeated."""
    bars = bar_patterns(playing)
    longest = run = 1
    for before, after in zip(2 * bars, (2 * bars)[1:]):
        run = run + 1 if before == after else 1
        longest = max(longest, run)
    return min(longest, len(bars))


def empty_bars(playing: Playing) -> int:
    """Bars in which nothing sounds."""
    sounding = np.zeros(playing.columns, bool)
    for note in playing.notes:
        sounding[(note.start + np.arange(note.length)) % playing.columns] = True
    return int((~sounding.reshape(4, -1).any(1)).sum())


def polyphony(playing: Playing) -> float:
    """Mean number of pitches that sound together where any does."""
    roll = np.zeros((playing.columns, 128), bool)
    for note in playing.pitched:
        roll[(note.start + np.arange(note.length)) % playing.columns, note.pitch] = True
    sounding = roll.sum(1)
    return float(sounding[sounding > 0].mean()) if sounding.any() else 0.0


def energy(playing: Playing, seconds: float) -> float:
    """Loudness of all that begins, a second."""
    loud = [note.velocity / 127 * float(playing.dynamics[note.part][note.start] if note.part in playing.dynamics else 1) for note in playing.notes]
    return float(sum(loud) / seconds)


def count(playing: Playing, seconds: float) -> dict[str, float]:
    """Every figure of a clip that lasts so many seconds; nan where it has none."""
    pitches = [note.pitch for note in playing.pitched]
    return {
        "wrong notes": len(wrong_notes(playing)) / 4,
        "chromatic": chromatic_notes(playing) / 4,
        "chords on bars": chords_on_bars(playing),
        "chords": len(chord_lines(playing)) / 4,
        "notes": len(playing.notes) / 4,
        "pitch": float(np.mean(pitches)) if pitches else float("nan"),
        "polyphony": polyphony(playing),
        "parts": len({note.part for note in playing.notes}),
        "empty bars": empty_bars(playing),
        "longest repeat": longest_repeat(playing),
        "energy of notes": energy(playing, seconds),
        "sounds major": float(bool(pitches) and sounds_major(chroma(playing.notes))),
    }
