"""Writes grid.safetensors: the grid decoder's golden, made by the recipe that trains the codec.

    python grid.py

The inversion and the phases are written out here once more, in float64, from the papers that the engine cites.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bundles" / "mini" / "recipe"))

import codec as recipe_codec  # noqa: E402
import mel as recipe_mel  # noqa: E402

COLUMNS, WIDTH, BLOCKS = 5, 8, 2
SAMPLES, FRAMES = 12347, 32
INVERSION_FRAMES = 6
INVERSION_STEPS = 30


def patch_codec() -> dict[str, torch.Tensor]:
    """Random small weights, latents (1, 16, 5, 16), the mel (40, 128) they decode to, and what that is encoded to."""
    torch.manual_seed(7)
    codec = recipe_codec.PatchCodec(WIDTH, BLOCKS, WIDTH, BLOCKS).eval()
    for name, value in codec.state_dict().items():
        value.copy_(torch.randn_like(value) * 0.3 + (1.0 if name.endswith(("norm1.weight", "norm2.weight")) else 0.0))
    codec.basis.copy_(torch.linalg.qr(codec.basis)[0])  # at right angles, as a PCA's
    codec.scale.uniform_(0.75, 1.25)
    codec.encoder.conv_out.weight.data.mul_(0.003)  # else the rounds would run away
    latents = torch.randn(1, recipe_codec.COMPONENTS, COLUMNS, recipe_codec.ROWS)
    with torch.no_grad():
        weights = {f"weights.{name}": value.clone() for name, value in codec.weights().items()}
        mel = codec.decode(latents)
        encoded = dict(encoded=codec.encode(mel), encoded_linear=codec.encode_linear(mel))
        return weights | dict(latents=latents, mel=mel[0], linear=codec.decode_linear(latents)[0]) | encoded


def loop() -> np.ndarray:
    """A decaying chord with a little noise, (12347,) float32: not a multiple of anything."""
    time = np.arange(SAMPLES) / recipe_mel.SAMPLE_RATE
    noise = np.random.default_rng(3).standard_normal(SAMPLES)
    chord = sum(np.sin(2.0 * np.pi * hz * time) for hz in (220.0, 277.2, 880.0, 3520.0))
    return (0.1 * (chord + 0.1 * noise) * np.exp(-3.0 * time)).astype(np.float32)


def analysis() -> dict[str, torch.Tensor]:
    """The loop, its beat mel with 32 frames, and what the filter bank sums to per band and per bin."""
    mono, bank = loop(), torch.from_numpy(recipe_mel.filter_bank())
    spectra = recipe_mel.magnitudes(mono, recipe_mel.frame_centres(SAMPLES, FRAMES))
    mel = (spectra @ bank).clamp_min(recipe_mel.FLOOR).log()
    return dict(mono=torch.from_numpy(mono), beat_mel=mel, band_sums=bank.sum(0), bin_sums=bank.sum(1))


def invert(mel: np.ndarray) -> np.ndarray:
    """Log mel (frames, 128) -> magnitudes (frames, 1025) by non-negative multiplicative updates."""
    bank = recipe_mel.filter_bank().astype(np.float64)
    floor = recipe_mel.FLOOR
    magnitude = np.exp(mel.astype(np.float64))
    bands = np.where(magnitude > floor * 1.0001, np.sqrt(np.maximum(magnitude**2 - floor**2, 0.0)), 0.0)
    spectrum = (bands / bank.sum(0)) @ bank.T
    for _ in range(INVERSION_STEPS):
        spectrum = spectrum * (bands @ bank.T) / (spectrum @ bank @ bank.T + 1e-8)
    return spectrum


def single_pass_phases(magnitudes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Magnitudes (frames, bins) -> phases (frames, bins): every peak carries its region along."""
    bins = magnitudes.shape[1]
    size = 2 * (bins - 1)
    phase = 2.0 * np.pi * np.modf(np.arange(bins) ** 2 * ((np.sqrt(5.0) - 1.0) / 2.0))[0]
    found = []
    for frame, row in enumerate(magnitudes):
        hop = centres[frame] - centres[frame - 1] if frame else 0
        peaks = 1 + np.flatnonzero((row[1:-1] > row[:-2]) & (row[1:-1] >= row[2:]))
        below, at, above = (np.log(row[peaks + shift] + 1e-9) for shift in (-1, 0, 1))
        offset = np.clip(0.5 * (below - above) / (below - 2.0 * at + above - 1e-9), -0.5, 0.5)
        advanced = phase[peaks] + 2.0 * np.pi * hop * (peaks + offset) / size
        borders = np.concatenate([[0], (peaks[1:] + peaks[:-1]) // 2 + 1, [bins]])
        owner = np.repeat(np.arange(len(peaks)), np.diff(borders))
        phase = advanced[owner]
        found.append(phase + np.pi * (np.abs(np.arange(bins) - peaks[owner]) % 2))
    return np.stack(found)


def inversion(beat_mel: torch.Tensor) -> dict[str, torch.Tensor]:
    """Magnitudes of the first frames, as float16-rounded input of the phases, and their phases as a unit vector."""
    magnitudes = invert(beat_mel[:INVERSION_FRAMES].numpy())
    rounded = magnitudes.astype(np.float16).astype(np.float32)
    phases = single_pass_phases(rounded, recipe_mel.frame_centres(SAMPLES, FRAMES))
    return dict(
        magnitudes=torch.from_numpy(magnitudes.astype(np.float32)),
        phase_input=torch.from_numpy(rounded.astype(np.float16)),
        phase_cosine=torch.from_numpy(np.cos(phases).astype(np.float16)),
        phase_sine=torch.from_numpy(np.sin(phases).astype(np.float16)),
    )


def main() -> None:
    """Write the file beside this one."""
    tensors = patch_codec() | analysis()
    tensors |= inversion(tensors["beat_mel"])
    save_file({name: value.contiguous() for name, value in tensors.items()}, HERE / "grid.safetensors")


if __name__ == "__main__":
    main()
