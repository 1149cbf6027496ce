"""The players: each writes the notes of its part into a score."""

from __future__ import annotations

import numpy as np

from bass_figures import bass_figure, bass_in_three
from drums import drum_bars
from harmony import SCALE, nearest, open_position, voice_lead
from scene import Scene
from score import BARS, Chord, Note, Score
from styles import Style

DETACHED = ("bass", "pluck", "lead")  # parts whose notes get shorter as arousal grows
TIMING_MS = 4.0  # standard deviation of the humanised timing


class Players:
    """Writes the notes of each part of one score."""

    def __init__(self, scene: Scene, style: Style, score: Score, rng: np.random.Generator):
        self.scene, self.style, self.score, self.rng = scene, style, score, rng
        self.doubled = score.grid_bpm != score.bpm
        self.lift = int(round((scene.valence - 0.5) * 14))  # semitones
        self.busy = float(np.clip(scene.arousal + 0.08 * rng.normal(), 0, 0.999))
        self.voicings = voice_lead(score.chords, 57 + self.lift)
        self.notes: list[Note] = []

    def pad(self) -> None:
        """Held chords; pulsed where the scene is lively."""
        drive = self.style.beat in ("straight", "four", "orchestral", "toms") and self.busy > 0.6
        pulse = 1.0 if self.busy > 0.8 or self.score.bar == 3 else 2.0
        for chord, voicing in zip(self.score.chords, self.voicings):
            starts = np.arange(0, chord.length, pulse) if drive else (0.0,)
            length = chord.length / len(starts)
            pitches = open_position(voicing) if self.style.beat == "orchestral" else voicing
            for start in starts:
                for pitch in pitches:
                    self._add("pad", chord.beat + start, length * 0.98, pitch, 64)

    def bass(self) -> None:
        """A figure of the style, from held roots to walking and octave lines."""
        figures = self.style.bass_figures
        figure = figures[int(self.busy * len(figures))]
        chords = self.score.chords
        for chord, following in zip(chords, chords[1:] + chords[:1]):
            root = nearest(chord.tones[0], 38 + self.lift // 4)
            fifth = nearest(chord.tones[2], root + 2)
            approach = self._approach(root, nearest(following.tones[0], 38 + self.lift // 4))
            write = bass_figure if self.score.bar == 4 else bass_in_three
            for beat, length, pitch in write(figure, root, fifth, nearest(chord.tones[1], root + 4), approach):
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
                    self._add("bell", chord.beat + onset, 1.5, nearest(chord.tones[rank], 80 + self.lift), 76)

    def lead(self) -> None:
        """A counter-melody: chord tones on the strong beats, steps of the scale between; bars run A B A C."""
        rhythms = [self._lead_rhythm() for _ in range(3)]
        centre = 70 + self.lift
        pitch = nearest(self.score.chords[0].tones[int(self.rng.integers(3))], centre)
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
        for chord, voicing in zip(self.score.chords, voice_lead(self.score.chords, 62 + self.lift)):
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
        for chord, voicing in zip(self.score.chords, voice_lead(self.score.chords, 62 + self.lift)):
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
