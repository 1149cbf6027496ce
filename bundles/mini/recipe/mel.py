"""The beat mel: a log-magnitude spectrum of 128 bands on a grid of 32 frames per beat.

The frame centres follow the beat, not the clock: of n frames, frame j lies at j / n of the loop, whatever the tempo.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

SAMPLE_RATE = 32000
WINDOW = 2048
BINS = WINDOW // 2 + 1
BANDS = 128
FRAMES_PER_BEAT = 32
FRAMES = 512  # of four bars of 4/4
LOWEST_HZ, HIGHEST_HZ = 30.0, 14000.0
WARP_HZ = 400.0  # below this the bands are near evenly spaced, above near logarithmically
FLOOR = 1e-4


def warp(hz: np.ndarray | float) -> np.ndarray | float:
    """Frequency to the band scale, ln(1 + f / 400)."""
    return np.log1p(np.asarray(hz) / WARP_HZ)


def unwarp(value: np.ndarray | float) -> np.ndarray | float:
    """The inverse of `warp`."""
    return WARP_HZ * np.expm1(np.asarray(value))


@lru_cache(maxsize=1)
def filter_bank() -> np.ndarray:
    """Triangular filters (1025, 128), float32, peak 1; each reaches at least one bin to either side of its centre."""
    edges = unwarp(np.linspace(warp(LOWEST_HZ), warp(HIGHEST_HZ), BANDS + 2))
    frequency = np.arange(BINS)[:, None] * (SAMPLE_RATE / WINDOW)
    spacing = SAMPLE_RATE / WINDOW
    centre = edges[1:-1]
    low = np.minimum(edges[:-2], centre - spacing)
    high = np.maximum(edges[2:], centre + spacing)
    rising = (frequency - low) / (centre - low)
    falling = (high - frequency) / (high - centre)
    return np.clip(np.minimum(rising, falling), 0.0, 1.0).astype(np.float32)


@lru_cache(maxsize=1)
def window() -> np.ndarray:
    """Periodic Hann window (2048,), scaled so that a sine of amplitude A has magnitude A at its bin."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
    return (hann * (2.0 / hann.sum())).astype(np.float32)


def frame_centres(length: int, frames: int = FRAMES) -> np.ndarray:
    """Centres round(j * L / frames) in samples."""
    return np.round(np.arange(frames) * (length / frames)).astype(np.int64)


def magnitudes(mono: np.ndarray, centres: np.ndarray) -> torch.Tensor:
    """Magnitude spectra (frames, 1025) of a loop (L,) around `centres`; the loop wraps."""
    half = WINDOW // 2
    index = np.arange(-half, len(mono) + half) % len(mono)
    wrapped = torch.from_numpy(np.ascontiguousarray(mono[index], dtype=np.float32))
    frames = wrapped.unfold(0, WINDOW, 1)[torch.from_numpy(centres)]
    return torch.fft.rfft(frames * torch.from_numpy(window())).abs()


def beat_mel(mono: np.ndarray, beats: int = FRAMES // FRAMES_PER_BEAT) -> np.ndarray:
    """The beat mel (32 * beats, 128), time first, float32, natural log with a floor of 1e-4."""
    bands = magnitudes(mono, frame_centres(len(mono), FRAMES_PER_BEAT * beats)) @ torch.from_numpy(filter_bank())
    return bands.clamp_min(FLOOR).log().numpy()
