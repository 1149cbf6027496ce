"""The scale that notes at home are in, and notes that nothing in it explains.

Borrowed chords and chromatic mediants, which several voices agree on, are no mistakes; a note outside the scale whose pitch class nothing
else plays in its half bar is one. The model makes some: it says of each pitch by itself how likely it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from composer.harmony import SCALES
from composer.listening import chroma, sounds_major
from composer.score import Note

LEADING_TONE = 8  # G sharp, of A minor
SPAN = 8  # columns in which notes agree: half a bar of four


def scale_of(notes: Sequence[Note]) -> frozenset[int]:
    """The pitch classes of the scale of pitched notes: of the modes at home the one that holds most of what sounds, in minor with the leading tone."""
    weight = np.zeros(12)
    for note in notes:
        weight[note.pitch % 12] += note.length
    # Ties go to the first, which has no accidentals.
    best = max((scale for scale in SCALES.values() if LEADING_TONE not in scale), key=lambda scale: weight[list(scale)].sum())
    is_minor = bool(notes) and not sounds_major(chroma(list(notes)))
    return frozenset(best) | ({LEADING_TONE} if is_minor else set())


def spans_of(note: Note, columns: int, span: int) -> set[int]:
    """Which spans of so many columns a note sounds in."""
    return {int(column) // span for column in (note.start + np.arange(note.length)) % columns}


def support(notes: Sequence[Note], columns: int, span: int) -> Counter:
    """How many notes of each (span, pitch class) there are."""
    return Counter((place, note.pitch % 12) for note in notes for place in spans_of(note, columns, span))


def unexplained(notes: Sequence[Note], columns: int, span: int) -> list[Note]:
    """Of pitched notes those outside the scale that no other note of their pitch class supports in their spans."""
    scale, sounding = scale_of(notes), support(notes, columns, span)
    is_alone = lambda note: all(sounding[place, note.pitch % 12] < 2 for place in spans_of(note, columns, span))
    return [note for note in notes if note.pitch % 12 not in scale and is_alone(note)]


def settled(notes: list[Note], columns: int) -> list[Note]:
    """The notes of a window with unexplained ones moved by a semitone into the scale: where more of the same sounds, else down. One that
    would double a note of its part is left out."""
    pitched = [note for note in notes if note.part != "drums"]
    scale, sounding = scale_of(pitched), support(pitched, columns, SPAN)
    strange = {id(note) for note in unexplained(pitched, columns, SPAN)}
    taken = {(note.part, note.pitch, note.start) for note in notes if id(note) not in strange}
    found = []
    for note in notes:
        if id(note) in strange:
            near = [pitch for pitch in (note.pitch - 1, note.pitch + 1) if pitch % 12 in scale]
            likely = lambda pitch: sum(sounding[place, pitch % 12] for place in spans_of(note, columns, SPAN))
            pitch = max(near, key=likely, default=None)
            if pitch is None or (note.part, pitch, note.start) in taken:
                continue
            taken.add((note.part, pitch, note.start))
            note = note._replace(pitch=pitch)
        found.append(note)
    return found
