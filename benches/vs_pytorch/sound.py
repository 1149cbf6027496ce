"""The grid's vocoder in PyTorch: inversion of the filter bank, phases in one pass, fast Griffin-Lim on a circle."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

import mel as recipe
from fine_structure import PLAYED_UPDATES, FineStructure, stretch

HOP, ITERATIONS, MOMENTUM = 256, 24, 0.99
WIDTH, CORNER_HZ, TURNS = 0.4, 200.0, 2.0


class Sound(nn.Module):
    """Mel (frames, bands) to a loop of `samples` samples, which is a whole number of hops."""

    def __init__(self, samples: int, fine_structure: FineStructure) -> None:
        super().__init__()
        self.fine_structure = fine_structure
        assert samples % HOP == 0, "the loop is laid out in even hops"
        self.samples, self.frames = samples, samples // HOP
        bank = torch.from_numpy(recipe.filter_bank())
        self.register_buffer("bank", bank)  # (bins, bands)
        # A bin is in two or three of the 128 bands.
        self.register_buffer("sums", bank.t().to_sparse_csr())
        self.register_buffer("spread", bank.to_sparse_csr())
        window = torch.hann_window(recipe.WINDOW)
        self.register_buffer("window", window)
        squares = self._add((window * window).expand(self.frames, -1))
        self.register_buffer("weights", 1 / squares)

    def forward(self, mel: Tensor) -> Tensor:
        magnitudes = self._invert(stretch(mel, self.frames))
        phases = torch.from_numpy(_phases(magnitudes.numpy(), HOP))
        magnitudes = magnitudes * (self.window.sum() / 2)
        frames = self._synthesise(torch.polar(magnitudes, phases))
        last = torch.zeros_like(magnitudes, dtype=torch.complex64)
        for _ in range(ITERATIONS):
            found = torch.fft.rfft(self._frames(self._add(frames) * self.weights) * self.window)
            ahead = torch.lerp(last, found, 1 + MOMENTUM)
            last = found
            frames = self._synthesise(ahead * (magnitudes / (ahead.abs() + 1e-8)))
        return self._add(frames) * self.weights

    def stereo(self, mel: Tensor) -> Tensor:
        """Left and right (2, samples)."""
        mono = self(mel).double()
        ratio = torch.arange(len(mono) // 2 + 1, dtype=torch.float64) * (recipe.SAMPLE_RATE / len(mono) / CORNER_HZ)
        gain = WIDTH * ratio**4 / (1 + ratio**4)
        turn = torch.polar(gain, -2 * math.pi * TURNS * torch.log1p(ratio) / math.log(2))
        side = torch.fft.irfft(torch.fft.rfft(mono) * turn, n=len(mono))
        return torch.stack([mono + side, mono - side]).float()

    def _invert(self, mel: Tensor) -> Tensor:
        """Multiplicative updates; works on columns, as sparse products do."""
        magnitude = mel.t().exp()
        above = torch.where(magnitude > recipe.FLOOR * 1.0001, magnitude**2 - recipe.FLOOR**2, 0.0)
        bands = above.sqrt()
        target = self.spread @ bands
        x = self.spread @ (bands / self.bank.sum(0)[:, None]) * self.fine_structure.gains(mel).exp().t()
        for _ in range(PLAYED_UPDATES):
            x = x * (target / (self.spread @ (self.sums @ x) + 1e-8))
        return x.t().contiguous()

    def _synthesise(self, spectra: Tensor) -> Tensor:
        return torch.fft.irfft(spectra) * self.window

    def _frames(self, sound: Tensor) -> Tensor:
        half = recipe.WINDOW // 2
        return torch.cat([sound[-half:], sound, sound[:half]]).unfold(0, recipe.WINDOW, HOP)[: self.frames]

    def _add(self, frames: Tensor) -> Tensor:
        """Overlap-add around the loop."""
        hops = recipe.WINDOW // HOP
        pieces = frames.unflatten(1, (hops, HOP))
        total = torch.zeros(self.frames, HOP)
        for i in range(hops):
            total += pieces[:, i].roll(i - hops // 2, 0)
        return total.flatten()


def _phases(magnitudes: np.ndarray, hop: int) -> np.ndarray:
    """Single pass spectrogram inversion; every bin follows the peak of its region, frame after frame."""
    frames, bins = magnitudes.shape
    advance, owner = _advances(magnitudes, hop)
    bin_ = np.arange(bins)
    phase = 2 * np.pi * np.modf(bin_.astype(np.float64) ** 2 * 0.6180339887498949)[0]
    phases = np.empty((frames, bins), np.float32)
    alternate = np.pi * (np.abs(bin_ - owner) % 2)
    for j in range(frames):
        phase = (phase[owner[j]] + advance[j]) % (2 * np.pi)
        phases[j] = phase + alternate[j]
    return phases


def _advances(magnitudes: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """How far each bin's phase moves from the frame before, and which peak it follows, both (frames, bins)."""
    frames, bins = magnitudes.shape
    below, at, above = magnitudes[:, :-2], magnitudes[:, 1:-1], magnitudes[:, 2:]
    is_peak = np.zeros((frames, bins), bool)
    is_peak[:, 1:-1] = (at > below) & (at >= above)
    bin_ = np.arange(bins)
    before = np.maximum.accumulate(np.where(is_peak, bin_, -1), 1)
    after = np.minimum.accumulate(np.where(is_peak, bin_, 10 * bins)[:, ::-1], 1)[:, ::-1]
    # A region ends at the middle between two peaks, the middle bin included.
    owner = np.where((before >= 0) & (bin_ <= (before + after) // 2), before, after)
    owner = np.where(owner < bins, owner, before)
    logs = np.log(magnitudes.astype(np.float64) + 1e-9)
    offset = np.zeros((frames, bins))
    curve = logs[:, :-2] - 2 * logs[:, 1:-1] + logs[:, 2:] - 1e-9
    offset[:, 1:-1] = np.clip(0.5 * (logs[:, :-2] - logs[:, 2:]) / curve, -0.5, 0.5)
    advance = 2 * np.pi * hop / (2 * (bins - 1)) * (bin_ + offset)
    advance[0] = 0
    has_peak = is_peak.any(1)[:, None]
    owner = np.where(has_peak, owner, bin_)
    return np.where(has_peak, np.take_along_axis(advance, owner, 1), 0.0), owner
