"""What a composer writes: notes, chords, and the score of a clip that loops."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

BARS = 4


@dataclass(frozen=True)
class Note:
    """One note; `beat` and `length` in grid beats, `pitch` a MIDI note (a drum in the drums part)."""

    beat: float
    length: float
    part: str
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Chord:
    """A diatonic chord: scale degree 0..6, pitch classes from the root up, and where it sounds in grid beats."""

    degree: int
    tones: tuple[int, ...]
    beat: float
    length: float
    name: str


@dataclass
class Score:
    """A composed clip of four bars, 16 or 12 grid beats, that loops."""

    bpm: int
    mode: str
    style: str
    chords: list[Chord]
    parts: dict[str, int]  # part -> General MIDI program, for drums the kit
    drums_level: int  # 0 soft, 1 normal, 2 driving
    brightness: float  # tilt of the mix, -1 dark .. 1 bright
    space: int  # reverb send, 0..127
    notes: list[Note] = field(default_factory=list)
    beats: int = 16

    @property
    def bar(self) -> int:
        """Grid beats in a bar: 4 or 3."""
        return self.beats // BARS

    @property
    def grid_bpm(self) -> int:
        """Tempo of the grid: doubled for slow music, so that four bars of 4/4 last 5.6 to 11.3 s."""
        return self.bpm * 2 if self.bpm < 85 else self.bpm

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return self.beats * 60.0 / self.grid_bpm

    def summary(self) -> dict:
        """Everything but the notes, ready for JSON; `from_summary` reads it back."""
        values = asdict(self)
        values.pop("notes")
        return values

    @staticmethod
    def from_summary(values: dict) -> "Score":
        """The score of a `summary`, without notes."""
        chords = [Chord(**{**chord, "tones": tuple(chord["tones"])}) for chord in values["chords"]]
        return Score(**{**values, "chords": chords})
