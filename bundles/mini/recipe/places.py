"""The places: each draws itself on a stage, from the sky to the foreground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from buildings import draw_castle, draw_city, draw_harbour, draw_interior, draw_neon, draw_ruins, draw_station, draw_street, draw_village
from light import Light
from pen import Colour, Pen, mix, rolling, shade
from scene import Scene
from things import (
    BARK, DARK, GREEN, SNOW, STONE, WATER, Stage, draw_boat, draw_flowers, draw_lightning, draw_person, draw_sky,
    draw_stars, draw_tree, draw_water, draw_weather,
)

SAND: Colour = (0.90, 0.70, 0.42)
EARTH: Colour = (0.42, 0.33, 0.25)
ROCK: Colour = (0.40, 0.40, 0.46)


def draw_place(pen: Pen, light: Light, scene: Scene, rng: np.random.Generator) -> None:
    """Draw the scene's place, in its weather."""
    stage = Stage(pen, light, scene, rng)
    DRAWERS[scene.place](stage)
    if scene.place not in ("interior", "cave", "space"):
        draw_weather(stage)


def _hills(stage: Stage) -> None:
    horizon, rough = stage.between(0.46, 0.56), stage.scene.arousal
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    for layer in range(4):
        depth, y = 1 - layer / 3.5, horizon + 0.13 * layer
        heights = rolling(stage.rng, y, 0.05 + 0.03 * rough, 0.6 * rough, 2.2)
        stage.pen.ridge(heights, stage.light.on(shade(stage.ground(GREEN), 1.25 - 0.15 * layer), depth))
        for _ in range(stage.many(1, 4) if layer else 0):
            draw_tree(stage, stage.across(), y + 0.09, 0.06 + 0.05 * layer, "round", depth)
    if stage.scene.valence > 0.45:
        draw_flowers(stage, 0.86, 22)


def _sea(stage: Stage) -> None:
    horizon = stage.between(0.42, 0.58)
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    if stage.rng.random() < 0.4:
        x = stage.across()
        land = stage.light.on(ROCK, 0.7)
        stage.pen.poly(((x - 0.3, horizon + 0.02), (x - 0.1, horizon - 0.07), (x + 0.05, horizon - 0.04), (x + 0.28, horizon + 0.02)), land)
    draw_water(stage, horizon)
    if stage.rng.random() < 0.6:
        draw_boat(stage, stage.pen.width * stage.between(0.2, 0.8), horizon + stage.between(0.06, 0.2), stage.between(0.08, 0.17))
    if stage.rng.random() < 0.4:
        stage.pen.ridge(rolling(stage.rng, 0.90, 0.03, 0.2, 1.5), stage.light.on(stage.ground(SAND)))


def _forest(stage: Stage) -> None:
    draw_sky(stage, 0.55)
    stage.pen.glow(stage.pen.width / 2, 0.48, 0.55, stage.light.horizon, 0.5)
    stage.pen.ridge(rolling(stage.rng, 0.70, 0.02, 0.4), stage.light.on(stage.ground((0.26, 0.40, 0.18)), 0.4))
    for layer in range(3):
        depth, foot = 0.75 - 0.35 * layer, 0.72 + 0.11 * layer
        for _ in range(stage.many(6, 12) - 2 * layer):
            x = _beside_middle(stage, 0.10 + 0.10 * layer)
            if stage.bare or stage.rng.random() < 0.35:
                _draw_trunk(stage, x, foot, 0.016 + 0.016 * layer, depth)
            else:
                draw_tree(stage, x, foot + stage.between(0, 0.06), stage.between(0.40, 0.62) + 0.10 * layer, "pine", depth)
    stage.pen.ridge(rolling(stage.rng, 0.97, 0.02, 0.8), stage.light.on(stage.ground((0.14, 0.24, 0.11))))
    if stage.rng.random() < 0.4:
        draw_person(stage, stage.pen.width / 2, 0.84, 0.16)


def _desert(stage: Stage) -> None:
    horizon, rough = stage.between(0.48, 0.60), stage.scene.arousal
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    for _ in range(stage.many(0, 3)):
        _draw_mesa(stage, stage.across(), horizon + 0.03)
    for layer in range(3):
        y = horizon + 0.02 + 0.15 * layer
        heights = rolling(stage.rng, y, 0.04, 0.5 * rough, 1.4)
        sand = stage.light.on(stage.ground(SAND), 0.7 - 0.35 * layer)
        stage.pen.ridge(heights, sand)
        stage.pen.ridge(heights + 0.05 + 0.05 * np.linspace(-1, 1, len(heights)), shade(sand, 0.84))
    for _ in range(stage.many(1, 5)):
        _draw_cactus(stage, stage.across(), stage.between(horizon + 0.15, 0.95))
    if stage.rng.random() < 0.4:
        draw_person(stage, stage.across(), horizon + 0.2, 0.12)


def _mountains(stage: Stage) -> None:
    draw_sky(stage, 0.55)
    draw_lightning(stage, 0.5)
    for layer in range(3):
        depth = 0.8 - 0.4 * layer
        for _ in range(3 - layer):
            _draw_peak(stage, stage.across(), 0.68 + 0.10 * layer, stage.between(0.38, 0.54) - 0.09 * layer, depth)
        stage.pen.ridge(rolling(stage.rng, 0.62 + 0.10 * layer, 0.03, stage.scene.arousal), stage.light.on(stage.ground(ROCK), depth))
    stage.pen.ridge(rolling(stage.rng, 0.87, 0.03, 0.5), stage.light.on(stage.ground((0.26, 0.40, 0.22))))
    for _ in range(stage.many(3, 12)):
        draw_tree(stage, stage.across(), stage.between(0.90, 1.0), stage.between(0.10, 0.18), "pine")


def _river(stage: Stage) -> None:
    pen, light, horizon = stage.pen, stage.light, stage.between(0.42, 0.50)
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    pen.ridge(rolling(stage.rng, horizon - 0.03, 0.04, 0.4), light.on(stage.ground((0.24, 0.40, 0.30)), 0.8))
    pen.ridge(rolling(stage.rng, horizon + 0.03, 0.01, 0.3), light.on(stage.ground(GREEN), 0.2))
    middle, bend = pen.width / 2, stage.between(0.12, 0.22) * float(stage.rng.choice((-1, 1)))
    downs = np.linspace(0.0, 1.0, 20)
    centres = middle + bend * np.sin(downs * 5.0) * (0.3 + downs)
    ys, half = horizon + 0.03 + (0.99 - horizon) * downs**1.4, 0.015 + 0.33 * downs**1.6
    banks = [*zip(centres - half, ys, strict=True), *zip((centres + half)[::-1], ys[::-1], strict=True)]
    pen.poly([(float(x), float(y)) for x, y in banks], mix(light.on(WATER), light.horizon, 0.4))
    for _ in range(stage.many(8, 30)):
        at = int(stage.rng.integers(6, 20))
        x, y = float(centres[at] + half[at] * stage.between(-0.8, 0.6)), float(ys[at])
        pen.line(((x, y), (x + 0.2 * float(half[at]), y - 0.01 * stage.scene.arousal)), mix(light.on(WATER), SNOW, 0.6), 0.007, 0.8)
    for _ in range(stage.many(4, 9)):
        at, side = int(stage.rng.integers(3, 16)), float(stage.rng.choice((-1, 1)))
        x = float(centres[at] + side * (half[at] + stage.between(0.06, 0.22)))
        draw_tree(stage, x, float(ys[at]), 0.12 + 0.02 * at, "round" if stage.rng.random() < 0.7 else "pine", 0.4 - 0.02 * at)


def _space(stage: Stage) -> None:
    pen, scene = stage.pen, stage.scene
    warm, cold = (0.85, 0.45, 0.40), (0.16, 0.22, 0.60)
    cloud = mix(cold, warm, scene.valence)
    deep = mix((0.02, 0.02, 0.06), shade(cloud, 0.55), scene.valence)
    pen.backdrop(np.array([deep, shade(deep, 1.6), deep]))
    for _ in range(5):
        pen.glow(stage.across(), stage.between(0, 1), stage.between(0.2, 0.5), cloud, 0.25 + 0.3 * scene.valence)
    draw_stars(stage, 1.0, stage.many(50, 140))
    x, y, radius = pen.width * stage.between(0.25, 0.75), stage.between(0.35, 0.75), stage.between(0.16, 0.32)
    surface = mix(stage.pick(((0.30, 0.50, 0.80), (0.85, 0.60, 0.35), (0.70, 0.35, 0.40))), cloud, 0.3)
    surface = shade(surface, 0.45 + 0.75 * scene.valence)
    pen.glow(x, y, radius * 1.5, surface, 0.5)
    pen.disc(x, y, radius, surface)
    for band in (-0.45, 0.0, 0.4):
        pen.oval(x, y + band * radius, radius * (1 - abs(band)) * 0.95, radius * 0.10, shade(surface, 1.25), 0.6)
    if stage.rng.random() < 0.5:
        pen.line(((x - 1.8 * radius, y + 0.4 * radius), (x + 1.8 * radius, y - 0.4 * radius)), shade(surface, 1.4), 0.014)
    for _ in range(stage.many(-1, 6)):
        _draw_ship(stage, stage.across(), stage.between(0.1, 0.9))


def _battlefield(stage: Stage) -> None:
    pen, light, horizon = stage.pen, stage.light, stage.between(0.50, 0.58)
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    for _ in range(stage.many(1, 4)):
        _draw_smoke(stage, stage.across(), horizon + 0.02)
    pen.ridge(rolling(stage.rng, horizon, 0.03, 0.8), light.on(stage.ground(EARTH), 0.5))
    rank = light.on(DARK, 0.25)
    for x in np.linspace(0.0, pen.width, stage.many(14, 26)):
        draw_person(stage, float(x) + stage.between(-0.02, 0.02), horizon + 0.06, 0.11, rank)
        pen.line(((float(x) + 0.02, horizon + 0.05), (float(x) + stage.between(0.01, 0.06), horizon - 0.13)), rank, 0.007)
    pen.ridge(rolling(stage.rng, horizon + 0.14, 0.03, 1.0), light.on(stage.ground(EARTH)))
    pen.ridge(rolling(stage.rng, 0.88, 0.04, 1.0), light.on(stage.ground(shade(EARTH, 0.7))))
    for _ in range(2 + stage.many(0, 3)):
        _draw_banner(stage, stage.across(), stage.between(0.82, 0.98), stage.between(0.30, 0.46))


def _cave(stage: Stage) -> None:
    pen, light, scene = stage.pen, stage.light, stage.scene
    rock = shade((0.34, 0.28, 0.30), 0.55 + 0.6 * scene.valence)
    pen.backdrop(np.array([shade(rock, 0.35), shade(rock, 0.6), shade(rock, 0.3)]))
    x, y = pen.width * stage.between(0.35, 0.65), stage.between(0.42, 0.52)
    for ring, level in ((1.9, 0.55), (1.5, 0.8), (1.15, 1.1)):
        pen.poly(_rough_ring(stage, x, y, 0.24 * ring, 0.30 * ring), mix(shade(rock, level), light.horizon, 0.2 * (2 - ring)))
    pen.poly(_rough_ring(stage, x, y, 0.20, 0.26), light.horizon)
    pen.glow(x, y, 0.6, light.horizon, 0.3 + 0.3 * scene.valence)
    pen.ridge(rolling(stage.rng, 0.78, 0.02, 0.6 + scene.arousal), shade(rock, 0.5))
    pen.oval(x, 0.88, 0.30, 0.05, mix(shade(rock, 0.6), light.horizon, 0.6))
    for _ in range(stage.many(6, 16)):
        _draw_spike(stage, shade(rock, stage.between(0.25, 0.5)))
    glow = mix((0.40, 0.75, 0.95), (1.0, 0.65, 0.40), scene.valence)
    for _ in range(stage.many(0, 6)):
        cx, size = stage.across(), stage.between(0.04, 0.09)
        pen.poly(((cx - size / 3, 0.95), (cx, 0.95 - 1.6 * size), (cx + size / 3, 0.95)), glow)
    draw_person(stage, x + stage.between(-0.1, 0.1), 0.82, 0.15)


def _road(stage: Stage) -> None:
    pen, light, horizon = stage.pen, stage.light, stage.between(0.48, 0.56)
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    pen.ridge(rolling(stage.rng, horizon - 0.02, 0.03, stage.scene.arousal), light.on(stage.ground(ROCK), 0.9))
    pen.ridge(np.full(2, horizon + 0.01), light.on(stage.ground((0.62, 0.56, 0.30))))
    middle, away = pen.width / 2, pen.width / 2 + stage.between(-0.15, 0.15)
    pen.poly(((away - 0.012, horizon + 0.01), (away + 0.012, horizon + 0.01), (middle + 0.52, 1.2), (middle - 0.52, 1.2)), light.on((0.32, 0.32, 0.35)))
    for dash in (0.05, 0.16, 0.34, 0.62):
        top, foot = horizon + (1.2 - horizon) * dash, horizon + (1.2 - horizon) * dash * 1.5
        across = [away + (middle - away) * s for s in (dash, dash * 1.5)]
        pen.poly(((across[0] - 0.012 * dash, top), (across[0] + 0.012 * dash, top), (across[1] + 0.04 * dash, foot), (across[1] - 0.04 * dash, foot)), light.on((0.98, 0.88, 0.50)))
    for step in (0.12, 0.3, 0.7, 1.4):
        x, foot = away + (0.75 * step + 0.03) * (1 if stage.rng.random() < 0.9 else -1), horizon + 0.35 * step
        pen.line(((x, foot), (x, foot - 0.6 * step)), light.on(BARK, 0.4), 0.018 * step + 0.004)
        pen.line(((x - 0.1 * step, foot - 0.52 * step), (x + 0.1 * step, foot - 0.52 * step)), light.on(BARK, 0.4), 0.012 * step + 0.003)
    for _ in range(1 if stage.rng.random() < 0.6 else 0):
        _draw_car(stage, middle - 0.14, 0.80, 0.20)


def _garden(stage: Stage) -> None:
    pen, light = stage.pen, stage.light
    draw_sky(stage, 0.5)
    for _ in range(5):
        draw_tree(stage, stage.across(), 0.56, stage.between(0.25, 0.42), "round", 0.5)
    hedge = light.on(stage.ground((0.16, 0.38, 0.18)))
    pen.ridge(0.52 + 0.012 * np.sin(np.linspace(0, 60, 48)), hedge)
    pen.ridge(np.full(2, 0.64), light.on(stage.ground((0.42, 0.62, 0.28))))
    x = pen.width * stage.between(0.4, 0.6)
    pen.poly(((x - 0.05, 0.64), (x + 0.05, 0.64), (x + 0.24, 1.1), (x - 0.24, 1.1)), light.on(stage.ground((0.84, 0.74, 0.56))))
    _draw_gate(stage, x)
    if not stage.bare:
        draw_flowers(stage, 0.68, stage.many(50, 90))
    for side in (-1, 1):
        bx = x + side * 0.30
        pen.disc(bx, 0.72, 0.075, shade(hedge, 1.2))
        pen.poly(((bx - 0.05, 0.78), (bx + 0.05, 0.78), (bx + 0.035, 0.88), (bx - 0.035, 0.88)), light.on((0.70, 0.40, 0.28)))


DRAWERS: dict[str, Callable[[Stage], None]] = {
    "hills": _hills, "sea": _sea, "city": draw_city, "forest": _forest, "desert": _desert, "neon": draw_neon,
    "mountains": _mountains, "harbour": draw_harbour, "interior": draw_interior, "street": draw_street, "river": _river,
    "ruins": draw_ruins, "station": draw_station, "space": _space, "village": draw_village, "battlefield": _battlefield,
    "castle": draw_castle, "cave": _cave, "road": _road, "garden": _garden,
}


def _beside_middle(stage: Stage, gap: float) -> float:
    """A place along the width, at least `gap` off the middle."""
    half = stage.pen.width / 2
    return half + float(stage.rng.choice((-1, 1))) * stage.between(gap, half + 0.05)


def _draw_trunk(stage: Stage, x: float, foot: float, half: float, depth: float) -> None:
    colour = stage.light.on(BARK, depth)
    stage.pen.poly(((x - half, -0.2), (x + half, -0.2), (x + 1.4 * half, foot), (x - 1.4 * half, foot)), colour)
    for _ in range(2):
        y, reach = stage.between(0.05, 0.4), stage.between(-0.15, 0.15)
        stage.pen.line(((x, y), (x + reach, y - 0.10)), colour, 0.5 * half)


def _draw_mesa(stage: Stage, x: float, foot: float) -> None:
    width, height = stage.between(0.10, 0.25), stage.between(0.08, 0.20)
    colour = stage.light.on((0.72, 0.40, 0.28), 0.5)
    stage.pen.poly(((x - width, foot), (x - 0.7 * width, foot - height), (x + 0.6 * width, foot - height), (x + width, foot)), colour)


def _draw_cactus(stage: Stage, x: float, foot: float) -> None:
    height, colour = 0.08 + 0.25 * (foot - 0.5), stage.light.on((0.24, 0.42, 0.24))
    thick = 0.20 * height
    stage.pen.line(((x, foot), (x, foot - height)), colour, thick)
    for side, y in ((-0.35, 0.4), (0.35, 0.55)):
        arm = ((x, foot - y * height), (x + side * height, foot - y * height), (x + side * height, foot - (y + 0.3) * height))
        stage.pen.line(arm, colour, 0.7 * thick)


def _draw_peak(stage: Stage, x: float, foot: float, height: float, depth: float) -> None:
    half = height * stage.between(0.65, 0.95)
    rock = stage.light.on(ROCK, depth)
    crag = 0.04 * stage.scene.arousal
    knots = [(-1.0, 0.0), (-0.6, 0.38), (-0.35, 0.7), (0.0, 1.0), (0.3, 0.66), (0.65, 0.35), (1.0, 0.0)]
    outline = [(x + u * half, foot - v * height + stage.between(-crag, crag)) for u, v in knots]
    stage.pen.poly(outline, rock)
    stage.pen.poly((outline[3], outline[4], outline[5], outline[6], (x + 0.15 * half, foot)), shade(rock, 0.78))
    left, top, right = outline[2], outline[3], outline[4]
    cap = (left, top, right, (x + 0.12 * half, top[1] + 0.26 * height), (x - 0.06 * half, top[1] + 0.40 * height), (x - 0.18 * half, top[1] + 0.25 * height))
    stage.pen.poly(cap, stage.light.on(SNOW, depth * 0.5))


def _draw_ship(stage: Stage, x: float, y: float) -> None:
    size, hull = stage.between(0.03, 0.06), (0.75, 0.78, 0.82)
    stage.pen.poly(((x - size, y + 0.3 * size), (x + 1.2 * size, y), (x - size, y - 0.3 * size), (x - 0.7 * size, y)), hull)
    stage.pen.line(((x - size, y), (x - 2.6 * size, y)), (1.0, 0.75, 0.35), 0.008, 0.8)


def _draw_smoke(stage: Stage, x: float, foot: float) -> None:
    smoke = shade(stage.light.haze, 0.55)
    for puff in range(5):
        stage.pen.disc(x + 0.04 * puff, foot - 0.09 * puff, 0.04 + 0.022 * puff, smoke, 0.55)
    stage.pen.glow(x, foot, 0.10 + 0.08 * stage.scene.arousal, (1.0, 0.50, 0.15), 0.9)


def _draw_banner(stage: Stage, x: float, foot: float, height: float) -> None:
    cloth = stage.light.on(stage.pick(((0.80, 0.16, 0.14), (0.18, 0.26, 0.60), (0.85, 0.66, 0.20))))
    lean = stage.between(-0.08, 0.08)
    top = foot - height
    stage.pen.line(((x, foot), (x + lean, top)), stage.light.on(BARK), 0.014)
    flutter = 0.02 + 0.05 * stage.scene.arousal
    stage.pen.poly(((x + lean, top), (x + lean + 0.16, top + flutter), (x + lean + 0.12, top + 0.07), (x + lean + 0.16, top + 0.13 + flutter), (x + lean, top + 0.12)), cloth)


def _rough_ring(stage: Stage, x: float, y: float, rx: float, ry: float) -> list[tuple[float, float]]:
    angles = np.linspace(0.0, 2 * np.pi, 15)[:-1]
    reach = 1.0 + (0.05 + 0.12 * stage.scene.arousal) * stage.rng.normal(size=angles.size)
    return [(float(x + rx * r * np.cos(a)), float(y + ry * r * np.sin(a))) for a, r in zip(angles, reach, strict=True)]


def _draw_spike(stage: Stage, colour: Colour) -> None:
    x, half, length = stage.across(), stage.between(0.02, 0.05), stage.between(0.10, 0.32)
    if stage.rng.random() < 0.7:
        stage.pen.poly(((x - half, -0.1), (x + half, -0.1), (x, length)), colour)
    else:
        stage.pen.poly(((x - half, 1.1), (x + half, 1.1), (x, 1.0 - 0.6 * length)), colour)


def _draw_car(stage: Stage, x: float, foot: float, size: float) -> None:
    pen, body = stage.pen, stage.light.on(stage.pick(((0.80, 0.20, 0.18), (0.20, 0.42, 0.62), (0.86, 0.80, 0.66))))
    for side in (-0.36, 0.36):
        pen.box(x + (side - 0.1) * size, foot - 0.15 * size, x + (side + 0.1) * size, foot + 0.05 * size, DARK)
    pen.poly(((x - 0.34 * size, foot - 0.45 * size), (x - 0.24 * size, foot - 0.75 * size), (x + 0.24 * size, foot - 0.75 * size), (x + 0.34 * size, foot - 0.45 * size)), shade(body, 0.5))
    pen.box(x - 0.5 * size, foot - 0.48 * size, x + 0.5 * size, foot - 0.08 * size, body)
    for side in (-0.38, 0.38):
        pen.disc(x + side * size, foot - 0.28 * size, 0.07 * size, (1.0, 0.25, 0.18))
        if stage.dark:
            pen.glow(x + side * size, foot - 0.28 * size, 0.3 * size, (1.0, 0.25, 0.18), 0.6)


def _draw_gate(stage: Stage, x: float) -> None:
    wood = stage.light.on(mix(STONE, SNOW, 0.5))
    for side in (-0.11, 0.11):
        stage.pen.box(x + side - 0.014, 0.36, x + side + 0.014, 0.66, wood)
    arch = [(x + 0.11 * float(np.cos(a)), 0.37 - 0.11 * float(np.sin(a))) for a in np.linspace(0, np.pi, 10)]
    stage.pen.line(arch, wood, 0.026)
