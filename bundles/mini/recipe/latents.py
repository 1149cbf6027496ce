"""Score latents: a column is a sixteenth, a row a part, three more the clip; made by principal components, so nothing is trained.

    python latents.py --scores DIR --out latents.npz [--held-out DIR]      fits, and prints what noise on the latents costs

A part's roll (columns, k) holds an onset for every pitch that the part plays (.6 + .4 velocity / 127 where a note begins) and, but for
drums, whether the pitch sounds on. It is rotated by the eigenvectors of the training scores' covariance and brought to one spread as a
whole; not whitened, so that noise on the latents is noise of one size on the rolls. A part's row then is

    components ... | dynamics | code of who plays (6)

and the clip's row its six numbers, all constant ones repeated in every column. Two more rows are what it is composed on (`outline.py`). Tokens are the rows one after another, f32 (columns, n).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chords import Chords, chords_of
from composer.score import MONOPHONIC, PARTS, Note, Score
from composer.scores import read
from outline import CUES, Outline, fit_outline

KEPT = 0.9995  # share of a part's variance that its components hold
# Spread of the latents. Notes are few and far between: at unit spread noise of the same size leaves them as they are (onset F1 .99),
# so that half of a walk would decide nothing.
SPREAD = 0.4
CODE = 6  # numbers that say who plays
ONSET, SUSTAIN = 0.45, 0.5  # from which a note begins, and lasts
QUIETEST, RANGE = 0.6, 0.4  # an onset is the first, and as much of the second as it is loud
UNSURE = 56  # velocity of a note that is softer than any, because the model was not sure of it
FEWEST = 0.01  # quantile of the scores: a part with fewer notes than they have there is none of the music
NUMBERS = ("brightness", "space", "swing", "looseness", "valence", "energy")
ROWS = len(PARTS) + 3  # the clip's numbers, its chords and its cue are no parts


@dataclass
class Decoded:
    """What latents say: notes, who plays (only parts that do), each part's dynamics (columns,), the clip's numbers, and the outline: the cue's
    style and the pitch classes of each column's chord (columns, 12)."""

    notes: list[Note]
    programs: dict[str, int]
    dynamics: dict[str, np.ndarray]
    numbers: dict[str, float]
    cue: str = ""
    tones: np.ndarray | None = None


@dataclass
class PartLatents:
    """One part's pitches, components and codes."""

    low: int
    high: int  # inclusive
    sustains: bool
    monophonic: bool
    mean: np.ndarray  # (k,)
    basis: np.ndarray  # (components, k); roll = mean + latents @ basis
    programs: tuple[int, ...]
    codes: np.ndarray  # (1 + programs, CODE), the first for nobody
    dynamics: tuple[float, float]  # mean and spread
    least: int = 1  # notes, if it plays

    @property
    def pitches(self) -> int:
        """How many."""
        return self.high - self.low + 1

    @property
    def channels(self) -> int:
        """Numbers of its row."""
        return len(self.basis) + 1 + CODE

    def encode(self, roll: np.ndarray, curve: np.ndarray | None, program: int | None) -> np.ndarray:
        """Its row (columns, channels); an instrument that is not known is the one with the nearest number."""
        analysis = self.basis.T / np.square(self.basis).sum(1)
        code = self.codes[0 if program is None else 1 + int(np.abs(np.array(self.programs) - program).argmin())]
        level = np.zeros(len(roll)) if curve is None else (curve - self.dynamics[0]) / self.dynamics[1]
        return np.concatenate([(roll - self.mean) @ analysis, level[:, None], np.tile(code, (len(roll), 1))], 1)

    def decode(self, row: np.ndarray, part: str) -> tuple[list[Note], int, np.ndarray]:
        """Notes, program and dynamics of a row."""
        count = len(self.basis)
        roll = self.mean + row[:, :count] @ self.basis
        sustain = roll[:, self.pitches:] if self.sustains else np.zeros((len(roll), self.pitches))
        notes = self._notes(roll[:, :self.pitches], sustain, part)
        curve = np.clip(self.dynamics[0] + self.dynamics[1] * row[:, count], 0.05, 1)
        nearest = np.square(row[:, None, count + 1:] - self.codes[None, 1:]).sum(-1).argmin(1)
        return notes, self.programs[int(np.bincount(nearest).argmax())], curve

    def _notes(self, onsets: np.ndarray, sustain: np.ndarray, part: str) -> list[Note]:
        """A note begins where the onset is large; it lasts while it sounds on, until it begins anew, around the loop's end."""
        columns, begins = len(onsets), onsets > ONSET
        if self.monophonic:
            begins &= onsets == onsets.max(1, keepdims=True)
        found = []
        for column, pitch in zip(*np.nonzero(begins)):
            length = 1
            while length < columns and sustain[(column + length) % columns, pitch] > SUSTAIN:
                after = begins[(column + length) % columns]
                if after[pitch] or (self.monophonic and after.any()):
                    break
                length += 1
            loud = float(onsets[column, pitch] - QUIETEST) / RANGE * 127
            velocity = UNSURE if loud < 0 else round(loud)
            found.append(Note(part, self.low + int(pitch), int(np.clip(velocity, 1, 127)), int(column), length))
        return found


def roll_of(score: Score, part: str, low: int, high: int, sustains: bool) -> np.ndarray:
    """A part's roll (columns, k), onsets first; a note beyond its pitches is moved by octaves, or left out where none fits."""
    pitches = high - low + 1
    roll = np.zeros((score.columns, pitches * (2 if sustains else 1)), np.float32)
    for note in score.of(part):
        pitch = note.pitch + 12 * (-(-max(0, low - note.pitch) // 12) - -(-max(0, note.pitch - high) // 12)) - low
        if not 0 <= pitch < pitches:
            continue
        roll[note.start % score.columns, pitch] = QUIETEST + RANGE * note.velocity / 127
        if sustains:
            roll[(note.start + np.arange(max(1, note.length))) % score.columns, pitches + pitch] = 1
    return roll


class ScoreLatents:
    """All parts' latents, and the clip's rows."""

    def __init__(self, parts: dict[str, PartLatents], numbers: np.ndarray, chords: Chords, outline: Outline) -> None:
        """`numbers (2, 6)` are mean and spread of the clip's, `chords` what scores are composed on, `outline` how latents say so."""
        self.parts, self.numbers, self.chords, self.outline = parts, numbers, chords, outline

    @property
    def row_channels(self) -> tuple[int, ...]:
        """Numbers of every row."""
        return (*(part.channels for part in self.parts.values()), len(NUMBERS), *self.outline.row_channels)

    @property
    def row_codes(self) -> tuple[int, ...]:
        """How many of them, the last ones, say who plays."""
        return (*(CODE for _ in self.parts), 0, *self.outline.row_codes)

    @property
    def width(self) -> int:
        """Numbers of a token."""
        return sum(self.row_channels)

    def encode(self, score: Score) -> np.ndarray:
        """Tokens f32 (columns, n)."""
        rows = [latents.encode(roll_of(score, part, latents.low, latents.high, latents.sustains), score.dynamics.get(part), score.parts.get(part))
                for part, latents in self.parts.items()]
        numbers = (np.array([getattr(score, name) for name in NUMBERS]) - self.numbers[0]) / self.numbers[1]
        return np.concatenate([*rows, np.tile(numbers, (score.columns, 1)), self.outline.encode(score)], 1).astype(np.float32)

    def decode(self, tokens: np.ndarray) -> Decoded:
        """What tokens (columns, n) say. A part plays if it has enough notes, whatever its code."""
        rows = dict(zip((*self.parts, "clip", "harmony", "cue"), np.split(tokens, np.cumsum(self.row_channels)[:-1], 1)))
        found = Decoded([], {}, {}, {})
        for part, latents in self.parts.items():
            notes, program, curve = latents.decode(rows[part], part)
            if len(notes) >= latents.least:
                found.notes += notes
                found.programs[part], found.dynamics[part] = program, curve
        values = rows["clip"].mean(0) * self.numbers[1] + self.numbers[0]
        found.numbers = dict(zip(NUMBERS, map(float, values)))
        found.cue, found.tones = self.outline.cue(rows["cue"]), self.outline.tones(rows["harmony"])
        return found

    def rolls(self, tokens: np.ndarray) -> np.ndarray:
        """What tokens (columns, n) say of every pitch of every part, before it is notes: (columns, k of all parts)."""
        rows = np.split(tokens, np.cumsum(self.row_channels)[:-1], 1)
        return np.concatenate([part.mean + row[:, :len(part.basis)] @ part.basis for row, part in zip(rows, self.parts.values())], 1)

    def save(self, path: Path) -> None:
        """Write it."""
        arrays = {"numbers": self.numbers, "chords.tones": self.chords.tones, "chords.share": self.chords.share,
                  "outline.harmony": self.outline.harmony, "outline.cues": self.outline.cues}
        for name, part in self.parts.items():
            arrays |= {f"{name}.mean": part.mean, f"{name}.basis": part.basis, f"{name}.codes": part.codes, f"{name}.programs": np.array(part.programs),
                       f"{name}.dynamics": np.array(part.dynamics), f"{name}.range": np.array([part.low, part.high]), f"{name}.least": np.array(part.least)}
        np.savez(path, **arrays)

    @staticmethod
    def load(path: Path) -> "ScoreLatents":
        """Read it."""
        stored = np.load(path)
        of = lambda part, name: stored[f"{part}.{name}"]
        parts = {part: PartLatents(*map(int, of(part, "range")), part != "drums", part in MONOPHONIC, of(part, "mean"), of(part, "basis"),
                                   tuple(map(int, of(part, "programs"))), of(part, "codes"), tuple(map(float, of(part, "dynamics"))), int(of(part, "least"))) for part in PARTS}
        return ScoreLatents(parts, stored["numbers"], Chords(stored["chords.tones"], stored["chords.share"]),
                            Outline(stored["outline.harmony"], stored["outline.cues"]))


def fit(scores: list[Score]) -> ScoreLatents:
    """The latents of some scores: their principal components, instruments and spreads."""
    numbers = np.array([[getattr(score, name) for name in NUMBERS] for score in scores])
    spread = np.stack([numbers.mean(0), (numbers.std(0) + 1e-6) / SPREAD])
    outline = fit_outline(scores, spread_codes(len(CUES)), SPREAD)
    return ScoreLatents({part: fit_part(scores, part) for part in PARTS}, spread, chords_of(scores), outline)


def fit_part(scores: list[Score], part: str) -> PartLatents:
    """One part's."""
    pitches = [note.pitch for score in scores for note in score.of(part)]
    low, high, sustains = min(pitches), max(pitches), part != "drums"
    size = (high - low + 1) * (2 if sustains else 1)
    total, squares, count = np.zeros(size), np.zeros((size, size)), 0
    for score in scores:
        count += score.columns
        if part in score.parts:
            roll = roll_of(score, part, low, high, sustains)
            total += roll.sum(0)
            squares += roll.T @ roll
    mean = total / count
    values, vectors = np.linalg.eigh(squares / count - np.outer(mean, mean))
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = int((np.cumsum(values) / values.sum() < KEPT).sum()) + 1
    values, vectors = values[:kept], vectors[:, :kept]
    unit = np.sqrt(np.mean(values)) / SPREAD
    curves = np.concatenate([score.dynamics[part] for score in scores if part in score.parts])
    programs = tuple(sorted({score.parts[part] for score in scores if part in score.parts}))
    return PartLatents(low, high, sustains, part in MONOPHONIC, mean, (vectors * unit).T, programs, spread_codes(1 + len(programs)),
                       (float(curves.mean()), float(curves.std()) / SPREAD), fewest(scores, part))


def fewest(scores: list[Score], part: str) -> int:
    """How many notes nearly every score has in which a part plays."""
    return max(1, int(np.quantile([len(score.of(part)) for score in scores if part in score.parts], FEWEST, method="lower")))


def spread_codes(count: int) -> np.ndarray:
    """`count` points (count, 6) of the latents' spread, as far from each other as a few hundred pushes bring them."""
    points = np.random.default_rng(0).normal(size=(count, CODE))
    for step in range(400):
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        apart = points[:, None] - points[None]
        distance = np.square(apart).sum(-1) + np.eye(count)
        points += 0.5 / (1 + step) ** 0.5 / count * (apart / distance[..., None] ** 2).sum(1)
    return points / np.linalg.norm(points, axis=1, keepdims=True) * CODE**0.5 * SPREAD


def onset_f1(latents: ScoreLatents, scores: list[Score], noise: float, seed: int = 0) -> dict[str, float]:
    """Of every part, the F1 of the onsets that latents with Gaussian noise of that spread decode to."""
    rng, same, found, wanted = np.random.default_rng(seed), dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0)
    for score in scores:
        tokens = latents.encode(score)
        notes = latents.decode(tokens + noise * rng.normal(size=tokens.shape)).notes
        for part in PARTS:
            theirs = {(note.pitch, note.start % score.columns) for note in notes if note.part == part}
            ours = {(note.pitch, note.start % score.columns) for note in score.of(part)}
            same[part] += len(theirs & ours)
            found[part] += len(theirs)
            wanted[part] += len(ours)
    return {part: round(2 * same[part] / max(1, found[part] + wanted[part]), 4) for part in PARTS}


def program_rate(latents: ScoreLatents, scores: list[Score], noise: float, seed: int = 0) -> float:
    """How often the right instrument is decoded, of parts with two onsets or more."""
    rng, right = np.random.default_rng(seed), []
    for score in scores:
        tokens = latents.encode(score)
        programs = latents.decode(tokens + noise * rng.normal(size=tokens.shape)).programs
        right += [programs[part] == score.parts[part] for part in programs if part in score.parts]
    return float(np.mean(right))


def read_scores(folders: Iterable[Path]) -> list[Score]:
    """All scores of some folders, in the order of their shards."""
    return [score for folder in folders for path in sorted(folder.glob("scores_*.jsonl.gz")) for _, score in read(path)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--held-out", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    latents = fit(read_scores(options.scores))
    latents.save(options.out)
    print({part: (found.low, found.high, len(found.basis), len(found.programs)) for part, found in latents.parts.items()}, latents.width)
    unseen = read_scores(options.held_out)
    for noise in (0, 0.1, 0.3, 0.5) if unseen else ():
        print(noise, onset_f1(latents, unseen, noise), "programs", round(program_rate(latents, unseen, noise), 4), flush=True)


if __name__ == "__main__":
    main()
