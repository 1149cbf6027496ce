"""What can be measured of one clip's sound without a trained ear: pulse, key, colour, energy, seam.

All of them take a mono loop at 32 kHz, whatever the file's rate, or its beat mel. Loudness tells nothing here: every loop is brought
to one level.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 32000
LOUDNESS_RMS = 0.09
MEL_WINDOW, BANDS, FRAMES_PER_BEAT = 2048, 128, 32
LOWEST_HZ, HIGHEST_HZ, WARP_HZ, FLOOR = 30.0, 14000.0, 400.0, 1e-4
PITCH_WINDOW, PITCH_HOP = 8192, 2048
PITCH_RANGE_HZ = (60.0, 1800.0)
ONSET_WINDOW, ONSET_HOP = 1024, 256
MEAN_FRAMES = 63  # of the running mean that onsets stand out from, half a second
TEMPO_RANGE_BPM = (45.0, 240.0)
LIKELY_BPM, LIKELY_OCTAVES = 110.0, 0.9
TEMPO_ERROR_OCTAVES = 0.06
OCTAVES = (0.25, 0.5, 1.0, 2.0, 4.0)  # half and double tempo are one pulse
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])  # Krumhansl's key profiles
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
WHITE_KEYS = [0, 2, 4, 5, 7, 9, 11]
A = 9  # pitch class of A, whose minor is C major's


def listen(path: Path) -> np.ndarray:
    """The mono mean of a sound file that holds a loop, f64 (L,) at 32 kHz and at one level."""
    sound, rate = soundfile.read(path, always_2d=True)
    return leveled(resampled(sound.mean(1), rate))


def resampled(loop: np.ndarray, rate: int) -> np.ndarray:
    """A loop at 32 kHz, its ends as they sound in the loop."""
    if rate == SAMPLE_RATE:
        return loop
    length, edge = round(len(loop) * SAMPLE_RATE / rate), rate // 10
    wide = soxr.resample(np.concatenate([loop[-edge:], loop, loop[:edge]]), rate, SAMPLE_RATE, "VHQ")
    begin = round(edge * SAMPLE_RATE / rate)
    return np.resize(wide[begin:begin + length], length)


def leveled(sound: np.ndarray) -> np.ndarray:
    """The sound at one root mean square."""
    return sound * (LOUDNESS_RMS / max(float(np.sqrt(np.mean(sound**2))), 1e-6))


def bands_hz() -> np.ndarray:
    """Edges of the mel's triangles, (130,): near evenly spaced below 400 Hz, near logarithmically above."""
    warp = lambda hertz: np.log1p(hertz / WARP_HZ)
    return WARP_HZ * np.expm1(np.linspace(warp(LOWEST_HZ), warp(HIGHEST_HZ), BANDS + 2))


@lru_cache(maxsize=1)
def _filter_bank() -> np.ndarray:
    """Triangular filters (1025, 128), peak 1; each reaches at least one bin to either side of its centre."""
    edges, spacing = bands_hz(), SAMPLE_RATE / MEL_WINDOW
    frequency, centre = np.arange(MEL_WINDOW // 2 + 1)[:, None] * spacing, edges[1:-1]
    low, high = np.minimum(edges[:-2], centre - spacing), np.maximum(edges[2:], centre + spacing)
    return np.clip(np.minimum((frequency - low) / (centre - low), (high - frequency) / (high - centre)), 0.0, 1.0)


def beat_mel(sound: np.ndarray, beats: int) -> np.ndarray:
    """Log magnitudes (32 * beats, 128) of a loop, natural logarithm: frame j of n lies at j / n of the loop, whatever the tempo."""
    frames, half = FRAMES_PER_BEAT * beats, MEL_WINDOW // 2
    centres = np.round(np.arange(frames) * (len(sound) / frames)).astype(int)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(MEL_WINDOW) / MEL_WINDOW)
    windows = np.take(sound, centres[:, None] + np.arange(-half, half), mode="wrap") * (hann * (2 / hann.sum()))
    return np.log(np.maximum(np.abs(np.fft.rfft(windows)) @ _filter_bank(), FLOOR))


def chroma(sound: np.ndarray) -> np.ndarray:
    """Spectral peaks per pitch class, (12,), summing to one."""
    wrapped = np.resize(sound, len(sound) + PITCH_WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(wrapped, PITCH_WINDOW)[::PITCH_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(PITCH_WINDOW)))
    inner = spectrum[:, 1:-1]
    is_peak = (inner > spectrum[:, :-2]) & (inner >= spectrum[:, 2:])
    found = np.where(is_peak, np.sqrt(inner), 0).sum(0) @ _pitch_classes()
    return found / max(found.sum(), 1e-12)


@lru_cache(maxsize=1)
def _pitch_classes() -> np.ndarray:
    """How much each inner bin counts for each pitch class, (4095, 12): less, the further it is from the note."""
    hertz = np.arange(1, PITCH_WINDOW // 2) * SAMPLE_RATE / PITCH_WINDOW
    note = 69 + 12 * np.log2(hertz / 440)
    nearest = np.round(note).astype(int)
    weight = np.where((hertz > PITCH_RANGE_HZ[0]) & (hertz < PITCH_RANGE_HZ[1]), 1 - 2 * np.abs(note - nearest), 0)
    classes = np.zeros((len(hertz), 12))
    classes[np.arange(len(hertz)), nearest % 12] = np.maximum(weight, 0)
    return classes


def in_scale(notes: np.ndarray, semitones: int) -> float:
    """Share of a chroma on the white keys moved by `semitones`; chance is 7/12."""
    return float(np.roll(notes, -semitones)[WHITE_KEYS].sum())


def diatonic_set(notes: np.ndarray) -> int:
    """The likeliest of the twelve diatonic sets, as semitones from the white keys, 0..11; by Krumhansl's profiles."""
    scores = [max(_likeness(MAJOR, k, notes), _likeness(MINOR, k + A, notes)) for k in range(12)]
    return int(np.argmax(scores))


def is_major(notes: np.ndarray, semitones: int) -> bool:
    """Whether a chroma leans to the major key rather than to its relative minor; the set is taken as known."""
    return _likeness(MAJOR, semitones, notes) > _likeness(MINOR, semitones + A, notes)


def _likeness(profile: np.ndarray, tonic: int, notes: np.ndarray) -> float:
    return float(np.corrcoef(np.roll(profile, tonic), notes)[0, 1])


def onsets(sound: np.ndarray) -> np.ndarray:
    """How much louder the spectrum gets, per 8 ms, (t,)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, ONSET_WINDOW)[::ONSET_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(ONSET_WINDOW)))
    loudness = np.log1p(20 * spectrum / max(spectrum.max(), 1e-9))
    return np.maximum(0, np.diff(loudness, axis=0)).sum(1)


def tempo(sound: np.ndarray) -> float:
    """The strongest pulse of a loop in beats per minute; its octave is a guess."""
    rise = onsets(np.concatenate([sound, sound]))
    rise = np.maximum(rise - np.convolve(rise, np.ones(MEAN_FRAMES) / MEAN_FRAMES, "same"), 0)
    rise -= rise.mean()
    likeness = np.fft.irfft(np.abs(np.fft.rfft(rise, 2 * len(rise))) ** 2)[:len(rise)]
    per_minute = 60 * SAMPLE_RATE / ONSET_HOP
    lags = np.arange(int(per_minute / TEMPO_RANGE_BPM[1]), int(per_minute / TEMPO_RANGE_BPM[0]))
    prior = np.exp(-0.5 * (np.log2(per_minute / lags / LIKELY_BPM) / LIKELY_OCTAVES) ** 2)
    best = int(lags[np.argmax(likeness[lags] * prior)])
    before, at, after = likeness[best - 1:best + 2]
    return per_minute / (best + 0.5 * (before - after) / (before - 2 * at + after - 1e-12))


def is_tempo(heard: float, bpm: float) -> bool:
    """Whether a tempo is the one asked for, up to octaves."""
    return min(abs(np.log2(heard / bpm * octave)) for octave in OCTAVES) < TEMPO_ERROR_OCTAVES


def rises(mel: np.ndarray) -> np.ndarray:
    """How much louder each frame of a looping beat mel is than the one before, summed over the bands, (t,)."""
    return np.maximum(0, mel - np.roll(mel, 1, axis=0)).sum(1)


def grid_ratio(mel: np.ndarray) -> float:
    """Share of the rises within a frame of the eighths, over its chance of 3/16."""
    rise = rises(mel)
    place = np.arange(len(rise)) % (FRAMES_PER_BEAT // 2)
    on = np.isin(place, (FRAMES_PER_BEAT // 2 - 1, 0, 1))
    return float(rise[on].sum() / max(rise.sum(), 1e-9) / on.mean())


def flux(mel: np.ndarray) -> float:
    """Mean rise of a frame: the energy of the music, whatever its loudness."""
    return float(rises(mel).mean())


def centroid(sound: np.ndarray) -> float:
    """Mean frequency in Hz, weighted by magnitude."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, 2048)[::512]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(2048))).mean(0)
    return float(spectrum @ np.fft.rfftfreq(2048, 1 / SAMPLE_RATE) / max(spectrum.sum(), 1e-9))


def seam(mel: np.ndarray) -> float:
    """Change of the spectrum where the loop closes, over that at its inner bar lines; 1 is no seam."""
    change = np.abs(mel - np.roll(mel, 1, axis=0)).mean(1)
    quarter = len(mel) // 4
    return float(change[0] / max(np.mean([change[quarter * bar] for bar in (1, 2, 3)]), 1e-9))
