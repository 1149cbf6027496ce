"""A score as a MIDI file: humanised, with swing, and with each part's dynamics as expression."""

from __future__ import annotations

import mido
import numpy as np

from .score import PARTS, Score

TICKS = 480  # per quarter of the grid
CHANNELS = dict(zip(PARTS, (0, 1, 2, 3, 4, 5, 6, 9)))
VOLUMES = dict(pad=84, bass=98, keys=88, ostinato=86, lead=98, counter=86, mallets=82, drums=96)
PANS = dict(pad=64, bass=64, keys=50, ostinato=40, lead=70, counter=84, mallets=92, drums=64)
VOLUME, PAN, EXPRESSION, REVERB_SEND = 7, 10, 11, 91


def to_midi(score: Score, loops: int = 1) -> mido.MidiFile:
    """A track per part, played `loops` times."""
    file = mido.MidiFile(ticks_per_beat=TICKS)
    conductor = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(score.grid_bpm)),
                                mido.MetaMessage("time_signature", numerator=int(score.metre[0]), denominator=int(score.metre[2]))])
    file.tracks.append(conductor)
    for part in score.parts:
        file.tracks.append(_track(score, part, loops))
    return file


def _track(score: Score, part: str, loops: int) -> mido.MidiTrack:
    channel = CHANNELS[part]
    control = lambda number, value: mido.Message("control_change", channel=channel, control=number, value=int(np.clip(value, 0, 127)))
    send = score.space // 2 if part in ("bass", "drums") else score.space
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=part), mido.Message("program_change", channel=channel, program=score.parts[part]),
                            control(VOLUME, VOLUMES[part]), control(PAN, PANS[part]), control(REVERB_SEND, send)])
    timed: list[tuple[int, int, mido.Message]] = []
    for loop in range(loops):
        begin = loop * score.columns * TICKS // 4
        for column in range(0, score.columns, 2):
            timed.append((begin + column * TICKS // 4, 1, control(EXPRESSION, 127 * score.dynamics[part][column])))
        for on, off, note in timed_notes(score, part):
            timed.append((begin + on, 2, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
            timed.append((begin + off, 0, mido.Message("note_off", channel=channel, note=note.pitch)))
    now = 0
    for tick, _, message in sorted(timed, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def timed_notes(score: Score, part: str):
    """`(on, off, note)` in ticks: swung, and loose by a few milliseconds, the same ones each time."""
    rng = np.random.default_rng([PARTS.index(part), len(score.notes), score.bpm])
    loose = score.looseness * 1e-3 * score.grid_bpm / 60 * TICKS
    for note in score.of(part):
        swung = score.swing * TICKS if note.start % 4 == 2 else 0.0
        on = max(0, round(note.start * TICKS / 4 + swung + loose * float(np.clip(rng.normal(), -2, 2))))
        off = (note.start + note.length) * TICKS // 4 - 12
        yield on, max(off, on + 24), note
