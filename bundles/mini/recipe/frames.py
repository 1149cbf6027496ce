"""Paints the example storyboard frames: python frames.py --out DIR."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from picture import paint
from scene import Scene

WIDTH, HEIGHT = 640, 360
MARGIN = 10  # of paper around the picture, in pixels
PAPER = (246, 241, 228)
INK = (38, 35, 40)
COLOURS = 200  # of the stored palette, which keeps the files small


@dataclass(frozen=True)
class Frame:
    """A file name, what is to be seen, and the seed that was liked."""

    name: str
    scene: Scene
    seed: int


def _frame(name: str, seed: int, place: str, valence: float, arousal: float, hour: str, weather: str, look: str) -> Frame:
    mode = "major" if valence > 0.5 else "minor"
    return Frame(name, Scene(place, valence, arousal, hour, weather, look, "orchestral", mode), seed)


FRAMES = (
    _frame("harbour", 4, "harbour", 0.84, 0.50, "dawn", "clear", "sketch"),
    _frame("chase_at_night", 6, "street", 0.30, 0.92, "night", "rain", "sketch"),
    _frame("forest_clearing", 6, "forest", 0.78, 0.35, "day", "clear", "painterly"),
    _frame("empty_station", 10, "station", 0.52, 0.06, "dusk", "clear", "sketch"),
    _frame("mountain_dawn", 1, "mountains", 0.80, 0.45, "dawn", "clear", "flat"),
    _frame("neon_street", 3, "neon", 0.55, 0.70, "night", "rain", "flat"),
    _frame("battlefield", 4, "battlefield", 0.34, 0.85, "dusk", "clear", "painterly"),
    _frame("farewell_letter", 3, "interior", 0.72, 0.40, "dusk", "clear", "sketch"),
    _frame("castle_in_the_storm", 2, "castle", 0.34, 0.85, "night", "storm", "sketch"),
    _frame("open_road", 6, "road", 0.85, 0.65, "day", "clear", "photo"),
    _frame("garden_party", 3, "garden", 0.92, 0.55, "day", "clear", "sketch"),
    _frame("first_planet", 4, "space", 0.60, 0.45, "night", "clear", "flat"),
)


def paint_frame(frame: Frame) -> Image.Image:
    """The frame on paper, with an inked border."""
    height = HEIGHT - 2 * MARGIN
    width = WIDTH - 2 * MARGIN
    picture = paint(frame.scene, np.random.default_rng([2, frame.seed]), height, width / height, plain=True)
    sheet = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    sheet.paste(Image.fromarray(picture), (MARGIN, MARGIN))
    ImageDraw.Draw(sheet).rectangle((MARGIN - 2, MARGIN - 2, WIDTH - MARGIN + 1, HEIGHT - MARGIN + 1), outline=INK, width=3)
    return sheet.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def main() -> None:
    """Write every frame as a PNG."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for frame in FRAMES:
        path = folder / f"{frame.name}.png"
        paint_frame(frame).save(path, optimize=True)
        print(f"{path.name} {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
