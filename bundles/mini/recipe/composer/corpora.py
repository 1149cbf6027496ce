"""Four-bar windows of music to measure: composed scores, the pieces of freedoom, and Bach's chorales to compare with."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np

from .brief import Brief
from .compose import compose
from .measures import Window, window
from .score import METRES, PARTS, Score
from .styles import STYLES

WADS = ("/usr/share/games/doom/freedoom1.wad", "/usr/share/games/doom/freedoom2.wad")
DRUM_CHANNEL = 9
ON_GRID = 0.7  # of a piece's onsets within a tenth of a quarter of a sixteenth, at least; others have no grid to measure on
CONVERTED = "QMUS2MID"  # a converter's mark; such files have lost their beat
Row = tuple[int, int, int, int, int, bool]


def of_score(score: Score, piece: str) -> Window:
    """The window of a score."""
    metre = METRES[score.metre]
    rows = [(note.start, note.start + note.length, note.pitch, note.velocity, PARTS.index(note.part), note.part == "drums") for note in score.notes]
    return window(rows, metre.bar, 4, piece)


def composed(count: int, seed: int = 0) -> Iterator[Window]:
    """Scores of all styles, moods even, two of three in 4/4."""
    names = list(STYLES)
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        metre = ("4/4", "4/4", "4/4", "4/4", "3/4", "6/8")[int(rng.integers(6))]
        brief = Brief(names[int(rng.integers(len(names)))], float(rng.random()), float(rng.random()), metre)
        yield of_score(compose(brief, rng), str(index))


def composed_before(count: int, seed: int = 0) -> Iterator[Window]:
    """Scores of the composer of the shipped bundle, on the same grid."""
    from compose import compose as compose_before
    from scene import sample_scene
    from styles import PARTS as PARTS_BEFORE

    for index in range(count):
        rng = np.random.default_rng([0, seed, index])
        bar = 4 if rng.random() < 2 / 3 else 3
        score = compose_before(sample_scene(rng), rng, bar)
        rows = []
        for note in score.notes:
            start = min(round((note.beat - (score_swing(score) if note.beat % 1 > 0.5 else 0)) * 4), 16 * bar - 1)
            end = start + max(1, round(note.length * 4))
            rows.append((start, end, note.pitch, note.velocity, PARTS_BEFORE.index(note.part), note.part == "drums"))
        yield window(rows, 4 * bar, 4, str(index))


def score_swing(score) -> float:
    """The swing of the shipped bundle's styles, in beats."""
    from styles import STYLES as STYLES_BEFORE

    return STYLES_BEFORE[score.style].swing


def freedoom() -> Iterator[Window]:
    """Every fourth bar of each piece of Debian's freedoom that keeps to a grid in four or three (BSD licence)."""
    for name, data in _lumps().items():
        file = mido.MidiFile(file=io.BytesIO(data))
        if CONVERTED.encode() in data:
            continue
        metres = {(message.numerator, message.denominator) for track in file.tracks for message in track if message.type == "time_signature"}
        if len(metres) > 1 or not metres <= {(4, 4), (3, 4), (6, 8), (2, 4)}:
            continue
        bar = 12 if metres and metres <= {(3, 4), (6, 8)} else 16
        yield from _windows(_rows(file), bar, name)


def _lumps() -> dict[str, bytes]:
    """The different MIDI files in the WADs, by lump name."""
    found: dict[bytes, str] = {}
    for path in WADS:
        data = Path(path).read_bytes()
        count, offset = struct.unpack("<ii", data[4:12])
        for entry in range(count):
            position, size, name = struct.unpack("<ii8s", data[offset + 16 * entry:offset + 16 * entry + 16])
            lump = data[position:position + size]
            if lump[:4] == b"MThd":
                found.setdefault(lump, name.strip(b"\0").decode())
    return {name: lump for lump, name in found.items()}


def _rows(file: mido.MidiFile) -> list[tuple[float, float, int, int, int, bool]]:
    """All notes, start and end in sixteenths; a part is a channel and its program at the time."""
    rows, parts = [], {}
    for track_number, track in enumerate(file.tracks):
        now, sounding, program = 0, {}, {}
        for message in track:
            now += message.time
            if message.type == "program_change":
                program[message.channel] = message.program
            if message.type not in ("note_on", "note_off"):
                continue
            key = (message.channel, message.note)
            if key in sounding:
                start, velocity, part = sounding.pop(key)
                rows.append((start, now, message.note, velocity, part, message.channel == DRUM_CHANNEL))
            if message.type == "note_on" and message.velocity:
                identity = (message.channel, program.get(message.channel, 0), track_number)
                sounding[key] = (now, message.velocity, parts.setdefault(identity, len(parts)))
    step = file.ticks_per_beat / 4
    return [(start / step, end / step, *rest) for start, end, *rest in rows]


def _windows(rows: list, bar: int, piece: str) -> Iterator[Window]:
    starts = np.array([row[0] for row in rows])
    if np.mean(np.abs(starts - np.round(starts)) < 0.4) < ON_GRID:
        return
    size = 4 * bar
    for begin in range(0, int(starts.max()) - size + 1, size):
        inside = []
        for start, end, *rest in rows:
            at = round(start) - begin
            if 0 <= at < size:
                inside.append((at, max(at + 1, round(end) - begin), *rest))
        tonal = sum(not row[5] for row in inside)
        if tonal >= 8 and len({row[4] for row in inside}) >= 2:
            yield window(inside, bar, 4, piece)


def scattered(windows: list[Window], rng: np.random.Generator) -> Iterator[Window]:
    """Chance: the windows with their onsets and pitches drawn evenly from where they were."""
    for w in windows:
        length = w.end - w.start
        start = rng.integers(0, w.columns, len(w.start))
        pitch = np.where(w.drum, w.pitch, rng.integers(w.pitch[~w.drum].min(), w.pitch[~w.drum].max() + 1, len(w.pitch)))
        yield Window(start, np.minimum(start + length, w.columns), pitch, w.velocity, w.part, w.drum, w.bar, w.beat, w.piece)


def chorales(count: int) -> Iterator[Window]:
    """Bach's chorales as music21 has them; to compare with, nothing else."""
    from music21 import converter, corpus

    paths = [path for path in corpus.getComposer("bach") if str(path).endswith(".mxl")]
    for path in paths[:: max(1, len(paths) // count)][:count]:
        piece = converter.parse(path)
        metre = next(iter(piece.recurse().getElementsByClass("TimeSignature")), None)
        bar = 12 if metre is not None and metre.numerator == 3 else 16
        rows = []
        for number, part in enumerate(piece.parts):
            for note in part.flatten().notes:
                start, end = 4 * float(note.offset), 4 * float(note.offset + note.quarterLength)
                rows += [(start, end, pitch.midi, 0, number, False) for pitch in note.pitches]
        if rows:
            yield from _windows(rows, bar, path.stem)
