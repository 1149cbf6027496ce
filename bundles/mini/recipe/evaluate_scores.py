"""From a run to everything that is reported: figures of notes and of sound, each with chance, goal and standard error.

Errors are those of the clips, by bootstrap: with as many other clips the figure would be within one of them two times in three.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import evaluate_probes as probes
import evaluate_table as table
from composer.scores import make
from evaluate_clips import Run
from evaluate_record import NOTES, Figure, Record, correlation, mean
from evaluate_set import LATENTS, SEED, SPLIT
from evaluate_table import CORNER_FIGURES, NOTE_ROWS, Row, sound_of
from evaluate_transcription import INSTALL
from latents import ScoreLatents, onset_f1

CLIP_SECONDS = 8.0  # of the clip whose making is timed
LATENT_NOISE, LATENT_CLIPS = 0.3, 64

PAIR_FIGURES: dict[str, Callable[[Record], float]] = {
    "major share": lambda r: r.heard["ear"]["major"], "valence heard": lambda r: r.heard["ear"]["valence"],
    "energy heard": lambda r: r.heard["ear"]["energy"], "energy of sound": lambda r: r.heard["sound"]["flux"],
    "centroid (Hz)": lambda r: r.heard["sound"]["centroid"],
}


def log_hertz(values: list[float]) -> list[float]:
    """Logarithms of frequencies."""
    return np.log(np.maximum(values, 1.0)).tolist()


SOUNDS: dict[str, tuple[Figure, int]] = {
    "tempo hit": (partial(mean, lambda r: probes.is_tempo(r.heard["sound"]["tempo"], r.bpm)), 2),
    "grid ratio": (sound_of("grid"), 2),
    "in scale": (partial(mean, lambda r: probes.in_scale(np.array(r.heard["sound"]["chroma"]), r.semitones)), 3),
    "set right": (partial(mean, lambda r: r.heard["sound"]["set"] == r.semitones % 12), 2),
    "centroid": (lambda rs: correlation(log_hertz([r.heard["sound"]["centroid"] for r in rs]), log_hertz([r.centroid for r in rs])), 2),
    "seam": (sound_of("seam"), 2),
    "transcribed": (partial(mean, lambda r: r.heard.get("transcribed", float("nan"))), 2),
}
SOUND_ROWS = (
    Row("in-scale energy in the asked key", "in scale", share=.98, before=".721", digits=3),
    Row("diatonic set right", "set right", share=.97, before=".76", chance=".08"),
    Row("tempo hit", "tempo hit", share=.97, before=".86"),
    Row("grid ratio", "grid ratio", share=.97, before="2.52", chance="1.00"),
    Row("loop seam / bar line", "seam", 1.05, before="1.02"),
    Row("centroid against the composed clip's, r", "centroid", chance="0"),
    Row("notes that an outside ear finds, F1", "transcribed"),
)


def score(run: Run, folder: Path) -> dict:
    """Everything that is reported of a run, ready for JSON."""
    figures = SOUNDS | NOTES
    corners = CORNER_FIGURES | {"energy of sound": sound_of("flux"), "centroid (Hz)": sound_of("centroid")}
    acceptance = [*table.rows(SOUND_ROWS, figures, run.ways), *table.rows(NOTE_ROWS, figures, run.ways), *table.corner_rows(run.ways, sound=True),
                  *_pair_rows(run), *_engine_rows(run, folder)]
    return dict(about={key: value for key, value in run.about.items() if key != "clips"},
                clips={way: len(records) for way, records in run.ways.items()},
                acceptance=[_unheard(row) for row in acceptance],
                held_out=table.by_way(figures, run.ways), corners=table.corner_figures(run.ways, corners), pairs=pair_figures(run))


def save(scores: dict, results: Path) -> None:
    """Writes `scores.json`."""
    (results / "scores.json").write_text(json.dumps(scores, indent=1), encoding="utf-8")


def text(scores: dict) -> str:
    """All tables for a terminal."""
    about = scores["about"]
    settings = about["settings"]
    parts = [f"{about['bundle']['name']} {about['bundle']['version']}, {settings['steps']} steps of {settings['sampler']}, "
             f"guidance {settings['guidance']}, influence {settings['influence']}",
             *table.tables(scores["acceptance"], scores["held_out"], scores["corners"])]
    if scores["pairs"]:
        parts.append("Real pictures under neutral words\n" + table.columns([PAIR_HEAD, *pair_rows(scores)]))
    return "\n\n".join(parts)


PAIR_HEAD = ("pair", "axis", "figure", "first", "second", "as expected")


def pair_rows(scores: dict) -> list[tuple[str, ...]]:
    """A row per pair and deciding figure."""
    return [(f"{pair['first']} / {pair['second']}", pair["axis"], name, *(f"{value:.3g}" for value in pair["figures"][name]), verdict_of)
            for pair in scores["pairs"] for name, verdict_of in zip(pair["deciding"], pair["verdicts"])]


def pair_figures(run: Run) -> list[dict]:
    """For each pair of real pictures what was heard under both, and whether it differs as a person would expect."""
    records: dict[tuple[int, str], list[Record]] = {}
    names, axes = {}, {}
    for clip, record in zip(run.entries("real_pictures"), run.ways.get("real_pictures", [])):
        about = run.jobs[clip["id"]]["about"]
        records.setdefault((about["pair"], about["side"]), []).append(record)
        names[about["pair"], about["side"]], axes[about["pair"]] = about["name"], about["axis"]
    return [_pair(number, axis, records[number, "first"], records[number, "second"], names) for number, axis in axes.items()
            if (number, "first") in records and (number, "second") in records]


def _pair(number: int, axis: str, first: list[Record], second: list[Record], names: dict) -> dict:
    figures = {name: (mean(of, first), mean(of, second)) for name, of in PAIR_FIGURES.items()}
    deciding = ("major share", "valence heard") if axis == "valence" else ("energy of sound", "energy heard")
    return dict(pair=number, axis=axis, first=names[number, "first"], second=names[number, "second"], figures=figures, deciding=deciding,
                verdicts=[verdict(PAIR_FIGURES[name], first, second) for name in deciding])


def verdict(of: Callable[[Record], float], first: list[Record], second: list[Record]) -> str:
    """Whether a figure is higher in the first clips than in the second: "yes", "no", or "unclear" within a standard error.

    The clips are paired: the same words and seeds.
    """
    differences = np.array([float(of(a)) - float(of(b)) for a, b in zip(first, second)])
    change, error = differences.mean(), differences.std() / np.sqrt(len(differences))
    return "unclear" if abs(change) <= error else "yes" if change > 0 else "no"


def _pair_rows(run: Run) -> list[tuple[str, ...]]:
    verdicts = [word for pair in pair_figures(run) for word in pair["verdicts"]]
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("yes", "no", "unclear"))
    return [("real pictures: figures of pairs as expected", "-", "-", counts, "-", "-")] if verdicts else []


def _engine_rows(run: Run, folder: Path) -> list[tuple[str, ...]]:
    bundle = run.about["bundle"]
    kept = onset_f1(ScoreLatents.load(folder / LATENTS), [make(SPLIT, SEED, index)[1] for index in range(LATENT_CLIPS)], LATENT_NOISE)
    worst = min(kept, key=kept.get)
    rows = [(f"onset F1 at latent noise {LATENT_NOISE}, the worst part ({worst})", "-", "-", f"{kept[worst]:.3f}", ".990", "1.000"),
            ("bundle size, MB", "-", "-", f"{bundle['bytes'] / 1e6:.1f}", "-", "-")]
    times = [clip["made_in_seconds"] / clip["seconds"] * CLIP_SECONDS for clip in run.entries("both")]
    if times:
        title = f"{CLIP_SECONDS:.0f} s clip with a new picture, {run.about['threads']} threads, s"
        rows.append((title, "-", "-", f"{np.median(times):.2f}", "-", "-"))
    return rows


def _unheard(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row that says what to install where nobody wrote the clips down."""
    return (*row[:3], INSTALL, *row[4:]) if "outside ear" in row[0] and row[3] == "-" else row
