"""A clip's piano roll as SVG: pitch over time, a colour for each part, stronger the louder; drums in a strip beneath."""

from __future__ import annotations

from composer.score import PARTS, Note
from evaluate_playing import Playing

COLOURS = dict(zip(PARTS, ("#7a9cc4", "#5b3a8c", "#3c8c5b", "#d98c2b", "#c8102e", "#e05fa0", "#20a0a0", "#555555")))
COLUMN, SEMITONE = 8, 3  # pixels
LOW, HIGH = 24, 100
DRUM_LOW, DRUM_HIGH = 27, 60
STRIP = 18  # pixels of the drums' strip


def draw(playing: Playing) -> str:
    """The SVG element."""
    width, height = playing.columns * COLUMN, (HIGH - LOW) * SEMITONE + STRIP
    lines = "".join(f'<path d="M{bar * playing.bar * COLUMN} 0v{height}"/>' for bar in range(1, 4))
    notes = "".join(_note(playing, note) for note in playing.notes)
    return (f'<svg class=roll viewBox="0 0 {width} {height}" preserveAspectRatio="none" role=img aria-label="piano roll">'
            f'<g stroke="#ccc">{lines}</g>{notes}</svg>')


def _note(playing: Playing, note: Note) -> str:
    loud = note.velocity / 127 * float(playing.dynamics[note.part][note.start] if note.part in playing.dynamics else 1)
    if note.part == "drums":
        place = (min(max(note.pitch, DRUM_LOW), DRUM_HIGH) - DRUM_LOW) / (DRUM_HIGH - DRUM_LOW)
        y, length, height = (HIGH - LOW) * SEMITONE + (1 - place) * (STRIP - 3), 0.6, 3
    else:
        y, length, height = (HIGH - min(max(note.pitch, LOW), HIGH)) * SEMITONE, note.length - 0.15, SEMITONE
    x = note.start * COLUMN
    # What sounds on into the next round is cut at the edge.
    wide = min(length * COLUMN, playing.columns * COLUMN - x)
    return f'<rect x={x} y={y:.0f} width={wide:.1f} height={height} fill="{COLOURS[note.part]}" opacity={0.35 + 0.65 * loud:.2f} />'


def legend(playing: Playing) -> str:
    """Who plays, in the colours of the roll."""
    return " ".join(f'<span style="color:{COLOURS[part]}">{part} {program}</span>' for part, program in playing.plays.items())
