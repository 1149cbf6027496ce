"""The scene: what one triplet of music, picture and words has in common.

A scene is drawn first; the composer, the painter and the captioner then read it, each with the same generator.
Valence and arousal are the two things that the picture alone tells the model, so both are drawn evenly.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

HOURS = ("night", "dusk", "dawn", "day")
WEATHERS = ("clear", "rain", "mist", "snow", "storm")
LOOKS = ("flat", "painterly", "sketch", "photo")
MODES = ("major", "minor")

STYLES = (
    "ambient", "lofi", "orchestral", "synthwave", "folk", "piano",
    "jazz", "chiptune", "suspense", "chamber", "world", "electronica",
)

# The styles of music that each place leans to, the likeliest first.
PLACE_STYLES = {
    "hills": ("folk", "piano", "orchestral", "chamber"),
    "sea": ("ambient", "piano", "world"),
    "city": ("lofi", "jazz", "electronica"),
    "forest": ("orchestral", "folk", "ambient", "chamber"),
    "desert": ("world", "ambient", "suspense"),
    "neon": ("synthwave", "electronica", "lofi"),
    "mountains": ("orchestral", "ambient", "world"),
    "harbour": ("folk", "jazz", "piano"),
    "interior": ("chamber", "piano", "lofi", "jazz"),
    "street": ("jazz", "lofi", "suspense"),
    "river": ("piano", "folk", "chamber", "world"),
    "ruins": ("suspense", "orchestral", "world"),
    "station": ("electronica", "suspense", "lofi", "piano"),
    "space": ("ambient", "electronica", "synthwave", "chiptune"),
    "village": ("folk", "chamber", "world", "chiptune"),
    "battlefield": ("orchestral", "suspense"),
    "castle": ("chamber", "orchestral", "chiptune", "suspense"),
    "cave": ("suspense", "ambient", "chiptune"),
    "road": ("synthwave", "folk", "electronica"),
    "garden": ("chamber", "piano", "world", "jazz"),
}
PLACES = tuple(PLACE_STYLES)

OWN_STYLE_SHARE = 0.75  # of the scenes, the music is in one of the place's styles
MODE_FLIP_SHARE = 0.06  # of the scenes, the mode is not the one that the valence asks for
LOOK_SHARES = (0.30, 0.30, 0.20, 0.20)


@dataclass(frozen=True)
class Scene:
    """The attributes of one triplet; `valence` and `arousal` are in 0..1."""

    place: str
    valence: float
    arousal: float
    hour: str
    weather: str
    look: str
    style: str
    mode: str

    def to_dict(self) -> dict[str, str | float]:
        """The attributes by name, ready for JSON."""
        return asdict(self)


def sample_scene(rng: np.random.Generator) -> Scene:
    """Draw a scene; the same state of `rng` gives the same scene."""
    valence, arousal = float(rng.random()), float(rng.random())
    place = _choose(rng, PLACES)
    return Scene(
        place=place,
        valence=valence,
        arousal=arousal,
        hour=_sample_hour(valence, rng),
        weather=_sample_weather(valence, arousal, rng),
        look=_choose(rng, LOOKS, LOOK_SHARES),
        style=_sample_style(place, rng),
        mode=_sample_mode(valence, rng),
    )


def _sample_hour(valence: float, rng: np.random.Generator) -> str:
    """Dark hours for low valence, light ones for high, with soft borders."""
    mood = valence + 0.06 * rng.normal()
    if mood < 0.33:
        return "night"
    if mood < 0.50:
        return "dusk"
    if mood < 0.66:
        return _choose(rng, ("dawn", "day"))
    return _choose(rng, ("day", "dawn"), (0.85, 0.15))


def _sample_weather(valence: float, arousal: float, rng: np.random.Generator) -> str:
    """Storm and rain for the dark and lively, mist and snow for the still, else mostly clear."""
    if valence < 0.5 and arousal > 0.5:
        storm = 0.2 + 0.8 * (arousal - 0.5)
        return _choose(rng, ("storm", "rain", "clear"), (storm, 0.75 - storm, 0.25))
    if arousal < 0.4:
        snow = 0.20 if valence < 0.6 else 0.05
        return _choose(rng, ("mist", "snow", "clear"), (0.35, snow, 0.65 - snow))
    return _choose(rng, ("clear", "rain", "snow", "mist"), (0.82, 0.08, 0.04, 0.06))


def _sample_style(place: str, rng: np.random.Generator) -> str:
    """A style of the place, or any style."""
    own = rng.random() < OWN_STYLE_SHARE
    return _choose(rng, PLACE_STYLES[place] if own else STYLES)


def _sample_mode(valence: float, rng: np.random.Generator) -> str:
    """Major above the middle of valence, minor below, rarely flipped."""
    flipped = rng.random() < MODE_FLIP_SHARE
    return "major" if (valence > 0.5) != flipped else "minor"


def _choose(rng: np.random.Generator, options: tuple[str, ...], shares: tuple[float, ...] | None = None) -> str:
    """One of `options`, evenly or by `shares`, as a plain string."""
    if shares is None:
        return options[int(rng.integers(len(options)))]
    return options[int(rng.choice(len(options), p=shares))]
