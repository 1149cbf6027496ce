"""One clip heard in the light of one question, and figures of many.

The question may be another clip's: that is how chance is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from evaluate_ear import Ear
from evaluate_memory import Memory
from evaluate_notes import count
from evaluate_playing import Playing
from evaluate_wishes import Wish

RESAMPLES = 200
SHIFT = 7  # clips further along, whose questions are asked of the wrong clip


@dataclass(frozen=True)
class Record:
    """What was heard in one clip, and what was asked for."""

    heard: dict  # "ear", "notes", "playing" (parts and programs), "memory", and of clips with sound "sound" and "transcribed"
    clip: int = 0
    bpm: float = 0.0
    semitones: int = 0  # of the asked key from C major or A minor
    style: str = ""
    cue: str = ""
    mode: str = ""
    centroid: float = 0.0  # Hz, of the composed clip that the words describe
    shown: tuple[float, float] = (0.5, 0.5)  # valence and energy of the picture
    other: tuple[float, float] = (0.5, 0.5)  # of the picture that the mood is told from
    wishes: tuple[Wish, ...] = ()

    def asked(self, question: "Record") -> "Record":
        """The same clip, heard in the light of another question."""
        return replace(question, heard=self.heard)

    def granted(self) -> list[bool]:
        """Which of the wishes came true."""
        return [wish.granted_by(self.heard["plays"]) for wish in self.wishes]


def heard(playings: list[Playing], seconds: list[float], ear: Ear, memory: Memory | None) -> list[dict]:
    """What the notes of clips tell."""
    distances = memory.distances(playings) if memory else [[] for _ in playings]
    return [dict(ear=asdict(told), notes=count(playing, length), plays=playing.plays, memory=near)
            for playing, length, told, near in zip(playings, seconds, ear.hear(playings), distances)]


def shuffled(records: list[Record]) -> list[Record]:
    """Clips that answer another clip's question."""
    return [record.asked(records[(i + SHIFT) % len(records)]) for i, record in enumerate(records)]


@dataclass(frozen=True)
class Value:
    """A figure and its standard error; the error is 0 where nothing was drawn at random."""

    mean: float
    error: float = 0.0

    def text(self, digits: int = 2) -> str:
        """As it is printed."""
        error = f" ±{self.error:.{digits}f}" if self.error else ""
        return "-" if np.isnan(self.mean) else f"{self.mean:.{digits}f}{error}"


Figure = Callable[..., float]


def evaluated(of: Figure, *groups: list[Record]) -> Value:
    """A figure of one or more groups of records, with its error by bootstrap; groups of one length are resampled together."""
    rng, resampled = np.random.default_rng(0), []
    together = len({len(group) for group in groups}) == 1
    for _ in range(RESAMPLES):
        index = rng.integers(len(groups[0]), size=len(groups[0]))
        picks = [index if together else rng.integers(len(group), size=len(group)) for group in groups]
        resampled.append(of(*([group[i] for i in pick] for group, pick in zip(groups, picks))))
    finite = np.array(resampled)[np.isfinite(resampled)]
    return Value(of(*groups), float(finite.std()) if len(finite) else 0.0)


def correlation(a: list[float], b: list[float]) -> float:
    """Pearson's; 0 where one side never changes."""
    if len(a) < 3 or np.std(a) < 1e-9 or np.std(b) < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def mean(of: Callable[[Record], float], records: list[Record]) -> float:
    """The mean of a figure over the records that have it."""
    values = np.array([of(record) for record in records], float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def note(name: str) -> Figure:
    """The mean of a figure of the notes."""
    return partial(mean, lambda r: r.heard["notes"][name])


def mood(axis: str) -> Figure:
    """The correlation of the mood heard with the shown picture's; the axis is "valence" or "energy"."""
    place = ("valence", "energy").index(axis)
    return lambda rs: correlation([r.heard["ear"][axis] for r in rs], [r.shown[place] for r in rs])


def names_mood(record: Record) -> bool:
    """Whether the valence heard is on the shown picture's side of the middle between it and the other picture."""
    middle = (record.shown[0] + record.other[0]) / 2
    return (record.heard["ear"]["valence"] > middle) == (record.shown[0] > middle)


def wishes_granted(records: list[Record]) -> float:
    """Share of all instruments asked for that play."""
    all_of = [granted for record in records for granted in record.granted()]
    return float(np.mean(all_of)) if all_of else float("nan")


def memory(records: list[Record]) -> float:
    """Mean distance of the bars to the nearest bar learnt."""
    distances = [distance for record in records for distance in record.heard["memory"]]
    return float(np.mean(distances)) if distances else float("nan")


def ratio(of: Figure, lively_bright: list[Record], calm_bright: list[Record], lively_dark: list[Record], calm_dark: list[Record]) -> float:
    """A figure of lively pictures over that of calm ones, the geometric mean of bright and dark."""
    lively, calm = of(lively_bright) * of(lively_dark), of(calm_bright) * of(calm_dark)
    return float(np.sqrt(lively / calm)) if calm > 0 else float("nan")


def difference(of: Figure, lively_bright: list[Record], calm_bright: list[Record], lively_dark: list[Record], calm_dark: list[Record]) -> float:
    """A figure of bright pictures less that of dark ones."""
    return (of(lively_bright) + of(calm_bright) - of(lively_dark) - of(calm_dark)) / 2


NOTES: dict[str, tuple[Figure, int]] = {
    "style": (partial(mean, lambda r: r.heard["ear"]["style"] == r.style), 2),
    "cue": (partial(mean, lambda r: r.heard["ear"]["cue"] == r.cue), 2),
    "mode": (partial(mean, lambda r: r.heard["ear"]["major"] == (r.mode == "major")), 2),
    "valence": (mood("valence"), 2),
    "energy": (mood("energy"), 2),
    "names mood": (partial(mean, names_mood), 2),
    "asked": (wishes_granted, 2),
    "wrong notes": (note("wrong notes"), 2),
    "chromatic": (note("chromatic"), 2),
    "on bar lines": (note("chords on bars"), 2),
    "chords": (note("chords"), 2),
    "notes": (note("notes"), 1),
    "pitch": (note("pitch"), 1),
    "polyphony": (note("polyphony"), 1),
    "parts": (note("parts"), 1),
    "empty bars": (note("empty bars"), 2),
    "longest repeat": (note("longest repeat"), 2),
    "from memory": (memory, 2),
}
