"""What a style of cue is, as data."""

from __future__ import annotations

from dataclasses import dataclass

Weights = dict[str, float]


@dataclass(frozen=True)
class Style:
    """Who may play in a style, how likely, and how.

    Programs run from dark to bright within a part, figures and grooves from calm to busy. `chance` is each part's before the energy
    acts on it, of 1 for those without whom the style is not itself; `leads` says which part is featured, how often.
    """

    family: str  # the nearest of the twelve styles that scenes and captions know
    names: tuple[str, ...]  # what people call it
    places: tuple[str, ...]  # the scenes that it suits
    programs: dict[str, tuple[int, ...]]
    kits: tuple[int, ...]
    chance: Weights
    leads: Weights
    harmony: tuple[str, ...]  # families of progressions, both modes
    colours: Weights  # what is added to triads
    grooves: tuple[str, ...]
    pad: tuple[str, ...] = ("hold",)
    bass: tuple[str, ...] = ("hold", "halves")
    keys: tuple[str, ...] = ("block",)
    ostinato: tuple[str, ...] = ("arpeggio",)
    lead: tuple[str, ...] = ("lyrical",)
    counter: tuple[str, ...] = ("guide",)
    mallets: tuple[str, ...] = ("sparkle",)
    drums: tuple[str, ...] = ("soft",)
    shapes: tuple[str, ...] = ("arch",)  # of the dynamics
    tempo: tuple[int, int] = (60, 140)
    swing: float = 0.0
    space: int = 50
    suspensions: float = 0.25  # of the steps down in the pad, held over
    lift: int = 0  # semitones of the register
    drive: int = 66  # centre of the ostinato
