"""The light of a scene: its sky, and what it makes of the colours of things."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pen import Colour, mix
from scene import Scene

# Of each hour: zenith, horizon, sun or moon, tint of lit things.
HOUR_COLOURS: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "day": ((0.27, 0.55, 0.92), (0.80, 0.91, 0.97), (1.00, 0.97, 0.78), (1.00, 1.00, 0.98)),
    "dawn": ((0.46, 0.52, 0.80), (1.00, 0.80, 0.62), (1.00, 0.92, 0.70), (0.95, 0.84, 0.78)),
    "dusk": ((0.20, 0.16, 0.40), (0.93, 0.44, 0.30), (1.00, 0.62, 0.32), (0.62, 0.48, 0.52)),
    "night": ((0.07, 0.09, 0.25), (0.24, 0.30, 0.50), (0.92, 0.94, 1.00), (0.42, 0.46, 0.66)),
}
# Of each weather: how much of the sky turns grey, and how light that grey is against the horizon.
WEATHER_GREY = {"clear": (0.0, 1.0), "rain": (0.65, 0.62), "mist": (0.55, 0.98), "snow": (0.60, 0.92), "storm": (0.85, 0.45)}


@dataclass(frozen=True)
class Light:
    """Colours of the sky, of the haze over far things, and of the light itself."""

    zenith: Colour
    horizon: Colour
    haze: Colour
    sun: Colour
    tint: Colour
    lamp: Colour
    thickness: float  # of the haze, 0..1

    @classmethod
    def of(cls, scene: Scene, rng: np.random.Generator) -> Light:
        """The light of the scene's hour and weather, a little different every time."""
        zenith, horizon, sun, tint = (_vary(colour, rng) for colour in HOUR_COLOURS[scene.hour])
        share, level = WEATHER_GREY[scene.weather]
        brightness = 0.08 + sum(horizon) / 3 * level
        grey = (brightness * 0.96, brightness, brightness * 1.05)
        zenith, horizon = mix(zenith, mix(grey, zenith, 0.3), share), mix(horizon, grey, share)
        return cls(
            zenith=zenith,
            horizon=horizon,
            haze=mix(horizon, zenith, 0.15),
            sun=mix(sun, horizon, share * 0.6),
            tint=mix(tint, (brightness,) * 3, share * 0.4),
            lamp=(1.0, 0.82, 0.42),
            thickness=0.9 if scene.weather == "mist" else 0.6 if scene.weather in ("snow", "rain") else 0.45,
        )

    def on(self, colour: Colour, depth: float = 0.0) -> Colour:
        """A thing's colour in this light, from near (0) to far (1)."""
        lit = tuple(c * t for c, t in zip(colour, self.tint, strict=True))
        return mix(lit, self.haze, depth * (0.35 + 0.6 * self.thickness))

    def sky(self) -> np.ndarray:
        """The sky from top to bottom (16, 3); the horizon lies near two thirds."""
        share = np.clip(np.linspace(0.0, 1.5, 16), 0.0, 1.0)[:, None]
        return np.array(self.zenith) * (1 - share) + np.array(self.horizon) * share


def _vary(colour: Colour, rng: np.random.Generator) -> Colour:
    """The colour, with each channel up to a twentieth off."""
    return tuple(channel * float(rng.uniform(0.95, 1.05)) for channel in colour)
