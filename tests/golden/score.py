"""Writes score.safetensors: the score decoder's golden, made by the recipe that fits the latents.

    python score.py

Weights and latents are rounded to float16 first, as in a bundle; what they decode to is computed from the rounded ones in float64.
The fit is that of a few scores; sizes and programs of its parts are in `sizes` and `programs`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bundles" / "mini" / "recipe"))

import latents as recipe  # noqa: E402
from outline import Outline  # noqa: E402
from composer.score import PARTS, Chord, Score  # noqa: E402
from composer.scores import make  # noqa: E402

FITTED, NOISE = 60, 0.3 * recipe.SPREAD
METRES = ("4/4", "3/4", "6/8")  # in turn
# Two of each metre; the first slow, and every second with noise.
CLIPS = (12, 27, 10, 4, 26, 14)
# What `outline` is of: Am, F/A, nothing and Cmaj7, in columns of a score otherwise like the first clip.
CHORDS = (Chord("Am", (9, 0, 4), 9, 0, 1), Chord("F/A", (5, 9, 0), 9, 1, 1), Chord("Cmaj7", (0, 4, 7, 11), 0, 3, 1))


def rounded(values: np.ndarray) -> np.ndarray:
    """Exact in float16."""
    return np.asarray(values, np.float64).astype(np.float16).astype(np.float64)


def fit() -> recipe.ScoreLatents:
    """Latents fitted to a few scores, as a bundle has them."""
    latents = recipe.fit([make(0, 7, index, METRES[index % 3])[1] for index in range(FITTED)])
    for name, part in latents.parts.items():
        latents.parts[name] = replace(part, mean=rounded(part.mean), basis=rounded(part.basis), codes=rounded(part.codes),
                                      dynamics=tuple(map(float, rounded(part.dynamics))))
    latents.numbers = rounded(latents.numbers)
    latents.outline = Outline(rounded(latents.outline.harmony), rounded(latents.outline.cues))
    return latents


def rows_of(latents: recipe.ScoreLatents, tokens: np.ndarray) -> np.ndarray:
    """Tokens (columns, n) in the engine's layout, float16 (1, channels, columns, rows)."""
    rows = np.split(tokens, np.cumsum(latents.row_channels)[:-1], 1)
    image = np.zeros((1, max(latents.row_channels), len(tokens), len(rows)), np.float16)
    for index, row in enumerate(rows):
        image[0, : row.shape[1], :, index] = row.T
    return image


def notes_of(notes: list) -> np.ndarray:
    """(n, 5): part, pitch, velocity, start, length; sorted by start, part and pitch."""
    rows = sorted((PARTS.index(note.part), note.pitch, note.velocity, note.start, note.length) for note in notes)
    return np.array(sorted(rows, key=lambda row: (row[3], row[0], row[1])), np.int64).reshape(-1, 5)


def clip(latents: recipe.ScoreLatents, score: Score, noise: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A score, its latents and what they decode to."""
    tokens = latents.encode(score).astype(np.float64)
    tokens = rounded(tokens + noise * rng.normal(size=tokens.shape))
    found = latents.decode(tokens)
    dynamics = np.zeros((len(PARTS), len(tokens)), np.float32)
    for part, curve in found.dynamics.items():
        dynamics[PARTS.index(part)] = curve
    played = [found.programs.get(part, -1) for part in PARTS]
    composed = [score.parts.get(part, -1) for part in PARTS]
    return dict(latents=rows_of(latents, tokens), notes=notes_of(found.notes), programs=np.array(played, np.int64), dynamics=dynamics,
                numbers=np.array(list(found.numbers.values()), np.float32), composed_notes=notes_of(score.notes),
                composed_programs=np.array(composed, np.int64))


def main() -> None:
    """Write the file beside this one."""
    latents, rng = fit(), np.random.default_rng(3)
    tensors = {"weights.clip.numbers": latents.numbers, "weights.outline.harmony": latents.outline.harmony,
               "weights.outline.cues": latents.outline.cues}
    for name, part in latents.parts.items():
        arrays = dict(mean=part.mean, basis=part.basis, codes=part.codes, dynamics=np.array(part.dynamics))
        tensors |= {f"weights.{name}.{key}": value for key, value in arrays.items()}
    tensors = {name: value.astype(np.float16) for name, value in tensors.items()}
    parts = latents.parts.values()
    tensors["sizes"] = np.array([(p.low, p.high, len(p.basis), p.monophonic, p.sustains, p.least) for p in parts], np.int64)
    width = max(len(part.programs) for part in parts)
    tensors["programs"] = np.array([part.programs + (-1,) * (width - len(part.programs)) for part in parts], np.int64)
    outlined = replace(make(0, 7, CLIPS[0], METRES[0])[1], chords=list(CHORDS))
    tensors["outline"] = latents.outline.encode(outlined)[:4].astype(np.float32)
    for index, item in enumerate(CLIPS):
        score = make(0, 7, item, METRES[item % 3])[1]
        found = clip(latents, score, NOISE * (index % 2), rng)
        tensors |= {f"clips.{index}.{name}": value for name, value in found.items()}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, HERE / "score.safetensors")


if __name__ == "__main__":
    main()
