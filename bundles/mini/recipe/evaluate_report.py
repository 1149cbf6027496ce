"""The report: one HTML page that holds its own pictures, spectrograms and sound."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

import evaluate_probes as probes
from evaluate_clips import Run
from evaluate_pictures import CORNERS
from evaluate_readers import beats
from evaluate_scores import ROWS
from evaluate_table import HEAD, pair_rows
from mel import SAMPLE_RATE, beat_mel

SAMPLES = 6  # clips of the held-out set
CORNER_SAMPLES = 3
PICTURE_PIXELS = 128
QUIETEST, LOUDEST = -9.2, -1.0  # ln magnitudes that are black and white
COLOURS = np.array([(0, 0, 4), (60, 15, 110), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)], float)
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left }
th { background: #f4f2ee } td { font-variant-numeric: tabular-nums } h2 { margin-top: 2.5rem } figure { margin: 0 }
.row { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0 } .row > figure { width: 16rem } img.mel { width: 100%; height: 6rem; display: block }
audio { width: 100%; height: 2rem } figcaption { font-size: 13px; color: #555 } img.picture { height: 8rem }
"""


def write(run: Run, folder: Path, results: Path, scores: dict) -> Path:
    """Writes `report.html` beside the clips."""
    page = _Page(run, folder, results)
    about = scores["about"]
    title = f"{about['bundle']['name']} {about['bundle']['version']}: evaluation"
    body = [f"<h1>{_say(title)}</h1>", f"<p>{_say(_settings(about, scores['clips']))}</p>", _table([HEAD, *scores["acceptance"]]),
            *page.held_out(scores), *page.corners(scores), *page.pairs(scores)]
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
        rows = [("", *next(iter(figures.values()))), *((way, *values.values()) for way, values in figures.items())]
        parts = ["<h2>Held-out clips</h2>", _table(rows)]
        for index in range(SAMPLES):
            names = [(way, f"{way}_{index:03}") for way in ("words", "both", "swapped", "codec") if f"{way}_{index:03}" in self.made]
            if not names:
                continue
            job = self.run.jobs[names[0][1]]
            real = self._clip(self.folder / "real" / f"{index:03}.flac", job, "real audio")
            pictures = self._picture(f"pictures/own_{index:03}.png", "own picture")
            swapped = self.run.jobs.get(f"swapped_{index:03}")
            pictures += self._picture(swapped["picture"], "swapped picture") if swapped else ""
            parts.append(f"<h3>{_say(job['prompt'])}</h3><div class=row>{pictures}{real}{self._clips(names, ROWS)}</div>")
        return parts

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
        head = ("pair", "axis", "figure", "first", "second", "as expected")
        parts = ["<h2>Real pictures under the same neutral words</h2>",
                 "<p>To a person the first picture of a pair is brighter (valence) or livelier (arousal); its music should be so too.</p>",
                 _table([head, *pair_rows(scores)])]
        for pair in scores["pairs"]:
            cells = ""
            for side in ("first", "second"):
                name = f"real_{pair['pair']}_{side}_0"
                cells += self._picture(self.run.jobs[name]["picture"], pair[side]) + self._clips([(pair[side], name)], {})
            verdicts = ", ".join(f"{figure} as expected: {verdict}" for figure, verdict in zip(pair["deciding"], pair["verdicts"]))
            parts.append(f"<h3>{_say(pair['first'])} against {_say(pair['second'])} ({pair['axis']}); {verdicts}</h3><div class=row>{cells}</div>")
        return parts

    def _clips(self, names: list[tuple[str, str]], titles: dict[str, str]) -> str:
        return "".join(self._clip(self.results / "clips" / f"{name}.wav", self.run.jobs[name], titles.get(way, way)) for way, name in names)

    def _clip(self, path: Path, job: dict, title: str) -> str:
        sound = probes.listen(path)
        mel = beat_mel(sound, beats(job))
        return (f'<figure><img class=mel src="{_mel_picture(mel)}" alt="mel spectrogram"><audio controls loop preload=none '
                f'src="{_sound(sound)}"></audio><figcaption>{_say(title)}</figcaption></figure>')

    def _picture(self, path: str, title: str) -> str:
        with Image.open(self.folder / path) as image:
            picture = image.convert("RGB")
        picture.thumbnail((2 * PICTURE_PIXELS, PICTURE_PIXELS))
        return f'<figure style="width:auto"><img class=picture src="{_embedded(picture, "JPEG")}" alt=""><figcaption>{_say(title)}</figcaption></figure>'


def _settings(about: dict, clips: dict[str, int]) -> str:
    settings, defaults = about["settings"], about["bundle"]["defaults"]
    counts = ", ".join(f"{way} {count}" for way, count in clips.items() if way not in ("real", "shuffled"))
    return (f"{settings['steps']} steps of {settings['sampler']}, guidance {settings['guidance']} (of words {defaults['word_guidance']} times, rescaled {defaults['guidance_rescale']}, "
            f"none over the last {defaults['unguided']}, and the last {defaults['unwalked']} not walked), influence {settings['influence']}; bundle {about['bundle']['sha256'][:12]}. Clips: {counts}. "
            "Errors are standard errors over the clips.")


def _table(rows: list[tuple[str, ...]]) -> str:
    cells = lambda row, tag: "".join(f"<{tag}>{_say(cell)}</{tag}>" for cell in row)
    return f"<table><tr>{cells(rows[0], 'th')}</tr>" + "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows[1:]) + "</table>"


def _say(text: str) -> str:
    return html.escape(str(text))


def _mel_picture(mel: np.ndarray) -> str:
    """A beat mel (t, 128) as a data address, time to the right, low below."""
    place = np.clip((mel.T[::-1] - QUIETEST) / (LOUDEST - QUIETEST), 0, 1) * (len(COLOURS) - 1)
    low = np.minimum(place.astype(int), len(COLOURS) - 2)
    colours = COLOURS[low] + (COLOURS[low + 1] - COLOURS[low]) * (place - low)[..., None]
    return _embedded(Image.fromarray(colours.astype(np.uint8)), "JPEG")


def _embedded(picture: Image.Image, kind: str) -> str:
    out = io.BytesIO()
    picture.save(out, kind, quality=82)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def _sound(sound: np.ndarray) -> str:
    """A mono sound as a data address, Ogg Vorbis."""
    out = io.BytesIO()
    soundfile.write(out, np.clip(sound, -1, 1), SAMPLE_RATE, format="OGG", subtype="VORBIS")
    return f"data:audio/ogg;base64,{base64.b64encode(out.getvalue()).decode()}"
