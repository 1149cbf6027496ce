"""The acceptance table: what was measured beside chance, what the checkpoints should reach, and the ceiling."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluate_clips import Run
from evaluate_pictures import CORNERS
from evaluate_scores import (EXACT_CHANCE, Value, corner_figures, evaluated, held_out, major_difference, metrics, pair_figures, ratio,
                             vocoder_figures)

HEAD = ("metric", "chance", "measured", "CPU goal", "GPU goal", "ceiling")
CLIP_SECONDS = 8.0  # of the clip whose making is timed


def score(run: Run, folder: Path, results: Path) -> dict:
    """Everything that is reported of a run, ready for JSON."""
    return dict(about={key: value for key, value in run.about.items() if key != "clips"},
                clips={way: len(records) for way, records in run.ways.items()},
                acceptance=[*_held_out_rows(run), *_picture_rows(run), *_engine_rows(run, folder, results)],
                held_out=held_out(run), corners=corner_figures(run), pairs=pair_figures(run))


def text(scores: dict) -> str:
    """All tables for a terminal."""
    about, parts = scores["about"], []
    settings = about["settings"]
    parts.append(f"{about['bundle']['name']} {about['bundle']['version']}, {settings['steps']} steps of {settings['sampler']}, "
                 f"guidance {settings['guidance']}, influence {settings['influence']}")
    parts.append(columns([HEAD, *scores["acceptance"]]))
    if scores["held_out"]:
        names = next(iter(scores["held_out"].values())).keys()
        rows = [(way, *figures.values()) for way, figures in scores["held_out"].items()]
        parts.append("Held-out clips, standard errors over clips\n" + columns([("", *names), *rows]))
    if scores["corners"]:
        names = next(iter(scores["corners"].values())).keys()
        rows = [(corner, *(f"{value:.4g}" for value in figures.values())) for corner, figures in scores["corners"].items()]
        parts.append("Painted pictures under neutral words\n" + columns([("", *names), *rows]))
    if scores["pairs"]:
        parts.append("Real pictures under neutral words\n" + columns([("pair", "axis", "figure", "first", "second", "as expected"), *pair_rows(scores)]))
    return "\n\n".join(parts)


def pair_rows(scores: dict) -> list[tuple[str, ...]]:
    """A row per pair and deciding figure."""
    return [(f"{pair['first']} / {pair['second']}", pair["axis"], name, *(f"{value:.3g}" for value in pair["figures"][name]),
             verdict)
            for pair in scores["pairs"] for name, verdict in zip(pair["deciding"], pair["verdicts"])]


def columns(rows: list[tuple[str, ...]]) -> str:
    """Rows as columns of even width."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _held_out_rows(run: Run) -> list[tuple[str, ...]]:
    both, real, codec, chance = (run.ways.get(way, []) for way in ("both", "real", "codec", "shuffled"))
    if len(both) < 3:
        return []
    figures = metrics(run.reference)

    def row(title: str, metric: str, cpu: str, gpu: str) -> tuple[str, ...]:
        of, digits = figures[metric]
        ceiling = " / ".join(Value(of(records)).text(digits) for records in (codec, real) if len(records) >= 3)
        return title, EXACT_CHANCE.get(metric, Value(of(chance)).text(digits)), evaluated(of, both).text(digits), cpu, gpu, ceiling

    return [row("tempo hit", "tempo hit", ".85", ".95"), row("grid ratio", "grid ratio", "2.5", "2.8"),
            row("in-scale energy in the asked key", "in scale", ".71", ".76"), row("diatonic set right", "set right", ".50", ".75"),
            row("centroid correlation with the words' reference", "centroid", ".85", ".92"), *_frechet_rows(run), *_seam_rows(run)]


def _frechet_rows(run: Run) -> list[tuple[str, ...]]:
    both, words, swapped = (run.ways.get(way, []) for way in ("both", "words", "swapped"))
    figures, rows = metrics(run.reference), []
    if len(words) >= 3:
        less = lambda a, b: 100 * (1 - figures["Frechet"][0](a) / figures["Frechet"][0](b))
        rows.append(("Frechet distance, picture + words below words only, %", "0", evaluated(less, both, words).text(0), "10", "40", "-"))
    if len(swapped) >= 3:
        rows.append(("swapped picture: its mood is named", ".50", evaluated(figures["names mood"][0], swapped).text(), ".65", ".80",
                     Value(figures["names mood"][0](run.ways["real"])).text()))
    return rows


def _seam_rows(run: Run) -> list[tuple[str, ...]]:
    jumps = {way: [record.heard["seam"] for record in run.ways[way]] for way in ("both", "real")}
    mean, high = ({way: f"{of(values):.2f}" for way, values in jumps.items()} for of in (np.mean, lambda x: np.quantile(x, 0.9)))
    return [("loop seam / bar line, mean (90th percentile)", "-", f"{mean['both']} ({high['both']})", "1.15 (1.4)", "1.10 (1.3)",
             f"{mean['real']} ({high['real']})")]


def _picture_rows(run: Run) -> list[tuple[str, ...]]:
    rows = []
    if all(len(run.ways.get(corner, [])) >= 3 for corner in CORNERS):
        groups = [run.ways[corner] for corner in ("bright_lively", "bright_calm", "dark_lively", "dark_calm")]
        energy, centroid = (lambda *corners, name=name: ratio(name, *corners) for name in ("flux", "centroid"))
        rows = [("major share, bright minus dark picture", "0", evaluated(major_difference, *groups).text(), ".60", ".80", ".9"),
                ("energy ratio (mel flux), lively / calm picture", "1", evaluated(energy, *groups).text(), "1.15", "1.35", "-"),
                ("centroid ratio, lively / calm picture", "1", evaluated(centroid, *groups).text(), "1.10", "1.25", "-")]
    pairs = pair_figures(run)
    verdicts = [verdict for pair in pairs for verdict in pair["verdicts"]]
    if verdicts:
        counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("yes", "no", "unclear"))
        rows.append(("real pictures: figures of pairs as expected", "-", counts, "-", "-", "-"))
    return rows


def _engine_rows(run: Run, folder: Path, results: Path) -> list[tuple[str, ...]]:
    rows, about = [], run.about
    errors = [clip["codec_error"] for clip in run.entries("codec")]
    loss, cents = vocoder_figures(run, folder, results)
    if errors:
        rows.append(("codec L1", "-", f"{np.mean(errors):.3f}", ".125", ".10", "0"))
    if loss is not None:
        rows.append(("vocoder mel L1", "-", f"{loss:.3f}", ".12", ".08", "0"))
    if cents is not None:
        rows.append(("vocoder tone error, 90th percentile, cents", "-", f"{cents:.1f}", "15", "10", "0"))
    rows.append(("bundle size, f16, MB", "-", f"{about['bundle']['bytes'] / 1e6:.1f}", "25", "60", "-"))
    times = [clip["made_in_seconds"] / clip["seconds"] * CLIP_SECONDS for clip in run.entries("both")]
    if times:
        rows.append((f"{CLIP_SECONDS:.0f} s clip with a new picture, {about['threads']} threads, s", "-", f"{np.median(times):.2f}", "4", "6", "-"))
    return rows
