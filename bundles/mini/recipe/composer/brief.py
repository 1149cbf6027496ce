"""What a composer is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Brief:
    """A cue's style and mood; what is left out, the composer chooses.

    `valence` and `energy` in 0..1; `mode` "major" or "minor" (from the valence unless said); `bpm` 60..140; `featured` the part
    that leads; `programs` sets instruments of parts, which then play; `parts` says exactly who plays.
    """

    style: str
    valence: float
    energy: float
    metre: str = "4/4"
    mode: str = ""
    bpm: int = 0
    featured: str = ""
    programs: dict[str, int] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
