"""What the frozen picture model sees of painted scenes: the synapse's keys and values along the DDIM inversion, and its global path.

    python sights.py --split 0 --seed 1 --begin 0 --count 6000 --work DIR --out DIR [--plain]

A shard of 500 pictures is a pair of arrays: `SPLIT_SEED_NNNN.pooled.npy` f32 (n, p), the clean picture's values averaged over its
tokens, and `SPLIT_SEED_NNNN.tokens.npy` f16 (n, steps, 45056), the keys and values of the four decoder layers one after another at every second
timestep of the sampler's grid, noisiest first. Pictures are varied (`augment.py`) unless --plain says that they are held out.
A picture depends on (split, seed, index) alone. What is there is not made again.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import synapse
from augment import shrink, vary
from image_ldm import encode, load_image_model
from picture import PICTURE_STREAM, paint
from scene import sample_scene
from schedule import Schedule

SHARD = 500
AT_ONCE = 50
STEPS = 20  # of the inversion, as the sampler's default
GRID = Schedule.trailing(STEPS)[::2]  # timesteps whose keys and values are kept, descending
LAYERS = ((16, 192), (16, 192), (64, 128), (64, 128))  # tokens and width of the picture model's decoder layers


def pooled_of(out: Path, split: int, seed: int, first: int) -> Path:
    """Where the pooled values of the pictures from `first` on are kept."""
    return out / f"{split}_{seed}_{first // SHARD:04d}.pooled.npy"


def tokens_of(pooled: Path) -> Path:
    """Where the tokens of the same pictures are kept."""
    return pooled.with_name(pooled.name.replace(".pooled.", ".tokens."))


def scene_numbers(pooled: Path) -> tuple[int, int, int]:
    """Split, seed and first index of a shard's scenes."""
    split, seed, shard = map(int, pooled.name.split(".")[0].split("_"))
    return split, seed, shard * SHARD


def paint_scene(split: int, seed: int, index: int) -> np.ndarray:
    """The picture uint8 (128, 128, 3) of a scene."""
    scene = sample_scene(np.random.default_rng([split, seed, index]))
    return paint(scene, np.random.default_rng([split, seed, index, PICTURE_STREAM]))


class Viewer:
    """Looks at pictures as the engine does."""

    def __init__(self, work: Path) -> None:
        self.schedule = Schedule()
        self.vae, self.model, self.scale = load_image_model(work, torch.device("cpu"))
        self.taps = synapse.capture(self.model.unet)

    @torch.no_grad()
    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled clean values f32 (n, p) and tokens f16 (n, steps, 45056) of uint8 pictures (n, 3, 64, 64)."""
        x = encode(self.vae, pictures) * self.scale
        pooled, seen = None, []
        for here, there in zip([None, *reversed(Schedule.trailing(STEPS))], [*reversed(Schedule.trailing(STEPS)), None]):
            v = self.model(x, torch.full((len(x),), here or 0))
            if here is None:
                pooled = synapse.pooled_values(self.taps)
            elif here in GRID:
                seen.append(self._tokens())
            if there is not None:
                x = self.schedule.step(x, v, here, there)
        return pooled, torch.stack(seen[::-1], 1)

    def _tokens(self) -> Tensor:
        return torch.cat([part.flatten(1).half() for tap in self.taps for part in (tap.keys, tap.values)], 1)


def unpack(tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Keys and values (n, tokens, width) of every layer from rows (n, 45056)."""
    sizes = [length * width for length, width in LAYERS for _ in range(2)]
    parts = iter(tokens.float().split(sizes, 1))
    return [tuple(next(parts).unflatten(1, shape) for _ in range(2)) for shape in LAYERS]


def write(viewer: Viewer, split: int, seed: int, first: int, count: int, path: Path, varied: bool) -> None:
    """Paint, look at and write one shard."""
    pictures = np.stack([paint_scene(split, seed, first + i) for i in range(count)])
    small = shrink(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    small = vary(small, torch.Generator().manual_seed(first + 1)) if varied else small
    pooled, tokens = (torch.cat(each).numpy() for each in zip(*(viewer.look(some) for some in small.split(AT_ONCE))))
    np.save(tokens_of(path), tokens)
    # Last, so that a reader sees all of it or nothing.
    partial = path.with_suffix(".partial.npy")
    np.save(partial, pooled)
    os.replace(partial, path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--begin", type=int, default=0, help="the first picture's index, a multiple of 500")
    parser.add_argument("--count", type=int, default=SHARD)
    parser.add_argument("--plain", action="store_true", help="as painted: for held-out pictures")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    viewer, end = Viewer(options.work), options.begin + options.count
    for first in range(options.begin, end, SHARD):
        path = pooled_of(options.out, options.split, options.seed, first)
        if not path.exists():
            write(viewer, options.split, options.seed, first, min(SHARD, end - first), path, not options.plain)
            print(path.name, flush=True)


if __name__ == "__main__":
    main()
