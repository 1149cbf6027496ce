"""The pad: held harmony, led voice by voice, with suspensions, swells, pulses and clusters."""

from __future__ import annotations

from .hand import Hand

CENTRE = 57


def write_pad(hand: Hand) -> None:
    """Write the pad in one of the style's figures."""
    sketch = hand.sketch
    figure = sketch.level(sketch.style.pad, 0.25 * float(hand.rng.normal()))
    if sketch.featured == "pad" and figure in ("hold", "swell") and hand.chance(0.5):
        figure = "chorale"
    FIGURES[figure](hand)


def _voices(hand: Hand, voices: int = 0) -> list[tuple[int, ...]]:
    """Voicings of some voices; unless said four, or fewer where keys and an ostinato share the harmony."""
    shared = len({"keys", "ostinato"} & set(hand.sketch.parts)) if hand.sketch.featured != hand.part else 0
    return hand.sketch.voicings(voices or (4, 3, hand.of((2, 3)))[shared], CENTRE + hand.sketch.lift, hand.part)


def _spans(hand: Hand):
    """`(start, length, chord index)` of what is struck at once: a chord, or a bar of it where it is all there is or the pad leads."""
    if hand.sketch.featured == hand.part or len(hand.sketch.chords) == 1:
        yield from hand.segments()
    else:
        for index, chord in enumerate(hand.sketch.chords):
            yield chord.start, chord.length, index


def _hold(hand: Hand) -> None:
    _sustain(hand, _voices(hand))


def _sustain(hand: Hand, voicings: list[tuple[int, ...]], tied: bool = True) -> None:
    """Held chords: a voice that stays is tied, one that falls by a step may be suspended."""
    sketch = hand.sketch
    longest = sketch.metre.bar * (1 if sketch.featured == hand.part or len(sketch.chords) == 1 else 2)
    for voice in range(len(voicings[0])):
        begun, pitch = 0, voicings[0][voice]
        for start, length, index in list(_spans(hand))[1:]:
            following = voicings[index][voice]
            if following == pitch and tied and start - begun < longest:
                continue
            change = start
            if pitch - following in (1, 2) and voice and length >= 8 and hand.chance(sketch.style.suspensions):
                change += sketch.metre.beat  # held over: it resolves a beat late
            hand.play(pitch, begun, change - begun, 2 if voice == len(voicings[0]) - 1 else 0)
            begun, pitch = change, following
        hand.play(pitch, begun, sketch.columns - begun)


def _swell(hand: Hand) -> None:
    """Chords whose voices enter one after another."""
    voicings = _voices(hand)
    for start, length, index in _spans(hand):
        step = min(hand.sketch.metre.beat // 2, length // (2 * len(voicings[index])))
        for rank, pitch in enumerate(voicings[index]):
            hand.play(pitch, start + rank * step, length - rank * step, -6 + 3 * rank)


def _drift(hand: Hand) -> None:
    """A fifth that stays while upper voices move at their own pace."""
    sketch, voicings = hand.sketch, _voices(hand, 4)
    half = 2 * sketch.metre.bar
    root = sketch.chord_at(0).bass
    base = 43 + (root - 43) % 12
    common = all((root + 7) % 12 in sketch.notes_of(chord) for chord in sketch.chords)
    for start in (0, half):
        hand.play(base, start, half, -6)
        if common:
            hand.play(base + 7, start, half, -8)
    for start, length, index in _spans(hand):
        for rank, pitch in enumerate(voicings[index][-3:]):
            late = hand.of((0, 2, 4, 6)) if length >= 12 else 0
            hand.play(pitch, start + late, length - late, 2 * rank)


def _drone(hand: Hand) -> None:
    """Root and fifth, re-bowed at the bar line, with a neighbour note that comes and goes."""
    for start, length, index in hand.segments():
        chord = hand.sketch.chords[index]
        base = 45 + (chord.bass - 45) % 12
        tones = [(tone - base) % 12 + base for tone in chord.tones if (tone - base) % 12 in (5, 7)] or [base + 12]
        hand.chord((base, tones[0], base + 12), start, length)
        if length >= 12 and hand.chance(0.45):
            scale = hand.sketch.rungs(start, hand.part, False, base + 13, base + 18)
            hand.play(hand.of(scale or (base + 12,)), start + length // 2, length // 2, -4)


def _chorale(hand: Hand) -> None:
    """Four voices whose soprano sings: it moves by step within the chord, tenor and alto pass along."""
    sketch, voicings = hand.sketch, _voices(hand, 4)
    for start, length, index in _spans(hand):
        following = voicings[sketch.index_at(start + length)]
        late = min(sketch.metre.beat, length // 4 // 2 * 2 or 2)
        for rank, pitch in enumerate(voicings[index]):
            soprano = rank == len(following) - 1
            passing = _between(hand, start + length - 1, pitch, following[rank])
            if length >= 8 and passing is not None and hand.chance(0.7 if soprano else 0.35):
                hand.play(pitch, start, length - late, 6 if soprano else 0)
                hand.play(passing, start + length - late, late)
            elif length >= 8 and soprano:
                _sing(hand, start, length, pitch)
            else:
                hand.play(pitch, start, length)


def _between(hand: Hand, column: int, pitch: int, following: int) -> int | None:
    """The note of the scale halfway between two that are a third or more apart."""
    if not 3 <= abs(following - pitch) <= 5:
        return None
    inside = [note for note in hand.sketch.rungs(column, hand.part, False) if min(pitch, following) < note < max(pitch, following)]
    return inside[len(inside) // 2] if inside else None


def _sing(hand: Hand, start: int, length: int, pitch: int) -> None:
    """A soprano that leaves its note for a neighbour and comes back, or goes on to the next tone of the chord."""
    beat = hand.sketch.metre.beat
    rungs = hand.sketch.rungs(start, hand.part, hand.chance(0.5), pitch - 5, pitch + 5)
    others = [note for note in rungs if note != pitch]
    if not others or length < 3 * beat:
        hand.play(pitch, start, length, 6)
        return
    other = min(others, key=lambda note: abs(note - pitch) + 2 * hand.rng.random())
    middle = length - length // 2 // beat * beat if length >= 4 * beat else length - beat
    hand.play(pitch, start, middle, 6)
    hand.play(other, start + middle, length - middle, 4)


def _pulse(hand: Hand) -> None:
    """Repeated chords in eighths or quarters that lean on the groove."""
    sketch, voicings = hand.sketch, _voices(hand, 3)
    step = 2 if sketch.busy > 0.55 else 4
    if sketch.metre.beat == 6 and step == 4:
        step = 2
    for chord, voicing in zip(sketch.chords, voicings):
        for column in range(chord.start, chord.end, step):
            hand.chord(voicing, column, step if hand.chance(0.3) else max(1, step - 1), -6)


def _pump(hand: Hand) -> None:
    """Chords that duck on every beat, as if the kick drum pressed them."""
    sketch, voicings = hand.sketch, _voices(hand)
    beat = sketch.metre.beat
    for chord, voicing in zip(sketch.chords, voicings):
        for column in range(chord.start, chord.end, beat):
            hand.chord(voicing, column + beat // 2, beat // 2, 0)


def _tremolo(hand: Hand) -> None:
    """Two or three high voices that tremble: long notes for tremolo strings, repeated sixteenths or eighths for others."""
    sketch = hand.sketch
    voicings = sketch.voicings(3, CENTRE + 5 + sketch.lift, hand.part)
    if hand.program == 44 or sketch.busy < 0.5:
        _sustain(hand, voicings, tied=False)
        return
    step = 1 if sketch.busy > 0.8 else 2
    for chord, voicing in zip(sketch.chords, voicings):
        for column in range(chord.start, chord.end, step):
            hand.chord(voicing[1:] if column % (2 * step) else voicing, column, step, -8)


def _stabs(hand: Hand) -> None:
    """Short chords on the groove, with one held towards the end of the phrase."""
    sketch, voicings = hand.sketch, _voices(hand)
    bar = sketch.metre.bar
    for start, length, index in hand.segments():
        hits = [column for column in range(start, start + length) if column % bar in sketch.groove]
        for place, column in enumerate(hits):
            gap = (hits[place + 1] if place + 1 < len(hits) else start + length) - column
            hand.chord(voicings[index], column, gap if gap > 4 and hand.chance(0.4) else min(gap, 3), 4)


def _cluster(hand: Hand) -> None:
    """Seconds stacked in a high and a middle register, entering one by one and held; the low one stays open."""
    sketch = hand.sketch
    for start, length, index in _spans(hand):
        chord = sketch.chords[index]
        notes = sketch.rungs(start, hand.part, False, 57 + sketch.lift, 80 + sketch.lift)
        home = min(notes, key=lambda pitch: (pitch % 12 not in chord.tones, abs(pitch - 66 - sketch.lift)))
        at = notes.index(home)
        stack = notes[max(0, at - 1):at + 3 + (sketch.energy > 0.5)]
        step = max(1, min(sketch.metre.beat, length // (2 * len(stack))))
        for rank, pitch in enumerate(sorted(stack, key=lambda note: abs(note - home))):
            hand.play(pitch, start + rank * step, length - rank * step, -3 * rank)
        low = 45 + (chord.bass - 45) % 12
        fifth = low + 7 if (low + 7) % 12 in sketch.notes_of(chord) else low + 12
        hand.chord((low, fifth), start, length, -4)


FIGURES = dict(hold=_hold, swell=_swell, drift=_drift, drone=_drone, chorale=_chorale, pulse=_pulse, pump=_pump, tremolo=_tremolo,
               stabs=_stabs, cluster=_cluster)
