"""The renderer: a score played by FluidSynth into a stereo loop."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import fluidsynth
import numpy as np

from score import Score

SAMPLE_RATE = 32000
TAIL_SECONDS = 3.0
BLOCK = 64  # samples that FluidSynth renders at once
LOUDNESS_RMS = 0.09
TILT_DB_PER_OCTAVE = 2.0  # at a brightness of 1
SOUNDFONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
)
CHANNELS = dict(pad=0, bass=1, pluck=2, bell=3, lead=4, drums=9)
VOLUMES = dict(pad=86, bass=100, pluck=96, bell=84, lead=88, drums=94)
PANS = dict(pad=64, bass=64, pluck=44, bell=88, lead=76, drums=64)
VOLUME, PAN, REVERB_SEND = 7, 10, 91  # MIDI controllers

_write_float = fluidsynth._fl.fluid_synth_write_float
_write_float.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
                         ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
_system_reset = fluidsynth._fl.fluid_synth_system_reset
_system_reset.argtypes = [ctypes.c_void_p]
_set_sample_rate = fluidsynth._fl.fluid_synth_set_sample_rate
_set_sample_rate.argtypes = [ctypes.c_void_p, ctypes.c_float]


class Synth:
    """FluidSynth with a General MIDI soundfont at 32 kHz, reverb on, chorus off."""

    def __init__(self, soundfont: str | None = None):
        path = soundfont or find_soundfont()
        self._synth = fluidsynth.Synth(gain=0.5, samplerate=SAMPLE_RATE, channels=16, **{"synth.chorus.active": 0})
        if self._synth.sfload(path) < 0:
            raise OSError(f"cannot load the soundfont {path}")
        self._soundfont = 1

    def render(self, score: Score) -> np.ndarray:
        """Play `score` as float32 (2, L); the tail is added to the head, so that it loops without a seam."""
        self._set_up(score)
        length = int(round(score.seconds * SAMPLE_RATE))
        total = length + int(TAIL_SECONDS * SAMPLE_RATE)
        # Whole blocks, or the rest of the last one would open the next clip.
        played = self._play(_events(score), -(-total // BLOCK) * BLOCK)
        loop = played[:, :length].copy()
        tail = played[:, length:total]
        loop[:, : tail.shape[1]] += tail
        return level(tilt(loop, score.brightness))

    def _set_up(self, score: Score) -> None:
        _system_reset(self._synth.synth)
        # Builds the reverb anew; a reset alone keeps its state, and a clip would depend on the one before.
        _set_sample_rate(self._synth.synth, SAMPLE_RATE)
        for part, program in score.parts.items():
            channel = CHANNELS[part]
            bank = 128 if part == "drums" else 0
            if self._synth.program_select(channel, self._soundfont, bank, program) < 0:
                self._synth.program_select(channel, self._soundfont, bank, 0)
            self._synth.cc(channel, VOLUME, VOLUMES[part])
            self._synth.cc(channel, PAN, PANS[part])
            self._synth.cc(channel, REVERB_SEND, score.space // 2 if part in ("bass", "drums") else score.space)

    def _play(self, events: list[tuple[int, bool, int, int, int]], total: int) -> np.ndarray:
        out = np.zeros((2, total), np.float32)
        position = 0
        for sample, on, channel, pitch, velocity in events:
            position = self._advance(out, position, min(sample, total))
            if on:
                self._synth.noteon(channel, pitch, velocity)
            else:
                self._synth.noteoff(channel, pitch)
        self._advance(out, position, total)
        return out

    def _advance(self, out: np.ndarray, position: int, to: int) -> int:
        if to > position:
            left, right = (out[side, position:].ctypes.data for side in (0, 1))
            _write_float(self._synth.synth, to - position, left, 0, 1, right, 0, 1)
        return max(position, to)


def find_soundfont() -> str:
    """The first General MIDI soundfont of the usual places.

    Raises FileNotFoundError where there is none.
    """
    for path in SOUNDFONTS:
        if Path(path).exists():
            return os.fspath(path)
    raise FileNotFoundError("no General MIDI soundfont found; install fluid-soundfont-gm or pass --soundfont")


def tilt(loop: np.ndarray, brightness: float) -> np.ndarray:
    """Tilt the spectrum around 1 kHz, circularly; within three octaves either way."""
    frequencies = np.fft.rfftfreq(loop.shape[1], 1.0 / SAMPLE_RATE)
    octaves = np.clip(np.log2(np.maximum(frequencies, 1.0) / 1000.0), -3.0, 3.0)
    gain = 10.0 ** (TILT_DB_PER_OCTAVE * brightness * octaves / 20.0)
    return np.fft.irfft(np.fft.rfft(loop) * gain, loop.shape[1]).astype(np.float32)


def level(loop: np.ndarray) -> np.ndarray:
    """Bring the loop to the common loudness and bend its peaks below one."""
    rms = float(np.sqrt(np.mean(loop**2)))
    return np.tanh(loop * (LOUDNESS_RMS / max(rms, 1e-4))).astype(np.float32)


def _events(score: Score) -> list[tuple[int, bool, int, int, int]]:
    """`(sample, on, channel, pitch, velocity)` in time order, a note's end before another's start."""
    samples_per_beat = 60.0 / score.grid_bpm * SAMPLE_RATE
    events = []
    for note in score.notes:
        start = int(note.beat * samples_per_beat)
        end = max(start + 64, int((note.beat + note.length) * samples_per_beat))
        events.append((start, True, CHANNELS[note.part], note.pitch, note.velocity))
        events.append((end, False, CHANNELS[note.part], note.pitch, 0))
    return sorted(events)
