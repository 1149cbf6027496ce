"""Measures how near composed scores are to real pieces.

    python -m composer.measure [--count 2000] [--chorales 60] [--json FILE]

Prints the mean of each measure for real pieces (freedoom), the new composer, the one of the shipped bundle, chance, and Bach's chorales,
then the distance of each to freedoom in standard deviations of freedoom, with bootstrap errors over pieces. "Halves" is the distance of
freedoom's even pieces from its odd ones: the floor. "Chance" keeps freedoom's notes and draws their starts and pitches.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from . import corpora
from .measures import GOALS, MEASURES, Window, distance

RESAMPLES = 200


class Sample:
    """The measures of a corpus' windows, and the piece of each."""

    def __init__(self, windows: Iterable[Window]):
        self.windows = list(windows)
        self.pieces = np.unique([w.piece for w in self.windows], return_inverse=True)[1]
        self.values = {name: np.array([measure(w) for w in self.windows]) for name, measure in MEASURES.items()}

    def resampled(self, rng: np.random.Generator) -> np.ndarray:
        """Indices of the windows of as many pieces, drawn with replacement."""
        members = np.split(np.argsort(self.pieces, kind="stable"), np.cumsum(np.bincount(self.pieces))[:-1])
        return np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])


def distances(ours: Sample, real: Sample, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Distance and bootstrap error of each measure, and of their mean."""
    found = {name: [distance(ours.values[name], real.values[name])] for name in MEASURES}
    for _ in range(RESAMPLES):
        mine, theirs = ours.resampled(rng), real.resampled(rng)
        for name in MEASURES:
            found[name].append(distance(ours.values[name][mine], real.values[name][theirs]))
    found["mean of the first five"] = list(np.nanmean(np.array([found[name] for name in GOALS]), axis=0))
    return {name: (values[0], float(np.std(values[1:]))) for name, values in found.items()}


def halves(real: Sample) -> tuple[Sample, Sample]:
    """The even and the odd pieces of a corpus."""
    split = [[w for w, piece in zip(real.windows, real.pieces) if piece % 2 == side] for side in (0, 1)]
    return Sample(split[0]), Sample(split[1])


def table(samples: dict[str, Sample], apart: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Means, then distances, in Markdown."""
    mean = lambda values: f"{np.nanmean(values):.2f}" if np.isfinite(values).any() else "-"
    error = lambda value, spread: f"{value:.2f} ({spread:.2f})" if np.isfinite(value) else "-"
    lines = ["| mean | " + " | ".join(samples) + " |", "| --- |" + " --- |" * len(samples)]
    for name in MEASURES:
        lines.append(f"| {name} | " + " | ".join(mean(sample.values[name]) for sample in samples.values()) + " |")
    lines += ["", "| distance | " + " | ".join(apart) + " |", "| --- |" + " --- |" * len(apart)]
    for name in [*MEASURES, "mean of the first five"]:
        lines.append(f"| {name} | " + " | ".join(error(*found[name]) for found in apart.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="scores of each composer")
    parser.add_argument("--chorales", type=int, default=0, help="Bach chorales to compare with (music21 reads one a second)")
    parser.add_argument("--json", type=Path, help="write the distances here")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    real = Sample(corpora.freedoom())
    samples = {"freedoom": real, "new composer": Sample(corpora.composed(options.count)),
               "old composer": Sample(corpora.composed_before(options.count)), "chance": Sample(corpora.scattered(real.windows, rng))}
    if options.chorales:
        samples["chorales"] = Sample(corpora.chorales(options.chorales))
    even, odd = halves(real)
    apart = {"halves": distances(even, odd, rng)}
    apart |= {name: distances(sample, real, rng) for name, sample in samples.items() if name != "freedoom"}
    print(f"{len(real.windows)} windows of {real.pieces.max() + 1} pieces of freedoom")
    print(table(samples, apart))
    if options.json:
        options.json.write_text(json.dumps(apart, indent=1))


if __name__ == "__main__":
    main()
