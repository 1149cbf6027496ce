"""Themes of four bars: a question, its answer, the question developed, a close that leads back; and the lines against them."""

from __future__ import annotations

import numpy as np

from .hand import Hand
from .harmony import nearest_of
from .rhythm import melodic_bar

CENTRE = 73
CENTRES = {"counter": 60, "keys": 74}
LEAPS = {"lyrical": 0.16, "fanfare": 0.45, "noble": 0.35, "jazz": 0.2, "riff": 0.3, "chant": 0.05, "fragment": 0.3, "dance": 0.2}
DENSITY = {"lyrical": 1.0, "fanfare": 1.0, "noble": 0.7, "jazz": 1.15, "riff": 1.2, "chant": 0.6, "fragment": 0.6, "dance": 1.25}
PENTATONIC = {"major": (0, 2, 4, 7, 9), "minor": (9, 0, 2, 4, 7)}
Bar = list[tuple[int, int]]  # (start, length) in a bar
Tone = tuple[int, int, int, float]  # column, length, pitch, extra velocity
LEAST_PITCHES, TRIES = 4, 4


def write_lead(hand: Hand) -> None:
    """Write the theme, and tell the sketch."""
    sketch = hand.sketch
    manner = hand.of(sketch.style.lead)
    for column, length, pitch, extra in theme(hand, manner, CENTRE + sketch.lift):
        hand.play(pitch, column, length, extra)
        sketch.theme[column] = (length, hand.notes[-1].pitch)


def theme(hand: Hand, manner: str, centre: int) -> list[Tone]:
    """A theme around `centre`; one that hardly moves is thought of again."""
    for _ in range(TRIES):
        notes = _draft(hand, manner, centre)
        if len({pitch for _, _, pitch, _ in notes}) >= LEAST_PITCHES:
            break
    return notes


def _draft(hand: Hand, manner: str, centre: int) -> list[Tone]:
    low, high = _compass(hand, centre)
    bars, anchors = _form(hand, manner)
    five = manner == "riff" or (manner in ("noble", "chant", "fanfare", "fragment") and hand.chance(0.4))
    notes: list[Tone] = []
    steps_by_bar = [_steps(hand, manner, len(bar)) for bar in bars]
    pitch = nearest_of(hand.sketch.chord_at(0).tones, centre + hand.of((-3, 0, 2, 4)))
    first = pitch
    for number, bar in enumerate(bars):
        steps = steps_by_bar[_source(bars, number)]
        # The answer goes on from where the question ended; the other bars begin afresh.
        notes += _line(hand, five, number, bar, steps, pitch if number == 1 else first + anchors[number], low, high)
        pitch = notes[-1][2]
    return _close(hand, notes, first, low, high)


def _source(bars: list[Bar], number: int) -> int:
    """The first bar with the same rhythm, whose steps are taken again: that is what makes it a motif."""
    return next(i for i in range(number + 1) if bars[i] == bars[number])


def _form(hand: Hand, manner: str) -> tuple[list[Bar], tuple[int, ...]]:
    """Rhythms of the four bars, and how far each bar's first note is from the first of all."""
    sketch = hand.sketch
    featured = sketch.featured == hand.part
    wanted = (1.2 + 4.2 * sketch.busy + (0.9 if featured else 0)) * DENSITY[manner] * sketch.metre.bar / 16
    bar = lambda more=0.0: melodic_bar(manner, sketch.metre, max(1.0, wanted + more), hand.rng)
    question, answer, tail = bar(0.3), bar(-0.5), bar(-0.8)
    last = [note for note in tail if note[0] < sketch.metre.bar * 3 // 4] or tail[:1]
    last[-1] = (last[-1][0], max(2, sketch.metre.bar - last[-1][0] - (2 if hand.chance(0.5) else 4)))
    rise = hand.of((0, 2, 3, 5, -2, -3))
    form = hand.of(("period", "period", "sentence", "call", "arch"))
    if form == "sentence":
        return [question, question, bar(0.8), last], (0, rise, rise + 2, 0)
    if form == "call" and featured:
        rest = [(0, sketch.metre.bar // 2)]
        return [question, rest, question, last], (0, 0, rise, -2)
    if form == "arch":
        return [question, answer, bar(0.8), last], (0, 2, 5, 0)
    return [question, answer, question, last], (0, 0, rise, -1)


def _compass(hand: Hand, centre: int) -> tuple[int, int]:
    scale = hand.sketch.rungs(0, hand.part, False)
    middle = min(max(centre, scale[0] + 8), scale[-1] - 8)
    return max(scale[0], middle - 10), min(scale[-1], middle + 11)


def _steps(hand: Hand, manner: str, count: int) -> list[int]:
    """Steps of the scale from note to note: mostly one, a leap now and then that is answered by a step back."""
    steps, leap, direction = [], 0, hand.of((1, -1))
    for _ in range(count - 1):
        if leap:
            step, leap = (-1 if leap > 0 else 1), 0
        elif hand.chance(LEAPS[manner]):
            step = leap = hand.of((2, 2, 3, 4)) * (direction if hand.chance(0.7) else -direction)
        elif hand.chance(0.12 if manner != "riff" else 0.3):
            step = 0
        else:
            step = direction if hand.chance(0.75) else -direction
        direction = 1 if step > 0 else -1 if step < 0 else direction
        steps.append(step)
    return steps


def _line(hand: Hand, five: bool, number: int, bar: Bar, steps: list[int], anchor: int, low: int, high: int) -> list[Tone]:
    """A bar of the theme: the steps walked from the anchor, drawn to chord tones where the metre is strong."""
    sketch, notes, pitch = hand.sketch, [], anchor
    base = number * sketch.metre.bar
    for place, (offset, length) in enumerate(bar):
        column = base + offset
        rungs = sketch.rungs(column, hand.part, False, low, high)
        if five:  # five notes, and those of the chord
            chord = sketch.chord_at(column).tones
            rungs = tuple(rung for rung in rungs if rung % 12 in PENTATONIC[sketch.mode] or rung % 12 in chord)
        if place:
            pitch = _walk(rungs, pitch, steps[(place - 1) % max(1, len(steps))])
        strong = offset in sketch.metre.strong or length >= sketch.metre.beat * 2 or place == 0
        if strong and not (hand.chance(0.08) and place + 1 < len(bar)):
            pitch = nearest_of(sketch.chord_at(column).tones, pitch)
        else:
            pitch = min(rungs, key=lambda rung: abs(rung - pitch))
        while pitch < low:
            pitch += 12
        while pitch > high:
            pitch -= 12
        notes.append((column, length, pitch, 4.0 * (pitch > anchor) + 3.0 * strong - (5.0 if length == 1 else 0.0)))
    return notes


def _walk(rungs: tuple[int, ...], pitch: int, steps: int) -> int:
    """The pitch some steps of a scale away, turned back at its ends."""
    at = int(np.argmin([abs(rung - pitch) for rung in rungs])) + steps
    if at >= len(rungs):
        at = 2 * len(rungs) - at - 2
    return rungs[max(0, min(abs(at), len(rungs) - 1))]


def _close(hand: Hand, notes: list[Tone], first: int, low: int, high: int) -> list[Tone]:
    """The last note is a tone of its chord near the first of the theme, so that the loop joins; a pickup may lead back."""
    sketch = hand.sketch
    column, length, pitch, extra = notes[-1]
    aim = first + hand.of((-2, -1, 1, 2))
    last = min((rung for rung in sketch.rungs(column, hand.part, True, low, high)), key=lambda rung: abs(rung - aim), default=pitch)
    notes[-1] = (column, length, last, extra)
    end = column + length
    if sketch.columns - end >= 2 and hand.chance(0.4 + 0.4 * sketch.energy):
        rungs = sketch.rungs(sketch.columns - 1, hand.part, False, low, high)
        at = int(np.argmin([abs(rung - first) for rung in rungs]))
        side = 1 if last > first else -1
        notes.append((sketch.columns - 2, 2, rungs[max(0, min(len(rungs) - 1, at + side))], -4.0))
    return notes


def write_counter(hand: Hand) -> None:
    """Write a second line: guide tones, answers in the theme's gaps, or thirds below it."""
    sketch = hand.sketch
    figure = hand.of(sketch.style.counter)
    if sketch.featured == "counter" or (figure != "guide" and not sketch.theme):
        figure = "theme" if sketch.featured == "counter" else "guide"
    hand.write(COUNTERS[figure])


def _own_theme(hand: Hand) -> None:
    for column, length, pitch, extra in theme(hand, hand.of(hand.sketch.style.lead), CENTRES["counter"] + hand.sketch.lift):
        hand.play(pitch, column, length, extra)


def _guide(hand: Hand) -> None:
    """A slow line on thirds and sevenths, by the smallest move, with passing notes while the theme holds still."""
    sketch = hand.sketch
    low, high = _compass(hand, CENTRES["counter"] + sketch.lift // 2)
    pitch = (low + high) // 2
    beat = sketch.metre.beat
    for start, length, index in hand.segments():
        chord = sketch.chords[index]
        tones = tuple(tone for tone in chord.tones[1:]) or chord.tones
        before = pitch if start else None
        pitch = nearest_of(chord.tones, min(max(nearest_of(tones, pitch), low), high))
        if pitch == before and hand.chance(0.6):  # a chord that stays: on to its next tone
            pitch = _walk(sketch.rungs(start, hand.part, True, low, high), pitch, hand.of((1, -1)))
        following = nearest_of(sketch.chord_at(start + length).tones[1:] or chord.tones, pitch)
        quiet = not any(start + length - 2 * beat <= column < start + length for column in sketch.theme)
        if length >= 2 * beat and hand.chance(0.75 if quiet else 0.35):
            cut = length - beat if length >= 3 * beat else length // 2
            hand.play(pitch, start, cut)
            rungs = sketch.rungs(start + cut, hand.part, False, low - 3, high + 3)
            side = 1 if following > pitch else -1 if following < pitch else hand.of((1, -1))
            move = _walk(rungs, pitch, side)
            if quiet and sketch.busy > 0.35 and beat >= 4 and hand.chance(0.5):
                hand.play(move, start + cut, beat // 2, -3)
                hand.play(_walk(rungs, move, side), start + cut + beat // 2, length - cut - beat // 2, -3)
            else:
                hand.play(move, start + cut, length - cut, -3)
        else:
            hand.play(pitch, start, length)


def _answer(hand: Hand) -> None:
    """A few moving notes where the theme holds or rests; a long one where it moves."""
    sketch = hand.sketch
    bar, beat = sketch.metre.bar, sketch.metre.beat
    low, high = _compass(hand, CENTRES["counter"] + sketch.lift // 2)
    pitch = nearest_of(sketch.chord_at(0).tones, (low + high) / 2)
    for start in range(0, sketch.columns, bar):
        busy = [column for column in sketch.theme if start <= column < start + bar]
        gap = max(busy, default=start) + 2
        room = start + bar - gap
        pitch = min(max(nearest_of(sketch.chord_at(start).tones, pitch), low), high)
        if room >= beat + 2:
            column = gap + (-gap) % 2
            while column < start + bar:
                length = hand.of((2, 2, 4)) if sketch.busy > 0.3 else 4
                rungs = sketch.rungs(column, hand.part, column % beat == 0, low, high)
                pitch = _walk(rungs, pitch, hand.of((1, 1, -1, -1, 2)))
                hand.play(pitch, column, min(length, start + bar - column), 2)
                column += length
        elif hand.chance(0.7):
            hand.play(nearest_of(sketch.chord_at(start).tones, pitch), start, max(beat, bar // 2), -4)


def _thirds(hand: Hand) -> None:
    """The theme's rhythm, two steps of the scale below it, in its second half or throughout."""
    sketch = hand.sketch
    start = 0 if hand.chance(0.4) else sketch.columns // 2
    for column, (length, above) in sketch.theme.items():
        if column < start:
            continue
        rungs = sketch.rungs(column, hand.part, False)
        pitch = _walk(rungs, above, -2)
        if column % sketch.metre.bar in sketch.metre.strong:
            pitch = nearest_of(sketch.chord_at(column).tones, pitch)
        hand.play(pitch, column, length, -5)


COUNTERS = dict(guide=_guide, answer=_answer, thirds=_thirds, theme=_own_theme)
