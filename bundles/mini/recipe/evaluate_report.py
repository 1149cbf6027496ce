"""The report: one HTML page that holds its own pictures, piano rolls and sound."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

import evaluate_roll
from evaluate_clips import Run
from evaluate_pictures import CORNERS
from evaluate_scores import PAIR_HEAD, pair_rows
from evaluate_table import HEAD, ROWS

SAMPLES = 6  # clips of the held-out set
CORNER_SAMPLES = 3
NAMED_SAMPLES = 24
PICTURE_PIXELS = 128
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left }
th { background: #f4f2ee } td { font-variant-numeric: tabular-nums } h2 { margin-top: 2.5rem } figure { margin: 0 }
.row { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0 } .row > figure { width: 16rem } svg.roll { width: 100%; height: 7rem; display: block; background: #faf9f6 }
audio { width: 100%; height: 2rem } figcaption { font-size: 13px; color: #555 } img.picture { height: 8rem }
"""


def write(run: Run, folder: Path, results: Path, scores: dict) -> Path:
    """Writes `report.html` beside the clips."""
    page = _Page(run, folder, results)
    about = scores["about"]
    title = f"{about['bundle']['name']} {about['bundle']['version']}: evaluation"
    body = [f"<h1>{_say(title)}</h1>", f"<p>{_say(_settings(about, scores['clips']))}</p>", _table([HEAD, *scores["acceptance"]]),
            *page.held_out(scores), *page.named(), *page.corners(scores), *page.pairs(scores)]
    text = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_say(title)}</title><style>{STYLE}</style>' + "\n".join(body)
    path = results / "report.html"
    path.write_text(text + "</html>\n", encoding="utf-8")
    return path


class _Page:
    """The parts of the page that show clips."""

    def __init__(self, run: Run, folder: Path, results: Path) -> None:
        self.run, self.folder, self.results = run, folder, results
        self.made = {clip["id"] for clip in run.about["clips"]}

    def held_out(self, scores: dict) -> list[str]:
        """The table of ways and the first clips of each."""
        if not scores["held_out"]:
            return []
        figures = scores["held_out"]
        rows = [("", *figures), *((name, *(values[name] for values in figures.values())) for name in next(iter(figures.values())))]
        parts = ["<h2>Held-out clips</h2>", _table(rows)]
        for index in range(SAMPLES):
            names = [(way, f"{way}_{index:03}") for way in ("words", "both", "swapped", "composed") if f"{way}_{index:03}" in self.made]
            if not names:
                continue
            pictures = self._picture(f"pictures/own_{index:03}.png", "own picture")
            swapped = self.run.jobs.get(f"swapped_{index:03}")
            pictures += self._picture(swapped["picture"], "swapped picture") if swapped else ""
            said = next((job["prompt"] for _, name in names if "prompt" in (job := self.run.jobs[name])), f"clip {index}")
            parts.append(f"<h3>{_say(said)}</h3><div class=row>{pictures}{self._clips(names, ROWS)}</div>")
        return parts

    def named(self) -> list[str]:
        """Prompts that name an instrument, and whether it plays."""
        entries = self.run.entries("named")[:NAMED_SAMPLES]
        records = self.run.ways.get("named", [])
        titles = [f"{self.run.jobs[clip['id']]['prompt']}: {'plays' if all(record.granted()) else 'is missing'}"
                  for clip, record in zip(entries, records)]
        cells = "".join(self._clip(clip["id"], title) for clip, title in zip(entries, titles))
        return ["<h2>An instrument named</h2>", f"<div class=row>{cells}</div>"] if entries else []

    def corners(self, scores: dict) -> list[str]:
        """The table of painted pictures and the first of them."""
        figures = scores["corners"]
        if not figures:
            return []
        rows = [("", *next(iter(figures.values()))), *((way, *(f"{v:.4g}" for v in values.values())) for way, values in figures.items())]
        parts = ["<h2>Painted pictures under neutral words</h2>", _table(rows)]
        for index in range(CORNER_SAMPLES):
            shown = [(corner, f"{corner}_{index:03}") for corner in CORNERS if f"{corner}_{index:03}" in self.made]
            cells = [self._picture(self.run.jobs[name]["picture"], corner) + self._clips([(corner, name)], {}) for corner, name in shown]
            if shown:
                parts.append(f"<h3>{_say(self.run.jobs[shown[0][1]]['prompt'])}</h3><div class=row>{''.join(cells)}</div>")
        return parts

    def pairs(self, scores: dict) -> list[str]:
        """Real pictures in pairs, one clip each."""
        if not scores["pairs"]:
            return []
        parts = ["<h2>Real pictures under the same neutral words</h2>",
                 "<p>To a person the first picture of a pair is brighter (valence) or livelier (arousal); its music should be so too.</p>",
                 _table([PAIR_HEAD, *pair_rows(scores)])]
        for pair in scores["pairs"]:
            cells = ""
            for side in ("first", "second"):
                name = f"real_{pair['pair']}_{side}_0"
                cells += self._picture(self.run.jobs[name]["picture"], pair[side]) + self._clips([(pair[side], name)], {})
            verdicts = ", ".join(f"{figure} as expected: {verdict}" for figure, verdict in zip(pair["deciding"], pair["verdicts"]))
            parts.append(f"<h3>{_say(pair['first'])} against {_say(pair['second'])} ({pair['axis']}); {verdicts}</h3><div class=row>{cells}</div>")
        return parts

    def _clips(self, names: list[tuple[str, str]], titles: dict[str, str]) -> str:
        return "".join(self._clip(name, titles.get(way, way)) for way, name in names)

    def _clip(self, name: str, title: str) -> str:
        playing = self.run.playings[name]
        return (f'<figure>{evaluate_roll.draw(playing)}<audio controls loop preload=none src="{_sound(self.results / "clips" / f"{name}.wav")}"></audio>'
                f"<figcaption>{_say(title)}<br>{evaluate_roll.legend(playing)}</figcaption></figure>")

    def _picture(self, path: str, title: str) -> str:
        with Image.open(self.folder / path) as image:
            picture = image.convert("RGB")
        picture.thumbnail((2 * PICTURE_PIXELS, PICTURE_PIXELS))
        return f'<figure style="width:auto"><img class=picture src="{_embedded(picture, "JPEG")}" alt=""><figcaption>{_say(title)}</figcaption></figure>'


def _settings(about: dict, clips: dict[str, int]) -> str:
    settings, defaults = about["settings"], about["bundle"]["defaults"]
    counts = ", ".join(f"{way} {count}" for way, count in clips.items())
    return (f"{settings['steps']} steps of {settings['sampler']}, guidance {settings['guidance']} (of words {defaults['word_guidance']} times, rescaled {defaults['guidance_rescale']}, "
            f"none over the last {defaults['unguided']}, and the last {defaults['unwalked']} not walked), influence {settings['influence']}; bundle {about['bundle']['sha256'][:12]}. Clips: {counts}. "
            "Errors are standard errors over the clips.")


def _table(rows: list[tuple[str, ...]]) -> str:
    cells = lambda row, tag: "".join(f"<{tag}>{_say(cell)}</{tag}>" for cell in row)
    return f"<table><tr>{cells(rows[0], 'th')}</tr>" + "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows[1:]) + "</table>"


def _say(text: str) -> str:
    return html.escape(str(text))


def _embedded(picture: Image.Image, kind: str) -> str:
    out = io.BytesIO()
    picture.save(out, kind, quality=82)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def _sound(path: Path) -> str:
    """A sound file as a data address, Ogg Vorbis."""
    sound, rate = soundfile.read(path, always_2d=True)
    out = io.BytesIO()
    soundfile.write(out, np.clip(sound, -1, 1), rate, format="OGG", subtype="VORBIS")
    return f"data:audio/ogg;base64,{base64.b64encode(out.getvalue()).decode()}"
