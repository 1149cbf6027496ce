"""The bass: one voice below all others, on chord tones where the metre is strong."""

from __future__ import annotations

from .harmony import nearest
from .hand import Hand

CENTRE = 37


def write_bass(hand: Hand) -> None:
    """Write the bass in the figure for the energy."""
    sketch = hand.sketch
    figure = sketch.level(sketch.style.bass, 0.15 * float(hand.rng.normal()))
    if sketch.featured == "bass" and figure in ("hold", "halves", "heart", "sub"):
        figure = "riff" if sketch.metre.bar == 16 else "walk"
    riff = _motif(hand)
    for start, length, index in hand.segments():
        chord = sketch.chords[index]
        root = nearest(chord.bass, CENTRE + sketch.lift // 4)
        following = sketch.chord_at(start + length)
        target = nearest(following.bass, CENTRE + sketch.lift // 4)
        FIGURES[figure](hand, Step(hand, start, length, root, target, riff))


class Step:
    """A chord in a bar, as the bass sees it."""

    def __init__(self, hand: Hand, start: int, length: int, root: int, target: int, riff: list[tuple[int, int]]):
        self.start, self.length, self.root, self.target, self.riff = start, length, root, target, riff
        chord = hand.sketch.chord_at(start)
        above = sorted((tone - root) % 12 for tone in chord.tones)
        self.fifth = root + next((step for step in above if step in (6, 7, 8)), next((step for step in above if step in (3, 4, 5)), 12))
        self.third = root + next((step for step in above if step in (3, 4, 5)), self.fifth - root)
        self.scale = hand.sketch.notes_of(chord)
        self.last = (start + length) % hand.sketch.metre.bar == 0

    def approach(self) -> int:
        """The note of the scale a step below or above the next root, from the present root's side."""
        side = 1 if self.target <= self.root else -1
        return next((self.target + side * step for step in (1, 2) if (self.target + side * step) % 12 in self.scale), self.target + 12)


def _hold(hand: Hand, step: Step) -> None:
    hand.play(step.root, step.start, step.length)


def _halves(hand: Hand, step: Step) -> None:
    half = hand.sketch.metre.middle
    if step.length <= half:
        hand.play(step.root, step.start, step.length)
        return
    hand.play(step.root, step.start, half)
    hand.play(step.fifth if hand.chance(0.6) else step.root, step.start + half, step.length - half, -6)


def _arco(hand: Hand, step: Step) -> None:
    """A bowed line: the root, then a step or two of the scale towards the next."""
    beat = hand.sketch.metre.beat
    if step.length < 3 * beat or step.target == step.root or not hand.chance(0.7):
        hand.play(step.root, step.start, step.length)
        return
    hand.play(step.root, step.start, step.length - beat)
    hand.play(step.approach(), step.start + step.length - beat, beat, -5)


def _sub(hand: Hand, step: Step) -> None:
    """A long low note, a breath, a pickup."""
    long = max(4, step.length * 5 // 8 // 2 * 2)
    hand.play(step.root, step.start, long)
    if step.length - long >= 4 and hand.chance(0.55):
        hand.play(step.fifth if hand.chance(0.4) else step.root, step.start + step.length - 2, 2, -12)


def _heart(hand: Hand, step: Step) -> None:
    """A heartbeat: two low strokes, then nothing."""
    strokes = (0, 3) if hand.sketch.metre.beat == 4 else (0, 2)
    for offset in strokes + ((8, 11) if hand.sketch.energy > 0.6 and step.length >= 16 else ()):
        if offset < step.length:
            hand.play(step.root, step.start + offset, 2 if offset else 3, -8 if offset % 8 else 4)


def _pedal(hand: Hand, step: Step) -> None:
    """One note on every beat, or a long one where it is calm."""
    beat = hand.sketch.metre.beat
    if hand.sketch.busy < 0.3:
        hand.play(step.root, step.start, step.length)
        return
    for offset in range(0, step.length, beat):
        hand.play(step.root, step.start + offset, beat - 1)


def _pulse(hand: Hand, step: Step) -> None:
    """Eighths on the root; the last may lead on."""
    for offset in range(0, step.length, 2):
        final = step.last and offset >= step.length - 2 and hand.chance(0.35)
        jump = 12 if (step.start + offset) % hand.sketch.metre.bar in hand.sketch.groove[1:] and hand.chance(0.12) else 0
        hand.play(step.approach() if final else step.root + jump, step.start + offset, 2 if hand.chance(0.3) else 1, -4 if offset % 4 else 0)


def _octaves(hand: Hand, step: Step) -> None:
    for offset in range(0, step.length, 2):
        hand.play(step.root + 12 * (offset // 2 % 2), step.start + offset, 1 if offset % 4 else 2)


def _off(hand: Hand, step: Step) -> None:
    """The root on the one, then off the beat."""
    hand.play(step.root, step.start, 2)
    for offset in range(hand.sketch.metre.beat // 2, step.length, hand.sketch.metre.beat):
        hand.play(step.root + (12 if hand.chance(0.15) else 0), step.start + offset, 2, 4)


def _cell(hand: Hand, step: Step) -> None:
    """The groove: roots, a fifth or an octave late in the bar, and a step that leads on."""
    bar = hand.sketch.metre.bar
    hits = sorted({0, *(column - step.start % bar for column in hand.sketch.groove if 0 <= column - step.start % bar < step.length)})
    for place, offset in enumerate(hits):
        end = hits[place + 1] if place + 1 < len(hits) else step.length
        strong = (step.start + offset) % bar in hand.sketch.metre.strong
        pitch = step.root if offset == 0 or strong or hand.chance(0.5) else hand.of((step.fifth, step.root + 12, step.root))
        if place == len(hits) - 1 and place and step.last and not strong and hand.chance(0.5):
            pitch = step.approach()
        hand.play(pitch, step.start + offset, end - offset if hand.chance(0.6) else max(1, (end - offset) // 2))


def _march(hand: Hand, step: Step) -> None:
    beat = hand.sketch.metre.beat
    for offset in range(0, step.length, beat):
        pitch = step.root if offset // beat % 2 == 0 else step.fifth - 12 if step.fifth - 12 >= 28 else step.fifth
        hand.play(pitch, step.start + offset, beat - 1 if hand.sketch.energy > 0.4 else beat)


def _two(hand: Hand, step: Step) -> None:
    """Root and fifth, with a pickup into the next chord."""
    middle = hand.sketch.metre.middle
    hand.play(step.root, step.start, min(step.length, middle) - (2 if hand.sketch.energy > 0.5 else 0))
    if step.length > middle:
        pickup = hand.chance(0.45) and step.length - middle >= 6
        hand.play(step.fifth, step.start + middle, step.length - middle - (2 if pickup else 0), -4)
        if pickup:
            hand.play(step.approach(), step.start + step.length - 2, 2, -10)


def _walk(hand: Hand, step: Step) -> None:
    """A note a beat: chord tones and steps that lead to the next root, from below or above."""
    beat = hand.sketch.metre.beat if hand.sketch.metre.beat == 4 else 3
    count = step.length // beat
    line = [step.root]
    inner = [step.third, step.fifth, step.root + 12, step.fifth]
    if hand.chance(0.3):
        inner = [step.fifth, step.third, step.fifth, step.third]
    line += inner[:max(0, count - 2)]
    if count > 1:
        chromatic = step.target + (1 if step.target <= step.root else -1)
        line.append(chromatic if hand.chance(0.3) and hand.sketch.style.swing else step.approach())
    for place, pitch in enumerate(line):
        hand.play(pitch, step.start + place * beat, beat, 0 if place % 2 == 0 else 3)
        if hand.sketch.busy > 0.6 and hand.chance(0.12):
            hand.play(pitch, step.start + place * beat + beat - 1, 1, -18)


def _gallop(hand: Hand, step: Step) -> None:
    cell = (0, 2, 3) if hand.sketch.metre.beat == 4 else (0, 2, 4, 5)
    for offset in range(0, step.length, hand.sketch.metre.beat):
        for late in cell:
            hand.play(step.root, step.start + offset + late, 1 if late else 2, -8 if late else 2)


def _plucked(hand: Hand, step: Step) -> None:
    """Short notes: the root, a rest, the fifth or the third, a rest."""
    beat = hand.sketch.metre.beat
    for place, offset in enumerate(range(0, step.length, beat if hand.sketch.busy > 0.35 else 2 * beat)):
        pitch = (step.root, step.fifth, step.root, step.third)[place % 4]
        if place == 0 or hand.chance(0.75):
            hand.play(pitch, step.start + offset, 2)


def _motif(hand: Hand) -> list[tuple[int, int]]:
    """A bar of a riff, `(column, semitones or degrees above the root)` of a blue pentatonic."""
    degrees = (0, 0, 0, 3, 5, 7, 10, 12)
    columns = sorted({0, *hand.sketch.groove, *(int(c) for c in hand.rng.choice(hand.sketch.metre.bar // 2, 4, replace=False) * 2)})
    return [(column, 0 if column in hand.sketch.metre.strong else hand.of(degrees)) for column in columns]


def _riff(hand: Hand, step: Step) -> None:
    bar = hand.sketch.metre.bar
    place = step.start % bar
    hits = [(column - place, interval) for column, interval in step.riff if place <= column < place + step.length]
    if not hits or hits[0][0]:
        hits.insert(0, (0, 0))
    for number, (offset, interval) in enumerate(hits):
        end = hits[number + 1][0] if number + 1 < len(hits) else step.length
        pitch = step.root + interval
        if pitch % 12 not in step.scale:
            pitch = step.root + (12 if interval > 5 else 0)
        hand.play(pitch if offset else step.root, step.start + offset, min(end - offset, 3))


FIGURES = dict(hold=_hold, halves=_halves, arco=_arco, sub=_sub, heart=_heart, pedal=_pedal, pulse=_pulse, octaves=_octaves, off=_off,
               cell=_cell, march=_march, two=_two, walk=_walk, gallop=_gallop, plucked=_plucked, riff=_riff)
