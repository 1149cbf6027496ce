"""The painter: a scene as a small picture.

The picture alone tells the valence (brightness, warmth, hour) and the arousal (contrast, roughness, detail, weather);
the captions mostly keep silent about both, so that a model must look.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from closeups import draw_close_up
from light import Light
from pen import Pen
from places import draw_place
from scene import Scene
from things import Stage

PICTURE_STREAM = 7  # of an item's random numbers
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
CLOSE_UP_SHARE = 0.2  # of the pictures show something near instead of the place
VIVID_SHARE = 0.35  # of the pictures have strong colours, or muted ones


def paint(scene: Scene, rng: np.random.Generator, size: int = 128, aspect: float = 1.0, plain: bool = False) -> np.ndarray:
    """The scene as uint8 (size, round(size * aspect), 3); the same state of `rng` gives the same picture.

    With `plain` it is the scene's place in its usual colours, never something near or in stronger or weaker ones.
    """
    width = round(size * aspect)
    tilt = 0.22 * max(0.0, scene.arousal - 0.45) * float(rng.normal())
    pen = Pen(size, width, float(np.clip(tilt, -0.18, 0.18)), scene.look == "sketch", rng)
    light = Light.of(scene, rng)
    if not plain and rng.random() < CLOSE_UP_SHARE:
        draw_close_up(Stage(pen, light, scene, rng))
    else:
        draw_place(pen, light, scene, rng)
    vivid = not plain and rng.random() < VIVID_SHARE
    picture = _grade(pen.picture(), scene, float(np.clip(rng.normal(), -1, 1.5)) if vivid else 0.0)
    picture = _texture(picture, 0.010 + 0.16 * scene.arousal**1.5, rng)
    picture = LOOKS[scene.look](picture, scene, rng)
    return _to_bytes(picture)


def _grade(picture: np.ndarray, scene: Scene, vividness: float) -> np.ndarray:
    """Valence as exposure and warmth, arousal as contrast, both as saturation.

    A bright scene in vivid colours (`vividness` above 0) is exposed less: its colours tell what its light does not.
    """
    valence, arousal = scene.valence, scene.arousal
    picture = picture ** (1.22 - 0.50 * valence + 0.30 * max(0.0, vividness) * valence)
    picture = picture * np.array([0.90 + 0.20 * valence, 1.0, 1.14 - 0.26 * valence], np.float32)
    grey = (picture @ LUMA)[..., None]
    picture = grey + (picture - grey) * (0.38 + 0.55 * valence + 0.50 * arousal) * 1.6**vividness
    centre = 0.13 + 0.42 * valence
    return centre + (picture - centre) * (0.62 + 0.76 * arousal)


def _texture(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Light and dark patches, smooth to gritty."""
    height, width = picture.shape[:2]
    coarse = _patches(height, width, 10, rng)
    fine = _patches(height, width, 44, rng)
    return picture * (1.0 + amount * (coarse + fine))[..., None]


def _flat(picture: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Few tones, as in cut paper."""
    steps = 9 + int(rng.integers(4))
    return picture * 0.35 + np.round(picture * steps) / steps * 0.65


def _painterly(picture: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Short strokes: the picture is looked up a little aside, in patches, and each patch has its own tone."""
    height, width = picture.shape[:2]
    reach = (0.010 + 0.013 * scene.arousal) * height
    cells = 26 + int(rng.integers(14))
    down, along = (_patches(height, width, cells, rng) * reach for _ in range(2))
    rows = np.clip(np.arange(height)[:, None] + down, 0, height - 1).astype(np.intp)
    columns = np.clip(np.arange(width)[None] + along * 1.4, 0, width - 1).astype(np.intp)
    tone = _patches(height, width, cells, rng)[..., None] * np.array([0.05, 0.035, 0.05], np.float32)
    return picture[rows, columns] * (1.0 + tone) + 0.02 * tone


def _sketch(picture: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A wash on paper, hatched where it is dark; the pen has already inked the outlines."""
    height, width = picture.shape[:2]
    paper = np.array([0.97, 0.94, 0.87], np.float32) * (0.50 + 0.48 * scene.valence)
    wash = picture + (paper - picture) * 0.30
    luma = picture @ LUMA
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    pitch = max(3.0, height / 40)
    slope = 0.7 + 0.6 * float(rng.random())
    stroke = ((rows * slope + columns + 2 * _patches(height, width, 8, rng)) % pitch) < 0.34 * pitch
    dark = np.clip(1.0 - luma / (0.12 + 0.30 * scene.valence), 0.0, 1.0)
    return wash * (1.0 - 0.55 * dark * stroke)[..., None]


def _photo(picture: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Soft edges, uneven light, a vignette and grain."""
    height, width = picture.shape[:2]
    soft = Image.fromarray(_to_bytes(picture)).filter(ImageFilter.GaussianBlur(0.85 * (height / 128) ** 0.5))
    picture = np.asarray(soft, np.float32) / 255.0
    surface = _patches(height, width, 70, rng) * (0.05 + 0.07 * scene.arousal)
    down = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    along = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None]
    vignette = 1.0 - 0.20 * (down**2 + along**2)
    grain = rng.standard_normal((height, width), np.float32) * (0.025 + 0.03 * scene.arousal)
    return picture * (vignette * (1.0 + surface))[..., None] + grain[..., None]


LOOKS = {"flat": _flat, "painterly": _painterly, "sketch": _sketch, "photo": _photo}


def _patches(height: int, width: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise in about -1..1 (height, width), with `cells` patches over the height."""
    across = max(1, round(cells * width / height))
    knots = Image.fromarray(rng.uniform(-1.0, 1.0, size=(cells, across)).astype(np.float32))
    return np.asarray(knots.resize((width, height), Image.Resampling.BILINEAR))


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
