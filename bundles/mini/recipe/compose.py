"""The composer: four bars of loopable music for a scene, in 4/4 or 3/4, in C major or A minor.

What a picture can carry is made strong here. Valence decides mode (with the scene's rare flips), register, the presence
of bells and how bright the programs and the mix are; arousal decides density of steps, drums, articulation and velocity.
Tempo leans to arousal only a little: a composer's host says it, and a model that could read arousal off it would not look.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

from drums import drum_bars
from scene import Scene
from styles import PARTS, STYLES, Style

BARS = 4
DETACHED = ("bass", "pluck", "lead")  # parts whose notes get shorter as arousal grows
SCALE = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (9, 11, 0, 2, 4, 5, 7)}  # pitch classes by degree
PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (0, 2, 3, 4), (3, 4, 0, 5), (0, 3, 1, 4), (0, 0, 3, 3),
              (0, 4, 3, 4), (3, 0, 4, 0)),
    "minor": ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 5, 3, 6), (0, 2, 5, 6), (0, 0, 5, 5), (0, 3, 0, 6),
              (0, 4, 0, 3), (5, 6, 0, 0)),
}
LONG_PROGRESSIONS = {
    "major": ((0, 4, 5, 2, 3, 0, 3, 4), (0, 5, 3, 4, 2, 5, 1, 4), (0, 2, 3, 4, 0, 5, 1, 4)),
    "minor": ((0, 6, 5, 2, 3, 0, 5, 4), (0, 3, 6, 2, 5, 3, 4, 4), (0, 2, 5, 6, 3, 0, 5, 6)),
}
NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SLOWEST_BPM, FASTEST_BPM = 60, 140
TEMPO_LEAN = 0.3  # how far arousal decides the tempo
TIMING_MS = 4.0  # standard deviation of the humanised timing


@dataclass(frozen=True)
class Note:
    """One note; `beat` and `length` in grid beats, `pitch` a MIDI note (a drum in the drums part)."""

    beat: float
    length: float
    part: str
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Chord:
    """A diatonic chord: scale degree 0..6, pitch classes from the root up, and where it sounds in grid beats."""

    degree: int
    tones: tuple[int, ...]
    beat: float
    length: float
    name: str


@dataclass
class Score:
    """A composed clip of four bars, 16 or 12 grid beats, that loops."""

    bpm: int
    mode: str
    style: str
    chords: list[Chord]
    parts: dict[str, int]  # part -> General MIDI program, for drums the kit
    drums_level: int  # 0 soft, 1 normal, 2 driving
    brightness: float  # tilt of the mix, -1 dark .. 1 bright
    space: int  # reverb send, 0..127
    notes: list[Note] = field(default_factory=list)
    beats: int = 16

    @property
    def bar(self) -> int:
        """Grid beats in a bar: 4 or 3."""
        return self.beats // BARS

    @property
    def grid_bpm(self) -> int:
        """Tempo of the grid: doubled for slow music, so that four bars of 4/4 last 5.6 to 11.3 s."""
        return self.bpm * 2 if self.bpm < 85 else self.bpm

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return self.beats * 60.0 / self.grid_bpm

    def summary(self) -> dict:
        """Everything but the notes, ready for JSON; `from_summary` reads it back."""
        values = asdict(self)
        values.pop("notes")
        return values

    @staticmethod
    def from_summary(values: dict) -> "Score":
        """The score of a `summary`, without notes."""
        chords = [Chord(**{**chord, "tones": tuple(chord["tones"])}) for chord in values["chords"]]
        return Score(**{**values, "chords": chords})


def compose(scene: Scene, rng: np.random.Generator, bar: int = 4) -> Score:
    """Compose four bars of `bar` beats for `scene`; the same generator state gives the same score."""
    style = STYLES[scene.style]
    lean = TEMPO_LEAN * scene.arousal + (1 - TEMPO_LEAN) * rng.random()
    bpm = SLOWEST_BPM + int((FASTEST_BPM + 1 - SLOWEST_BPM) * lean)
    level = int(np.clip(scene.arousal * 3 + 0.25 * rng.normal(), 0, 2))
    score = Score(
        bpm=bpm,
        mode=scene.mode,
        style=scene.style,
        chords=_chords(scene.mode, style, bpm >= 85 and bar == 4, bar, rng),
        parts=_choose_parts(scene, style, rng),
        drums_level=level,
        brightness=_brightness(scene, rng),
        space=int(np.clip(style.space + 45 * (0.5 - scene.arousal) + 5 * rng.normal(), 0, 127)),
        beats=BARS * bar,
    )
    writer = _Writer(scene, style, score, rng)
    for part in score.parts:
        getattr(writer, part)()
    score.notes = writer.humanised()
    return score


def _brightness(scene: Scene, rng: np.random.Generator) -> float:
    """Tilt of the mix, -1..1, mostly from valence."""
    tilt = 1.3 * (scene.valence - 0.5) + 0.5 * (scene.arousal - 0.5) + 0.1 * rng.normal()
    return float(np.clip(tilt, -1, 1))


def _chords(mode: str, style: Style, may_be_short: bool, bar: int, rng: np.random.Generator) -> list[Chord]:
    """Four chords of a bar each, or sometimes eight half-bar chords."""
    long = may_be_short and rng.random() < 0.15
    table = (LONG_PROGRESSIONS if long else PROGRESSIONS)[mode]
    degrees = table[int(rng.integers(len(table)))]
    seventh = rng.random() < style.seventh
    length = BARS * bar / len(degrees)
    return [_chord(mode, degree, seventh, i * length, length) for i, degree in enumerate(degrees)]


def _chord(mode: str, degree: int, seventh: bool, beat: float, length: float) -> Chord:
    scale = SCALE[mode]
    tones = tuple(scale[(degree + step) % 7] for step in ((0, 2, 4, 6) if seventh else (0, 2, 4)))
    third, fifth = (tones[1] - tones[0]) % 12, (tones[2] - tones[0]) % 12
    name = NOTE_NAMES[tones[0]] + ("dim" if fifth == 6 else "m" if third == 3 else "") + ("7" if seventh else "")
    return Chord(degree, tones, beat, length, name)


def _choose_parts(scene: Scene, style: Style, rng: np.random.Generator) -> dict[str, int]:
    """Who plays: the style's chances, with bells for the bright and drums for the lively; never fewer than two."""
    valence, arousal = scene.valence, scene.arousal
    factor = dict(pad=1.25 - 0.6 * arousal, bass=0.85 + 0.25 * arousal, pluck=0.75 + 0.4 * arousal,
                  bell=0.25 + 2.0 * valence**1.5, lead=0.5 + 0.9 * arousal, drums=0.2 + 1.2 * arousal)
    present = [part for part in PARTS if rng.random() < style.chance[part] * factor[part]]
    if sum(part != "drums" for part in present) < 2:
        present += [part for part in ("pad", "pluck") if part not in present]
    kit = int(style.kits[int(rng.integers(len(style.kits)))])
    return {part: kit if part == "drums" else _program(style.programs[part], valence, rng)
            for part in PARTS if part in present}


def _program(programs: tuple[int, ...], valence: float, rng: np.random.Generator) -> int:
    """A program from a list that runs dark to bright, near the scene's valence."""
    place = np.clip(valence + 0.2 * rng.normal(), 0, 0.999)
    return int(programs[int(place * len(programs))])


class _Writer:
    """Writes the notes of each part of one score."""

    def __init__(self, scene: Scene, style: Style, score: Score, rng: np.random.Generator):
        self.scene, self.style, self.score, self.rng = scene, style, score, rng
        self.doubled = score.grid_bpm != score.bpm
        self.lift = int(round((scene.valence - 0.5) * 14))  # semitones
        self.busy = float(np.clip(scene.arousal + 0.08 * rng.normal(), 0, 0.999))
        self.voicings = _voice_lead(score.chords, 57 + self.lift)
        self.notes: list[Note] = []

    def pad(self) -> None:
        """Held chords; pulsed where the scene is lively."""
        drive = self.style.beat in ("straight", "four", "orchestral", "toms") and self.busy > 0.6
        pulse = 1.0 if self.busy > 0.8 or self.score.bar == 3 else 2.0
        for chord, voicing in zip(self.score.chords, self.voicings):
            starts = np.arange(0, chord.length, pulse) if drive else (0.0,)
            length = chord.length / len(starts)
            pitches = _open(voicing) if self.style.beat == "orchestral" else voicing
            for start in starts:
                for pitch in pitches:
                    self._add("pad", chord.beat + start, length * 0.98, pitch, 64)

    def bass(self) -> None:
        """A figure of the style, from held roots to walking and octave lines."""
        figures = self.style.bass_figures
        figure = figures[int(self.busy * len(figures))]
        chords = self.score.chords
        for chord, following in zip(chords, chords[1:] + chords[:1]):
            root = _nearest(chord.tones[0], 38 + self.lift // 4)
            fifth = _nearest(chord.tones[2], root + 2)
            approach = self._approach(root, _nearest(following.tones[0], 38 + self.lift // 4))
            write = _bass_figure if self.score.bar == 4 else _bass_in_three
            for beat, length, pitch in write(figure, root, fifth, _nearest(chord.tones[1], root + 4), approach):
                if beat < chord.length:
                    self._add("bass", chord.beat + beat, length * 0.95, pitch, 84 if beat == 0 else 76)

    def pluck(self) -> None:
        """Broken chords, strums or off-beat chords, denser as arousal grows."""
        figures = self.style.pluck_figures
        figure = figures[int(self.rng.integers(len(figures)))]
        step = self._step()
        if figure in ("strum", "comp"):
            self._chordal(figure, step)
        else:
            self._broken(figure, step)

    def bell(self) -> None:
        """A few high chord tones, the same rhythm in each chord."""
        onsets = (0.0, 1.5, 3.0) if self.busy > 0.45 else (0.0, 2.0)
        if self.score.bar == 3:
            onsets = (0.0, 1.0, 2.0) if self.busy > 0.45 else (0.0,)
        ranks = [int(self.rng.integers(3)) for _ in onsets]
        for chord in self.score.chords:
            for onset, rank in zip(onsets, ranks):
                if onset < chord.length and self.rng.random() < 0.88:
                    self._add("bell", chord.beat + onset, 1.5, _nearest(chord.tones[rank], 80 + self.lift), 76)

    def lead(self) -> None:
        """A counter-melody: chord tones on the strong beats, steps of the scale between; bars run A B A C."""
        rhythms = [self._lead_rhythm() for _ in range(3)]
        centre = 70 + self.lift
        pitch = _nearest(self.score.chords[0].tones[int(self.rng.integers(3))], centre)
        for bar in range(BARS):
            start = bar * self.score.bar
            for beat, length in rhythms[(0, 1, 0, 2)[bar]]:
                chord = self._chord_at(start + beat)
                strong = beat % (2 if self.score.bar == 4 else 3) == 0 or length >= 1.5
                pitch = self._next_pitch(pitch, chord, centre, strong)
                self._add("lead", start + beat, length * 0.95, pitch, 80 if strong else 72)

    def drums(self) -> None:
        """The style's drum family at the score's level."""
        hits = drum_bars(self.style.beat, self.score.drums_level, self.doubled, self.rng, self.score.bar)
        gain = (-14, 0, 8)[self.score.drums_level]
        for beat, drum, velocity in hits:
            self._add("drums", beat, 0.25, drum, velocity + gain)

    def humanised(self) -> list[Note]:
        """The notes with swing and slight timing, sorted by beat."""
        beats_per_ms = self.score.grid_bpm / 60000.0
        moved = []
        for note in self.notes:
            beat = note.beat + (self.style.swing if note.beat % 1 == 0.5 else 0.0)
            beat = max(0.0, beat + float(np.clip(self.rng.normal(), -2, 2)) * TIMING_MS * beats_per_ms)
            moved.append(Note(round(beat, 4), round(note.length, 4), note.part, note.pitch, note.velocity))
        return sorted(moved, key=lambda note: (note.beat, note.part, note.pitch))

    def _add(self, part: str, beat: float, length: float, pitch: int, velocity: float) -> None:
        velocity += 48 * (self.scene.arousal - 0.5) + 4 * self.rng.normal()
        if part in DETACHED:
            length *= min(1.0, 1.2 - 0.65 * self.scene.arousal)  # legato where it is calm, short notes where it is lively
        self.notes.append(Note(float(beat), float(length), part, int(pitch), int(np.clip(velocity, 22, 124))))

    def _step(self) -> float:
        """Step of the plucked part in grid beats; longer for calm scenes."""
        edges = (0.22, 0.48, 0.82)
        return (2.0, 1.0, 0.5, 0.25)[int(np.searchsorted(edges, self.busy))]

    def _approach(self, root: int, target: int) -> int:
        """The scale note a step beside the next root, from the side of the present one."""
        side = -1 if target >= root else 1
        scale = SCALE[self.score.mode]
        return next(target + side * k for k in (1, 2, 3) if (target + side * k) % 12 in scale)

    def _chordal(self, figure: str, step: float) -> None:
        """Strummed or off-beat chords."""
        for chord, voicing in zip(self.score.chords, _voice_lead(self.score.chords, 62 + self.lift)):
            if self.score.bar == 3:
                # The waltz: the bass has the one, the chords have the two and the three.
                onsets = (1.0,) if step > 1 else (1.0, 2.0) if step > 0.25 else (1.0, 1.5, 2.0, 2.5)
            elif figure == "comp":
                onsets = (0.0, 2.5) if step >= 1 else (0.0, 1.5, 3.0) if step > 0.25 else (0.0, 1.0, 1.5, 2.5, 3.5)
            else:
                onsets = np.arange(0, chord.length, max(step, 0.5))
            for i, onset in enumerate(b for b in onsets if b < chord.length):
                notes = voicing if i % 2 == 0 else voicing[-2:]
                for rank, pitch in enumerate(notes):
                    late = 0.03 * rank if figure == "strum" else 0.0
                    self._add("pluck", chord.beat + onset + late, max(step, 0.5) * 1.2, pitch, 74 if i == 0 else 64)

    def _broken(self, figure: str, step: float) -> None:
        """Arpeggios: indices into the chord's notes over two octaves."""
        patterns = dict(arpeggio=((0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3), (0, 1, 2, 4, 3, 2, 1, 2)),
                        broken=((0, 2, 3, 2), (0, 2, 4, 2), (0, 1, 3, 4, 3, 1)),
                        alberti=((0, 2, 1, 2),), ostinato=((0, 0, 1, 0), (0, 3, 0, 2), (0, 0, 0, 1, 0, 0, 2, 1)))
        if self.score.bar == 3:
            step = min(step, 1.0)
            patterns = dict(arpeggio=((0, 1, 2), (0, 1, 2, 3, 2, 1), (0, 2, 4, 3, 2, 1)), broken=((0, 2, 3), (0, 2, 3, 4, 3, 2)),
                            alberti=((0, 2, 1),), ostinato=((0, 3, 2), (0, 0, 1, 0, 2, 0)))
        choices = patterns[figure]
        pattern = choices[int(self.rng.integers(len(choices)))]
        per_bar = int(self.score.bar / step)
        kept = self.rng.random(per_bar) < 0.7 + 0.3 * self.busy
        for chord, voicing in zip(self.score.chords, _voice_lead(self.score.chords, 62 + self.lift)):
            ladder = voicing[:3] + [pitch + 12 for pitch in voicing[:3]]
            for i in range(int(chord.length / step)):
                if i == 0 or kept[i % per_bar]:
                    pitch = ladder[pattern[i % len(pattern)]]
                    accent = 8 if i * step % (2 if self.score.bar == 4 else 3) == 0 else 0
                    self._add("pluck", chord.beat + i * step, step * (1.5 if step < 1 else 1.1), pitch, 72 + accent)

    def _lead_rhythm(self) -> list[tuple[float, float]]:
        calm = (((0, 3),), ((0, 2), (2, 2)), ((0, 4),))
        medium = (((0, 1.5), (1.5, 0.5), (2, 2)), ((0, 1), (1, 1), (2, 1.5)), ((0, 2), (2, 1), (3, 1)))
        lively = (((0, 0.5), (0.5, 0.5), (1, 1), (2, 0.5), (2.5, 0.5), (3, 1)),
                  ((0, 0.75), (0.75, 0.75), (1.5, 0.5), (2, 2)),
                  ((0.5, 0.5), (1, 0.5), (1.5, 0.5), (2, 1), (3, 0.5), (3.5, 0.5)))
        if self.score.bar == 3:
            calm = (((0, 3),), ((0, 2), (2, 1)))
            medium = (((0, 1), (1, 1), (2, 1)), ((0, 2), (2, 1)), ((0, 1.5), (1.5, 0.5), (2, 1)))
            lively = (((0, 1), (1, 0.5), (1.5, 0.5), (2, 1)), ((0, 0.5), (0.5, 0.5), (1, 0.5), (1.5, 0.5), (2, 1)), ((0, 1), (1, 1), (2, 0.5), (2.5, 0.5)))
        choices = (calm, medium, lively)[int(self.busy * 3)]
        return list(choices[int(self.rng.integers(len(choices)))])

    def _chord_at(self, beat: float) -> Chord:
        return next(c for c in reversed(self.score.chords) if c.beat <= beat)

    def _next_pitch(self, pitch: int, chord: Chord, centre: int, strong: bool) -> int:
        """The nearest chord tone on strong beats, else a scale step; both lean back to `centre`."""
        lean = float(np.clip((centre - pitch) / 7.0, -1, 1)) * 0.5
        up = self.rng.random() < 0.5 + lean
        allowed = chord.tones if strong else SCALE[self.score.mode]
        steps = range(1, 8) if up else range(-1, -8, -1)
        if strong and pitch % 12 in allowed and self.rng.random() < 0.3:
            return pitch
        return next((pitch + s for s in steps if (pitch + s) % 12 in allowed), pitch)


def _nearest(tone: int, centre: float) -> int:
    """The pitch of pitch class `tone` nearest to `centre`."""
    return int(tone + 12 * round((centre - tone) / 12))


def _open(voicing: list[int]) -> list[int]:
    """An open position: the second lowest voice an octave up."""
    return sorted([voicing[0], voicing[1] + 12, *voicing[2:]])


def _inversions(tones: tuple[int, ...], centre: int) -> list[list[int]]:
    """Close positions of a chord around `centre`, each inversion in the three nearest octaves."""
    found = []
    for turn in range(len(tones)):
        order = tones[turn:] + tones[:turn]
        for octave in (-12, 0, 12):
            pitches = [_nearest(order[0], centre - 4) + octave]
            for tone in order[1:]:
                pitches.append(pitches[-1] + (tone - pitches[-1]) % 12)
            found.append(pitches)
    return found


def _voice_lead(chords: list[Chord], centre: int) -> list[list[int]]:
    """One close voicing per chord, each the one that moves least from the one before and stays near `centre`."""
    voicings: list[list[int]] = []
    for chord in chords:
        def cost(pitches: list[int]) -> float:
            move = sum(abs(a - b) for a, b in zip(pitches, voicings[-1])) if voicings else 0
            return move + 0.6 * abs(float(np.mean(pitches)) - centre) * len(pitches)
        voicings.append(min(_inversions(chord.tones, centre), key=cost))
    return voicings


def _bass_figure(figure: str, root: int, fifth: int, third: int, approach: int) -> list[tuple[float, float, int]]:
    """`(beat, length, pitch)` over one bar."""
    figures = {
        "hold": [(0, 4, root)],
        "halves": [(0, 2, root), (2, 2, fifth)],
        "push": [(0, 1.5, root), (1.5, 0.5, root), (2, 1.5, fifth), (3.5, 0.5, approach)],
        "walk": [(0, 1, root), (1, 1, third), (2, 1, fifth), (3, 1, approach)],
        "eighths": [(i / 2, 0.5, root) for i in range(8)],
        "octaves": [(i / 2, 0.5, root + 12 * (i % 2)) for i in range(8)],
        "ostinato": [(i / 2, 0.5, (root, root, fifth, root, root, root, approach, root)[i]) for i in range(8)],
    }
    return [(float(beat), float(length), pitch) for beat, length, pitch in figures[figure]]


def _bass_in_three(figure: str, root: int, fifth: int, third: int, approach: int) -> list[tuple[float, float, int]]:
    """`(beat, length, pitch)` over one bar of three beats; what is busy in four is busy here."""
    walking = [(0, 1, root), (1, 1, third), (2, 1, approach)]
    figures = {
        "hold": [(0, 3, root)],
        "halves": [(0, 2, root), (2, 1, fifth)],
        "push": [(0, 1.5, root), (1.5, 0.5, root), (2, 1, approach)],
        "walk": walking,
        "eighths": [(i / 2, 0.5, root) for i in range(6)],
        "octaves": [(i / 2, 0.5, root + 12 * (i % 2)) for i in range(6)],
        "ostinato": [(i / 2, 0.5, (root, root, fifth, root, approach, root)[i]) for i in range(6)],
    }
    return [(float(beat), float(length), pitch) for beat, length, pitch in figures[figure]]
