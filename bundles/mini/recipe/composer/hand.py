"""A player's hand: notes of one part, in range, with velocities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .instruments import into_range
from .score import Note
from .sketch import Sketch

BREATH = 2  # columns that a note loses at most
LEAST_PITCHES, TRIES = 3, 4  # of a figure
LEGATO_BELOW = 0.3  # energy; livelier players detach their notes
DETACHED = dict(bass=0.75, ostinato=0.75, keys=0.7, lead=0.4, counter=0.3)  # share of a note's length lost per unit of energy above


class Hand:
    """Writes the notes of one part of a sketch."""

    def __init__(self, sketch: Sketch, part: str, rng: np.random.Generator):
        self.sketch, self.part, self.rng = sketch, part, rng
        self.program = sketch.parts[part]
        self.notes: list[Note] = []

    def play(self, pitch: int, start: int, length: int, extra: float = 0.0) -> None:
        """One note from column `start`, `extra` louder than its place asks."""
        if 0 <= start < self.sketch.columns:
            velocity = self.sketch.velocity(self.part, start, self.rng, extra)
            kept = 1 - DETACHED.get(self.part, 0.0) * max(0.0, self.sketch.energy - LEGATO_BELOW)
            length = max(1, round(length * kept), length - BREATH)
            self.notes.append(Note(self.part, into_range(int(pitch), self.program), velocity, int(start), length))

    def write(self, figure: Callable[["Hand"], None]) -> None:
        """Play a figure; one that turns out to hardly move is played anew."""
        for _ in range(TRIES):
            self.notes = []
            figure(self)
            if len({note.pitch for note in self.notes}) >= LEAST_PITCHES:
                return

    def chord(self, pitches, start: int, length: int, extra: float = 0.0) -> None:
        """Several notes at once, the top one a little louder."""
        top = max(pitches)
        for pitch in pitches:
            self.play(pitch, start, length, extra + (3 if pitch == top else -2))

    def struck(self, pitch: int, velocity: float, start: int) -> None:
        """A drum: no range, a velocity of its own."""
        if 0 <= start < self.sketch.columns:
            self.notes.append(Note(self.part, pitch, int(min(max(velocity, 12), 126)), start, 1))

    def centre(self, above: int = 0) -> int:
        """Centre of the cue's ostinato, some semitones above it."""
        return self.sketch.style.drive + self.sketch.lift + above

    def chance(self, share: float) -> bool:
        """Whether a thing of this chance happens."""
        return bool(self.rng.random() < share)

    def of(self, options):
        """One of some options."""
        return options[int(self.rng.random() * len(options))]

    def segments(self):
        """`(start, length, chord index)` of the chords, cut at bar lines."""
        bar = self.sketch.metre.bar
        for index, chord in enumerate(self.sketch.chords):
            start = chord.start
            while start < chord.end:
                end = min(chord.end, (start // bar + 1) * bar)
                yield start, end - start, index
                start = end
