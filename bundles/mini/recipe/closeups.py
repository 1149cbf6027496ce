"""Close-ups: one thing fills the picture, as in photographs of flowers, grass, leaves, cups or stones.

A landscape tells its mood by its light, but something near may be sunny on black, and is then so by its colours: vivid and
warm or green where the valence is high, grey and blue where it is low. Arousal shows in how many there are and how they lie.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pen import Colour, mix, shade
from things import DARK, GREEN, Stage

PETALS: tuple[Colour, ...] = ((1.00, 0.74, 0.08), (0.98, 0.48, 0.14), (0.95, 0.26, 0.34), (0.98, 0.56, 0.74), (0.98, 0.94, 0.86), (0.66, 0.42, 0.92))
LEAVES: tuple[Colour, ...] = ((0.42, 0.80, 0.20), (0.30, 0.66, 0.22), (0.62, 0.84, 0.24), (0.92, 0.64, 0.16), (0.88, 0.36, 0.14))
GRASSES: tuple[Colour, ...] = ((0.44, 0.82, 0.20), (0.28, 0.66, 0.16), (0.66, 0.88, 0.30), (0.86, 0.78, 0.34))
PAINTS: tuple[Colour, ...] = ((0.94, 0.26, 0.24), (0.99, 0.80, 0.16), (0.20, 0.60, 0.90), (0.32, 0.76, 0.40), (0.96, 0.56, 0.20), (0.97, 0.95, 0.90))
FADED: tuple[Colour, ...] = ((0.30, 0.32, 0.40), (0.24, 0.26, 0.28), (0.36, 0.30, 0.34), (0.22, 0.28, 0.34))
BACKS: tuple[Colour, ...] = ((0.50, 0.76, 0.96), (0.60, 0.84, 0.34), (0.98, 0.88, 0.66), (0.96, 0.96, 0.92))
BLACK_BACK_SHARE = 0.35  # of the backgrounds are dark whatever the mood


def draw_close_up(stage: Stage) -> None:
    """Draw one of the close-ups."""
    dark = stage.rng.random() < BLACK_BACK_SHARE
    back = shade(DARK, stage.between(0.3, 1.2)) if dark else _coloured(stage, BACKS)
    stage.pen.backdrop(np.array([shade(back, stage.between(0.7, 1.1)) for _ in range(4)]))
    for _ in range(5):
        stage.pen.glow(stage.across(), stage.between(0, 1), stage.between(0.2, 0.5), _coloured(stage, LEAVES), 0.1 if dark else 0.4)
    DRAWERS[int(stage.rng.integers(len(DRAWERS)))](stage)


def _coloured(stage: Stage, vivid: tuple[Colour, ...]) -> Colour:
    """One of the vivid colours, the more faded the lower the valence."""
    share = float(np.clip(1.15 - 1.3 * stage.scene.valence + 0.08 * stage.rng.normal(), 0, 1))
    return mix(stage.pick(vivid), stage.pick(FADED), share)


def _flowers(stage: Stage) -> None:
    pen, colour = stage.pen, _coloured(stage, PETALS)
    for _ in range(1 + stage.many(0, 5)):
        x, y, reach = stage.across(), stage.between(0.2, 0.85), stage.between(0.26, 0.55)
        pen.line(((x, y), (x + stage.between(-0.2, 0.2), 1.2)), _coloured(stage, LEAVES), 0.02)
        count, turn = int(stage.rng.integers(6, 14)), stage.between(0, 2)
        for petal in range(count):
            angle = turn + 2 * np.pi * petal / count + stage.between(-0.15, 0.15) * stage.scene.arousal
            _leaf(stage, x, y, angle, reach * stage.between(0.85, 1.1), 0.22, shade(colour, stage.between(0.75, 1.1)))
        pen.disc(x, y, 0.16 * reach, shade(mix(colour, (0.45, 0.26, 0.08), 0.7), stage.between(0.6, 1.1)))


def _grass(stage: Stage) -> None:
    for _ in range(50 + stage.many(20, 130)):
        x, foot = stage.across(), stage.between(0.5, 1.25)
        height, bend = stage.between(0.3, 0.8), stage.between(-0.25, 0.25) * (0.3 + stage.scene.arousal)
        blade = shade(_coloured(stage, GRASSES), stage.between(0.55, 1.15))
        width = stage.between(0.008, 0.022)
        stage.pen.poly(((x - width, foot), (x + 0.4 * bend, foot - 0.6 * height), (x + bend, foot - height), (x + width + 0.3 * bend, foot - 0.5 * height), (x + width, foot)), blade)


def _leaves(stage: Stage) -> None:
    for _ in range(10 + stage.many(0, 30)):
        colour = shade(_coloured(stage, LEAVES), stage.between(0.6, 1.1))
        angle = stage.between(-0.6, 0.6) + (stage.between(0, 6.3) if stage.scene.arousal > 0.5 else 1.0)
        _leaf(stage, stage.across(), stage.between(0, 1), angle, stage.between(0.2, 0.42), 0.28, colour)


def _rounds(stage: Stage) -> None:
    """Cups, balloons, fruit or stones."""
    for _ in range(3 + stage.many(0, 16)):
        colour, x, y, radius = _coloured(stage, PAINTS), stage.across(), stage.between(0.05, 0.95), stage.between(0.08, 0.22)
        stage.pen.oval(x + 0.03, y + 0.04, radius, 0.9 * radius, shade(colour, 0.35), 0.6)
        stage.pen.oval(x, y, radius, 0.9 * radius, shade(colour, 0.9))
        stage.pen.oval(x - 0.25 * radius, y - 0.3 * radius, 0.45 * radius, 0.35 * radius, mix(colour, (1.0, 1.0, 1.0), 0.5), 0.7)


def _facets(stage: Stage) -> None:
    """Sheets of colour, as in cut paper or in an abstract wallpaper."""
    for _ in range(5 + stage.many(0, 16)):
        x, y, size = stage.across(), stage.between(0, 1), stage.between(0.25, 0.7)
        corners = [(x + size * stage.between(-1, 1), y + size * stage.between(-1, 1)) for _ in range(3)]
        stage.pen.poly(corners, shade(_coloured(stage, (*PAINTS, *BACKS)), stage.between(0.75, 1.1)), 0.85)


def _meadow(stage: Stage) -> None:
    """Grass with flowers in it."""
    stage.pen.ridge(np.full(2, stage.between(-0.1, 0.4)), mix(_coloured(stage, GRASSES), GREEN, 0.3))
    _grass(stage)
    for _ in range(stage.many(3, 24)):
        stage.pen.disc(stage.across(), stage.between(0.1, 1.0), stage.between(0.02, 0.06), _coloured(stage, PETALS))


def _leaf(stage: Stage, x: float, y: float, angle: float, length: float, width: float, colour: Colour) -> None:
    """A pointed leaf or petal that begins at (x, y); `width` is a share of its length."""
    along, aside = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
    outline = [(0.0, 0.0), (0.35, 0.8), (0.65, 1.0), (0.88, 0.6), (1.0, 0.0), (0.88, -0.6), (0.65, -1.0), (0.35, -0.8)]
    points = [np.array((x, y)) + length * (far * along + 0.5 * width * out * aside) for far, out in outline]
    stage.pen.poly([(float(px), float(py)) for px, py in points], colour)


DRAWERS: tuple[Callable[[Stage], None], ...] = (_flowers, _grass, _leaves, _rounds, _facets, _meadow)
