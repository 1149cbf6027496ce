"""The mallets: bells, bars and kettledrums, which sparkle, toll, double and roll."""

from __future__ import annotations

from .hand import Hand
from .harmony import nearest, nearest_of
from .instruments import RANGES, STRUCK_LOW
from .theme import theme

CENTRE = 79


def write_mallets(hand: Hand) -> None:
    """Write the mallets: low drums roll, others play one of the style's figures."""
    sketch = hand.sketch
    figure = hand.of(sketch.style.mallets)
    if hand.program in STRUCK_LOW:
        figure = "timpani"
    elif figure == "timpani":
        figure = "toll"
    if figure == "double" and not sketch.theme:
        figure = "sparkle"
    if sketch.featured == "mallets" and figure not in ("timpani", "cells"):
        figure = "box"
    hand.write(FIGURES[figure])


def _centre(hand: Hand) -> int:
    low, high = RANGES[hand.program]
    return min(max(CENTRE + hand.sketch.lift, low + 7), high - 7)


def _sparkle(hand: Hand) -> None:
    """Two or three high chord tones in a rhythm that each bar keeps."""
    sketch = hand.sketch
    places = [(column, hand.of((0, 1, 2))) for column in range(0, sketch.metre.bar, 2) if hand.chance(0.16 + 0.22 * sketch.busy)]
    places = places if len(places) > 1 else [(0, 2), (sketch.metre.beat + 2, 1)]
    for number in range(4):
        for at, rank in places:
            column = number * sketch.metre.bar + at
            tones = sketch.chord_at(column).tones
            hand.play(nearest(tones[rank % len(tones)], _centre(hand)), column, 4)


def _toll(hand: Hand) -> None:
    """One bell on the bar line, each second one softer, answered in the middle of the bar where it is lively."""
    sketch = hand.sketch
    for number in range(4):
        column = number * sketch.metre.bar
        pitch = nearest_of(sketch.chord_at(column).tones[:1], _centre(hand) - 6)
        hand.play(pitch, column, sketch.metre.bar, 6 - 10 * (number % 2))
        if sketch.energy > 0.6:
            half = sketch.metre.bar // 2
            hand.play(nearest_of(sketch.chord_at(column + half).tones, pitch + 4), column + half, half, -6)


def _double(hand: Hand) -> None:
    """The theme's longer or accented notes, an octave up."""
    sketch = hand.sketch
    for column, (length, pitch) in sketch.theme.items():
        if length >= 3 or column % sketch.metre.beat == 0:
            hand.play(pitch + 12 if pitch + 12 <= RANGES[hand.program][1] else pitch, column, length, -4)


def _echo(hand: Hand) -> None:
    """Pairs of falling chord tones after the strong beats, the second softer."""
    sketch = hand.sketch
    delay = hand.of((3, 4, 6)) if sketch.metre.beat == 4 else hand.of((2, 4))
    for start, length, index in hand.segments():
        tones = sketch.chords[index].tones
        pitch = nearest_of(tones[-2:], _centre(hand))
        for place in range(2 + (sketch.busy > 0.5)):
            column = start + delay + place * delay
            if column < start + length:
                hand.play(pitch, column, 4, -7 * place)
                pitch = nearest_of(tones, pitch - 4)


def _vibes(hand: Hand) -> None:
    """Dyads and three-note chords in the gaps of the groove."""
    sketch = hand.sketch
    voicings = sketch.voicings(3, 68 + sketch.lift, hand.part)
    gaps = sorted({(column + 4) % sketch.metre.bar // 2 * 2 for column in sketch.groove[1:] or (8,)})
    for number in range(4):
        for at in gaps:
            column = number * sketch.metre.bar + at
            if hand.chance(0.75):
                hand.chord(voicings[sketch.index_at(column)][-2:], column, 6, -2)


def _box(hand: Hand) -> None:
    """A music box: a theme on high, with chord tones plucked beneath."""
    sketch = hand.sketch
    for column, length, pitch, extra in theme(hand, "dance" if sketch.energy > 0.35 else "lyrical", _centre(hand)):
        hand.play(pitch, column, length, extra + 6)
    step = sketch.metre.beat // 2 if sketch.busy > 0.4 else sketch.metre.beat
    low, high = RANGES[hand.program]
    for place, column in enumerate(range(0, sketch.columns, step)):
        tones = sketch.chord_at(column).tones
        hand.play(nearest(tones[(0, 2, 1, 2)[place % 4] % len(tones)], max(low + 6, _centre(hand) - 12)), column, step, -12)


def _cells(hand: Hand) -> None:
    """A turning cell of chord tones in eighths or sixteenths."""
    sketch = hand.sketch
    step = 1 if sketch.busy > 0.75 else 2
    cell = [hand.of((0, 1, 2, 1, 2)) for _ in range(hand.of((3, 5, 4)))]
    for column in range(0, sketch.columns, step):
        tones = sketch.chord_at(column).tones
        place = column % (2 * sketch.metre.bar) // step % len(cell)
        hand.play(nearest(tones[cell[place] % len(tones)], _centre(hand) - 5), column, step, 4 if place == 0 else -4)


def _timpani(hand: Hand) -> None:
    """Roots and fifths on the groove, a roll that grows into the first bar."""
    sketch = hand.sketch
    bar, beat = sketch.metre.bar, sketch.metre.beat
    hits = sketch.groove if sketch.energy > 0.4 else tuple(column for column in sketch.groove if column in sketch.metre.strong) or (0,)
    rolls = sketch.energy > 0.35 and hand.chance(0.7)
    begin = sketch.columns - (bar // 2 if sketch.energy > 0.6 else beat)
    for number in range(4):
        for at in hits:
            column = number * bar + at
            if rolls and column >= begin:
                continue
            chord = sketch.chord_at(column)
            fifth = at not in sketch.metre.strong and (chord.bass + 7) % 12 in chord.tones and hand.chance(0.5)
            hand.play(nearest((chord.bass + 7 * fifth) % 12, 45), column, 2, 6 if at == 0 else 0)
    if rolls:
        chord = sketch.chord_at(begin)
        for place, column in enumerate(range(begin, sketch.columns)):
            hand.play(nearest(chord.bass, 45), column, 1, -22 + 30 * place / (sketch.columns - begin))


FIGURES = dict(sparkle=_sparkle, toll=_toll, double=_double, echo=_echo, vibes=_vibes, box=_box, cells=_cells, timpani=_timpani)
