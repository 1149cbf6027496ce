"""Sound to the mel spectrogram that Tango and AudioLDM were trained on.

Mono at the bundle's rate, without its mean, at half of full scale; reflected at the ends; Hann window of 1024 samples;
magnitudes, not power; slaney's mel bands from 0 Hz to half the rate, at most 8 kHz; natural logarithm above 1e-5.

Source: AudioLDM's `audio/stft.py` and `audio/tools.py` in their numbers; the filters are librosa's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly
from torch import Tensor

WINDOW = 1024
HIGHEST_HZ = 8000.0
FLOOR = 1e-5
PEAK = 0.5


@dataclass(frozen=True)
class FrontEnd:
    """Sound at `rate` Hz to `bands` a frame, a frame every `hop` samples."""

    rate: int
    hop: int
    bands: int

    @classmethod
    def of(cls, manifest: dict) -> "FrontEnd":
        """The one that goes with a bundle's vocoder."""
        vocoder = manifest["decoder"]["vocoder"]
        return cls(vocoder["sampling_rate"], int(np.prod(vocoder["upsample_rates"])), vocoder["model_in_dim"])

    def read(self, path: Path, frames: int) -> np.ndarray:
        """The first `frames` frames of a file as mono samples, silence after its end."""
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = sound.mean(1)
        if rate != self.rate:
            common = gcd(rate, self.rate)
            mono = resample_poly(mono, self.rate // common, rate // common).astype(np.float32)
        mono = mono[:frames * self.hop]
        mono = mono - mono.mean()
        mono *= PEAK / max(float(np.abs(mono).max()), 1e-8)
        return np.pad(mono, (0, frames * self.hop - len(mono)))

    @cached_property
    def _filters(self) -> Tensor:
        highest = min(HIGHEST_HZ, self.rate / 2)
        return torch.from_numpy(librosa.filters.mel(sr=self.rate, n_fft=WINDOW, n_mels=self.bands, fmin=0.0, fmax=highest))

    def mel(self, mono: np.ndarray) -> Tensor:
        """Samples (frames * hop,) → ln magnitudes (frames, bands)."""
        spectrum = torch.stft(torch.from_numpy(mono), WINDOW, self.hop, window=torch.hann_window(WINDOW), center=True,
                              pad_mode="reflect", return_complex=True)
        return (self._filters @ spectrum.abs())[:, :len(mono) // self.hop].clamp_min(FLOOR).log().T
