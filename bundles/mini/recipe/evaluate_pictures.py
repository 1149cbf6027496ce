"""The pictures of the evaluation: painted corners of the mood, and photographs and drawings that packages bring along.

The real pictures are looked for where `pip install scikit-image` and `apt-get install mate-backgrounds
plasma-workspace-wallpapers` put them; pairs that are missing are left out. None is copied into the repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from picture import paint
from scene import LOOKS, PLACES, Scene

CAPTIONS = ("lo-fi with electric piano, electric bass and drums", "ambient with warm pad, harp and synth bass",
            "neoclassical piano with piano, strings and double bass", "orchestral with strings, harp, cello and celesta")
CORNERS = {"bright_lively": (0.95, 0.9), "bright_calm": (0.95, 0.1), "dark_calm": (0.05, 0.1), "dark_lively": (0.05, 0.9)}
STREAM = 9  # of the random numbers that paint the corners
LONGEST = 512  # pixels of a stored picture's longer side
PACKAGES = {"skimage": "skimage/data"}
FOLDERS = {"mate": "/usr/share/backgrounds/mate", "plasma": "/usr/share/wallpapers"}


@dataclass(frozen=True)
class Real:
    """A photograph or drawing that a package brings along."""

    source: str
    path: str

    @property
    def name(self) -> str:
        """A short name, fit for a file."""
        parts = Path(self.path).parts
        return (parts[0] if self.source == "plasma" else Path(parts[-1]).stem).lower()

    def find(self) -> Path | None:
        """Where it is on this machine."""
        root = Path(FOLDERS.get(self.source, "missing"))
        if self.source in PACKAGES:
            spec = find_spec(self.source)
            root = Path(spec.origin).parents[1] / PACKAGES[self.source] if spec and spec.origin else root
        path = root / self.path
        return path if path.is_file() else None


@dataclass(frozen=True)
class Pair:
    """Two very different real pictures; to a person the first is brighter (valence) or livelier (arousal) than the second."""

    axis: str
    first: Real
    second: Real

    def is_there(self) -> bool:
        """Whether both are on this machine."""
        return self.first.find() is not None and self.second.find() is not None


def _plasma(name: str, image: str) -> Real:
    return Real("plasma", f"{name}/contents/images/{image}")


PAIRS = (
    Pair("valence", Real("mate", "nature/YellowFlower.jpg"), Real("mate", "nature/Storm.jpg")),
    Pair("valence", Real("mate", "nature/GreenMeadow.jpg"), _plasma("DarkestHour", "1600x1200.jpg")),
    Pair("valence", Real("mate", "nature/Dune.jpg"), _plasma("Path", "1600x1200.jpg")),
    Pair("valence", _plasma("Autumn", "1600x1200.jpg"), Real("skimage", "hubble_deep_field.jpg")),
    Pair("valence", _plasma("PastelHills", "1600x1200.jpg"), _plasma("ColdRipple", "1600x1200.jpg")),
    Pair("valence", _plasma("IceCold", "5120x2880.png"), _plasma("MilkyWay", "5120x2880.png")),
    Pair("arousal", _plasma("ColorfulCups", "2560x1600.jpg"), _plasma("Altai", "5120x2880.png")),
    Pair("arousal", Real("mate", "abstract/Elephants.jpg"), _plasma("summer_1am", "1600x1200.jpg")),
    Pair("arousal", _plasma("SafeLanding", "5120x2880.jpg"), _plasma("Kite", "1600x1200.jpg")),
    Pair("arousal", Real("skimage", "motorcycle_left.png"), Real("skimage", "moon.png")),
)


def corner_picture(corner: tuple[float, float], index: int) -> Image.Image:
    """Paints one picture of a corner; the same index has the same place and look in all corners."""
    valence, arousal = corner
    hour = "night" if valence < 0.33 else "day"
    weather = "rain" if valence < 0.5 < arousal else "mist" if arousal < 0.3 else "clear"
    # Neither place nor look goes in step with the four captions.
    place, look = PLACES[(index + index // len(PLACES)) % len(PLACES)], LOOKS[index // len(CAPTIONS) % len(LOOKS)]
    scene = Scene(place, valence, arousal, hour, weather, look, "piano", "major")
    return Image.fromarray(paint(scene, np.random.default_rng([STREAM, index])))


def open_real(path: Path) -> Image.Image:
    """A real picture as RGB, at most `LONGEST` pixels wide or high."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    return picture
