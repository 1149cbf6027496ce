"""What a clip plays, on the composer's grid and at home: from a composed score, from latents, and from the engine's score and back.

The engine counts time in ticks, 960 to a quarter of the tempo that is felt; a column of slow music, whose grid is doubled, is half
as many. The engine's score is JSON, as serde writes the crate `score`'s `Score`; a clip's WAV file holds it in the `mlfn` chunk.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from composer.score import METRES, PARTS, SLOW_BPM, Note, Score, in_time
from latents import NUMBERS, Decoded, ScoreLatents

CHUNK = b"mlfn"
TICKS_PER_QUARTER = 960
AUDIBLE = ("brightness", "space", "swing")  # of the composer's numbers about a clip, what a mix makes heard
QUIETEST = 0.05  # gain of the softest dynamics
SPACE = 127  # of the composer's numbers, the engine's 1


@dataclass(frozen=True)
class Playing:
    """Notes in columns, at home; who plays; each part's dynamics (columns,) as gains, and what is audible of the clip's numbers."""

    metre: str
    notes: list[Note]
    programs: dict[str, int]
    dynamics: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def bar(self) -> int:
        """Columns in a bar of the grid."""
        return METRES[self.metre].bar

    @property
    def columns(self) -> int:
        """Columns in the clip."""
        return 4 * self.bar

    @property
    def pitched(self) -> list[Note]:
        """All notes but the drums'."""
        return [note for note in self.notes if note.part != "drums"]

    @property
    def plays(self) -> dict[str, int]:
        """Who has notes, and on what."""
        parts = {note.part for note in self.notes}
        return {part: program for part, program in self.programs.items() if part in parts}

    def transposed(self, semitones: int) -> "Playing":
        """The same, higher; drums stay."""
        moved = [note if note.part == "drums" else note._replace(pitch=note.pitch + semitones) for note in self.notes]
        return replace(self, notes=moved)

    def tokens(self, latents: ScoreLatents) -> np.ndarray:
        """Tokens f32 (columns, n); numbers that are not known are at their mean."""
        score = Score("", self.metre, 0, "", "", "", self.plays, [], drums_level=0, dynamics=self.dynamics, notes=self.notes,
                      **dict(zip(NUMBERS, latents.numbers[0])) | self.numbers)
        return latents.encode(score)


def composed(score: Score) -> Playing:
    """What a composed score plays."""
    notes = [note._replace(start=note.start % score.columns) for note in score.notes]
    return Playing(score.metre, notes, dict(score.parts), dict(score.dynamics), {name: getattr(score, name) for name in AUDIBLE})


def decoded(found: Decoded, metre: str) -> Playing:
    """What latents play."""
    numbers = {name: found.numbers[name] for name in AUDIBLE}
    return Playing(metre, sorted(found.notes, key=in_time), found.programs, found.dynamics, numbers)


def grid_of(bpm: float) -> int:
    """Columns of the grid to a quarter of the tempo."""
    return 8 if bpm < SLOW_BPM else 4


def to_engine(score: Score, key: str, semitones: int) -> dict:
    """A composed score as the engine's, `semitones` above home."""
    ticks = TICKS_PER_QUARTER // grid_of(score.bpm)
    moved = composed(score).transposed(semitones)
    notes = [dict(part=note.part, pitch=int(note.pitch), velocity=int(note.velocity), start=int(note.start) * ticks,
                  length=int(min(max(1, note.length), score.columns)) * ticks) for note in moved.notes]
    players = [dict(part=part, instrument={"kit" if part == "drums" else "program": int(program)}, level_db=0.0,
                    dynamics_db=[round(20 * float(np.log10(max(gain, QUIETEST))), 2) for gain in score.dynamics.get(part, ())])
               for part, program in score.parts.items()]
    character = dict(brightness=float(np.clip(score.brightness, -1, 1)), space=score.space / SPACE, swing=float(np.clip(score.swing, 0, 0.25)),
                     swing_unit=grid_of(score.bpm))
    return dict(version=1, bars=bars_of(score), meter=score.metre, bpm=float(score.bpm), key=key, players=players, notes=notes, character=character)


def bars_of(score: Score) -> int:
    """Bars as the tempo counts them: slow music has two, on a grid of four."""
    return round(4 * score.bpm / score.grid_bpm)


def from_engine(score: dict, semitones: int) -> Playing:
    """The engine's score, which is `semitones` above home, brought there."""
    ticks = TICKS_PER_QUARTER // grid_of(score["bpm"])
    column = lambda ticks_in: round(ticks_in / ticks)
    notes = [Note(note["part"], note["pitch"], note["velocity"], column(note["start"]), max(1, column(note["length"]))) for note in score["notes"]]
    heard = {player["part"]: next(iter(player["instrument"].values())) for player in score["players"]}
    playing = Playing(score["meter"], sorted(notes, key=in_time), {part: heard[part] for part in PARTS if part in heard})
    curves = {player["part"]: curve(player.get("dynamics_db", []), playing.columns) for player in score["players"] if player.get("dynamics_db")}
    character = score["character"]
    numbers = dict(brightness=character["brightness"], space=SPACE * character["space"], swing=character["swing"])
    return replace(playing, dynamics=curves, numbers=numbers).transposed(-semitones)


def curve(decibels: list[float], columns: int) -> np.ndarray:
    """Gains (columns,) of equally spaced points of a loop."""
    gains = 10 ** (np.array(decibels) / 20)
    return np.interp(np.arange(columns) * len(gains) / columns, np.arange(len(gains) + 1), np.append(gains, gains[0]))


def read_chunk(path: Path) -> dict:
    """The engine's score in a WAV file that it wrote.

    Raises ValueError where there is none.
    """
    data = path.read_bytes()
    place = 12
    while place + 8 <= len(data):
        name, size = data[place:place + 4], struct.unpack_from("<I", data, place + 4)[0]
        if name == CHUNK:
            body = data[place + 8:place + 8 + size]
            start = 8 + struct.unpack_from("<Q", body)[0]
            tensors = json.loads(body[8:start])
            if "score" in tensors:
                begin, end = tensors["score"]["data_offsets"]
                return json.loads(body[start + begin:start + end])
            break
        place += 8 + size + size % 2
    raise ValueError(f"{path} holds no score; only clips of bundles that play notes can be measured")
