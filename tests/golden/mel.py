"""Writes mel.safetensors: a loop's mel spectrogram by the recipe.

    python tests/golden/mel.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "bundles" / "mini" / "recipe"))

import mel as recipe_mel  # noqa: E402

SAMPLES, FRAMES = 12347, 32


def loop() -> np.ndarray:
    """A decaying chord with a little noise, (12347,) float32: not a multiple of anything."""
    time = np.arange(SAMPLES) / recipe_mel.SAMPLE_RATE
    noise = np.random.default_rng(3).standard_normal(SAMPLES)
    chord = sum(np.sin(2.0 * np.pi * hz * time) for hz in (220.0, 277.2, 880.0, 3520.0))
    return (0.1 * (chord + 0.1 * noise) * np.exp(-3.0 * time)).astype(np.float32)


def analysis() -> dict[str, torch.Tensor]:
    """The loop, its beat mel with 32 frames, and what the filter bank sums to per band."""
    mono, bank = loop(), torch.from_numpy(recipe_mel.filter_bank())
    spectra = recipe_mel.magnitudes(mono, recipe_mel.frame_centres(SAMPLES, FRAMES))
    mel = (spectra @ bank).clamp_min(recipe_mel.FLOOR).log()
    return dict(mono=torch.from_numpy(mono), beat_mel=mel, band_sums=bank.sum(0))


if __name__ == "__main__":
    save_file({name: value.contiguous() for name, value in analysis().items()}, HERE / "mel.safetensors")
