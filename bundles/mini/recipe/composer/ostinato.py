"""The ostinato: what drives. Arpeggios with accents, spiccato, ticking, cells that turn against the bar, waves of a harp."""

from __future__ import annotations

from .hand import Hand
from .harmony import nearest_of

CONTOURS = ((0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3), (0, 1, 2, 3, 4, 3, 2, 1), (0, 2, 4, 3), (0, 3, 1, 4, 2, 3), (0, 1, 3), (0, 2, 1, 4, 3))


def write_ostinato(hand: Hand) -> None:
    """Write the ostinato in one of the style's figures, perhaps with a run at its end."""
    sketch = hand.sketch
    hand.write(FIGURES[hand.of(sketch.style.ostinato)])
    if sketch.energy > 0.55 and hand.chance(0.35):
        _run_up(hand)


def _step(hand: Hand) -> int:
    """Columns between notes: sixteenths, eighths or quarters, by how busy it is."""
    busy = hand.sketch.busy + (0.12 if hand.sketch.featured == hand.part else 0)
    return 1 if busy > 0.62 else 2 if busy > 0.16 else 4 if hand.sketch.metre.beat == 4 else 2


def _rungs(hand: Hand, above: int, voices: int = 3) -> list[list[int]]:
    """Per chord, its voicing and an octave above."""
    return [[*voicing, *(pitch + 12 for pitch in voicing)] for voicing in hand.sketch.voicings(voices, hand.centre(above), hand.part)]


def _arpeggio(hand: Hand) -> None:
    """A contour over the chord, bar after bar, some notes left out, always the same ones."""
    sketch, step = hand.sketch, _step(hand)
    contour = hand.of(CONTOURS)
    kept = hand.rng.random(sketch.metre.bar) < (0.72 + 0.28 * sketch.busy if step < 4 else 1)
    ladders = _rungs(hand, -4)
    for chord, rungs in zip(sketch.chords, ladders):
        for place, column in enumerate(range(chord.start, chord.end, step)):
            at = column % sketch.metre.bar
            if at == 0 or kept[at]:
                hand.play(rungs[contour[place % len(contour)] % len(rungs)], column, step)


def _spiccato(hand: Hand) -> None:
    """Repeated short notes that jump to a neighbour or a third on the accents of the groove."""
    sketch, step = hand.sketch, min(2, _step(hand))
    pitch = hand.centre(-6)
    kinds = {column: hand.of((1, 2, 2, 3)) for column in sketch.groove}
    double = sketch.energy > 0.6 and hand.chance(0.5)
    for column in range(0, sketch.columns, step):
        chord = sketch.chord_at(column)
        home = nearest_of(chord.tones[:1] if hand.part == sketch.featured else chord.tones, pitch)
        at = column % sketch.metre.bar
        jump = kinds.get(at, 0) if at else 0
        note = home
        if jump:
            above = [rung for rung in sketch.rungs(column, hand.part, jump > 1) if rung > home]
            note = above[min(jump - 1, len(above) - 1)] if above else home
        hand.play(note, column, 1, 8 if at in sketch.groove else -4)
        if double and at in sketch.groove:
            hand.play(note - 12, column, 1, 2)


def _tick(hand: Hand) -> None:
    """A clock: one note and its octave or fifth, even eighths, with a second voice that answers late in the bar."""
    sketch = hand.sketch
    step = min(2, _step(hand)) if sketch.busy > 0.3 else 4 if sketch.metre.beat == 4 else 3
    answer = hand.rng.random(sketch.metre.bar) < 0.25
    for column in range(0, sketch.columns, step):
        chord = sketch.chord_at(column)
        low = nearest_of(chord.tones[:1], hand.centre(-6))
        other = nearest_of(chord.tones[-1:], low + 6)
        at = column % sketch.metre.bar
        hand.play(low if at % (2 * step) == 0 else other, column, 1, 4 if at in sketch.groove else -3)
        if answer[at] and at >= sketch.metre.bar // 2:
            hand.play(low + 12, column, 1, -6)


def _cells(hand: Hand) -> None:
    """A cell of three, five or six notes that turns against the bar and starts anew with every second bar."""
    sketch, step = hand.sketch, _step(hand)
    size = hand.of((3, 5, 6, 3, 7))
    cell = [0, *(hand.of((0, 1, 2, 3, 4)) for _ in range(size - 1))]
    silent = {hand.of(range(1, size))} if hand.chance(0.6) else set()
    ladders = _rungs(hand, -2)
    for column in range(0, sketch.columns, step):
        place = column % (2 * sketch.metre.bar) // step % size
        rungs = ladders[sketch.index_at(column)]
        if place not in silent or column % sketch.metre.bar == 0:
            hand.play(rungs[cell[place] % len(rungs)], column, step, 5 if place == 0 else -3)


def _pizz(hand: Hand) -> None:
    """Short notes and rests in a dialogue: low on the groove, high between."""
    sketch = hand.sketch
    answers = {column: hand.of((1, 2, 3)) for column in range(2, sketch.metre.bar, 2) if hand.chance(0.25 + 0.5 * sketch.busy)}
    ladders = _rungs(hand, -5)
    for column in range(sketch.columns):
        at = column % sketch.metre.bar
        rungs = ladders[sketch.index_at(column)]
        if at in sketch.groove:
            hand.play(rungs[0], column, 1, 3)
        elif at in answers:
            hand.play(rungs[answers[at]], column, 1, -2)
            if sketch.busy > 0.55 and hand.chance(0.2):
                hand.play(rungs[answers[at]], column + 1, 1, -8)


def _wave(hand: Hand) -> None:
    """A harp: up over two octaves and down again, once a bar or twice."""
    sketch = hand.sketch
    step = 1 if sketch.busy > 0.5 else 2
    bar = sketch.metre.bar
    for start, length, _ in hand.segments():
        rungs = sketch.rungs(start, hand.part, True, 45 + sketch.lift, 90 + sketch.lift)
        at, side = 0, 1
        rest = length - hand.of((0, 0, 2, 4)) if sketch.busy < 0.6 and length == bar else length
        for place, column in enumerate(range(start, start + rest, step)):
            hand.play(rungs[at], column, 2 * step, 4 if place == 0 else 0.6 * at - 4)
            at += side
            if at in (0, min(len(rungs), 9) - 1):
                side = -side


def _alberti(hand: Hand) -> None:
    step = min(2, _step(hand))
    pattern = (0, 2, 1, 2) if hand.sketch.metre.beat == 4 else (0, 2, 1, 2, 1, 2)
    for chord, rungs in zip(hand.sketch.chords, _rungs(hand, -2)):
        for place, column in enumerate(range(chord.start, chord.end, step)):
            hand.play(rungs[pattern[place % len(pattern)]], column, step)


def _gallop(hand: Hand) -> None:
    """Long, short, short; the pitch moves on every second beat."""
    sketch = hand.sketch
    offsets = (0, 2, 3) if sketch.metre.beat == 4 else (0, 3, 4, 5)
    ladders = _rungs(hand, -8)
    for place, column in enumerate(range(0, sketch.columns, sketch.metre.beat)):
        rungs = ladders[sketch.index_at(column)]
        rung = (0, 0, 1, 0, 0, 2, 1, 0)[place % 8]
        for offset in offsets:
            hand.play(rungs[rung], column + offset, 1 if offset else 2, 4 if offset == 0 else -5)


def _riff(hand: Hand) -> None:
    """A tune of a bar on the scale, low and plucked, that bends to each chord."""
    sketch = hand.sketch
    bar, step = sketch.metre.bar, min(2, _step(hand))
    columns = sorted({0, *(column for column in range(0, bar, step) if column in sketch.groove or hand.chance(0.35 + 0.4 * sketch.busy))})
    moves = [0, *(hand.of((-2, -1, -1, 0, 1, 1, 2)) for _ in columns[1:])]
    for number in range(4):
        pitch = nearest_of(sketch.chord_at(number * bar).tones, hand.centre(-6))
        for place, at in enumerate(columns):
            column = number * bar + at
            rungs = sketch.rungs(column, hand.part, False, hand.centre(-12), hand.centre(8))
            here = min(range(len(rungs)), key=lambda i: abs(rungs[i] - pitch)) + moves[place]
            pitch = rungs[max(0, min(len(rungs) - 1, here))]
            if at in sketch.metre.strong:
                pitch = nearest_of(sketch.chord_at(column).tones, pitch)
            end = columns[place + 1] if place + 1 < len(columns) else bar
            hand.play(pitch, column, min(end - at, 4))


def _phase(hand: Hand) -> None:
    """A cell to which a note is added from bar to bar, in eighths or sixteenths without a rest."""
    sketch, step = hand.sketch, min(2, _step(hand))
    cell = [hand.of((0, 1, 2)) for _ in range(2)] + [hand.of((1, 2, 3, 4)) for _ in range(4)]
    ladders = _rungs(hand, 0)
    for column in range(0, sketch.columns, step):
        number, at = divmod(column, sketch.metre.bar)
        grown = cell[:3 + number]
        rungs = ladders[sketch.index_at(column)]
        hand.play(rungs[grown[at // step % len(grown)]], column, step)


def _sparse(hand: Hand) -> None:
    """A few high notes, long, in the same places of every bar or two."""
    sketch = hand.sketch
    places = [(0, 0), *((hand.of((3, 4, 6, 7, 8, 10, 11)), hand.of((1, 2, 3, 4))) for _ in range(2 + (sketch.busy > 0.4)))]
    ladders = _rungs(hand, 2)
    for number in range(4):
        for at, rung in places:
            column = number * sketch.metre.bar + at
            rungs = ladders[sketch.index_at(column)]
            if not (at and number == 3 and hand.chance(0.3)):
                hand.play(rungs[rung % len(rungs)], column, 4)


def _tremolo(hand: Hand) -> None:
    """One note that trembles, the next semitone or step beside it now and then."""
    sketch = hand.sketch
    step = 1 if sketch.busy > 0.45 else 2
    for start, length, index in hand.segments():
        rungs = sketch.rungs(start, hand.part, False, 55 + sketch.lift, 84 + sketch.lift)
        home = nearest_of(sketch.chords[index].tones, hand.centre(4))
        beside = min((rung for rung in rungs if rung > home), default=home)
        for column in range(start, start + length, step):
            late = column - start >= length * 3 // 4
            hand.play(beside if late and hand.chance(0.6) else home, column, step, -10 + 14 * (column - start) / length)


def _broken(hand: Hand) -> None:
    """Picked chords: low, then pairs above."""
    sketch, step = hand.sketch, max(2, _step(hand))
    for chord, rungs in zip(sketch.chords, _rungs(hand, -6)):
        for place, column in enumerate(range(chord.start, chord.end, step)):
            if place % 2 == 0:
                hand.play(rungs[place // 2 % 2], column, step * 2, 2)
            else:
                hand.chord(rungs[2:4], column, step, -4)


def _runs(hand: Hand) -> None:
    """A swirl up or down the scale in each second half, a repeated note before it."""
    sketch = hand.sketch
    half = sketch.metre.bar // 2
    for start, length, index in hand.segments():
        home = nearest_of(sketch.chords[index].tones, hand.centre())
        rungs = sketch.rungs(start, hand.part, False, home - 1, home + 16)
        step = 1 if sketch.busy > 0.4 else 2
        for column in range(start, start + length, step):
            late = column % sketch.metre.bar - half
            place = min(late // step, len(rungs) - 1)
            if column // sketch.metre.bar == 2:  # the third bar's run falls
                place = max(0, min(len(rungs), half // step) - 1 - late // step)
            hand.play(rungs[place] if late >= 0 else home, column, step, 4 * (column == start) if late < 0 else 0.8 * late)


def _run_up(hand: Hand) -> None:
    """A riser: the last half bar becomes a scale up to the first note, louder and louder."""
    sketch = hand.sketch
    first = min((note.pitch for note in hand.notes if note.start == 0), default=hand.centre())
    begin = sketch.columns - sketch.metre.bar // 2
    hand.notes = [note for note in hand.notes if note.start < begin]
    rungs = [rung for rung in sketch.rungs(begin, hand.part, False) if rung < first + 12]
    step = 1 if sketch.busy > 0.45 else 2
    count = (sketch.columns - begin) // step
    for place, pitch in enumerate(rungs[-count:]):
        hand.play(pitch, begin + place * step, step, -8 + 20 * place / count)


FIGURES = dict(arpeggio=_arpeggio, spiccato=_spiccato, tick=_tick, cells=_cells, pizz=_pizz, wave=_wave, alberti=_alberti, gallop=_gallop,
               riff=_riff, phase=_phase, sparse=_sparse, tremolo=_tremolo, broken=_broken, runs=_runs)
