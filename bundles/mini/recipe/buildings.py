"""The places that people built."""

from __future__ import annotations

import numpy as np

from pen import Colour, mix, rolling, shade
from things import (
    BARK, DARK, GREEN, STONE, WALLS, Stage, draw_boat, draw_house, draw_lamp, draw_lightning, draw_person, draw_sky,
    draw_tree, draw_water, draw_weather, draw_window,
)

NEONS: tuple[Colour, ...] = ((1.0, 0.16, 0.65), (0.10, 0.88, 0.98), (0.62, 0.28, 1.0), (1.0, 0.55, 0.15), (0.35, 1.0, 0.55))


def draw_city(stage: Stage) -> None:
    """A skyline of towers."""
    draw_sky(stage, 0.62)
    draw_lightning(stage, 0.6)
    for layer in range(3):
        depth = 0.85 - 0.4 * layer
        x = -0.05
        while x < stage.pen.width:
            width = stage.between(0.07, 0.16)
            top = 0.66 - (0.10 + stage.between(0.0, 0.35 + 0.15 * stage.scene.arousal)) * (1 - 0.22 * layer) + 0.10 * layer
            _draw_tower(stage, x, top, width, depth)
            x += width + stage.between(0.0, 0.02 + 0.06 * layer)
    stage.pen.ridge(np.full(2, 0.93), stage.light.on(stage.ground((0.30, 0.32, 0.34))))
    for _ in range(stage.many(1, 6)):
        draw_tree(stage, stage.across(), 0.97, 0.12, "round")


def draw_neon(stage: Stage) -> None:
    """A narrow street of signs over wet ground."""
    pen, scene, middle = stage.pen, stage.scene, stage.pen.width / 2
    night = mix((0.05, 0.04, 0.12), (0.30, 0.16, 0.38), scene.valence)
    glow = mix((0.20, 0.25, 0.75), (1.0, 0.42, 0.55), scene.valence)
    pen.backdrop(np.array([night, mix(night, glow, 0.35), mix(night, glow, 0.7), shade(night, 0.8), shade(night, 0.6)]))
    pen.glow(middle, 0.52, 0.45, glow, 0.5 + 0.3 * scene.valence)
    for side in (-1, 1):
        for step, gap in enumerate((0.10, 0.20, 0.36)):
            wall = shade(mix(night, glow, 0.20 - 0.07 * step), 0.9)
            x0, x1 = middle + side * gap, middle + side * (gap + 0.75)
            top = stage.between(0.12, 0.30) - 0.12 * step
            pen.poly(((x0, top), (x1, top - 0.10), (x1, 0.72 + 0.10 * step), (x0, 0.62 + 0.09 * step)), wall)
    pen.poly(((middle - 0.12, 0.62), (middle + 0.12, 0.62), (pen.width + 0.5, 1.2), (-0.5, 1.2)), shade(night, 0.75))
    for _ in range(stage.many(7, 20)):
        _draw_sign(stage, middle)
    if scene.arousal < 0.6 or stage.rng.random() < 0.5:
        draw_person(stage, middle + stage.between(-0.12, 0.12), 0.86, 0.22, shade(night, 0.4))


def draw_harbour(stage: Stage) -> None:
    """Boats at a quay, with sheds, a light and a crane."""
    pen, light, horizon = stage.pen, stage.light, stage.between(0.46, 0.54)
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    pen.ridge(rolling(stage.rng, horizon - 0.03, 0.02, 0.3), light.on(stage.ground((0.30, 0.42, 0.34)), 0.85))
    draw_water(stage, horizon + 0.06)
    mirrored = stage.rng.random() < 0.5
    x = 0.0 if mirrored else pen.width - 0.48
    pen.box(x - 0.05, horizon + 0.02, x + 0.53, horizon + 0.10, light.on(STONE))
    for shed in range(3):
        draw_house(stage, x + 0.02 + 0.16 * shed, horizon + 0.03, stage.between(0.10, 0.14), 0.1)
    _draw_lighthouse(stage, pen.width - 0.14 if mirrored else 0.14, horizon + 0.09)
    if stage.rng.random() < 0.5:
        _draw_crane(stage, x + 0.25, horizon + 0.03)
    for _ in range(2 + stage.many(0, 3)):
        y = stage.between(horizon + 0.14, 0.86)
        draw_boat(stage, pen.width * stage.between(0.1, 0.9), y, 0.10 + 0.25 * (y - horizon))
    plank = light.on((0.50, 0.38, 0.27))
    foot = 0.10 if stage.rng.random() < 0.5 else pen.width - 0.40
    pen.poly(((foot + 0.08, 0.86), (foot + 0.22, 0.86), (foot + 0.36, 1.2), (foot - 0.06, 1.2)), plank)
    for post in (0.05, 0.25):
        pen.line(((foot + post, 1.0), (foot + post, 0.80)), shade(plank, 0.6), 0.025)
    draw_person(stage, foot + 0.15, 0.93, 0.15)


def draw_interior(stage: Stage) -> None:
    """A room: window, lamp, table with a letter, a chair and a picture."""
    pen, light, scene = stage.pen, stage.light, stage.scene
    draw_sky(stage, 0.50)
    pen.ridge(rolling(stage.rng, 0.47, 0.03, 0.3), light.on(GREEN, 0.5))
    draw_lightning(stage, 0.5)
    draw_weather(stage)
    table_left = stage.rng.random() < 0.5
    width = stage.between(0.34, 0.42)
    side = max(0.0, 0.25 * (pen.width - 1.0))  # keeps the furniture together in wide pictures
    x = pen.width - width - stage.between(0.12, 0.20) - side if table_left else stage.between(0.12, 0.20) + side
    room = mix(stage.pick(((0.70, 0.56, 0.42), (0.52, 0.58, 0.56), (0.66, 0.46, 0.42))), light.tint, 0.25)
    room = shade(room, 0.42 + 0.45 * scene.valence + (0.15 if scene.hour == "day" else 0.0))
    _draw_wall_around(stage, x, 0.14, x + width, 0.52, room)
    for side in (x - 0.05, x + width - 0.05):
        pen.poly(((side, 0.09), (side + 0.10, 0.09), (side + 0.08, 0.58), (side - 0.01, 0.58)), shade(room, 1.25))
    floor = shade(mix(room, BARK, 0.6), 0.8)
    pen.box(-0.1, 0.74, pen.width + 0.1, 1.2, floor)
    pen.poly(((x, 0.78), (x + width, 0.78), (x + width + 0.22, 1.0), (x - 0.02, 1.0)), light.horizon, 0.22)
    _draw_furniture(stage, room, 0.04 + side if table_left else pen.width - 0.40 - side)
    for _ in range(stage.many(0, 8)):
        bx, by = stage.across(), stage.between(0.62, 0.98)
        pen.box(bx, by, bx + stage.between(0.03, 0.08), by + 0.03, shade(stage.pick(WALLS), 0.4 + 0.5 * scene.valence))
    if stage.rng.random() < 0.6:
        draw_person(stage, x + width / 2 + stage.between(-0.1, 0.1), 0.90, 0.42, shade(room, 0.25))


def draw_street(stage: Stage) -> None:
    """A street between two rows of houses that meet far away."""
    pen, light = stage.pen, stage.light
    draw_sky(stage, 0.55)
    draw_lightning(stage, 0.5)
    middle, away = pen.width / 2, pen.width * stage.between(0.40, 0.60)
    pen.ridge(np.full(2, 0.60), light.on(stage.ground((0.40, 0.38, 0.38))))
    pen.poly(((away - 0.02, 0.60), (away + 0.02, 0.60), (middle + 0.55, 1.2), (middle - 0.55, 1.2)), light.on((0.28, 0.28, 0.32)))
    for side in (-1, 1):
        for step, (near, far) in enumerate(((0.14, 0.05), (0.30, 0.15), (0.75, 0.31), (1.4, 0.76))):
            _draw_facade(stage, away, side, near, far, max(0.0, 0.6 - 0.3 * step))
    for side in (-1, 1):
        for reach, height in ((0.16, 0.20), (0.34, 0.36)):
            draw_lamp(stage, away + side * reach, 0.62 + 0.5 * reach, height)
    for _ in range(1 + stage.many(0, 4)):
        draw_person(stage, away + stage.between(-0.2, 0.2), stage.between(0.72, 0.92), stage.between(0.15, 0.24))


def draw_ruins(stage: Stage) -> None:
    """Broken columns, an arch and fallen blocks."""
    pen, light, horizon = stage.pen, stage.light, stage.between(0.55, 0.62)
    draw_sky(stage, horizon)
    draw_lightning(stage, horizon)
    pen.ridge(rolling(stage.rng, horizon - 0.04, 0.04, 0.5), light.on(stage.ground((0.36, 0.40, 0.32)), 0.8))
    pen.ridge(rolling(stage.rng, horizon + 0.05, 0.015, 0.6), light.on(stage.ground((0.52, 0.48, 0.34)), 0.2))
    stone = light.on((0.76, 0.71, 0.62))
    _draw_arch(stage, pen.width * stage.between(0.30, 0.70), horizon + 0.14, stage.between(0.40, 0.52), stone)
    for column in range(5):
        x = pen.width * (0.08 + 0.21 * column) + stage.between(-0.05, 0.05)
        _draw_column(stage, x, horizon + stage.between(0.12, 0.30), stage.between(0.16, 0.48), stone)
    for _ in range(stage.many(5, 18)):
        x, y, size = stage.across(), stage.between(horizon + 0.15, 0.98), stage.between(0.02, 0.055)
        lean = stage.between(-0.5, 0.5) * size
        pen.poly(((x, y), (x + lean, y - size), (x + lean + 1.4 * size, y - size), (x + 1.4 * size, y)), shade(stone, stage.between(0.65, 1.0)))
    if stage.rng.random() < 0.5:
        draw_person(stage, stage.across(), 0.90, 0.15)


def draw_station(stage: Stage) -> None:
    """A platform with a roof, a clock and, sometimes, the train."""
    pen, light, scene = stage.pen, stage.light, stage.scene
    draw_sky(stage, 0.6)
    away = pen.width * stage.between(0.55, 0.70)
    pen.ridge(np.full(2, 0.58), light.on(stage.ground((0.36, 0.36, 0.34)), 0.3))
    for side in (-1, 1):
        pen.line(((away + 0.012 * side, 0.58), (away + 0.25 + 0.16 * side, 1.2)), light.on((0.62, 0.60, 0.58)), 0.014)
    if stage.rng.random() < 0.35 + 0.5 * scene.arousal:
        _draw_train(stage, away)
    pen.poly(((away - 0.03, 0.58), (away - 0.12, 0.58), (-0.9, 1.2), (away + 0.02, 1.2)), light.on((0.66, 0.62, 0.56)))
    pen.line(((away - 0.03, 0.585), (away + 0.01, 1.2)), light.on((0.96, 0.80, 0.30)), 0.016)
    roof = light.on((0.34, 0.38, 0.40))
    pen.poly(((away - 0.03, 0.44), (away - 0.13, 0.46), (-0.6, 0.20), (-0.6, -0.2), (away + 0.08, -0.2)), roof)
    for reach, thick in ((0.12, 0.010), (0.26, 0.018), (0.52, 0.03)):
        pen.line(((away - 0.06 - reach, 0.57 + 0.55 * reach), (away - 0.06 - reach, 0.42 - 0.45 * reach)), shade(roof, 0.7), thick)
    clock = (away - 0.22, 0.32)
    if stage.dark:
        pen.glow(*clock, 0.22, light.lamp, 0.7)
    pen.disc(*clock, 0.062, (0.96, 0.94, 0.86))
    for dx, dy in ((0.0, -0.045), (0.03, 0.012)):
        pen.line((clock, (clock[0] + dx, clock[1] + dy)), DARK, 0.010)
    pen.box(away - 0.62, 0.83, away - 0.40, 0.855, light.on(BARK))
    for leg in (-0.60, -0.43):
        pen.line(((away + leg, 0.85), (away + leg, 0.91)), light.on(BARK), 0.015)
    for _ in range(stage.many(0, 6)):
        draw_person(stage, away - stage.between(0.10, 0.40), stage.between(0.76, 0.92), stage.between(0.16, 0.26))


def draw_village(stage: Stage) -> None:
    """Small houses with gables, a church and a fence."""
    pen, light = stage.pen, stage.light
    draw_sky(stage, 0.50)
    draw_lightning(stage, 0.5)
    pen.ridge(rolling(stage.rng, 0.48, 0.05, 0.4), light.on(stage.ground((0.32, 0.48, 0.30)), 0.7))
    _draw_church(stage, pen.width * stage.between(0.25, 0.75), 0.58)
    pen.ridge(rolling(stage.rng, 0.56, 0.015, 0.4), light.on(stage.ground(GREEN), 0.2))
    for row in range(3):
        size = 0.12 + 0.06 * row
        for _ in range(3):
            draw_house(stage, stage.across() - size / 2, 0.62 + 0.12 * row, size, 0.4 - 0.2 * row)
        draw_tree(stage, stage.across(), 0.66 + 0.12 * row, size * 1.2, "round", 0.4 - 0.2 * row)
    pen.ridge(rolling(stage.rng, 0.92, 0.015, 0.5), light.on(stage.ground(shade(GREEN, 0.85))))
    for x in np.arange(0.0, pen.width + 0.05, 0.06):
        pen.line(((float(x), 1.0), (float(x), 0.90)), light.on((0.70, 0.58, 0.42)), 0.012)
    pen.line(((-0.1, 0.94), (pen.width + 0.1, 0.94)), light.on((0.70, 0.58, 0.42)), 0.010)


def draw_castle(stage: Stage) -> None:
    """Towers on a hill."""
    pen, light = stage.pen, stage.light
    draw_sky(stage, 0.55)
    draw_lightning(stage, 0.4)
    pen.ridge(rolling(stage.rng, 0.58, 0.05, 0.5), light.on(stage.ground((0.30, 0.40, 0.34)), 0.8))
    x, foot = pen.width * stage.between(0.38, 0.62), 0.64
    hill = light.on(stage.ground((0.30, 0.44, 0.24)), 0.15)
    pen.poly(((x - 0.75, 0.95), (x - 0.30, foot - 0.02), (x + 0.30, foot - 0.02), (x + 0.75, 0.95)), hill)
    stone = light.on((0.62, 0.60, 0.60))
    _draw_battlement(stage, x - 0.26, x + 0.26, foot - 0.17, foot, shade(stone, 0.9))
    for offset, height, half in ((-0.26, 0.30, 0.05), (0.26, 0.33, 0.05), (-0.10, 0.42, 0.055), (0.10, 0.36, 0.05)):
        _draw_keep(stage, x + offset, foot, height + stage.between(-0.03, 0.05), half, stone)
    pen.box(x - 0.045, foot - 0.10, x + 0.045, foot, shade(stone, 0.25))
    pen.disc(x, foot - 0.10, 0.044, shade(stone, 0.25))
    pen.ridge(rolling(stage.rng, 0.88, 0.03, 0.6), light.on(stage.ground((0.24, 0.36, 0.20))))
    for _ in range(stage.many(3, 10)):
        draw_tree(stage, stage.across(), stage.between(0.92, 1.02), stage.between(0.10, 0.20), "pine")


def _draw_tower(stage: Stage, x: float, top: float, width: float, depth: float) -> None:
    wall = stage.light.on(mix(stage.pick(WALLS), (0.45, 0.50, 0.58), 0.65), depth)
    stage.pen.box(x, top, x + width, 1.2, wall)
    if depth > 0.6:
        return
    pane = stage.light.on((0.34, 0.42, 0.50), depth)
    for y in np.arange(top + 0.03, 0.90, 0.055):
        for column in np.arange(x + 0.018, x + width - 0.02, 0.034):
            if stage.rng.random() < 0.45 + 0.4 * stage.scene.arousal:
                lit = stage.dark and stage.rng.random() < 0.25 + 0.45 * stage.scene.arousal
                stage.pen.box(float(column), float(y), float(column) + 0.017, float(y) + 0.028, stage.light.lamp if lit else pane)


def _draw_sign(stage: Stage, middle: float) -> None:
    pen, colour = stage.pen, shade(stage.pick(NEONS), 0.55 + 0.5 * stage.scene.valence)
    side, reach = float(stage.rng.choice((-1, 1))), stage.between(0.12, 0.46)
    x, size = middle + side * reach, 0.5 * reach
    y = stage.between(0.10, 0.58)
    upright = stage.rng.random() < 0.5
    width, height = (0.28 * size, size) if upright else (0.8 * size, 0.3 * size)
    pen.glow(x, y, 0.9 * size, colour, 0.4)
    pen.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, shade(colour, 0.35))
    inner = 0.30 * min(width, height)
    pen.box(x - width / 2 + inner, y - height / 2 + inner, x + width / 2 - inner, y + height / 2 - inner, mix(colour, (1.0, 1.0, 1.0), 0.25))
    foot = 0.64 + 0.55 * reach
    pen.oval(x, foot + 0.06, 0.35 * size, 0.10, colour, 0.30)


def _draw_lighthouse(stage: Stage, x: float, foot: float) -> None:
    pen, light = stage.pen, stage.light
    pen.poly(((x - 0.11, foot + 0.02), (x - 0.06, foot - 0.04), (x + 0.06, foot - 0.04), (x + 0.11, foot + 0.02)), light.on(STONE))
    white, red = light.on((0.95, 0.93, 0.88)), light.on((0.80, 0.22, 0.18))
    for part in range(4):
        low, high = 0.036 - 0.004 * part, 0.032 - 0.004 * part
        y = foot - 0.03 - 0.075 * part
        pen.poly(((x - low, y), (x - high, y - 0.075), (x + high, y - 0.075), (x + low, y)), red if part % 2 else white)
    top = foot - 0.35
    if stage.dark:
        pen.poly(((x, top), (x + 0.9, top - 0.14), (x + 0.9, top + 0.06)), light.lamp, 0.22)
        pen.glow(x, top, 0.16, light.lamp, 0.8)
    pen.box(x - 0.02, top - 0.02, x + 0.02, top + 0.02, light.lamp)
    pen.poly(((x - 0.03, top - 0.02), (x, top - 0.06), (x + 0.03, top - 0.02)), red)


def _draw_crane(stage: Stage, x: float, foot: float) -> None:
    steel = stage.light.on((0.75, 0.52, 0.20), 0.3)
    stage.pen.line(((x, foot), (x, foot - 0.34)), steel, 0.018)
    stage.pen.line(((x + 0.10, foot - 0.30), (x, foot - 0.38), (x - 0.26, foot - 0.30), (x + 0.10, foot - 0.30)), steel, 0.012)
    stage.pen.line(((x - 0.20, foot - 0.30), (x - 0.20, foot - 0.16)), steel, 0.006)


def _draw_wall_around(stage: Stage, x0: float, y0: float, x1: float, y1: float, wall: Colour) -> None:
    """A wall with a window left open, and its cross."""
    pen, right = stage.pen, stage.pen.width + 0.1
    inked, pen.inked = pen.inked, False
    for box in ((-0.1, -0.2, x0, 1.2), (x1, -0.2, right, 1.2), (x0 - 0.01, -0.2, x1 + 0.01, y0), (x0 - 0.01, y1, x1 + 0.01, 1.2)):
        pen.box(*box, wall)
    pen.inked = inked
    frame = shade(wall, 0.55)
    middle, sill = (x0 + x1) / 2, (y0 + y1) / 2
    for bar in (((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)), ((middle, y0), (middle, y1)), ((x0, sill), (x1, sill))):
        pen.line(bar, frame, 0.016)


def _draw_furniture(stage: Stage, room: Colour, x: float) -> None:
    """Table, letter, lamp and a picture on the wall."""
    pen, scene, wood = stage.pen, stage.scene, shade(mix(room, BARK, 0.75), 0.8)
    pen.box(x, 0.70, x + 0.36, 0.73, wood)
    for leg in (0.03, 0.33):
        pen.line(((x + leg, 0.73), (x + leg, 0.95)), wood, 0.022)
    pen.poly(((x + 0.20, 0.695), (x + 0.30, 0.695), (x + 0.27, 0.665), (x + 0.18, 0.665)), (0.95, 0.92, 0.84))
    pen.line(((x + 0.09, 0.70), (x + 0.09, 0.58)), shade(wood, 0.6), 0.014)
    if stage.dark or scene.valence < 0.3:
        pen.glow(x + 0.09, 0.56, 0.34, stage.light.lamp, 0.25 + 0.45 * scene.valence)
    pen.poly(((x + 0.03, 0.60), (x + 0.06, 0.50), (x + 0.12, 0.50), (x + 0.15, 0.60)), mix((0.90, 0.70, 0.36), room, 0.25))
    px = x + 0.08
    pen.box(px, 0.18, px + 0.16, 0.34, shade(room, 0.5))
    pen.box(px + 0.02, 0.20, px + 0.14, 0.32, mix(stage.light.horizon, GREEN, 0.4))


def _draw_facade(stage: Stage, away: float, side: int, near: float, far: float, depth: float) -> None:
    """One house front in perspective, between two distances from the vanishing point."""
    pen, wall = stage.pen, stage.light.on(stage.pick(WALLS), depth)
    wall = wall if side > 0 else shade(wall, 0.82)
    x0, x1 = away + side * far, away + side * near
    rise = stage.between(1.0, 1.5)
    pen.poly(((x0, 0.58 - rise * far), (x1, 0.58 - rise * near), (x1, 0.60 + 0.6 * near), (x0, 0.60 + 0.6 * far)), wall)
    for floor in (0.25, 0.55):
        for share in (0.2, 0.62):
            reach = far + (near - far) * share
            width, height = 0.18 * (near - far), 0.16 * rise * reach
            draw_window(stage, away + side * reach - width / 2, 0.58 - rise * reach * (1.05 - floor), width, height)


def _draw_arch(stage: Stage, x: float, foot: float, height: float, stone: Colour) -> None:
    half, top = 0.38 * height, foot - height
    pen, dark = stage.pen, shade(stone, 0.8)
    for side in (-1, 1):
        pen.box(x + side * half - 0.045, top + 0.3 * height, x + side * half + 0.045, foot, dark if side < 0 else stone)
    arch = [(x + half * float(np.cos(a)), top + 0.32 * height - 0.30 * height * float(np.sin(a))) for a in np.linspace(0, np.pi * stage.between(0.6, 1.0), 12)]
    pen.line(arch, stone, 0.085)


def _draw_column(stage: Stage, x: float, foot: float, height: float, stone: Colour) -> None:
    half, top = 0.032, foot - height
    crack = stage.between(-0.04, 0.04)
    stage.pen.poly(((x - half, foot), (x - half, top + crack), (x, top - 0.01), (x + half, top - crack), (x + half, foot)), stone)
    stage.pen.box(x + 0.3 * half, top + 0.04, x + half, foot, shade(stone, 0.72))
    stage.pen.box(x - 1.6 * half, foot - 0.02, x + 1.6 * half, foot + 0.015, shade(stone, 0.85))


def _draw_train(stage: Stage, away: float) -> None:
    pen, light = stage.pen, stage.light
    body = light.on(stage.pick(((0.62, 0.20, 0.18), (0.20, 0.36, 0.50), (0.26, 0.42, 0.32))))
    pen.poly(((away, 0.50), (away + 0.36, 0.20), (away + 1.2, -0.2), (away + 1.2, 1.2), (away + 0.36, 0.92), (away, 0.60)), shade(body, 0.8))
    pen.poly(((away, 0.50), (away + 0.14, 0.46), (away + 0.14, 0.66), (away, 0.60)), body)
    for reach in (0.18, 0.26, 0.36, 0.50):
        y, height = 0.52 - 0.22 * reach, 0.10 + 0.30 * reach
        pane = light.lamp if stage.dark else light.on((0.60, 0.70, 0.76))
        pen.box(away + reach, y - 0.3 * height, away + reach * 1.22, y + 0.5 * height, pane)
    if stage.scene.arousal > 0.6:
        pen.glow(away + 0.05, 0.57, 0.16, light.lamp, 0.9)


def _draw_church(stage: Stage, x: float, foot: float) -> None:
    wall = stage.light.on((0.86, 0.82, 0.74), 0.35)
    stage.pen.box(x - 0.04, foot - 0.24, x + 0.04, foot, wall)
    stage.pen.poly(((x - 0.055, foot - 0.24), (x, foot - 0.42), (x + 0.055, foot - 0.24)), stage.light.on((0.34, 0.36, 0.42), 0.35))
    stage.pen.box(x + 0.04, foot - 0.12, x + 0.18, foot, shade(wall, 0.9))


def _draw_battlement(stage: Stage, x0: float, x1: float, top: float, foot: float, stone: Colour) -> None:
    stage.pen.box(x0, top, x1, foot, stone)
    for x in np.arange(x0, x1 - 0.01, 0.05):
        stage.pen.box(float(x), top - 0.022, float(x) + 0.028, top + 0.005, stone)


def _draw_keep(stage: Stage, x: float, foot: float, height: float, half: float, stone: Colour) -> None:
    pen, top = stage.pen, foot - height
    pen.box(x - half, top, x + half, foot, stone)
    pen.box(x + 0.3 * half, top, x + half, foot, shade(stone, 0.75))
    if stage.scene.valence > 0.4:
        pen.poly(((x - 1.25 * half, top), (x, top - 0.15), (x + 1.25 * half, top)), stage.light.on((0.56, 0.24, 0.28)))
        pen.line(((x, top - 0.15), (x, top - 0.20)), stage.light.on(BARK), 0.008)
        pen.poly(((x, top - 0.20), (x + 0.05, top - 0.185), (x, top - 0.165)), stage.light.on((0.90, 0.70, 0.24)))
    else:
        _draw_battlement(stage, x - 1.2 * half, x + 1.2 * half, top - 0.02, top + 0.02, stone)
    draw_window(stage, x - 0.012, top + 0.06, 0.024, 0.045)
