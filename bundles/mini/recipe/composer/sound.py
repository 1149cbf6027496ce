"""A score's sound by FluidSynth, to look at: dry of any mix but General MIDI's volumes, pans, expression and reverb."""

from __future__ import annotations

import os
from pathlib import Path

import fluidsynth
import numpy as np

from .midi import to_midi
from .score import Score

SAMPLE_RATE = 32000
SOUNDFONTS = ("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3", "/usr/share/sounds/sf3/default-GM.sf3")
DRUM_BANK = 128


class Player:
    """FluidSynth with a General MIDI soundfont; raises OSError where there is none."""

    def __init__(self, soundfont: str = ""):
        path = soundfont or next((os.fspath(path) for path in map(Path, SOUNDFONTS) if path.exists()), "")
        self._synth = fluidsynth.Synth(gain=0.5, samplerate=SAMPLE_RATE, channels=16, **{"synth.chorus.active": 0})
        self._font = self._synth.sfload(path) if path else -1
        if self._font < 0:
            raise OSError("cannot load a General MIDI soundfont; install fluid-soundfont-gm or fluidr3mono-gm-soundfont")

    def play(self, score: Score, loops: int = 1) -> np.ndarray:
        """Mono sound of `loops` times the score, float32 (L,)."""
        self._synth.system_reset()
        out, begun = [], 0
        now = 0.0
        for message in to_midi(score, loops):
            now += message.time
            due = int(now * SAMPLE_RATE)
            if due > begun:
                out.append(self._synth.get_samples(due - begun))
                begun = due
            _send(self._synth, self._font, message)
        out.append(self._synth.get_samples(max(0, int(loops * score.seconds * SAMPLE_RATE) - begun)))
        return np.concatenate(out).reshape(-1, 2).mean(1).astype(np.float32) / 32768


def _send(synth: fluidsynth.Synth, font: int, message) -> None:
    if message.type == "program_change":
        synth.program_select(message.channel, font, DRUM_BANK if message.channel == 9 else 0, message.program)
    elif message.type == "control_change":
        synth.cc(message.channel, message.control, message.value)
    elif message.type == "note_on":
        synth.noteon(message.channel, message.note, message.velocity)
    elif message.type == "note_off":
        synth.noteoff(message.channel, message.note)
