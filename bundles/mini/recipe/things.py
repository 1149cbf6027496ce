"""Things that many places share: sky, weather, trees, houses, people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from light import Light
from pen import Colour, Pen, mix, shade
from scene import Scene

GREEN: Colour = (0.30, 0.52, 0.22)
PINE: Colour = (0.12, 0.33, 0.20)
BARK: Colour = (0.30, 0.21, 0.16)
STONE: Colour = (0.52, 0.50, 0.48)
WATER: Colour = (0.20, 0.46, 0.62)
SNOW: Colour = (0.92, 0.94, 0.98)
DARK: Colour = (0.10, 0.09, 0.12)
WALLS: tuple[Colour, ...] = ((0.88, 0.80, 0.66), (0.76, 0.50, 0.38), (0.66, 0.70, 0.72), (0.84, 0.70, 0.48), (0.58, 0.46, 0.44))
ROOFS: tuple[Colour, ...] = ((0.66, 0.28, 0.20), (0.42, 0.28, 0.24), (0.32, 0.36, 0.44))


@dataclass
class Stage:
    """All that is needed to draw one scene."""

    pen: Pen
    light: Light
    scene: Scene
    rng: np.random.Generator

    @property
    def dark(self) -> bool:
        """Whether lamps are lit."""
        return self.scene.hour in ("night", "dusk")

    @property
    def bare(self) -> bool:
        """Whether trees have lost their leaves."""
        return self.scene.valence < 0.22 or (self.scene.weather == "snow" and self.scene.valence < 0.6)

    def many(self, least: float, most: float) -> int:
        """A number of things that grows with arousal."""
        return max(0, round(least + (most - least) * self.scene.arousal + 0.1 * (most - least) * float(self.rng.normal())))

    def between(self, low: float, high: float) -> float:
        """A number in low..high."""
        return float(self.rng.uniform(low, high))

    def across(self) -> float:
        """A place along the width."""
        return self.between(0.0, self.pen.width)

    def pick(self, colours: tuple[Colour, ...]) -> Colour:
        """One of the colours."""
        return colours[int(self.rng.integers(len(colours)))]

    def ground(self, colour: Colour) -> Colour:
        """The colour of open ground: whiter in snow."""
        return mix(colour, SNOW, 0.75) if self.scene.weather == "snow" else colour


def draw_sky(stage: Stage, horizon: float) -> None:
    """Gradient, stars, sun or moon, clouds and birds, down to the horizon."""
    pen, light, scene, rng = stage.pen, stage.light, stage.scene, stage.rng
    pen.backdrop(light.sky())
    clear = scene.weather == "clear"
    if scene.hour == "night" and clear:
        draw_stars(stage, horizon, 40)
    if clear or scene.weather == "mist":
        x = pen.width * stage.between(0.15, 0.85)
        y = horizon - stage.between(*((0.24, 0.42) if scene.hour in ("day", "night") else (0.02, 0.14)))
        radius = stage.between(0.045, 0.085)
        pen.glow(x, y, radius * 4.5, light.sun, 0.35 + 0.4 * scene.valence)
        pen.disc(x, y, radius, light.sun)
        if scene.hour == "night" and rng.random() < 0.5:
            pen.disc(x + 0.4 * radius, y - 0.2 * radius, radius * 0.85, mix(light.zenith, light.sun, 0.12))
    cloudy = {"clear": stage.many(0, 4), "storm": 12, "rain": 7, "snow": 4, "mist": 2}[scene.weather]
    for _ in range(cloudy):
        _draw_cloud(stage, stage.across(), stage.between(0.02, horizon * 0.75))
    if clear and scene.valence > 0.4:
        for _ in range(stage.many(0, 7)):
            _draw_bird(stage, stage.across(), stage.between(0.08, horizon * 0.8))


def draw_stars(stage: Stage, horizon: float, count: int) -> None:
    """Points of light above the horizon."""
    for _ in range(count):
        stage.pen.disc(stage.across(), stage.between(0.0, horizon), stage.between(0.002, 0.006), (0.95, 0.95, 1.0), 0.9)


def draw_weather(stage: Stage) -> None:
    """What falls or drifts between the eye and the place."""
    pen, scene = stage.pen, stage.scene
    if scene.weather in ("rain", "storm"):
        _draw_rain(stage, stage.many(30, 110) + (40 if scene.weather == "storm" else 0))
    elif scene.weather == "snow":
        for _ in range(stage.many(50, 110)):
            pen.disc(stage.across(), stage.between(0.0, 1.0), stage.between(0.003, 0.011), SNOW, 0.85)
    elif scene.weather == "mist":
        for _ in range(6):
            y = stage.between(0.40, 0.85)
            pen.oval(stage.across(), y, stage.between(0.4, 0.9), stage.between(0.04, 0.11), stage.light.haze, 0.22)


def draw_lightning(stage: Stage, foot: float) -> None:
    """A bolt from the top down to `foot`, if there is a storm."""
    if stage.scene.weather != "storm":
        return
    x, y = stage.pen.width * stage.between(0.2, 0.8), 0.0
    points = [(x, y)]
    while y < foot:
        x, y = x + stage.between(-0.07, 0.07), y + stage.between(0.05, 0.11)
        points.append((x, y))
    stage.pen.glow(points[0][0], 0.05, 0.5, (0.75, 0.78, 0.95), 0.5)
    stage.pen.line(points, (0.96, 0.96, 1.0), 0.014)


def draw_tree(stage: Stage, x: float, foot: float, height: float, kind: str, depth: float = 0.0) -> None:
    """A "pine", a "round" tree, or a bare one where leaves have fallen."""
    pen, light = stage.pen, stage.light
    bark = light.on(BARK, depth)
    if kind == "pine":
        leaf = light.on(stage.ground(PINE) if stage.scene.weather == "snow" else PINE, depth)
        pen.box(x - 0.03 * height, foot - 0.2 * height, x + 0.03 * height, foot, bark)
        for level in range(3):
            base, reach = foot - (0.12 + 0.26 * level) * height, (0.30 - 0.07 * level) * height
            pen.poly(((x - reach, base), (x, base - 0.42 * height), (x + reach, base)), shade(leaf, 0.85 + 0.15 * level))
        return
    pen.line(((x, foot), (x, foot - 0.6 * height)), bark, 0.09 * height)
    if stage.bare:
        _draw_branches(stage, x, foot, height, bark)
        return
    leaf = light.on(mix(GREEN, (0.78, 0.46, 0.16), stage.between(0.0, 0.6)), depth)
    for side, rise in ((-0.2, 0.58), (0.2, 0.6), (0.0, 0.78)):
        pen.disc(x + side * height, foot - rise * height, 0.26 * height, shade(leaf, 0.8 + 0.35 * rise))


def draw_house(stage: Stage, x: float, foot: float, size: float, depth: float = 0.0, roof: bool = True) -> None:
    """A house `size` wide whose left edge is at x."""
    pen, light = stage.pen, stage.light
    wall = light.on(stage.pick(WALLS), depth)
    top = foot - size * stage.between(0.7, 1.1)
    pen.box(x, top, x + size, foot, wall)
    if roof:
        tiles = light.on(stage.ground(stage.pick(ROOFS)), depth)
        pen.poly(((x - 0.1 * size, top), (x + 0.5 * size, top - 0.55 * size), (x + 1.1 * size, top)), tiles)
    pen.box(x + 0.40 * size, foot - 0.38 * size, x + 0.62 * size, foot, shade(wall, 0.45))
    for side in (0.12, 0.68):
        draw_window(stage, x + side * size, top + 0.16 * size, 0.2 * size, 0.24 * size)


def draw_window(stage: Stage, x: float, y: float, width: float, height: float) -> None:
    """A window pane, lit after dark in some of the houses."""
    lit = stage.dark and stage.rng.random() < 0.35 + 0.5 * stage.scene.valence
    pane = stage.light.lamp if lit else stage.light.on((0.36, 0.44, 0.52))
    stage.pen.box(x, y, x + width, y + height, pane)


def draw_person(stage: Stage, x: float, foot: float, height: float, colour: Colour | None = None) -> None:
    """Somebody: standing where it is calm, running where it is not."""
    pen = stage.pen
    coat = colour or mix(DARK, stage.light.on(DARK), 0.5)
    stride = height * (0.09 + 0.22 * max(0.0, stage.scene.arousal - 0.35))
    lean = 0.5 * stride if stage.scene.arousal > 0.6 else 0.0
    hip, neck = foot - 0.45 * height, foot - 0.80 * height
    for side in (-1, 1):
        pen.line(((x, hip), (x + side * stride, foot)), coat, 0.10 * height)
    if stage.scene.arousal > 0.6:
        pen.line(((x + lean, neck + 0.06 * height), (x + 2.2 * stride, neck + 0.22 * height)), coat, 0.07 * height)
    pen.poly(((x - 0.13 * height, hip), (x + lean - 0.1 * height, neck), (x + lean + 0.1 * height, neck), (x + 0.13 * height, hip)), coat)
    pen.disc(x + 1.2 * lean, foot - 0.90 * height, 0.095 * height, coat)


def draw_lamp(stage: Stage, x: float, foot: float, height: float) -> None:
    """A street lamp with its cone of light."""
    pen, top = stage.pen, foot - height
    pen.line(((x, foot), (x, top)), stage.light.on(DARK), 0.05 * height)
    if stage.dark:
        pen.poly(((x, top), (x - 0.35 * height, foot), (x + 0.35 * height, foot)), stage.light.lamp, 0.16)
        pen.glow(x, top, 0.4 * height, stage.light.lamp, 0.6)
    pen.disc(x, top, 0.075 * height, stage.light.lamp if stage.dark else (0.9, 0.9, 0.86))


def draw_water(stage: Stage, top: float) -> None:
    """Open water from `top` down: long ripples when calm, steep waves when not."""
    pen, light, arousal = stage.pen, stage.light, stage.scene.arousal
    water = light.on(WATER)
    pen.ridge(np.full(2, top), mix(water, light.horizon, 0.35))
    for band in range(1, 7):
        y = top + (1.0 - top) * (band / 6.5) ** 1.5
        heights = y + (0.003 + 0.040 * arousal * band / 6) * np.sin(np.linspace(0, 40 / (1 + band / 2), 60) + band * 2.1) ** (1 if arousal < 0.6 else 3)
        pen.ridge(heights, mix(mix(water, light.horizon, 0.35), shade(water, 0.72), band / 6))
    crest = mix(water, SNOW if arousal > 0.5 else light.sun, 0.6)
    for _ in range(stage.many(10, 34)):
        x, y, reach = stage.across(), stage.between(top + 0.02, 1.0), stage.between(0.02, 0.07)
        bend = 0.018 * arousal
        pen.line(((x, y), (x + reach / 2, y - bend), (x + reach, y)), crest, 0.006 + 0.004 * arousal, 0.8)


def draw_boat(stage: Stage, x: float, foot: float, size: float) -> None:
    """A sailing boat on the water line `foot`."""
    pen, light = stage.pen, stage.light
    hull, sail = light.on((0.45, 0.22, 0.16)), light.on((0.96, 0.92, 0.82))
    pen.line(((x, foot), (x, foot - 1.25 * size)), light.on(BARK), 0.04 * size + 0.003)
    pen.poly(((x + 0.06 * size, foot - 1.2 * size), (x + 0.06 * size, foot - 0.2 * size), (x + 0.6 * size, foot - 0.2 * size)), sail)
    pen.poly(((x - 0.06 * size, foot - 1.0 * size), (x - 0.06 * size, foot - 0.2 * size), (x - 0.4 * size, foot - 0.2 * size)), shade(sail, 0.85))
    pen.poly(((x - 0.6 * size, foot - 0.15 * size), (x + 0.7 * size, foot - 0.15 * size), (x + 0.45 * size, foot + 0.12 * size), (x - 0.4 * size, foot + 0.12 * size)), hull)


def draw_flowers(stage: Stage, top: float, count: int) -> None:
    """Spots of colour in the grass."""
    colours = ((0.95, 0.35, 0.35), (0.98, 0.82, 0.30), (0.95, 0.62, 0.80), (0.96, 0.96, 0.92), (0.62, 0.45, 0.85))
    for _ in range(count):
        y = stage.between(top, 1.0)
        stage.pen.disc(stage.across(), y, 0.006 + 0.016 * (y - top), stage.light.on(stage.pick(colours)))


def _draw_cloud(stage: Stage, x: float, y: float) -> None:
    light, heavy = stage.light, stage.scene.weather in ("storm", "rain")
    colour = shade(light.horizon, stage.between(0.5, 0.9)) if heavy else mix(light.horizon, light.sun, 0.5)
    size = stage.between(0.05, 0.10) * (1.8 if heavy else 1.0)
    for part in range(3 if heavy else 4):
        stage.pen.oval(x + (part - 1.5) * size, y + stage.between(-0.3, 0.3) * size, size * 1.2, size * 0.55, colour, 0.7)


def _draw_bird(stage: Stage, x: float, y: float) -> None:
    span = stage.between(0.018, 0.035)
    stage.pen.line(((x - span, y - 0.4 * span), (x, y), (x + span, y - 0.4 * span)), stage.light.on(DARK, 0.2), 0.007)


def _draw_rain(stage: Stage, count: int) -> None:
    slant = stage.between(-0.04, 0.04) + (0.05 if stage.scene.weather == "storm" else 0.0)
    colour = mix(stage.light.haze, SNOW, 0.35)
    for _ in range(count):
        x, y, length = stage.across(), stage.between(-0.05, 1.0), stage.between(0.05, 0.13)
        stage.pen.line(((x, y), (x - slant, y + length)), colour, 0.005, 0.55)


def _draw_branches(stage: Stage, x: float, foot: float, height: float, bark: Colour) -> None:
    for _ in range(6):
        start, side = foot - stage.between(0.35, 0.65) * height, stage.between(-0.4, 0.4)
        tip = (x + side * height, start - stage.between(0.2, 0.4) * height)
        stage.pen.line(((x, start), tip), bark, 0.035 * height + 0.002)
