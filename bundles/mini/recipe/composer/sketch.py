"""The sketch of a cue: what all players share before the first note."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .brief import Brief
from .harmony import SCALES, TONICS, chord_scale, ladder
from .instruments import RANGES
from .rhythm import GROOVES, accents
from .score import BARS, METRES, Chord, Metre
from .style import Style
from .voicing import voice

BASE_VELOCITY = dict(pad=62, bass=80, keys=70, ostinato=72, lead=82, counter=70, mallets=72, drums=82)
FAST_GRID = 120  # grid tempo above which players thin their figures


@dataclass
class Sketch:
    """Style, harmony, groove and plan of one cue."""

    brief: Brief
    style: Style
    bpm: int
    grid_bpm: int
    mode: str
    scale_name: str
    chords: list[Chord]
    parts: dict[str, int]
    featured: str
    groove_name: str
    intensity: np.ndarray  # per bar, .6..1: sections that thin and fill
    rests: dict[str, tuple[int, ...]] = field(default_factory=dict)  # bars in which a part is silent
    theme: dict[int, tuple[int, int]] = field(default_factory=dict)  # column -> length and pitch of its note, for those who answer it

    @property
    def metre(self) -> Metre:
        """The metre."""
        return METRES[self.brief.metre]

    @property
    def columns(self) -> int:
        """Columns of the clip."""
        return BARS * self.metre.bar

    @property
    def energy(self) -> float:
        """The energy asked for."""
        return self.brief.energy

    @property
    def lift(self) -> int:
        """Semitones by which valence and style raise the register."""
        return self.style.lift + round((self.brief.valence - 0.5) * 15)

    @property
    def groove(self) -> tuple[int, ...]:
        """Columns of a bar that the cue's parts strike together."""
        return GROOVES[self.brief.metre][self.groove_name]

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the mode."""
        return SCALES[self.scale_name]

    @property
    def tonic(self) -> int:
        """Pitch class of the key."""
        return TONICS[self.mode]

    @cached_property
    def busy(self) -> float:
        """How dense figures are, 0..1: the energy, less on a fast grid."""
        return float(np.clip(self.energy - 0.25 * (self.grid_bpm - FAST_GRID) / FAST_GRID, 0, 0.999))

    @cached_property
    def stress(self) -> tuple[float, ...]:
        """Accent of each column of a bar, 0..1."""
        return accents(self.metre, self.groove)

    @cached_property
    def _chord_of(self) -> list[int]:
        return [i for i, chord in enumerate(self.chords) for _ in range(chord.length)]

    def index_at(self, column: int) -> int:
        """Index of the chord that sounds at a column of the loop."""
        return self._chord_of[column % self.columns]

    def chord_at(self, column: int) -> Chord:
        """The chord that sounds at a column of the loop."""
        return self.chords[self.index_at(column)]

    def notes_of(self, chord: Chord) -> tuple[int, ...]:
        """Pitch classes of the scale that fits a chord."""
        return chord_scale(chord.tones, self.scale)

    def rungs(self, column: int, part: str, tones: bool, low: int = 0, high: int = 127) -> tuple[int, ...]:
        """The chord's tones, or the scale's notes, that a part's instrument has within a range."""
        chord = self.chord_at(column)
        bottom, top = RANGES[self.parts[part]]
        return ladder(tuple(sorted(set(chord.tones))) if tones else self.notes_of(chord), max(low, bottom), min(high, top))

    def voicings(self, voices: int, centre: int, part: str) -> list[tuple[int, ...]]:
        """Voice-led chords within reach of a part's instrument."""
        low, high = RANGES[self.parts[part]]
        return voice(self.chords, voices, int(np.clip(centre, low + 12, high - 12)) if high - low > 24 else (low + high) // 2)

    def velocity(self, part: str, column: int, rng: np.random.Generator, extra: float = 0.0) -> int:
        """Velocity of a note: by part, energy, accent, section, and a hand's unevenness."""
        at = column % self.columns
        bar, place = divmod(at, self.metre.bar)
        value = BASE_VELOCITY[part] + 34 * (self.energy - 0.5) + 22 * (self.stress[place] - 0.5) + 30 * (self.intensity[bar] - 0.85)
        value += extra + 3.0 * rng.normal() + (7 if part == self.featured else 0)
        return int(min(max(value, 18), 126))

    def level(self, options: tuple[str, ...], noise: float = 0.0) -> str:
        """The option for the energy, of a list from calm to busy."""
        return options[int(np.clip((self.energy + noise) * len(options), 0, len(options) - 1))]
