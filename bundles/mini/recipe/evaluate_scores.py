"""From records to tables: every figure with its chance, its ceiling and its standard error.

Errors are those of the clips, by bootstrap: with as many other clips the figure would be within one of them two times in three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from safetensors.numpy import load_file

import evaluate_probes as probes
from evaluate_clips import Record, Run
from evaluate_pictures import CORNERS
from evaluate_readers import beats
from mel import beat_mel

RESAMPLES = 200
ROWS = {"shuffled": "shuffled (chance)", "words": "words only", "both": "picture + words", "swapped": "swapped picture",
        "codec": "codec + vocoder", "real": "real audio"}

EXACT_CHANCE = {"grid ratio": "1.00", "Frechet": "-"}  # what another clip's question does not change

PAIR_FIGURES: dict[str, Callable[[Record], float]] = {
    "major share": lambda r: r.heard["major"], "energy": lambda r: r.heard["flux"], "centroid (Hz)": lambda r: r.heard["centroid"],
    "valence heard": lambda r: r.heard["mood"][0], "arousal heard": lambda r: r.heard["mood"][1],
}


@dataclass(frozen=True)
class Value:
    """A figure and its standard error; the error is 0 where nothing was drawn at random."""

    mean: float
    error: float = 0.0

    @classmethod
    def of(cls, figure: Callable, *groups: list) -> "Value":
        """A figure without its error."""
        return cls(figure(*groups))

    def text(self, digits: int = 2) -> str:
        """As it is printed."""
        error = f" ±{self.error:.{digits}f}" if self.error else ""
        return f"{self.mean:.{digits}f}{error}"


def correlation(a: list[float], b: list[float]) -> float:
    """Pearson's; 0 where one side never changes."""
    if len(a) < 3 or np.std(a) < 1e-9 or np.std(b) < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def frechet(found: np.ndarray, reference: np.ndarray) -> float:
    """Frechet distance of two Gaussians fitted to embeddings (n, d) and (m, d), the formula of FID and FAD."""
    covariances = [np.cov(x, rowvar=False) for x in (found, reference)]
    # The trace of the root of a product is the sum of the roots of its eigenvalues, which are real and not negative.
    roots = np.sqrt(np.clip(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0, None)).sum()
    distance = np.square(found.mean(0) - reference.mean(0)).sum()
    return float(distance + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * roots)


def similarity(records: list[Record]) -> float:
    """Image-music similarity: the cosine between the moods seen in the pictures and the moods heard, around their middle.

    In the spirit of the paper's IMSM, which meets in CLIP's and CLAP's words; here both sides meet in valence and arousal.
    """
    seen, heard = (np.array(moods) - 0.5 for moods in ([r.seen for r in records], [r.heard["mood"] for r in records]))
    return float((seen * heard).sum() / max(np.sqrt((seen**2).sum() * (heard**2).sum()), 1e-9))


def names_mood(record: Record) -> bool:
    """Whether the valence heard is on the shown picture's side of the middle between it and the other picture."""
    middle = (record.shown[0] + record.other[0]) / 2
    return (record.heard["mood"][0] > middle) == (record.shown[0] > middle)


def mean(of: Callable[[Record], float], records: list[Record]) -> float:
    """The mean of a figure over records."""
    return float(np.mean([of(record) for record in records]))


def metrics(reference: np.ndarray) -> dict[str, tuple[Callable[[list[Record]], float], int]]:
    """Every figure of the held-out table and its digits."""
    log = lambda values: np.log(np.maximum(list(values), 1.0)).tolist()
    mood = lambda axis: lambda rs: correlation([r.heard["mood"][axis] for r in rs], [r.shown[axis] for r in rs])
    return {
        "tempo hit": (partial(mean, lambda r: probes.is_tempo(r.heard["tempo"], r.bpm)), 2),
        "grid ratio": (partial(mean, lambda r: r.heard["grid"]), 2),
        "in scale": (partial(mean, lambda r: probes.in_scale(np.array(r.heard["chroma"]), r.semitones)), 3),
        "set right": (partial(mean, lambda r: r.heard["set"] == r.semitones % 12), 2),
        "centroid": (lambda rs: correlation(log(r.heard["centroid"] for r in rs), log(r.centroid for r in rs)), 2),
        "style": (partial(mean, lambda r: r.heard["style"] == r.style), 2),
        "valence": (mood(0), 2),
        "arousal": (mood(1), 2),
        "names mood": (partial(mean, names_mood), 2),
        "similarity": (similarity, 2),
        "Frechet": (lambda rs: frechet(np.array([r.heard["embedding"] for r in rs]), reference), 2),
    }


def evaluated(of: Callable[[list[Record]], float], *groups: list[Record]) -> Value:
    """A figure of one or more groups of records, with its error; groups of one length are resampled together."""
    rng = np.random.default_rng(0)
    together = len({len(group) for group in groups}) == 1
    resampled = []
    for _ in range(RESAMPLES):
        index = rng.integers(len(groups[0]), size=len(groups[0]))
        picks = [index if together else rng.integers(len(group), size=len(group)) for group in groups]
        resampled.append(of(*([group[i] for i in pick] for group, pick in zip(groups, picks))))
    return Value(of(*groups), float(np.std(resampled)))


def held_out(run: Run) -> dict[str, dict[str, str]]:
    """The table of the held-out clips: row by way, column by figure."""
    table = {}
    for way, name in ROWS.items():
        records = run.ways.get(way, [])
        if len(records) < 3:
            continue
        # Chance has twelve records a clip: an error over them would be too small.
        value = Value.of if way == "shuffled" else evaluated
        table[name] = {metric: value(of, records).text(digits)
                       for metric, (of, digits) in metrics(run.reference).items()}
        if way == "shuffled":
            table[name] |= EXACT_CHANCE
    return table


def corner_figures(run: Run) -> dict[str, dict[str, float]]:
    """Means of every corner."""
    figures = dict(major="major share", flux="energy", centroid="centroid (Hz)")
    return {corner: {"clips": len(run.ways[corner]), **{title: mean(lambda r, name=name: r.heard[name], run.ways[corner])
                                                        for name, title in figures.items()}}
            for corner in CORNERS if corner in run.ways}


def ratio(name: str, lively_bright: list[Record], calm_bright: list[Record], lively_dark: list[Record], calm_dark: list[Record]) -> float:
    """A figure of lively pictures over that of calm ones, the geometric mean of bright and dark."""
    of = partial(mean, lambda r: r.heard[name])
    return float(np.sqrt(of(lively_bright) / of(calm_bright) * of(lively_dark) / of(calm_dark)))


def major_difference(lively_bright: list[Record], calm_bright: list[Record], lively_dark: list[Record], calm_dark: list[Record]) -> float:
    """Share of clips heard as major under bright pictures, less that under dark ones."""
    of = partial(mean, lambda r: r.heard["major"])
    return (of(lively_bright) + of(calm_bright) - of(lively_dark) - of(calm_dark)) / 2


def pair_figures(run: Run) -> list[dict]:
    """For each pair of real pictures what was heard under both, and whether it differs as a person would expect."""
    ids = [clip["id"] for clip in run.entries("real_pictures")]
    records: dict[tuple[int, str], list[Record]] = {}
    names, axes = {}, {}
    for name, record in zip(ids, run.ways.get("real_pictures", [])):
        about = run.jobs[name]["about"]
        records.setdefault((about["pair"], about["side"]), []).append(record)
        names[about["pair"], about["side"]], axes[about["pair"]] = about["name"], about["axis"]
    return [_pair(number, axis, records[number, "first"], records[number, "second"], names) for number, axis in axes.items()]


def _pair(number: int, axis: str, first: list[Record], second: list[Record], names: dict) -> dict:
    figures = {name: (mean(of, first), mean(of, second)) for name, of in PAIR_FIGURES.items()}
    deciding = ("major share", "valence heard") if axis == "valence" else ("energy", "arousal heard")
    return dict(pair=number, axis=axis, first=names[number, "first"], second=names[number, "second"], figures=figures, deciding=deciding,
                verdicts=[verdict(PAIR_FIGURES[name], first, second) for name in deciding])


def verdict(of: Callable[[Record], float], first: list[Record], second: list[Record]) -> str:
    """Whether a figure is higher in the first clips than in the second: "yes", "no", or "unclear" within a standard error.

    The clips are paired: the same words and seeds.
    """
    differences = np.array([float(of(a)) - float(of(b)) for a, b in zip(first, second)])
    difference, error = differences.mean(), differences.std() / np.sqrt(len(differences))
    return "unclear" if abs(difference) <= error else "yes" if difference > 0 else "no"


def vocoder_figures(run: Run, folder: Path, results: Path) -> tuple[float | None, float | None]:
    """Mean L1 of the mel after the vocoder, in ln units, and the 90th percentile of its tones' errors in cents."""
    path = lambda clip: results / "clips" / f"{clip['id']}.wav"
    read = lambda clip: soundfile.read(path(clip), always_2d=True)[0].mean(1)
    losses = []
    for clip in run.entries("vocoder"):
        job = run.jobs[clip["id"]]
        losses.append(np.abs(beat_mel(read(clip), beats(job)) - load_file(folder / job["mel"])["mel"]).mean())
    cents = []
    for clip in run.entries("tones"):
        notes = run.jobs[clip["id"]]["about"]["notes"]
        parts = np.array_split(read(clip), len(notes))
        cents += [probes.pitch_error(part[len(part) // 8:-len(part) // 8], note) for part, note in zip(parts, notes)]
    return (float(np.mean(losses)) if losses else None), (float(np.quantile(cents, 0.9)) if cents else None)
