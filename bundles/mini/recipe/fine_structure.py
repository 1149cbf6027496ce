"""Trains the net that tells where in its band a sound lies: the start of the vocoder's inversion of the mel.

    python fine_structure.py --data DIR --held-out DIR --work DIR [--seconds 600 | --steps N]

The bank has eight times fewer bands than the spectrum has bins. Spread evenly, a partial above 1 kHz becomes a smear over
several semitones; but the bands below and beside it tell which note it belongs to, and all music here is in one tuning and
in one home key (another key is rendered at another speed). The net sees three frames of bands, as far apart as the vocoder's, and gives the log of how
much more or less each bin has than its band's even spread; the updates of the inversion then make the bands right again.
It learns from the mels of clips as they are and from what the codec makes of them when noise was added to their latents.

The shards need sound: `triplets.py --wavs`, `--music-only` is enough.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec import PatchCodec, load_codec
from mel import BANDS, BINS, FLOOR, WINDOW, filter_bank, window
from shards import INT16_PEAK, read_shard, shards
from trainer import Budget, Trainer

HIDDEN = 512
CONTEXT = 1  # frames before and after
HOP = 256  # samples between the vocoder's frames
CEILING = 1.5  # ln
MOST_GAIN = 12.0  # ln
SCALE, SHIFT = 0.3, 1.5  # bring ln magnitudes to about unit size
DECODED_SHARE, LATENT_NOISE = 0.6, 0.1
CLIPS, FRAMES = 8, 64  # in a batch
UPDATES = 2  # of the inversion while training
PLAYED_UPDATES = 8  # when playing; more of them lose detail again (4.29 dB off after 8, 4.33 after 30)
POWER, LEAST = 0.3, 1e-6  # of the compressed magnitudes that are compared


class FineStructure(nn.Module):
    """Bands of three frames (n, 3 * 128), ln → ln gains of the bins (n, 1025); zero gains before training."""

    def __init__(self, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.input = nn.Linear(BANDS * (2 * CONTEXT + 1), hidden)
        self.hidden = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, BINS)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, bands: Tensor) -> Tensor:
        h = F.silu(self.input(bands * SCALE + SHIFT))
        return self.output(h + F.silu(self.hidden(h))).clamp(-MOST_GAIN, MOST_GAIN)

    def gains(self, mel: Tensor) -> Tensor:
        """Of a loop's mel (frames, 128): (frames, 1025)."""
        return self(neighbours(mel, torch.arange(len(mel))))


def neighbours(mel: Tensor, index: Tensor) -> Tensor:
    """The frames at `index` of a loop's mel, each between the ones before and after it."""
    return torch.cat([mel[(index + offset) % len(mel)] for offset in range(-CONTEXT, CONTEXT + 1)], -1)


def stretch(mel: Tensor, frames: int) -> Tensor:
    """A loop's mel (n, 128) at `frames` even places, by Catmull-Rom, as the vocoder does."""
    n = len(mel)
    place = torch.arange(frames, dtype=torch.float64) * n / frames
    i = place.long()
    t = (place - i).float()[:, None]
    a, b, c, d = (mel[(i + n + offset) % n] for offset in (-1, 0, 1, 2))
    between = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return between.clamp(math.log(FLOOR), CEILING)


class Inversion:
    """The vocoder's way from bands to bins: even spread, then multiplicative updates (`src/decoder/inversion.rs`)."""

    def __init__(self) -> None:
        self.bank = torch.from_numpy(filter_bank())  # (bins, bands)

    def __call__(self, mel: Tensor, gains: Tensor | None, updates: int) -> Tensor:
        """ln bands (n, 128) → magnitudes (n, 1025)."""
        magnitude = mel.exp()
        above = torch.where(magnitude > FLOOR * 1.0001, magnitude.square() - FLOOR**2, 0.0).clamp_min(0).sqrt()
        x, target = (above / self.bank.sum(0)) @ self.bank.T, above @ self.bank.T
        if gains is not None:
            x = x * gains.exp()
        for _ in range(updates):
            x = x * target / ((x @ self.bank) @ self.bank.T + 1e-8)
        return x


@dataclass
class Clip:
    """A loop's sound (L,), and its mel at the vocoder's frames (n, 128): its own, and the codec's."""

    sound: Tensor
    own: Tensor
    decoded: Tensor

    def magnitudes(self, index: Tensor) -> Tensor:
        """Spectra (m, 1025) of the frames at `index`."""
        centres = (index.double() * len(self.sound) / len(self.own)).round().long()
        at = (centres[:, None] + torch.arange(-WINDOW // 2, WINDOW // 2)) % len(self.sound)
        return torch.fft.rfft(self.sound[at] * torch.from_numpy(window())).abs()


@torch.no_grad()
def read_clips(folder: Path, codec: PatchCodec) -> list[Clip]:
    """All clips of a folder's shards, which have sound."""
    generator, clips = torch.Generator().manual_seed(0), []
    for path in shards([folder]):
        arrays, _ = read_shard(path)
        if "wavs" not in arrays:
            raise SystemExit(f"{path} has no sound; make it with `triplets.py --wavs`")
        for k, mel in enumerate(arrays["mels"]):
            begin, end = arrays["offsets"][k : k + 2]
            mel, frames = torch.from_numpy(mel).float(), round((end - begin) / HOP)
            latents = codec.encode(mel[None])
            decoded = codec.decode(latents + LATENT_NOISE * torch.randn(latents.shape, generator=generator))[0]
            sound = torch.from_numpy(arrays["wavs"][begin:end].astype(np.float32) / INT16_PEAK)
            clips.append(Clip(sound, stretch(mel, frames).half(), stretch(decoded, frames).half()))
    return clips


def compressed(magnitudes: Tensor) -> Tensor:
    """Magnitudes about as loud as they are heard."""
    return (magnitudes + LEAST) ** POWER


def train(clips: list[Clip], checkpoint: Path, budget: Budget) -> FineStructure:
    """L1 of the compressed magnitudes after a few updates."""
    rng, inversion = np.random.default_rng(0), Inversion()

    def loss(model: FineStructure) -> tuple[Tensor, dict]:
        bands, centre, wanted = [], [], []
        for clip in (clips[i] for i in rng.integers(0, len(clips), CLIPS)):
            mel = (clip.decoded if rng.random() < DECODED_SHARE else clip.own).float()
            index = torch.from_numpy(rng.integers(0, len(mel), FRAMES))
            bands.append(neighbours(mel, index))
            centre.append(mel[index])
            wanted.append(clip.magnitudes(index))
        made = inversion(torch.cat(centre), model(torch.cat(bands)), UPDATES)
        error = 10 * (compressed(made) - compressed(torch.cat(wanted))).abs().mean()
        return error, dict(loss=error)

    return Trainer(FineStructure(), checkpoint, budget, rate=2e-3, warmup=50).run(loss, every=250).eval()


@torch.no_grad()
def evaluate(net: FineStructure | None, clips: list[Clip], decoded: bool) -> dict[str, float]:
    """Error of bins within 60 dB of their frame's loudest, in dB, and spectral convergence; of 48 frames per clip."""
    rng, inversion, errors, convergence = np.random.default_rng(5), Inversion(), [], []
    for clip in clips:
        mel = (clip.decoded if decoded else clip.own).float()
        index = torch.from_numpy(rng.integers(0, len(mel), 48))
        wanted = clip.magnitudes(index)
        made = inversion(mel[index], None if net is None else net(neighbours(mel, index)), PLAYED_UPDATES)
        heard = wanted > 1e-3 * wanted.amax(1, keepdim=True)
        errors.append(20 * ((made + LEAST).log10() - (wanted + LEAST).log10()).abs()[heard].mean())
        convergence.append((made - wanted).norm() / wanted.norm())
    return dict(db=round(float(torch.stack(errors).mean()), 3), convergence=round(float(torch.stack(convergence).mean()), 4))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    codec = load_codec(options.work / "codec.pt")
    clips, held_out = read_clips(options.data, codec), read_clips(options.held_out, codec)
    print(f"{len(clips)} clips, {len(held_out)} held out", flush=True)
    net = train(clips, options.work / "fine_structure.pt", Budget(options.seconds, options.steps))
    for name, each in (("even spread", None), ("net", net)):
        for decoded in (False, True):
            print(json.dumps(dict(start=name, decoded=decoded, **evaluate(each, held_out, decoded))), flush=True)


if __name__ == "__main__":
    main()
