"""The mel codec: patches of eight frames by eight bands, a PCA per band row, and what convolutional nets add to it both ways.

A beat mel (b, 512, 128), time first, becomes latents (b, 16, 64, 16): component, time column (one 16th note), band row;
four bars of 3/4 have 384 frames and 48 columns.
A patch holds 64 elements, frame-major: index = frame * 8 + band. Time wraps everywhere; bands are zero-padded.

    python codec.py fit --data DIR --out codec.pt [--clips 1000]
    python codec.py train --data DIR --codec codec.pt [--held-out DIR] [--seconds 400 | --steps N]
    python codec.py evaluate --data DIR --codec codec.pt
"""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precision import autocast
from shards import wait_for
from trainer import Budget, Trainer

ROWS = 16
PATCH_FRAMES, PATCH_BANDS = 8, 8
ELEMENTS = PATCH_FRAMES * PATCH_BANDS
COMPONENTS = 16
WIDTH, BLOCKS = 96, 3  # of the decoder's net
ENCODER_WIDTH, ENCODER_BLOCKS, ENCODER_ROUNDS = 64, 2, 2  # a third round gains nothing (LOG.md)
DECODER = "decoder."  # begins the names of that net's parameters
GROUPS = 8
NORM_EPSILON = 1e-5
MOST_NOISE = 0.1  # standard deviation put on the latents while training
TIME_DIFFERENCE_WEIGHT, SQUARE_WEIGHT = 0.3, 0.1
MOVE_WEIGHT = 0.2  # keeps the latents near the PCA's


def to_patches(mel: Tensor) -> Tensor:
    """(b, 512, 128) -> (b, row 16, column 64, element 64)."""
    split = mel.reshape(len(mel), -1, PATCH_FRAMES, ROWS, PATCH_BANDS)
    return split.permute(0, 3, 1, 2, 4).reshape(len(mel), ROWS, -1, ELEMENTS)


def from_patches(patches: Tensor) -> Tensor:
    """(b, row 16, column 64, element 64) -> (b, 512, 128)."""
    split = patches.reshape(len(patches), ROWS, -1, PATCH_FRAMES, PATCH_BANDS)
    return split.permute(0, 2, 3, 1, 4).reshape(len(patches), -1, ROWS * PATCH_BANDS)


def convolve(convolution: nn.Conv2d, grid: Tensor) -> Tensor:
    """A 3x3 convolution over (b, c, column, row) that wraps in time and sees zeros beyond the bands."""
    wrapped = F.pad(grid, (0, 0, 1, 1), mode="circular")
    return convolution(F.pad(wrapped, (1, 1, 0, 0)))


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside a skip; the last starts at zero."""

    def __init__(self, width: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, width, eps=NORM_EPSILON)
        self.conv1 = nn.Conv2d(width, width, 3)
        self.norm2 = nn.GroupNorm(GROUPS, width, eps=NORM_EPSILON)
        self.conv2 = _zeroed(nn.Conv2d(width, width, 3))

    def forward(self, grid: Tensor) -> Tensor:
        hidden = convolve(self.conv1, F.silu(self.norm1(grid)))
        return grid + convolve(self.conv2, F.silu(self.norm2(hidden)))


class Correction(nn.Module):
    """What the PCA misses, because it lies in other patches: (b, inputs, column, row) -> (b, outputs, column, row). Zero at first."""

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int):
        super().__init__()
        self.conv_in = nn.Conv2d(inputs, width, 3)
        self.row_embedding = nn.Parameter(torch.zeros(1, width, 1, ROWS))
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(blocks))
        self.conv_out = _zeroed(nn.Conv2d(width, outputs, 3))

    def forward(self, grid: Tensor) -> Tensor:
        grid = convolve(self.conv_in, grid) + self.row_embedding
        for block in self.blocks:
            grid = block(grid)
        return convolve(self.conv_out, F.silu(grid))


class PatchCodec(nn.Module):
    """Mel to latents by a PCA per band row, and back by its inverse, each with a learned correction.

    The PCA's latents are (patch - mean) @ basis / scale: zero mean, and a variance that is one on average.
    """

    def __init__(self, width: int = WIDTH, blocks: int = BLOCKS, encoder_width: int = ENCODER_WIDTH, encoder_blocks: int = ENCODER_BLOCKS):
        super().__init__()
        self.register_buffer("basis", torch.zeros(ROWS, ELEMENTS, COMPONENTS))
        self.register_buffer("mean", torch.zeros(ROWS, ELEMENTS))
        self.register_buffer("scale", torch.ones(ROWS, COMPONENTS))
        self.encoder = Correction(ELEMENTS, COMPONENTS, encoder_width, encoder_blocks)
        self.decoder = Correction(COMPONENTS, ELEMENTS, width, blocks)

    @torch.no_grad()
    def fit(self, mels: Tensor) -> None:
        """Set `basis`, `mean` and `scale` from mels (n, 512, 128)."""
        patches = to_patches(mels)
        deviation = torch.zeros(ROWS, COMPONENTS)
        for row in range(ROWS):
            rows = patches[:, row].reshape(-1, ELEMENTS).double()
            mean = rows.mean(0)
            variance, vectors = torch.linalg.eigh(torch.cov((rows - mean).T))
            self.basis[row] = vectors[:, -COMPONENTS:].flip(1).float()
            self.mean[row] = mean.float()
            deviation[row] = variance[-COMPONENTS:].flip(0).clamp_min(1e-12).sqrt().float()
        partial = deviation.sqrt()  # half-way to whitening: the loud components keep more weight
        self.scale.copy_(partial * (deviation / partial).square().mean().sqrt())

    def encode_linear(self, mel: Tensor) -> Tensor:
        """(b, 512, 128) -> latents (b, 16, 64, 16) by the PCA alone."""
        centred = to_patches(mel) - self.mean[:, None]
        return (torch.einsum("brte,rec->brtc", centred, self.basis) / self.scale[:, None]).permute(0, 3, 2, 1)

    def encode(self, mel: Tensor) -> Tensor:
        """(b, 512, 128) -> latents (b, 16, 64, 16): the PCA's, moved some rounds to where they are decoded with less of an error."""
        return self.refine(self.encode_linear(mel), mel, ENCODER_ROUNDS)

    def refine(self, latents: Tensor, mel: Tensor, rounds: int) -> Tensor:
        """Latents moved `rounds` times."""
        for _ in range(rounds):
            latents = latents + self.move(mel - self.decode(latents))
        return latents

    def move(self, error: Tensor) -> Tensor:
        """What the encoder adds to latents that are decoded with this error (b, 512, 128); (b, 16, 64, 16)."""
        return self.encoder(to_patches(error).permute(0, 3, 2, 1)).float()

    def decode_linear(self, latents: Tensor) -> Tensor:
        """Latents (b, 16, 64, 16) -> (b, 512, 128) by the PCA alone."""
        scaled = latents.permute(0, 3, 2, 1) * self.scale[:, None]
        return from_patches(torch.einsum("brtc,rec->brte", scaled, self.basis) + self.mean[:, None])

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (b, 16, 64, 16) -> (b, 512, 128), PCA and correction."""
        return self.decode_linear(latents) + self.correction(latents)

    def correction(self, latents: Tensor) -> Tensor:
        """What the decoder adds to the PCA, (b, 512, 128)."""
        return from_patches(self.decoder(latents).permute(0, 3, 2, 1).float())

    def weights(self) -> dict[str, Tensor]:
        """The state as a bundle names it: the decoder's net has no name of its own."""
        return {name.removeprefix(DECODER): value for name, value in self.state_dict().items()}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take the state that a bundle names so."""
        self.load_state_dict({name: weights[name.removeprefix(DECODER)] for name in self.state_dict()})


def load_codec(path: Path) -> PatchCodec:
    """The codec of a checkpoint, in evaluation mode."""
    codec = PatchCodec()
    codec.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["codec"])
    return codec.eval()


def read_mels(folder: Path, clips: int | None = None) -> np.ndarray:
    """The mels of the shards in `folder`, float16 (n, 512, 128), evenly from all shards when `clips` is given."""
    paths = sorted(folder.glob("shard_*.npz"))
    each = None if clips is None else math.ceil(clips / max(len(paths), 1))
    found = []
    for path in paths:
        with np.load(path) as stored:
            found.append(stored["mels"][:each])
    return np.concatenate(found)[:clips]


def reconstruction_loss(made: Tensor, mel: Tensor) -> Tensor:
    """L1, with the change between frames and the square beside it."""
    difference = made - mel
    change = difference[:, 1:] - difference[:, :-1]
    error = difference.abs().mean() + SQUARE_WEIGHT * difference.square().mean()
    return error + TIME_DIFFERENCE_WEIGHT * change.abs().mean()


@torch.no_grad()
def evaluate(codec: PatchCodec, mels: np.ndarray, noise: float = 0.0, batch: int = 16) -> dict[str, float]:
    """Mean L1 of the PCA alone and of both nets with it, with `noise` on the latents."""
    generator, device = torch.Generator().manual_seed(0), codec.mean.device
    linear = full = 0.0
    for start in range(0, len(mels), batch):
        mel = torch.from_numpy(mels[start : start + batch].astype(np.float32)).to(device)
        latents = codec.encode_linear(mel)
        added = noise * torch.randn(latents.shape, generator=generator).to(device)
        linear += (codec.decode_linear(latents + added) - mel).abs().mean().item() * len(mel)
        full += (codec.decode(codec.encode(mel) + added) - mel).abs().mean().item() * len(mel)
    return dict(noise=noise, linear=linear / len(mels), full=full / len(mels))


def train_codec(codec: PatchCodec, mels: np.ndarray, checkpoint: Path, budget: Budget, batch: int = 4, rate: float = 1e-3) -> PatchCodec:
    """Train both corrections on clips turned by whole 16ths, with noise on the latents; returns the averaged weights."""
    rng, device, frames = np.random.default_rng(0), codec.mean.device, mels.shape[1]
    held = torch.from_numpy(mels).to(device)

    def loss(model: PatchCodec) -> tuple[Tensor, dict]:
        chosen = torch.from_numpy(rng.integers(0, len(mels), batch)).to(device)
        turns = torch.from_numpy(rng.integers(0, frames // PATCH_FRAMES, batch) * PATCH_FRAMES).to(device)
        places = (torch.arange(frames, device=device) + turns[:, None]) % frames
        mel = held[chosen[:, None], places].float()
        linear = model.encode_linear(mel)
        with torch.no_grad():
            # The encoder learns one round, wherever the rounds before have led. bf16 would be as far off as the error is large.
            before = model.refine(linear, mel, int(rng.integers(ENCODER_ROUNDS)))
            wrong = mel - model.decode(before)
        with autocast(device):
            moved = before - linear + model.move(wrong)
        latents = linear + moved + torch.randn_like(linear) * float(rng.uniform(0.0, MOST_NOISE))
        with autocast(device):
            correction = model.correction(latents)
        error, way = reconstruction_loss(model.decode_linear(latents) + correction, mel), moved.square().mean()
        return error + MOVE_WEIGHT * way, dict(loss=error, moved=way)

    return Trainer(codec, checkpoint, budget, rate, warmup=50).run(loss).eval()


def save_atomically(state: dict, path: Path) -> None:
    """Write a checkpoint so that a reader sees the old one or the new one."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def _zeroed(convolution: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(convolution.weight)
    nn.init.zeros_(convolution.bias)
    return convolution


def _report(codec: PatchCodec, mels: np.ndarray) -> None:
    for noise in (0.0, 0.15):
        print(json.dumps({name: round(value, 4) for name, value in evaluate(codec, mels, noise).items()}), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("fit", "train", "evaluate"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--codec", "--out", type=Path, required=True)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--wait", action="store_true", help="until so many clips are there")
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.wait:
        wait_for([options.data], options.clips)
    mels = read_mels(options.data, options.clips)
    if options.command == "fit":
        codec = PatchCodec()
        codec.fit(torch.from_numpy(mels.astype(np.float32)))
        save_atomically(dict(codec=codec.state_dict()), options.codec)
    else:
        codec = load_codec(options.codec).to(options.device)
    if options.command == "train":
        budget = Budget(options.seconds, options.steps)
        codec = train_codec(codec, mels, options.codec.with_suffix(".training"), budget, options.batch, options.rate)
        save_atomically(dict(codec=codec.state_dict()), options.codec)
    _report(codec, read_mels(options.held_out) if options.held_out else mels)


if __name__ == "__main__":
    main()
