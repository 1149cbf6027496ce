"""The twelve musical styles: who may play, how likely, and with which figures.

Programs are General MIDI (0-based) and run from dark to bright within a list, so that a bright scene can pick
from the end of it. `drums` is the drum kit. Chances are before the scene's valence and arousal act on them.
"""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("pad", "bass", "pluck", "bell", "lead", "drums")


@dataclass(frozen=True)
class Style:
    """What one style may sound like."""

    programs: dict[str, tuple[int, ...]]
    chance: dict[str, float]
    kits: tuple[int, ...]
    bass_figures: tuple[str, ...]  # figures from calm to busy
    pluck_figures: tuple[str, ...]
    beat: str  # drum pattern family
    swing: float = 0.0  # delay of the off-beat eighth, in beats
    seventh: float = 0.0  # chance that the clip's chords carry a seventh
    space: int = 50  # reverb send, 0..127


def _style(pad, bass, pluck, bell, lead, chance, **rest) -> Style:
    programs = dict(pad=pad, bass=bass, pluck=pluck, bell=bell, lead=lead)
    return Style(programs, dict(zip(PARTS, chance)), **rest)


STYLES: dict[str, Style] = {
    "ambient": _style(
        (89, 95, 91, 94, 88), (43, 39), (99, 46, 11, 88), (14, 98, 112), (77, 79, 73),
        (1.0, 0.6, 0.6, 0.6, 0.2, 0.15),
        kits=(25,), bass_figures=("hold", "hold", "halves"),
        pluck_figures=("arpeggio", "broken"), beat="soft", seventh=0.5, space=95),
    "lofi": _style(
        (89, 50, 52), (35, 33), (26, 4, 5), (11, 108), (66, 71, 73),
        (0.6, 0.95, 1.0, 0.35, 0.25, 0.95),
        kits=(0, 8), bass_figures=("halves", "push", "push"),
        pluck_figures=("comp", "comp", "broken"), beat="backbeat",
        swing=0.12, seventh=0.9, space=45),
    "orchestral": _style(
        (49, 48, 61), (43, 42), (45, 46, 40), (14, 8, 9), (60, 69, 73, 56),
        (1.0, 0.85, 0.7, 0.4, 0.55, 0.45),
        kits=(48,), bass_figures=("hold", "halves", "eighths"),
        pluck_figures=("arpeggio", "ostinato"), beat="orchestral", space=75),
    "synthwave": _style(
        (50, 89, 90, 63), (38, 39), (87, 81, 80), (99, 98, 100), (84, 81, 80),
        (0.85, 1.0, 0.9, 0.3, 0.35, 0.95),
        kits=(25, 24), bass_figures=("eighths", "octaves", "octaves"),
        pluck_figures=("arpeggio", "arpeggio", "ostinato"),
        beat="straight", space=55),
    "folk": _style(
        (20, 21, 48), (32, 43), (24, 25, 15, 105), (75, 108, 9), (110, 74, 73, 78),
        (0.4, 0.75, 1.0, 0.25, 0.5, 0.35),
        kits=(0, 40), bass_figures=("halves", "halves", "push"),
        pluck_figures=("strum", "broken", "arpeggio"), beat="folk", space=40),
    "piano": _style(
        (49, 52, 48), (43, 42), (0, 0, 1), (11, 8, 10), (42, 71, 40),
        (0.5, 0.4, 1.0, 0.3, 0.25, 0.1),
        kits=(40,), bass_figures=("hold", "halves", "halves"),
        pluck_figures=("broken", "arpeggio", "alberti"), beat="soft",
        seventh=0.3, space=65),
    "jazz": _style(
        (16, 26, 17), (32, 35), (26, 0, 4), (11, 12), (66, 59, 65, 64),
        (0.35, 1.0, 1.0, 0.3, 0.5, 0.9),
        kits=(40, 0), bass_figures=("halves", "walk", "walk"), pluck_figures=("comp", "comp"), beat="jazz",
        swing=0.16, seventh=1.0, space=40),
    "chiptune": _style(
        (87, 80, 82), (38, 87, 80), (82, 80, 81), (10, 98, 9), (82, 80, 78),
        (0.35, 0.95, 1.0, 0.35, 0.6, 0.75),
        kits=(24, 25), bass_figures=("eighths", "octaves", "octaves"),
        pluck_figures=("arpeggio", "arpeggio", "alberti"),
        beat="straight", space=12),
    "suspense": _style(
        (92, 44, 101, 97), (43, 58, 38), (45, 47, 46), (14, 98, 8), (70, 69, 60),
        (0.95, 0.95, 0.7, 0.35, 0.25, 0.5),
        kits=(48, 24), bass_figures=("hold", "ostinato", "ostinato"),
        pluck_figures=("ostinato", "ostinato", "arpeggio"),
        beat="toms", space=85),
    "chamber": _style(
        (49, 48, 41), (43, 42), (45, 6, 46), (8, 9), (70, 41, 68, 40),
        (0.8, 0.9, 0.85, 0.2, 0.75, 0.0),
        kits=(48,), bass_figures=("hold", "halves", "walk"),
        pluck_figures=("alberti", "ostinato", "arpeggio"), beat="soft", space=60),
    "world": _style(
        (97, 52, 21), (32, 35), (107, 108, 12, 104), (14, 112, 114), (77, 111, 75, 74),
        (0.55, 0.7, 1.0, 0.3, 0.5, 0.8),
        kits=(0,), bass_figures=("hold", "push", "push"),
        pluck_figures=("ostinato", "arpeggio", "broken"), beat="hands", space=60),
    "electronica": _style(
        (95, 50, 94, 90), (39, 38), (99, 5, 88, 81), (98, 100, 112), (85, 80, 81),
        (0.85, 0.95, 0.85, 0.4, 0.25, 0.95),
        kits=(25, 24), bass_figures=("push", "eighths", "octaves"),
        pluck_figures=("arpeggio", "comp", "ostinato"),
        beat="four", seventh=0.4, space=60),
}
