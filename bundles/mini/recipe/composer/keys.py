"""The keys: chords in rhythm, from felt piano to strummed guitars, brass stabs and power chords; a song where they lead."""

from __future__ import annotations

from .hand import Hand
from .harmony import nearest
from .theme import CENTRES, theme

CENTRE = 62


def write_keys(hand: Hand) -> None:
    """Write the keys in one of the style's figures."""
    sketch = hand.sketch
    figure = hand.of(sketch.style.keys)
    if figure == "song" and (sketch.featured != "keys" or "lead" in sketch.parts):
        figure = hand.of(("broken", "rolled"))
    if sketch.featured == "keys" and figure in ("rolled", "block", "stabs"):
        figure = "song" if "lead" not in sketch.parts and hand.program < 8 or hand.program in (24, 25, 26) else "broken"
    FIGURES[figure](hand)


def _voicings(hand: Hand, voices: int = 3, centre: int = CENTRE) -> list[tuple[int, ...]]:
    return hand.sketch.voicings(voices, centre + hand.sketch.lift, hand.part)


def _block(hand: Hand) -> None:
    """A chord where it changes, again in the middle of the bar where it is lively."""
    sketch = hand.sketch
    voicings = _voicings(hand)
    for start, length, index in hand.segments():
        half = sketch.metre.middle
        if sketch.busy > 0.45 and length > half:
            hand.chord(voicings[index], start, half, 2)
            hand.chord(voicings[index][-3:], start + half, length - half, -6)
        else:
            hand.chord(voicings[index], start, length)


def _comp(hand: Hand) -> None:
    """Chords on the groove, some anticipated by an eighth, each bar a little different."""
    sketch = hand.sketch
    voicings, bar = _voicings(hand, 3 if "pad" in sketch.parts else 4), sketch.metre.bar
    for start, length, index in hand.segments():
        hits = [column for column in range(start, start + length) if column % bar in sketch.groove]
        if hand.chance(0.3):
            hits = [column for column in hits if column != start] or hits
        if sketch.busy > 0.5 and hand.chance(0.5):
            hits.append(start + hand.of((6, 10, 14, 3)) % length)
        for column in sorted(set(hits)):
            short = hand.chance(0.45)
            room = min((later for later in hits if later > column), default=start + length) - column
            hand.chord(voicings[index] if column % bar == 0 or hand.chance(0.6) else voicings[index][1:], column, min(room, 2 if short else 6), 0)


def _rolled(hand: Hand) -> None:
    """Few chords, broken slowly upwards, with rests that breathe."""
    sketch, voicings = hand.sketch, _voicings(hand, 3, CENTRE + 4)
    for start, length, index in hand.segments():
        if length < 8 or hand.chance(0.15):
            hand.chord(voicings[index][-2:], start, length)
            continue
        step = 2 if sketch.busy < 0.5 else 1
        late = hand.of((0, 0, 0, 4))
        for rank, pitch in enumerate(voicings[index]):
            hand.play(pitch, start + late + rank * step, length - late - rank * step, 3 * rank - 3)
        if hand.chance(0.5):
            top = voicings[index][-1] + 12
            hand.play(top if top < 96 else top - 12, start + length * 5 // 8 // 2 * 2, length * 3 // 8, -8)


PATTERNS = {4: ((0, 2, 3, 2), (0, 1, 2, 3), (0, 2, 1, 2), (0, 2, 4, 3), (0, 3, 2, 4), (0, 1, 2, 4, 3, 4, 2, 1)),
            6: ((0, 1, 2, 3, 2, 1), (0, 2, 3, 4, 3, 2), (0, 2, 1, 3, 1, 2)), 3: ((0, 2, 3), (0, 2, 4), (0, 3, 2))}


def _pattern(hand: Hand) -> tuple[int, ...]:
    metre = hand.sketch.metre
    return hand.of(PATTERNS[4 if metre.bar == 16 else 6])


def _broken(hand: Hand) -> None:
    """Broken chords over two octaves, the first note of each held."""
    sketch = hand.sketch
    voicings, pattern = _voicings(hand, 3, CENTRE - 2), _pattern(hand)
    step = 2 if sketch.busy > 0.25 or sketch.metre.beat == 6 else 4
    for chord, voicing in zip(sketch.chords, voicings):
        rungs = [*voicing, *(pitch + 12 for pitch in voicing)]
        for place, column in enumerate(range(chord.start, chord.end, step)):
            rung = pattern[place % len(pattern)]
            hand.play(rungs[rung], column, min(chord.end - column, step * (4 if place % len(pattern) == 0 else 2)), 4 if rung >= 3 else 0)


def _fingered(hand: Hand) -> None:
    """Fingerpicking: the thumb on the beats between root and fifth, fingers off the beat, a pinch on the one."""
    sketch, voicings = hand.sketch, _voicings(hand, 4, CENTRE - 4)
    beat = sketch.metre.beat if sketch.metre.beat == 4 else 3
    for start, length, index in hand.segments():
        low, inner, middle, top = (*voicings[index], *voicings[index][-1:])[:4]
        for place, column in enumerate(range(start, start + length, beat)):
            hand.play(low if place % 2 == 0 else inner, column, beat, 3)
            if place == 0:
                hand.play(top, column, beat * 2)
            if hand.chance(0.85):
                hand.play(middle if place % 2 else top, column + 2, 2, -5)
            if sketch.busy > 0.6 and beat == 4 and hand.chance(0.6):
                hand.play(middle, column + 3, 1, -10)


def _alberti(hand: Hand) -> None:
    sketch, voicings = hand.sketch, _voicings(hand, 3, CENTRE - 2)
    step = 1 if sketch.busy > 0.7 else 2
    pattern = (0, 2, 1, 2) if sketch.metre.beat == 4 else (0, 2, 1, 2, 1, 2)
    for chord, voicing in zip(sketch.chords, voicings):
        for place, column in enumerate(range(chord.start, chord.end, step)):
            hand.play(voicing[pattern[place % len(pattern)]], column, step, -2)


# Down and up strokes of a strummed bar, by metre, from calm to busy; capitals are accents.
STRUMS = {"4/4": ("D.......D.......", "D...D.U.D...D.U.", "D...D.u..uD.D.U.", "DududuDuDuDuDudu"),
          "3/4": ("D.......d...", "D...D.U.D.u.", "D...d.u.D.u.", "DuduDuduDudu"),
          "6/8": ("D.....d.....", "D.d.u.D.d.u.", "D.d.u.D.dudu", "Dududu" * 2)}


def _strum(hand: Hand) -> None:
    """Guitar strokes: full and loud down, the top strings up."""
    sketch = hand.sketch
    voicings = _voicings(hand, 3 if "pad" in sketch.parts else 4, CENTRE - 3)
    strokes = sketch.level(STRUMS[sketch.brief.metre], 0.1 * float(hand.rng.normal()))
    bar = sketch.metre.bar
    for column in range(sketch.columns):
        stroke = strokes[column % bar]
        if stroke == "." or (stroke in "ud" and hand.chance(0.12)):
            continue
        gap = next((i for i in range(1, bar) if strokes[(column + i) % bar] != "."), bar)
        voicing = voicings[sketch.index_at(column)]
        down = stroke in "Dd"
        hand.chord(voicing if down else voicing[-3:], column, gap, 6 if stroke == "D" else -2 if down else -9)


def _oompah(hand: Hand) -> None:
    """Chords after the beats that the bass has."""
    sketch, voicings = hand.sketch, _voicings(hand, 3)
    metre = sketch.metre
    offbeats = {"4/4": (4, 12) if sketch.busy < 0.5 else (2, 6, 10, 14), "3/4": (4, 8), "6/8": (4, 10)}[metre.name]
    for column in range(sketch.columns):
        if column % metre.bar in offbeats:
            hand.chord(voicings[sketch.index_at(column)], column, 2)


def _stabs(hand: Hand) -> None:
    """Short hard chords on the groove, in every second bar only where it is calm."""
    sketch, voicings = hand.sketch, _voicings(hand, 3)
    bar = sketch.metre.bar
    for column in range(sketch.columns):
        number, place = divmod(column, bar)
        if place in sketch.groove and (sketch.energy > 0.5 or number % 2 == 0 or place == 0):
            hand.chord(voicings[sketch.index_at(column)], column, 2 if hand.chance(0.75) else 4, 6)


def _motor(hand: Hand) -> None:
    """Repeated eighths in two hands that lean on the groove."""
    sketch, voicings = hand.sketch, _voicings(hand, 4)
    for chord, voicing in zip(sketch.chords, voicings):
        for place, column in enumerate(range(chord.start, chord.end, 2)):
            hand.chord(voicing[:2] if place % 2 else voicing[2:], column, 2, -2)


def _power(hand: Hand) -> None:
    """Roots and fifths: muted eighths, open on the groove."""
    sketch = hand.sketch
    bar = sketch.metre.bar
    chug = sketch.busy > 0.4
    for start, length, index in hand.segments():
        root = nearest(sketch.chords[index].bass, 45)
        for column in range(start, start + length, 2):
            struck = column % bar in sketch.groove or column == start
            if struck:
                hits = [later for later in range(column + 1, start + length) if later % bar in sketch.groove]
                room = (hits[0] if hits else start + length) - column
                hand.chord((root, root + 7, root + 12), column, min(room, 3 if chug else 8), 6)
            elif chug and hand.chance(0.8):
                hand.play(root, column, 1, -8)
    if sketch.energy > 0.5:
        hits = [column for column in sketch.groove if column % 2]
        for number in range(4):
            for column in hits:
                root = nearest(sketch.chord_at(number * bar + column).bass, 45)
                hand.chord((root, root + 7), number * bar + column, 1, 4)


def _tremolo(hand: Hand) -> None:
    """The two halves of a chord by turns, fast."""
    sketch, voicings = hand.sketch, _voicings(hand, 4, CENTRE - 5)
    step = 1 if sketch.busy > 0.5 else 2
    for chord, voicing in zip(sketch.chords, voicings):
        for place, column in enumerate(range(chord.start, chord.end, step)):
            hand.chord(voicing[2:] if place % 2 else voicing[:2], column, step, -8)


def _song(hand: Hand) -> None:
    """Two hands: broken chords below, a theme above, with a third or sixth under its long notes."""
    sketch = hand.sketch
    low = sketch.voicings(3, 50, hand.part)
    pattern = _pattern(hand)
    step = 2 if sketch.busy > 0.2 or sketch.metre.beat == 6 else 4
    for chord, voicing in zip(sketch.chords, low):
        root = nearest(chord.bass, 41 + sketch.lift // 3)
        rungs = [root, *(pitch for pitch in voicing if pitch > root + 4), *(pitch + 12 for pitch in voicing)]
        for place, column in enumerate(range(chord.start, chord.end, step)):
            rung = min(pattern[place % len(pattern)], 3)
            hand.play(rungs[rung], column, chord.end - column if rung == 0 else min(chord.end - column, 2 * step), -8 if rung else -3)
    manner = hand.of(sketch.style.lead if "jazz" in sketch.style.lead else ("lyrical",))
    for column, length, pitch, extra in theme(hand, manner, CENTRES["keys"] + sketch.lift):
        hand.play(pitch, column, length, extra + 9)
        if length >= sketch.metre.beat and hand.chance(0.4):
            below = [rung for rung in sketch.rungs(column, hand.part, True) if 3 <= pitch - rung <= 9]
            if below:
                hand.play(below[-1], column, length, -4)


FIGURES = dict(block=_block, comp=_comp, rolled=_rolled, broken=_broken, fingered=_fingered, alberti=_alberti, strum=_strum,
               oompah=_oompah, stabs=_stabs, motor=_motor, power=_power, tremolo=_tremolo, song=_song)
