"""A pen on a canvas whose unit is the picture's height: (0, 0) top left, (width, 1) bottom right.

The canvas is drawn at twice the wanted size and halved at the end, which smooths every edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[float, float, float]  # red, green, blue in 0..1
Point = tuple[float, float]

OVERSAMPLING = 2
INK: Colour = (0.10, 0.09, 0.12)
SMALLEST_INKED = 0.035  # of the height; smaller shapes get no outline


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` at share 0, `b` at share 1."""
    return tuple(p + (q - p) * share for p, q in zip(a, b, strict=True))


def shade(colour: Colour, factor: float) -> Colour:
    """The colour, lighter or darker by a factor."""
    return tuple(channel * factor for channel in colour)


class Pen:
    """Draws filled shapes; with `inked`, outlines them by hand as well."""

    def __init__(self, height: int, width: int, tilt: float, inked: bool, rng: np.random.Generator) -> None:
        self.scale = height * OVERSAMPLING
        self.width = width / height
        self.tilt = tilt  # rise of the ground over one unit of width
        self.inked = inked
        self._image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING))
        self._draw = ImageDraw.Draw(self._image, "RGBA")
        self._wobble = rng.normal(size=256) * 0.003 * self.scale
        self._wobble_at = 0

    def picture(self) -> np.ndarray:
        """What has been drawn, as float32 (height, width, 3) in 0..1."""
        return np.asarray(self._image.reduce(OVERSAMPLING), dtype=np.float32) / 255.0

    def backdrop(self, colours: np.ndarray) -> None:
        """Fill the canvas with a column of colours (n, 3), stretched from top to bottom."""
        column = (np.clip(colours, 0.0, 1.0) * 255.0).astype(np.uint8)[:, None]
        self._image.paste(Image.fromarray(column).resize(self._image.size, Image.Resampling.BILINEAR))

    def poly(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """A filled polygon."""
        where = self._place(points)
        self._draw.polygon(where, fill=_fill(colour, alpha))
        if self.inked and alpha > 0.9 and _extent(points) > SMALLEST_INKED:
            self._outline(where)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, alpha: float = 1.0) -> None:
        """A filled upright rectangle."""
        self.poly(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), colour, alpha)

    def line(self, points: Sequence[Point], colour: Colour, width: float, alpha: float = 1.0) -> None:
        """An open line, `width` thick."""
        self._draw.line(self._place(points), fill=_fill(colour, alpha), width=max(1, round(width * self.scale)))

    def disc(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        """A filled circle."""
        self.oval(x, y, radius, radius, colour, alpha)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float = 1.0) -> None:
        """A filled ellipse around (x, y)."""
        ((px, py),) = self._place(((x, y),))
        rx, ry = rx * self.scale, ry * self.scale
        outline = _fill(INK, 0.8) if self.inked and alpha > 0.9 and 2 * rx > SMALLEST_INKED * self.scale else None
        self._draw.ellipse((px - rx, py - ry, px + rx, py + ry), fill=_fill(colour, alpha), outline=outline)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 0.5) -> None:
        """Light that fades out towards `radius`."""
        ((px, py),) = self._place(((x, y),))
        reach = max(1, round(radius * self.scale))
        mask = Image.fromarray(_fading()).resize((2 * reach, 2 * reach), Image.Resampling.BILINEAR)
        mask = mask.point([round(level * min(1.0, strength)) for level in range(256)])
        self._image.paste(_fill(colour, 1.0)[:3], (round(px) - reach, round(py) - reach), mask)

    def ridge(self, heights: np.ndarray, colour: Colour, foot: float = 1.3, alpha: float = 1.0) -> None:
        """Everything below a line of heights that runs over the whole width."""
        xs = np.linspace(-0.08, self.width + 0.08, len(heights))
        line = list(zip(xs.tolist(), np.asarray(heights).tolist(), strict=True))
        self.poly([*line, (self.width + 0.08, foot), (-0.08, foot)], colour, alpha)

    def _place(self, points: Sequence[Point]) -> list[Point]:
        centre = self.width / 2
        return [(x * self.scale, (y + (x - centre) * self.tilt) * self.scale) for x, y in points]

    def _outline(self, where: list[Point]) -> None:
        """Ink along the edge, a little beside it as a hand would draw."""
        closed = [*where, where[0]]
        shaken = [(x + self._shake(), y + self._shake()) for x, y in closed]
        self._draw.line(shaken, fill=_fill(INK, 0.85), width=max(1, round(0.0075 * self.scale)))

    def _shake(self) -> float:
        self._wobble_at = (self._wobble_at + 1) % len(self._wobble)
        return float(self._wobble[self._wobble_at])


def rolling(rng: np.random.Generator, mean: float, swing: float, roughness: float, waves: float = 3.0) -> np.ndarray:
    """Heights of a skyline around `mean`: slow waves of size `swing`, and faster ones in proportion to `roughness`."""
    x = np.linspace(0.0, 1.0, 48)
    heights = np.full_like(x, mean)
    for octave, share in ((1.0, 1.0), (2.3, 0.45), (5.1, 0.45 * roughness), (11.0, 0.35 * roughness)):
        heights += swing * share * np.sin(2 * np.pi * (x * waves * octave / 2 + rng.random()))
    return heights + swing * 0.25 * roughness * rng.normal(size=x.size)


@lru_cache(maxsize=1)
def _fading() -> np.ndarray:
    """A round spot of light, uint8 (64, 64)."""
    across = np.linspace(-1.0, 1.0, 64)
    distance = np.hypot(across[:, None], across[None])
    return (255.0 * np.clip(1.0 - distance, 0.0, 1.0) ** 1.7).astype(np.uint8)


def _fill(colour: Colour, alpha: float) -> tuple[int, int, int, int]:
    red, green, blue = (min(255, max(0, round(channel * 255))) for channel in colour)
    return red, green, blue, round(alpha * 255)


def _extent(points: Sequence[Point]) -> float:
    xs, ys = zip(*points, strict=True)
    return max(max(xs) - min(xs), max(ys) - min(ys))
