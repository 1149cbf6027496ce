"""The drums: grooves with accents and ghost notes, varied from bar to bar, fills, risers and hits."""

from __future__ import annotations

from .hand import Hand
from .instruments import ORCHESTRAL_KIT

KICK, RIM, SNARE, CLAP, SWIRL, FLOOR, LOW, MID, HIGH = 36, 37, 38, 39, 40, 41, 45, 47, 50
CLOSED, PEDAL, OPEN, RIDE, CRASH, TAMBOURINE, SHAKER = 42, 44, 46, 51, 49, 54, 70
LOW_CONGA, OPEN_CONGA, MUTE_CONGA, BLOCK, TRIANGLE = 64, 63, 62, 76, 80
# Keys where the orchestral kit has kettledrums, and what it plays instead.
ORCHESTRAL = {FLOOR: 35, LOW: 66, MID: 65, HIGH: 65, CLOSED: 27, PEDAL: 28, OPEN: 29, RIDE: 30, CRASH: 57, SWIRL: SNARE, CLAP: SNARE}
STRENGTH = {"X": 100, "x": 84, "o": 62, "g": 40}

Pattern = dict[int, str]
# Per family, bars of sixteenths from soft to driving: X accented, x plain, o soft, g ghost.
GROOVES: dict[str, tuple[Pattern, Pattern, Pattern]] = {
    "soft": ({KICK: "x...............", SHAKER: "o...o...o...o..."},
             {KICK: "x.......o.......", RIM: "....o.......o...", SHAKER: "x.o.x.o.x.o.x.o."},
             {KICK: "X.....o.x.......", RIM: "....x..g....x...", SHAKER: "xoxoxoxoxoxoxoxo"}),
    "brush": ({SWIRL: "o.......o.......", PEDAL: "....g.......g..."},
              {SWIRL: "x...o...x...o...", KICK: "o.......g.......", PEDAL: "....o.......o..."},
              {SWIRL: "x..gx..gx..gx.gg", KICK: "x.....o.x.......", PEDAL: "....x.......x..."}),
    "swing": ({RIDE: "x...x.o.x...x.o.", PEDAL: "....o.......o...", KICK: "g.......g......."},
              {RIDE: "X...x.x.X...x.x.", PEDAL: "....x.......x...", KICK: "o...g...o...g...", SNARE: "......g.......g."},
              {RIDE: "X.o.x.x.X.o.x.x.", PEDAL: "....x.......x...", KICK: "x.....o...g...o.", SNARE: "..g...x..g.g..x."}),
    "rock": ({KICK: "X.......x.......", SNARE: "....x.......x...", CLOSED: "x...o...x...o..."},
             {KICK: "X.....x.X.......", SNARE: "....X..g....X...", CLOSED: "X.x.X.x.X.x.X.x."},
             {KICK: "X.x...X.X.x...x.", SNARE: "....X..g.g..X..g", CLOSED: "XoxoXoxoXoxoXo..", OPEN: "..............X."}),
    "boombap": ({KICK: "X.........x.....", RIM: "....x.......x...", CLOSED: "x.o.x.o.x.o.x.o."},
                {KICK: "X..o......x.....", SNARE: "....X..g.g..X...", CLOSED: "x.o.x.o.x.ogx.o."},
                {KICK: "X..x...o..x..o..", SNARE: "....X..g.g..X..g", CLOSED: "xgogxgogxgogxg..", OPEN: "..............x."}),
    "halftime": ({KICK: "X...............", RIM: "........x.......", CLOSED: "o...o...o...o..."},
                 {KICK: "X.....x...o.....", SNARE: "........X.....g.", CLOSED: "x.o.x.o.x.o.x.o."},
                 {KICK: "X..x..x...x..o..", SNARE: "........X..g..gg", CLOSED: "x.ooxoo.x.ooxxoo"}),
    "four": ({KICK: "X...x...X...x...", CLOSED: "..o...o...o...o."},
             {KICK: "X...X...X...X...", CLAP: "....x.......x...", OPEN: "..x...x...x...x.", CLOSED: "o...o...o...o..."},
             {KICK: "X...X...X...X..o", CLAP: "....X.......X..g", OPEN: "..X...X...X...X.", CLOSED: "oo.ooo.ooo.ooo.o"}),
    "break": ({KICK: "X.........x.....", SNARE: "....x.......x...", CLOSED: "x.x.x.x.x.x.x.x."},
              {KICK: "X.x.......x.....", SNARE: "....X..g.g..X..g", CLOSED: "x.x.x.x.x.x.x.x."},
              {KICK: "X.x.......xx....", SNARE: "....X..x.g..X.gx", CLOSED: "xoxoxoxoxoxoxo..", OPEN: "..............x."}),
    "tick": ({BLOCK: "x.......x.......", CLOSED: "o...o...o...o..."},
             {CLOSED: "x.g.o.g.x.g.o.g.", RIM: "..........x.....", KICK: "X.......o......."},
             {CLOSED: "XgogxgogXgogxgog", RIM: "....x..g....x..x", KICK: "X..x..X....x..x.", BLOCK: "x...x...x...x..."}),
    "march": ({SNARE: "x...o.g.x...o.gg", KICK: "X.......x......."},
              {SNARE: "X.oox.o.X.oox.oo", KICK: "X...x...X...x..."},
              {SNARE: "XgoxXgoxXgoxXoxx", KICK: "X...X...X...X.x.", FLOOR: "......x.......x."}),
    "taiko": ({KICK: "X.........o.....", FLOOR: "x.....o.........", RIM: "....g.......g..."},
              {FLOOR: "X..o..X..o..x.o.", KICK: "X.....x...X.....", LOW: "....x.....x....o", RIM: "o.g.o.g.o.g.o.g."},
              {FLOOR: "XgoXgoXgXgoXgoXo", KICK: "X..X..X.X..X..X.", LOW: "....X.x.....X.xx", MID: ".......x.......X", RIM: "x.o.x.o.x.o.x.o."}),
    "industrial": ({KICK: "X.....x.........", SNARE: "........x.......", RIM: "o...o...o...o..."},
                   {KICK: "X..x..X...x..x..", SNARE: "........X.......", FLOOR: "............x.x.", CLOSED: "x.o.x.o.x.o.x.o."},
                   {KICK: "X..X..X.x.X..X..", SNARE: "....X.......X..g", FLOOR: "x.....x...x...xx", CLOSED: "xoxoxoxoxoxoxoxo"}),
    "hands": ({LOW_CONGA: "X.......x.......", OPEN_CONGA: "......o.......o.", SHAKER: "o...o...o...o..."},
              {LOW_CONGA: "X.....x.x.......", OPEN_CONGA: "...o....o.x...x.", MUTE_CONGA: "....x.g.....x.g.", SHAKER: "x.o.x.o.x.o.x.o."},
              {LOW_CONGA: "X..x..X.....x...", OPEN_CONGA: "..o.x..xx.o.x.xx", MUTE_CONGA: ".g...g...g...g..", SHAKER: "xoxoxoxoxoxoxoxo",
              KICK: "X.......X......."}),
    "folk": ({KICK: "x.......o.......", TAMBOURINE: "....o.......o..."},
             {KICK: "X.......x.o.....", TAMBOURINE: "....x.......x...", SHAKER: "x.o.x.o.x.o.x.o."},
             {KICK: "X...x...X...x...", SNARE: "....X..g....X.gg", TAMBOURINE: "o.x.o.x.o.x.o.x."}),
    "train": ({SNARE: "o.g.x.g.o.g.x.g.", KICK: "x.......x......."},
              {SNARE: "ogogXgogogogXgog", KICK: "X...o...X...o..."},
              {SNARE: "oooxXooxoooxXoox", KICK: "X...x...X...x...", TAMBOURINE: "....x.......x..."}),
    "swell": ({KICK: "x...............", TRIANGLE: "........g......."}, {KICK: "X...............", TRIANGLE: "....o.......o..."},
              {KICK: "X.....o...x.....", FLOOR: "x...........o.x.", TRIANGLE: "....o.......o..."}),
}
# A bar in three, and one in two times three: stroke, answer and pulse, from soft to driving.
IN_THREE = ({0: "x...........", 1: "....g...g...", 2: "o...o...o..."}, {0: "X.......o...", 1: "....x...x..g", 2: "x.o.x.o.x.o."},
            {0: "X..o..x.....", 1: "....X..gX.gx", 2: "xoxoxoxoxoxo"})
IN_SIX = ({0: "x...........", 1: "......o.....", 2: "o.....o....."}, {0: "X.....o...x.", 1: "......X....g", 2: "x.o.o.x.o.o."},
          {0: "X..g..x.X...", 1: "....g.X..gxx", 2: "xooxooxooxoo"})
# Which drums of a family are stroke, answer and pulse.
ROLES = {"soft": (KICK, RIM, SHAKER), "brush": (KICK, SWIRL, PEDAL), "swing": (KICK, SNARE, RIDE), "four": (KICK, CLAP, OPEN), "tick": (KICK,
         RIM, CLOSED),
         "march": (KICK, SNARE, SNARE), "taiko": (KICK, LOW, FLOOR), "hands": (LOW_CONGA, OPEN_CONGA, SHAKER), "folk": (KICK, TAMBOURINE, SHAKER),
         "train": (KICK, SNARE, SNARE), "swell": (KICK, TRIANGLE, TRIANGLE), "industrial": (KICK, SNARE, FLOOR)}
FILLS = {"swing": (SNARE, SNARE, RIM), "brush": (SWIRL, SWIRL, SWIRL), "hands": (OPEN_CONGA, LOW_CONGA, MUTE_CONGA), "march": (SNARE, SNARE, SNARE),
         "train": (SNARE, SNARE, SNARE), "tick": (RIM, RIM, BLOCK), "soft": (RIM, RIM, RIM), "folk": (SNARE, LOW, FLOOR), "swell": (FLOOR, FLOOR,
         FLOOR)}


def write_drums(hand: Hand, level: int) -> None:
    """Write four bars of a family at a level 0..2: bars run A A' A B, with a fill, a riser or a breath before the loop closes."""
    sketch = hand.sketch
    family = sketch.level(sketch.style.drums, 0.2 * float(hand.rng.normal()))
    pattern = _pattern(hand, family, level)
    variation = _varied(hand, pattern)
    for number in range(4):
        _bar(hand, pattern if number in (0, 2) else variation, number * sketch.metre.bar)
    if level == 0 and family not in ("swell", "taiko"):
        return
    ending = hand.of(("fill", "fill", "fill", "breath", "riser")) if family not in ("swell",) else "riser"
    if ending == "fill":
        _fill(hand, FILLS.get(family, (HIGH, MID, FLOOR)))
    elif ending == "riser" and sketch.energy > 0.3:
        _riser(hand, RIDE if family == "swell" else SNARE)
    elif ending == "breath":
        _clear(hand, sketch.columns - sketch.metre.beat)
    if level > 0 and sketch.energy > 0.55 and family not in ("swing", "brush", "soft", "hands", "tick") and hand.chance(0.7):
        _strike(hand, CRASH, 88 + 20 * (sketch.energy - 0.5), 0)


def _pattern(hand: Hand, family: str, level: int) -> Pattern:
    """A bar of the family; a doubled grid keeps a sparser one and has its backbeat on the third beat."""
    sketch = hand.sketch
    doubled = sketch.grid_bpm != sketch.bpm
    if sketch.metre.bar == 16:
        if doubled and family in ("rock", "break"):
            family = "halftime"
        return GROOVES[family][min(level, 1) if doubled and family not in ("taiko", "march") else level]
    roles = ROLES.get(family, (KICK, SNARE, CLOSED))
    bar = (IN_SIX if sketch.metre.beat == 6 else IN_THREE)[level]
    return {roles[2]: bar[2], roles[1]: bar[1], roles[0]: bar[0]}


def _varied(hand: Hand, pattern: Pattern) -> Pattern:
    """The bar with a stroke or two moved, added or taken away off the strong beats."""
    varied = dict(pattern)
    drums = [drum for drum in varied if drum not in (CLOSED, RIDE, SHAKER)] or list(varied)
    for _ in range(1 + (hand.sketch.energy > 0.5)):
        drum = hand.of(drums)
        at = hand.of([column for column in range(len(varied[drum])) if column % 4])
        stroke = "." if varied[drum][at] != "." else hand.of("gox")
        varied[drum] = varied[drum][:at] + stroke + varied[drum][at + 1:]
    return varied


def _bar(hand: Hand, pattern: Pattern, start: int) -> None:
    for drum, strokes in pattern.items():
        for at, stroke in enumerate(strokes):
            if stroke != "." and not (stroke == "g" and hand.chance(0.2)):
                _strike(hand, drum, STRENGTH[stroke], start + at)


def _strike(hand: Hand, drum: int, strength: float, column: int) -> None:
    """A stroke, louder with the energy and the section."""
    sketch = hand.sketch
    if hand.program == ORCHESTRAL_KIT:
        drum = ORCHESTRAL.get(drum, drum)
    intensity = sketch.intensity[min(3, column // sketch.metre.bar)]
    velocity = strength * (0.72 + 0.38 * sketch.energy) * (0.65 + 0.4 * intensity) + 3 * float(hand.rng.normal())
    hand.struck(drum, velocity + (6 if sketch.featured == "drums" else 0), column)


def _clear(hand: Hand, begin: int, kept: tuple[int, ...] = ()) -> None:
    hand.notes = [note for note in hand.notes if note.start < begin or note.pitch in kept]


def _fill(hand: Hand, drums: tuple[int, int, int]) -> None:
    """The last beat or two, falling over the drums in a crescendo."""
    sketch = hand.sketch
    long = sketch.energy > 0.6 and hand.chance(0.5)
    begin = sketch.columns - (2 if long else 1) * (sketch.metre.beat if sketch.metre.beat == 4 else 3)
    _clear(hand, begin, (KICK,))
    cell = hand.of(("xxxx", "x.xx", "xx.x", "x.x.", "xxx.")) if sketch.energy > 0.45 else "x.x."
    count = sketch.columns - begin
    for place in range(count):
        if cell[place % 4] == "x":
            _strike(hand, drums[min(2, 3 * place // count)], 66 + 38 * place / count, begin + place)


def _riser(hand: Hand, drum: int) -> None:
    """A roll that grows through the last bar or its half."""
    sketch = hand.sketch
    length = sketch.metre.bar if sketch.energy > 0.65 and hand.chance(0.5) else sketch.metre.bar // 2
    begin = sketch.columns - length
    for place in range(0, length, 1 if sketch.energy > 0.4 else 2):
        _strike(hand, drum, 26 + 74 * (place / length) ** 1.5, begin + place)

