"""The acceptance table: what was measured beside chance, the bundle before, the goal, and what composed scores reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from evaluate_pictures import CORNERS
from evaluate_record import NOTES, Figure, Record, difference, evaluated, note, ratio, shuffled

HEAD = ("metric", "chance", "0.11.0", "measured", "goal", "composed")
ROWS = {"shuffled": "shuffled (chance)", "words": "words only", "both": "picture + words", "swapped": "swapped picture",
        "named": "an instrument named", "composed": "composed"}
# Corners of the mood, as the figures of two pairs take them.
GROUPS = ("bright_lively", "bright_calm", "dark_lively", "dark_calm")
LEAST = 3  # records of a way that is told of
ASKING = ("style", "cue", "mode", "valence", "energy", "names mood")  # figures that "named" has no answer to

Ways = dict[str, list[Record]]


@dataclass(frozen=True)
class Row:
    """A line of the acceptance table; the goal may be a share of what composed scores reach."""

    title: str
    figure: str
    goal: float | None = None
    share: float | None = None
    before: str = "-"
    chance: str = ""  # measured, unless said
    way: str = "both"
    digits: int = 2


NOTE_ROWS = (
    Row("style named", "style", .88, before=".66 (by mel)"),
    Row("style of cue named, of 24", "cue"),
    Row("valence heard against the picture shown, r", "valence", .91, before=".85"),
    Row("the same, picture swapped", "valence", .91, way="swapped"),
    Row("energy heard against the picture shown, r", "energy"),
    Row("swapped picture: its mood is named", "names mood", .95, before=".92", chance=".50", way="swapped"),
    Row("instruments asked for that play", "asked", 1.0),
    Row("the same, one instrument named", "asked", 1.0, way="named"),
    Row("wrong notes a bar", "wrong notes"),
    Row("chord changes on bar lines", "on bar lines", digits=2),
    Row("notes a bar", "notes", digits=1),
    Row("pitches at once", "polyphony", digits=1),
    Row("parts", "parts", digits=1),
    Row("bars without a sound", "empty bars"),
    Row("bars in a row that are the same", "longest repeat"),
    Row("distance of bars to the nearest learnt", "from memory"),
)


def rows(table: tuple[Row, ...], figures: dict[str, tuple[Figure, int]], ways: Ways) -> list[tuple[str, ...]]:
    """The lines of the acceptance table whose ways were made."""
    return [line(row, figures[row.figure][0], ways) for row in table if len(ways.get(row.way, [])) >= LEAST]


def line(row: Row, of: Figure, ways: Ways) -> tuple[str, ...]:
    """One line."""
    measured, composed = evaluated(of, ways[row.way]), ways.get("composed", [])
    # A composed score answers its own picture.
    ceiling = of(composed) if len(composed) >= LEAST and row.way in ("both", "swapped") else float("nan")
    goal = ceiling * row.share if row.share else row.goal
    asks = len(composed) >= LEAST and row.figure in (*ASKING, "asked")
    chance = row.chance or (said(of(shuffled(composed)), row.digits) if asks else "-")
    if row.way == "swapped":
        ceiling = float("nan") if row.figure == "names mood" else ceiling
    return row.title, chance, row.before, measured.text(row.digits), "-" if goal is None else said(goal, row.digits), said(ceiling, row.digits)


def said(value: float, digits: int) -> str:
    """A number as it is printed."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def corner_rows(ways: Ways, sound: bool) -> list[tuple[str, ...]]:
    """What pictures of each corner of the mood make of neutral words."""
    if not all(len(ways.get(corner, [])) >= LEAST for corner in CORNERS):
        return []
    groups = [ways[corner] for corner in GROUPS]
    of = lambda kind, figure: evaluated(partial(kind, figure), *groups).text()
    found = [("major share by the reader, bright minus dark picture", "0", ".71", of(difference, heard_major), ".80", "-"),
             ("the same by the notes' key", "0", "-", of(difference, note("sounds major")), "-", "-"),
             ("energy ratio of the notes, lively / calm picture", "1", "-", of(ratio, note("energy of notes")), "1.60", "-")]
    if sound:
        found.append(("energy ratio of the sound (mel flux), lively / calm", "1", "1.58", of(ratio, sound_of("flux")), "1.60", "-"))
        found.append(("centroid ratio, lively / calm picture", "1", "-", of(ratio, sound_of("centroid")), "-", "-"))
    return found


def heard_major(records: list[Record]) -> float:
    """Share of clips that the reader hears as major."""
    return float(np.mean([record.heard["ear"]["major"] for record in records]))


def sound_of(name: str) -> Figure:
    """The mean of a figure of the sound."""
    return lambda records: float(np.mean([record.heard["sound"][name] for record in records]))


def corner_figures(ways: Ways, figures: dict[str, Figure]) -> dict[str, dict[str, float]]:
    """Means of every corner."""
    return {corner: {"clips": len(ways[corner]), **{title: of(ways[corner]) for title, of in figures.items()}} for corner in CORNERS if ways.get(corner)}


CORNER_FIGURES: dict[str, Figure] = {
    "major share": heard_major, "valence heard": lambda rs: float(np.mean([r.heard["ear"]["valence"] for r in rs])),
    "energy heard": lambda rs: float(np.mean([r.heard["ear"]["energy"] for r in rs])), "energy of notes": note("energy of notes"),
    "notes a bar": note("notes"), "pitch": note("pitch"),
}


def by_way(figures: dict[str, tuple[Figure, int]], ways: Ways) -> dict[str, dict[str, str]]:
    """The table of the held-out clips: row by way, column by figure."""
    all_of = ways | (dict(shuffled=shuffled(ways["composed"])) if len(ways.get("composed", [])) >= LEAST else {})
    table = {}
    for way, name in ROWS.items():
        records = all_of.get(way, [])
        if len(records) >= LEAST:
            table[name] = {metric: "-" if way == "named" and metric in ASKING else evaluated(of, records).text(digits)
                           for metric, (of, digits) in figures.items()}
    return table


def columns(table: list[tuple[str, ...]]) -> str:
    """Rows as columns of even width."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table)


def tables(acceptance: list[tuple[str, ...]], held_out: dict[str, dict[str, str]], corners: dict[str, dict[str, float]]) -> list[str]:
    """Acceptance, ways and corners for a terminal."""
    parts = [columns([HEAD, *acceptance])]
    if held_out:
        # Ways as columns: there are more figures than ways.
        names = list(next(iter(held_out.values())))
        parts.append("By way of asking, standard errors over clips\n"
                     + columns([("", *held_out), *((name, *(figures[name] for figures in held_out.values())) for name in names)]))
    if corners:
        names = list(next(iter(corners.values())))
        parts.append("Painted pictures under neutral words\n"
                     + columns([("", *names), *((corner, *(f"{value:.4g}" for value in figures.values())) for corner, figures in corners.items())]))
    return parts


def of_notes(ways: Ways) -> str:
    """All tables that need no sound."""
    acceptance = [*rows(NOTE_ROWS, NOTES, ways), *corner_rows(ways, sound=False)]
    return "\n\n".join(tables(acceptance, by_way(NOTES, ways), corner_figures(ways, CORNER_FIGURES)))
