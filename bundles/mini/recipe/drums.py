"""Drum patterns: four bars of one family at one of three levels, with a fill that leads back to the first bar.

A bar in three keeps a family's sounds and its busyness: a low stroke on the first beat, answers on the others.
"""

from __future__ import annotations

import numpy as np

KICK, RIM, SNARE, CLAP, CLOSED, OPEN, RIDE = 36, 37, 38, 39, 42, 46, 51
LOW_TOM, MID_TOM, HIGH_TOM, CRASH, TAMBOURINE, SHAKER = 45, 47, 50, 49, 54, 70
OPEN_CONGA, MUTE_CONGA, LOW_CONGA = 63, 62, 64

Hit = tuple[float, int, int]  # beat in the bar, drum, velocity
EIGHTHS = tuple(i / 2 for i in range(8))
SIXTEENTHS = tuple(i / 4 for i in range(16))


def _hits(beats, drum: int, velocity: int) -> list[Hit]:
    return [(float(beat), drum, velocity) for beat in beats]


def _accented(beats, drum: int, velocity: int) -> list[Hit]:
    return [(float(beat), drum, velocity if beat % 1 == 0 else velocity - 14) for beat in beats]


def _soft(level: int) -> list[Hit]:
    return _hits((0,), KICK, 70) + _hits((2,), RIM, 50) + _hits((1, 3) if level < 2 else EIGHTHS, CLOSED, 46)


def _backbeat(level: int) -> list[Hit]:
    kick = ((0, 2.5), (0, 1.5, 2.5), (0, 0.75, 2, 2.5))[level]
    snare = _hits((1, 3), SNARE if level else RIM, (64, 76, 88)[level])
    return _hits(kick, KICK, 88) + snare + _accented((range(4), EIGHTHS, SIXTEENTHS)[level], CLOSED, 62)


def _straight(level: int) -> list[Hit]:
    kick = ((0, 2), (0, 2, 2.5), (0, 1, 2, 3))[level]
    hats = _accented((range(4), EIGHTHS, SIXTEENTHS)[level], CLOSED, 64)
    return _hits(kick, KICK, 94) + _hits((1, 3), SNARE, (76, 88, 98)[level]) + hats


def _four(level: int) -> list[Hit]:
    hats = _hits((0.5, 1.5, 2.5, 3.5), OPEN if level == 2 else CLOSED, 66)
    busy = _hits(SIXTEENTHS, CLOSED, 44) if level == 2 else []
    clap = _hits((1, 3), CLAP, 78) if level else []
    return _hits(range(4) if level else (0, 2), KICK, 96) + clap + hats + busy


def _jazz(level: int) -> list[Hit]:
    ride = _hits((0, 1, 2, 3), RIDE, 62) + _hits((1.5, 3.5), RIDE, 52)
    kick = ((0,), (0, 2), (0, 1, 2, 3))[level]
    return ride + _hits(kick, KICK, 58) + _hits((1, 3), SNARE if level else RIM, 48 + 12 * level)


def _folk(level: int) -> list[Hit]:
    shaker = _accented((range(4), EIGHTHS, EIGHTHS)[level], TAMBOURINE if level else SHAKER, 60)
    return _hits((0, 2), KICK, 80) + shaker + (_hits((1, 3), SNARE, 62 + 10 * level) if level else [])


def _orchestral(level: int) -> list[Hit]:
    roll = _accented(EIGHTHS if level == 1 else SIXTEENTHS, SNARE, 66) if level else []
    return _hits((0,) if level == 0 else (0, 2, 3), KICK, 86) + roll


def _toms(level: int) -> list[Hit]:
    pulse = ((0, 2.5), (0, 1.5, 3), (0, 0.75, 1.5, 2, 2.75, 3.5))[level]
    ticks = _accented(EIGHTHS if level == 1 else SIXTEENTHS, RIM, 52) if level else []
    return _hits((0,), KICK, 96) + _hits(pulse, LOW_TOM, 78) + ticks


def _hands(level: int) -> list[Hit]:
    low = ((0, 3), (0, 1.5, 3), (0, 0.75, 1.5, 3))[level]
    high = ((2,), (1, 2, 2.5), (0.5, 1, 2, 2.25, 2.5, 3.5))[level]
    shaker = _accented((range(4), EIGHTHS, SIXTEENTHS)[level], SHAKER, 54)
    return _hits(low, LOW_CONGA, 84) + _hits(high, OPEN_CONGA, 74) + _hits((1, 3), MUTE_CONGA, 58) + shaker


FAMILIES = dict(soft=_soft, backbeat=_backbeat, straight=_straight, four=_four, jazz=_jazz, folk=_folk,
                orchestral=_orchestral, toms=_toms, hands=_hands)


# Per family, for a bar in three: the stroke on the first beat, the answers, and what keeps the pulse.
IN_THREE = dict(soft=(KICK, RIM, CLOSED), backbeat=(KICK, SNARE, CLOSED), straight=(KICK, SNARE, CLOSED), four=(KICK, CLAP, CLOSED),
                jazz=(KICK, RIM, RIDE), folk=(KICK, SNARE, TAMBOURINE), orchestral=(KICK, SNARE, SNARE), toms=(LOW_TOM, RIM, RIM),
                hands=(LOW_CONGA, OPEN_CONGA, SHAKER))


def _three(family: str, level: int) -> list[Hit]:
    """A bar in three: one, two, three."""
    low, answer, pulse = IN_THREE[family]
    steps = ((1, 2), tuple(i / 2 for i in range(6)), tuple(i / 2 for i in range(6)))[level]
    answers = ((), (1, 2), (1, 2, 2.5))[level]
    push = _hits((1.5,), low, 74) if level == 2 else []
    return _hits((0,), low, 90) + push + _hits(answers, answer, (0, 58, 74)[level]) + _accented(steps, pulse, 52)


def _fill(family: str, level: int, last: int) -> list[Hit]:
    """The last beat of the clip: a short crescendo towards the loop point."""
    drums = dict(jazz=(SNARE, SNARE), hands=(OPEN_CONGA, LOW_CONGA), orchestral=(SNARE, SNARE),
                 toms=(MID_TOM, LOW_TOM), four=(CLAP, SNARE)).get(family, (HIGH_TOM, LOW_TOM))
    beats = (last, last + 0.5) if level == 1 else (last, last + 0.25, last + 0.5, last + 0.75)
    return [(beat, drums[2 * i // len(beats)], 66 + 8 * i) for i, beat in enumerate(beats)]


def drum_bars(family: str, level: int, doubled: bool, rng: np.random.Generator, bar: int = 4) -> list[Hit]:
    """Hits of all four bars of `bar` beats, `(beat, drum, velocity)`. A doubled grid keeps a sparser pattern."""
    sparse = min(level, 1) if doubled else level
    pattern = FAMILIES[family](sparse) if bar == 4 else _three(family, sparse)
    if doubled:
        pattern = [hit for hit in pattern if hit[0] % 1 == 0]
    with_fill = level > 0 and rng.random() < 0.75
    hits, last = [], bar - 1
    for start in range(0, 4 * bar, bar):
        fills = start == 3 * bar and with_fill
        kept = [hit for hit in pattern if not (fills and hit[0] >= last and hit[1] not in (KICK, CLOSED))]
        kept += _fill(family, level, last) if fills else []
        hits += [(start + beat, drum, velocity) for beat, drum, velocity in kept]
    if level == 2 and family in ("straight", "orchestral", "backbeat") and rng.random() < 0.5:
        hits.append((0.0, CRASH, 72))
    return hits
