"""Compare our sampler, and rustysynth, with FluidSynth: the same notes of the same soundfont, bare.

    cargo build --release -p instruments --examples
    pip install numpy pyfluidsynth soundfile         # and Debian's libfluidsynth3, fluidr3mono-gm-soundfont
    python compare.py --examples ../../target/release/examples [--font X.sf3] [--sf2 Y.sf2]

Prints for each family of presets the log-spectral distance (dB, see `distance`), level and pitch beside FluidSynth's. `--sf2` adds rustysynth, which reads no sf3.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from pathlib import Path

import fluidsynth
import numpy as np
import soundfile

FONT = "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3"
RATE, HELD, SECONDS = 48000, 1.0, 2.0
# Family: programs, keys. A negative program is a kit.
FAMILIES = {
    "pianos": ([0, 4, 6], [40, 60, 79]),
    "bells, mallets": ([8, 9, 11, 12, 14], [67, 79, 91]),
    "organs": ([16, 19, 21], [48, 60, 72]),
    "guitars": ([24, 25, 27, 30], [45, 57, 69]),
    "basses": ([32, 33, 35, 38, 39], [31, 40, 50]),
    "strings": ([40, 42, 45, 46, 48, 49], [50, 62, 74]),
    "voices": ([52, 53, 54], [55, 64, 72]),
    "brass": ([56, 57, 58, 60, 61], [46, 58, 67]),
    "winds": ([65, 68, 70, 71, 73], [58, 67, 76]),
    "leads, pads": ([80, 81, 88, 89, 91, 94, 95, 99], [48, 60, 72]),
    "plucked, world": ([104, 105, 107, 108, 114], [55, 64, 72]),
    "kits": ([-1, -9, -17, -25, -26, -33, -41, -49], [36, 38, 42, 46, 49, 47]),
}
VELOCITIES = (45, 100)

_write = fluidsynth._fl.fluid_synth_write_float
_write.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p,
                   ctypes.c_int, ctypes.c_int]
_interpolation = fluidsynth._fl.fluid_synth_set_interp_method
_interpolation.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]


class Reference:
    """FluidSynth without effects, volume and expression open, its best interpolation."""

    def __init__(self, font: str, rate: int = RATE):
        self.rate = rate
        settings = {"synth.chorus.active": 0, "synth.reverb.active": 0, "synth.polyphony": 256}
        self._synth = fluidsynth.Synth(gain=1.0, samplerate=rate, channels=16, **settings)
        self._font = self._synth.sfload(font)
        _interpolation(self._synth.synth, -1, 7)

    def note(self, program: int, key: int, velocity: int, held: float = HELD, seconds: float = SECONDS) -> np.ndarray:
        """`(frames, 2)` float32; a negative program is a kit, −1 the first."""
        self._synth.system_reset()
        # Voices of the note before sound on, whatever is said to them.
        while np.abs(self._render(self.rate // 2)).max() > 1e-7:
            pass
        bank, number = (0, program) if program >= 0 else (128, -1 - program)
        if self._synth.program_select(0, self._font, bank, number) < 0:
            raise ValueError(f"the font has no preset {bank}:{number}")
        for controller in (7, 11):
            self._synth.cc(0, controller, 127)
        self._synth.noteon(0, key, velocity)
        first = self._render(int(held * self.rate))
        self._synth.noteoff(0, key)
        return np.concatenate([first, self._render(int(seconds * self.rate) - len(first))])

    def _render(self, frames: int) -> np.ndarray:
        sound = np.zeros((frames, 2), np.float32)
        _write(self._synth.synth, frames, sound.ctypes.data, 0, 2, sound.ctypes.data, 1, 2)
        return sound


def play(program: Path, font: str, number: int, key: int, velocity: int, *, held=HELD, seconds=SECONDS, rate=RATE,
         rest=()) -> np.ndarray:
    """The same note by one of our examples."""
    kind, number = ("program", number) if number >= 0 else ("kit", -1 - number)
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        call = [program, font, kind, number, key, velocity, held, seconds, rate, out.name, *rest]
        subprocess.run([str(argument) for argument in call], check=True)
        return soundfile.read(out.name, dtype="float32", always_2d=True)[0]


def spectra(sound: np.ndarray, size: int = 4096) -> np.ndarray:
    """Power of both channels, `(frames, bins)`."""
    window = np.hanning(size)[:, None]
    starts = range(0, len(sound) - size, size // 2)
    return np.stack([(np.abs(np.fft.rfft(sound[s:s + size] * window, axis=0)) ** 2).sum(1) for s in starts])


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Log-spectral distance in dB, level taken out, where either is within 45 dB of the frame's loudest bin.

    Bins that one has alone count at most 30 dB: images that an interpolation leaves, and what is below 40 Hz, are not
    of the instrument. Frames within 50 dB of the loudest, below 16 kHz.
    """
    a, b = (spectra(sound)[:, 4:1366] for sound in (ours, theirs))
    a *= b.sum() / max(a.sum(), 1e-20)
    loudest = np.maximum(a, b).max(1, keepdims=True)
    heard = (np.maximum(a, b) > loudest * 10**-4.5) & (loudest > loudest.max() * 1e-5)
    difference = 10 * np.log10((a + loudest * 1e-8 + 1e-20) / (b + loudest * 1e-8 + 1e-20))
    return float(np.sqrt(np.mean(np.clip(difference[heard], -30, 30) ** 2)))


def level(sound: np.ndarray) -> float:
    """RMS in dB of what is above 40 Hz: FluidSynth leaves in what a sample has of direct current."""
    return float(10 * np.log10(spectra(sound)[:, 4:].sum() / len(sound) / 750 + 1e-20))


def cents(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How much sharper the strongest partial of `theirs` is in `ours`."""
    places = []
    for sound in (theirs, ours):
        # The first second, while the key is held.
        mono = sound[: int(HELD * RATE)].sum(1) * np.hanning(int(HELD * RATE))
        power = np.log(np.abs(np.fft.rfft(mono, 1 << 19)) + 1e-12)
        if not places:
            peak = 100 + int(np.argmax(power[100:-100]))
        else:
            near = slice(int(places[0]) - 40, int(places[0]) + 41)
            peak = near.start + int(np.argmax(power[near]))
        a, b, c = power[peak - 1: peak + 2]
        places.append(peak + 0.5 * (a - c) / (a - 2 * b + c))
    return float(1200 * np.log2(places[1] / places[0]))


def measure(player, reference: Reference, families: dict) -> None:
    """One line a family."""
    print(f"{'family':16} {'notes':>5} {'distance':>8} {'worst':>6} {'level':>6} {'worst':>6} {'cents':>7} {'worst':>6}")
    every = []
    for family, (programs, keys) in families.items():
        rows = []
        for program in programs:
            for key in keys:
                for velocity in VELOCITIES:
                    theirs = reference.note(program, key, velocity)
                    if level(theirs) < -90:
                        continue
                    ours = player(program, key, velocity)
                    pitch = cents(ours, theirs) if program >= 0 else 0.0
                    rows.append((distance(ours, theirs), level(ours) - level(theirs), pitch, program, key, velocity))
        every += rows
        table(family, rows)
    table("all", every)
    for column, name in ((0, "distance"), (1, "level"), (2, "cents")):
        centre = np.median([row[column] for row in every]) if column == 1 else 0.0
        worst = sorted(every, key=lambda row: -abs(row[column] - centre))[:4]
        print("worst", name, [(round(row[column], 2), *row[3:]) for row in worst])


def table(name: str, rows: list) -> None:
    values = np.array([row[:3] for row in rows])
    worst = np.abs(values).max(0)
    print(f"{name:16} {len(rows):5} {values[:, 0].mean():8.2f} {worst[0]:6.2f} {values[:, 1].mean():6.2f} {worst[1]:6.2f} "
          f"{values[:, 2].mean():7.3f} {worst[2]:6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--font", default=FONT)
    parser.add_argument("--sf2", help="a General MIDI .sf2, for rustysynth")
    arguments = parser.parse_args()
    print(f"ours, {arguments.font}")
    ours = lambda *note: play(arguments.examples / "note", arguments.font, *note)  # noqa: E731
    measure(ours, Reference(arguments.font), FAMILIES)
    if arguments.sf2:
        reference = Reference(arguments.sf2)
        for name, rest in (("note", ()), ("rustysynth", (0, 64))):
            print(f"{name}, {arguments.sf2}")
            few = {family: (programs[:2], keys) for family, (programs, keys) in FAMILIES.items()}
            measure(lambda *note: play(arguments.examples / name, arguments.sf2, *note, rest=rest), reference, few)


if __name__ == "__main__":
    main()
