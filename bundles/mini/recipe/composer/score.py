"""The score: four looping bars of eight parts on a grid of sixteenths.

Units: a column is a sixteenth of the grid; 4/4 has 64 columns, 3/4 and 6/8 have 48. Pitches are MIDI notes at home, in C major
or A minor and their modes: any other key is a transposition of all parts but the drums, whose pitch is a drum of the kit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

BARS = 4
# One row each in the model. Four carry harmony (held, low, struck, driven), two carry lines, two are struck.
PARTS = ("pad", "bass", "keys", "ostinato", "lead", "counter", "mallets", "drums")
MONOPHONIC = ("bass", "lead", "counter")
SLOW_BPM = 85  # slower music has its grid doubled, so that four bars of 4/4 last 5.6 to 11.3 s


@dataclass(frozen=True)
class Metre:
    """A bar in columns: its length, a beat, and where it is strong."""

    name: str
    bar: int
    beat: int
    strong: tuple[int, ...]

    @property
    def middle(self) -> int:
        """Where a bar is cut in two: in its middle, in 3/4 after the second beat."""
        return self.strong[-1] or 8


METRES = {
    "4/4": Metre("4/4", 16, 4, (0, 8)),
    "3/4": Metre("3/4", 12, 4, (0,)),
    "6/8": Metre("6/8", 12, 6, (0, 6)),
}


class Note(NamedTuple):
    """One note: `pitch` 0..127, `velocity` 1..127, `start` and `length` in columns."""

    part: str
    pitch: int
    velocity: int
    start: int
    length: int


@dataclass(frozen=True)
class Chord:
    """A chord and where it sounds, in columns: pitch classes from the root up, and that of the bass."""

    name: str
    tones: tuple[int, ...]
    bass: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """The column after its last."""
        return self.start + self.length


@dataclass
class Score:
    """A composed clip.

    Clip-wide numbers: `brightness` -1 dark .. 1 bright (tilt of the mix), `space` 0..127 (reverb send), `swing` in grid beats
    (delay of the off-beat eighth), `looseness` in ms (standard deviation of humanised timing), `valence` and `energy` 0..1,
    `drums_level` 0 soft .. 2 driving. `dynamics[part]` is a curve of `columns` values in 0..1, played as expression.
    """

    style: str
    metre: str
    bpm: int  # quarters per minute as felt, 60..140
    mode: str  # "major" or "minor"
    scale: str  # the mode by its name, such as "lydian"
    featured: str  # the part that leads
    parts: dict[str, int]  # part -> General MIDI program, for drums the kit; in the order of PARTS
    chords: list[Chord]
    valence: float
    energy: float
    brightness: float
    space: int
    swing: float
    looseness: float
    drums_level: int
    dynamics: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    @property
    def bar(self) -> int:
        """Columns in a bar."""
        return METRES[self.metre].bar

    @property
    def columns(self) -> int:
        """Columns in the clip, 64 or 48."""
        return BARS * self.bar

    @property
    def beats(self) -> int:
        """Grid beats (quarters) in the clip, 16 or 12."""
        return self.columns // 4

    @property
    def grid_bpm(self) -> int:
        """Tempo of the grid: doubled for slow music."""
        return self.bpm * 2 if self.bpm < SLOW_BPM else self.bpm

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return self.beats * 60.0 / self.grid_bpm

    def of(self, part: str) -> list[Note]:
        """The notes of a part."""
        return [note for note in self.notes if note.part == part]

    def to_dict(self) -> dict:
        """Everything, ready for JSON; notes as (pitch, velocity, start, length) by part. `from_dict` reads it back."""
        values = asdict(self)
        values["dynamics"] = {part: [round(float(value), 3) for value in curve] for part, curve in self.dynamics.items()}
        values["notes"] = {part: [list(note[1:]) for note in self.of(part)] for part in self.parts}
        return values

    @staticmethod
    def from_dict(values: dict) -> "Score":
        """The score of a `to_dict`."""
        chords = [Chord(**{**chord, "tones": tuple(chord["tones"])}) for chord in values["chords"]]
        notes = [Note(part, *note) for part, rows in values["notes"].items() for note in rows]
        dynamics = {part: np.array(curve) for part, curve in values["dynamics"].items()}
        score = Score(**{**values, "chords": chords, "notes": notes, "dynamics": dynamics})
        score.notes.sort(key=in_time)
        return score


def in_time(note: Note) -> tuple[int, int, int]:
    """The order of the notes of a score."""
    return note.start, PARTS.index(note.part), note.pitch
