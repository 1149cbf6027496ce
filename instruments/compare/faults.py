"""What FluidSynth, rustysynth and our sampler make of hard cases: images, aliases, starts between blocks, cut voices.

    cargo build --release -p instruments --examples
    python faults.py --examples ../../target/release/examples     # needs what compare.py needs
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "bundles/mini/recipe"))

import bank  # noqa: E402
from compare import Reference, play  # noqa: E402

RATE = 44100


def font() -> bytes:
    """Program 0: a sine of 1 kHz at key 60; 1: of 8 kHz; kit 0: sines that end each other."""
    def sine(periods: int) -> bank.Sample:
        wave = (0.9 * 32767 * np.sin(2 * np.pi * periods * np.arange(441) / 441)).round().astype("<i2")
        return bank.Sample(b"sine", wave.tobytes(), (0, 441), RATE, 60, 0, 0, 1)

    def zone(target: int, *more: tuple[int, int]) -> bank.Patch:
        return bank.Patch(b"sine", [bank.Zone([(54, 1), *more], [], target)])

    presets = [bank.Patch(b"sine", [bank.Zone([], [], i)], *number) for i, number in enumerate(((0, 0), (0, 1), (128, 0)))]
    return bank.write(bank.Font(presets, [zone(0), zone(1), zone(0, (57, 1))], [sine(10), sine(80)]), b"sines")


def residual(sound: np.ndarray, hz: float) -> float:
    """dB of all but a sine of about `hz`, beside it."""
    x = sound[4000:40000, 0].astype(np.float64)
    angle = 2 * np.pi * hz * np.arange(len(x)) / RATE
    basis = np.stack([np.sin(angle), np.cos(angle), angle * np.sin(angle), angle * np.cos(angle)]).T
    fit = basis @ np.linalg.lstsq(basis, x, rcond=None)[0]
    return 10 * np.log10(np.mean((x - fit) ** 2) / np.mean(fit**2))


def power(sound: np.ndarray) -> float:
    return 10 * np.log10(np.mean(sound[4000:40000, 0].astype(np.float64) ** 2) + 1e-20)


def onset(sound: np.ndarray) -> int:
    return int(np.argmax(np.abs(sound[:, 0]) > 1e-6))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    examples = parser.parse_args().examples
    with tempfile.NamedTemporaryFile(suffix=".sf2") as file:
        file.write(font())
        file.flush()
        reference = Reference(file.name, RATE)
        fluid = lambda *note: reference.note(*note)  # noqa: E731
        ours = lambda *note: play(examples / "note", file.name, *note, rate=RATE)  # noqa: E731
        rusty = lambda *note: play(examples / "rustysynth", file.name, *note, rate=RATE, rest=(0, 64))  # noqa: E731
        for name, player in (("FluidSynth", fluid), ("rustysynth", rusty), ("ours", ours)):
            images = [residual(player(0, key, 127), 1000 * 2 ** ((key - 60) / 12)) for key in (59, 67, 84)]
            alias = power(player(1, 84, 127)) - power(player(1, 60, 127))
            print(f"{name:12} beside a sine, 1 kHz at -1, +7, +24 semitones: {np.round(images, 1)} dB; 8 kHz at +24: {alias:.1f} dB")
        offsets = (0, 1, 17, 63, 64, 100)
        for name, rest in (("rustysynth, block 64", 64), ("rustysynth, block 8", 8)):
            late = [onset(play(examples / "rustysynth", file.name, 0, 72, 127, rate=RATE, rest=(offset, rest))) - offset for offset in offsets]
            print(f"{name:20} starts late by {late} frames for starts at {offsets}")
        milliseconds = [round(offset / RATE * 1000) * RATE / 1000 for offset in (441, 882, 4410)]
        late = [onset(play(examples / "note", file.name, 0, 72, 127, rate=RATE, rest=(at,))) - round(at) for at in milliseconds]
        print(f"{'ours':20} starts late by {late} frames")
        for name, sound in (("rustysynth", play(examples / "rustysynth", file.name, -1, 60, 127, rate=RATE, held=1.9, rest=(0, 64, 61))),):
            bends = np.abs(np.diff(sound[:, 0], 2))
            print(f"{name:20} a voice cut by its class bends {bends[40000:50000].max() / bends[10000:30000].max():.1f} times as much as its sine")


if __name__ == "__main__":
    main()
