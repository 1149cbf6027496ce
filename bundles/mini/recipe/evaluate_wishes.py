"""Which instruments a caption asks for, and whether they play.

A wish is an instrument by its name, with the programs of General MIDI or the kits that grant it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import words
from evaluate_playing import Playing



@dataclass(frozen=True)
class Wish:
    """An instrument: its name in the caption, and the programs or kits that grant it."""

    name: str
    programs: tuple[int, ...] = ()
    kits: tuple[int, ...] = ()

    def granted_by(self, plays: dict[str, int]) -> bool:
        """Whether one of them is among the parts and programs that play."""
        return any(program in (self.kits if part == "drums" else self.programs) for part, program in plays.items())

    def to_list(self) -> list:
        """Ready for JSON; `Wish(*...)` reads it back."""
        return [self.name, list(self.programs), list(self.kits)]


@dataclass(frozen=True)
class Named:
    """A prompt that names one instrument."""

    prompt: str
    part: str  # that it would have
    programs: tuple[int, ...] = ()
    kits: tuple[int, ...] = ()
    bpm: int = 100

    @property
    def wish(self) -> Wish:
        """The instrument."""
        return Wish(self.prompt, self.programs, self.kits)


ANY_KIT = (0, 8, 16, 24, 25, 32, 40, 48)
NAMED = (
    Named("solo piano", "keys", (0, 1)),
    Named("sad piano alone at night", "keys", (0, 1), bpm=90),
    Named("flute melody", "lead", (73,)),
    Named("airy flute over soft chords", "lead", (73,), bpm=92),
    Named("harpsichord", "keys", (6,)),
    Named("baroque harpsichord, dancing", "keys", (6,), bpm=120),
    Named("choir singing, sacred", "pad", (52, 53, 91)),
    Named("dark choir", "pad", (52, 53, 91), bpm=88),
    Named("sitar", "lead", (104,)),
    Named("sitar in the desert", "lead", (104,), bpm=110),
    Named("loud drums, rock beat", "drums", (), ANY_KIT, 120),
    Named("driving drum kit, no melody", "drums", (), ANY_KIT, 126),
    Named("string section", "pad", (48, 49, 50)),
    Named("lush strings, romantic", "pad", (48, 49, 50), bpm=90),
    Named("acoustic guitar", "keys", (24, 25)),
    Named("fingerpicked acoustic guitar by a river", "keys", (24, 25), bpm=96),
    Named("cello", "lead", (42,)),
    Named("lonely cello in the rain", "lead", (42,), bpm=86),
    Named("harp", "ostinato", (46,)),
    Named("harp arpeggios, dreamy", "ostinato", (46,), bpm=104),
    Named("techno beat", "drums", (), (24, 25), 128),
    Named("electronic drums and synth bass", "drums", (), (24, 25), 118),
    Named("trumpet fanfare", "lead", (56,)),
    Named("muted trumpet, late night jazz", "lead", (59,), bpm=94),
)


def _phrases() -> dict[str, tuple[set[int], set[int]]]:
    """Every name of an instrument with its programs and kits."""
    found: dict[str, tuple[set[int], set[int]]] = {}
    for program, names in words.INSTRUMENTS.items():
        for name in names:
            found.setdefault(name, (set(), set()))[0].add(program)
    for kit, names in words.KITS.items():
        for name in names:
            found.setdefault(name, (set(), set()))[1].add(kit)
    for name in words.DRUMS:
        found.setdefault(name, (set(), set()))[1].update(ANY_KIT)
    return found


PHRASES = _phrases()
# The longest first, so that "electric piano" is no piano.
_NAMES = re.compile(r"\b(" + "|".join(map(re.escape, sorted(PHRASES, key=len, reverse=True))) + r")\b")


def wishes(caption: str, composed: Playing) -> list[Wish]:
    """The instruments that a caption names, of those that the score it tells of has: "piano" may be the name of a style."""
    found = []
    for name in dict.fromkeys(_NAMES.findall(caption.lower())):
        programs, kits = PHRASES[name]
        wish = Wish(name, tuple(sorted(programs)), tuple(sorted(kits)))
        if wish.granted_by(composed.plays):
            found.append(wish)
    return found
